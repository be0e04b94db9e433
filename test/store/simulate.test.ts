/** `tagout policy simulate --recorded` over the real record. */
import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { run } from '../../src/cli.ts';
import { sealEvidence } from '../../src/core/audit/evidence-texts.ts';
import { SUPERUSER } from '../../src/postgres/cluster.ts';
import { keptIo } from '../cli/io.ts';
import { openTestStore, type TestStore } from './help.ts';
import { judged, repoOf } from './judged.ts';

describe('policy simulate over recorded evidence', () => {
  let t: TestStore;
  before(async () => {
    t = await openTestStore();
  });
  after(() => t.close());

  const simulate = async (args: readonly string[], env: Record<string, string> = {}) => {
    const io = keptIo(env, t.dataDir);
    const code = await run(['policy', 'simulate', ...args], io);
    return { code, ...io.printed };
  };
  const inRecord = (recorded: string, ...more: readonly string[]) =>
    simulate(['--recorded', recorded, '--database-url', t.url(SUPERUSER), ...more]);
  const judgedAgain = async (recorded: string, ...more: readonly string[]) => {
    const { code, out, err } = await inRecord(recorded, '--format', 'json', ...more);
    assert.equal(code, 0, err);
    return JSON.parse(out);
  };
  const countedIn = (decision: { counted: readonly { person: { login: string } }[] }) =>
    decision.counted.map(({ person }) => person.login);
  const policyFile = (name: string, text: string): string => {
    writeFileSync(join(t.dataDir, name), text);
    return name;
  };

  test('a recorded decision is judged again as if somebody had approved it', async () => {
    const { eventId } = await t.store.record.record(judged({ repo: repoOf(1) }));
    const told = await judgedAgain('acme/shop#7', '--approver', 'carol');
    assert.equal(told.before.verdict, 'hold');
    assert.deepEqual(countedIn(told.after), ['carol']);
    assert.equal(told.after.verdict, 'allow');
    const agent = await judgedAgain(eventId, '--approver', 'Copilot');
    assert.equal(agent.after.verdict, 'hold');
    const none = await inRecord('acme/shop#8');
    assert.equal(none.code, 1);
    assert.match(none.err, /No decision about acme\/shop#8 is recorded here/);
    const wrong = await inRecord('shop');
    assert.equal(wrong.code, 64);
    assert.match(wrong.err, /owner\/repo@ENVIRONMENT, the id of a run/);
  });

  test('under another policy: the file in place of the repository’s, the floor in place of its own', async () => {
    await t.store.record.record(judged({ repo: repoOf(1) }));
    const two = policyFile(
      'two.yml',
      'environments: { production: { match: [production], reviews: { low: { count: 2 } } } }\n',
    );
    const told = await judgedAgain('acme/shop#7', two, '--approver', 'carol');
    assert.deepEqual([told.recorded.needed[0].count, told.before.needed[0].count], [1, 2]);
    assert.equal(told.after.verdict, 'hold');
    const both = await judgedAgain('acme/shop#7', two, '--approver', 'carol', '--approver', 'dave');
    assert.equal(both.after.verdict, 'allow');
    const floor = await judgedAgain('acme/shop#7', '--floor', two, '--approver', 'carol');
    assert.equal(floor.after.verdict, 'hold');
    const text = await inRecord('acme/shop#7', two, '--approver', 'carol');
    assert.match(text.out, /^As recorded: .*\nUnder two\.yml: .*2 independent approvals needed\n/);
    assert.match(text.out, /If carol approved: .* 1 independent approval needed\n/);
    const broken = await judgedAgain('acme/shop#7', policyFile('bad.yml', 'undeclred: human\n'));
    assert.deepEqual([broken.recorded.verdict, broken.before.verdict], ['hold', 'hold']);
    assert.ok(
      broken.before.opinions.some((one: { code: string }) => one.code === 'policy-unreadable'),
    );
  });

  test('a deployment is found by its environment and by its run, and who started it by id', async () => {
    const one = judged({ repo: repoOf(2), runId: 4711, environment: 'Production' });
    await t.store.record.record(one);
    const barring = policyFile(
      'barring.yml',
      'environments: { production: { match: [production], notDeployer: true } }\n',
    );
    for (const asked of ['acme/shop@production', '4711']) {
      const told = await judgedAgain(asked, barring, '--approver', 'MARTA');
      const [refused] = told.after.refused;
      assert.deepEqual([refused.person.id, refused.codes], [2, ['R07']], asked);
    }
    assert.equal((await inRecord('acme/shop@staging')).code, 1);
    assert.equal((await inRecord('4712')).code, 1);
  });

  test('evidence in a file is judged; what is sealed, a folder or something else is refused', async () => {
    const { evidence } = judged({ repo: repoOf(3) });
    const asked = ['--format', 'json', '--approver', 'carol', '--evidence'];
    const file = policyFile('evidence.json', JSON.stringify(evidence));
    const told = await simulate([...asked, file]);
    assert.equal(told.code, 0, told.err);
    assert.equal(JSON.parse(told.out).after.verdict, 'allow');
    const sealed = sealEvidence(evidence, () => new Uint8Array(16));
    const refused = await simulate([...asked, policyFile('sealed.json', sealed.body)]);
    assert.equal(refused.code, 1);
    assert.match(refused.err, /sealed\.json is sealed: \d+ texts of it are commitments/);
    assert.match(refused.err, /Judge it where its record lies, with --recorded/);
    assert.match((await simulate([...asked, '.'])).err, /is a folder, not evidence/);
    for (const text of ['{', '{}', '{"v":1,"changes":[]}', '[1]', 'null']) {
      const other = await simulate([...asked, policyFile('other.json', text)]);
      assert.equal(other.code, 1, text);
      assert.match(other.err, /evidence/);
    }
  });
});

test('the server’s own store is opened where no address is given', async () => {
  const t = await openTestStore();
  await t.store.record.record(judged({ repo: repoOf(1) }));
  await t.close({ keep: true });
  const io = keptIo({ TAGOUT_DATA: t.dataDir }, t.dataDir);
  const asked = ['--recorded', 'acme/shop#7', '--approver', 'carol'];
  try {
    assert.equal(await run(['policy', 'simulate', ...asked], io), 0, io.printed.err);
    assert.match(io.printed.out, /If carol approved: \w+: 1 independent approval/);
    const none = keptIo({ TAGOUT_DATA: join(t.dataDir, 'none') }, t.dataDir);
    assert.equal(await run(['policy', 'simulate', ...asked], none), 78);
    assert.match(none.printed.err, /There is no store in/);
  } finally {
    rmSync(t.dataDir, { recursive: true, force: true });
  }
});
