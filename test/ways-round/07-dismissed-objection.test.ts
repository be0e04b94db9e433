/** A change request that somebody else takes away: GitHub lets everybody with write access do so. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Pull } from '../github/pull.ts';
import type { Review } from '../github/state.ts';
import { against, type Line, openLine, shop, work } from './line.ts';

let line: Line;
before(async () => {
  line = await openLine();
});
after(() => line.close());

/** Approved by one person, with changes asked for by another. */
async function objected(): Promise<{ readonly pull: Pull; readonly objection: Review }> {
  const pull = await work(await shop(line), { author: 'maria' });
  await line.pull(pull);
  await pull.review({ by: 'octavia' });
  const objection = await pull.review({ by: 'olaf', state: 'CHANGES_REQUESTED' });
  assert.deepEqual(against(await line.pull(pull)), ['changes-requested']);
  return { pull, objection };
}

describe('a dismissed change request', () => {
  for (const [who, by] of [
    ['the author', 'maria'],
    ['an agent', 'Copilot'],
    ['somebody with write access only', 'ben'],
    ['the person who approved', 'octavia'],
  ] as const) {
    test(`stays open when ${who} dismissed it`, async () => {
      const { pull, objection } = await objected();
      await pull.dismiss(objection, by, 'not needed');
      const seen = await line.pull(pull);
      assert.deepEqual(against(seen), ['changes-requested']);
      assert.equal(seen.decision.verdict, 'hold');
      await pull.review({ by: 'olaf' });
      assert.equal((await line.pull(pull)).decision.verdict, 'allow');
    });
  }

  for (const by of ['olaf', 'boss']) {
    test(`is cleared by ${by === 'olaf' ? 'the person who made it' : 'an administrator'}`, async () => {
      const { pull, objection } = await objected();
      await pull.dismiss(objection, by, 'settled');
      assert.equal((await line.pull(pull)).decision.verdict, 'allow');
    });
  }

  test('stays open when the administrator who dismissed it has pushed to the branch', async () => {
    const { pull, objection } = await objected();
    await pull.push({ files: { 'src/more.ts': '2;\n' }, author: 'boss' });
    await line.pull(pull);
    await pull.review({ by: 'octavia' });
    await pull.dismiss(objection, 'boss', 'settled');
    assert.deepEqual(against(await line.pull(pull)), ['changes-requested']);
  });
});
