/** Notices in the outbox: one comment is edited, and an end is told only where the wait was told. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Effect } from '../../src/core/effect.ts';
import { locatorKey } from '../../src/core/subject.ts';
import { sendDue } from '../../src/store/outbox.ts';
import { Desk, openTestStore, type TestStore } from './help.ts';
import { judged, repoOf } from './judged.ts';

describe('notices', () => {
  let t: TestStore;
  before(async () => {
    t = await openTestStore();
  });
  after(() => t.close());

  function told(installationId: number, over: boolean): readonly Effect[] {
    const repo = repoOf(installationId);
    const at = { repo, environment: 'production', over };
    const state = over ? 'released' : 'waits';
    return [
      { kind: 'pull-comment', key: `comment:${state}`, ...at, pull: 7, body: state },
      { kind: 'notice', key: `notice:${state}`, ...at, runId: 70, title: state, lines: [] },
    ];
  }

  /** Records a judgement of run 70 and sends what is due. */
  async function judge(installationId: number, over: boolean, desk: Desk): Promise<void> {
    const repo = repoOf(installationId);
    const verdict = over ? 'allow' : 'hold';
    t.clock.nowMs += 60_000;
    const wish = { repo, runId: 70, readAtMs: t.clock.nowMs } as const;
    const one = judged({ ...wish, verdict, effects: told(installationId, over) });
    await t.store.record.record(one);
    const sealNow = async (): Promise<void> => undefined;
    const parts = { sql: t.store.sql, enact: desk, sealNow, now: () => t.clock.nowMs };
    await sendDue({ ...parts, random: () => 1 }, locatorKey(one.locator));
  }

  const sent = (desk: Desk): readonly string[] => desk.sent.map(({ effect }) => effect.key);

  test('the comment of the wait is edited at its end, and nothing is said twice', async () => {
    const desk = new Desk();
    await judge(1, false, desk);
    await judge(1, false, desk);
    assert.deepEqual(sent(desk), ['comment:waits', 'notice:waits']);
    await judge(1, true, desk);
    assert.deepEqual(sent(desk).slice(2), ['comment:released', 'notice:released']);
    assert.equal(desk.sent[2]?.known.comment, 1001);
  });

  test('who was not told of a wait is not told of its end', async () => {
    const desk = new Desk();
    await judge(2, true, desk);
    assert.deepEqual(sent(desk), []);
  });

  test('a chat that refused leaves nothing behind that would hold anything up', async () => {
    const desk = new Desk();
    desk.answers.push({}, { status: 'refused', githubId: null });
    await judge(3, false, desk);
    await judge(3, true, desk);
    assert.deepEqual(sent(desk), ['comment:waits', 'notice:waits', 'comment:released']);
  });
});
