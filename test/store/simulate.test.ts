/** `tagout policy simulate --recorded` over the real record. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { run } from '../../src/cli.ts';
import { SUPERUSER } from '../../src/postgres/cluster.ts';
import { keptIo } from '../cli/io.ts';
import { openTestStore } from './help.ts';
import { judged, repoOf } from './judged.ts';

test('a recorded decision is judged again as if somebody had approved it', async () => {
  const t = await openTestStore();
  try {
    const { eventId } = await t.store.record.record(judged({ repo: repoOf(1) }));
    const simulated = async (recorded: string, login: string) => {
      const io = keptIo({}, t.dataDir);
      const url = t.url(SUPERUSER);
      const asked = ['--recorded', recorded, '--database-url', url, '--format', 'json'];
      const code = await run(['policy', 'simulate', ...asked, '--approver', login], io);
      assert.equal(code, 0, io.printed.err);
      return JSON.parse(io.printed.out);
    };
    const told = await simulated('acme/shop#7', 'carol');
    assert.equal(told.before.verdict, 'hold');
    assert.deepEqual(
      told.after.counted.map((one: { person: { login: string } }) => one.person.login),
      ['carol'],
    );
    assert.equal(told.after.verdict, 'allow');
    assert.equal((await simulated(eventId, 'Copilot')).after.verdict, 'hold');
    const none = keptIo({}, t.dataDir);
    const asked = ['--recorded', 'acme/shop#8', '--database-url', t.url(SUPERUSER)];
    assert.notEqual(await run(['policy', 'simulate', ...asked], none), 0);
    assert.match(none.printed.err, /No decision about acme\/shop#8 is recorded here/);
  } finally {
    await t.close();
  }
});
