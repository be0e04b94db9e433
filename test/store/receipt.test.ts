/** The receipt in the check run: the proof that its decision is in the audit log. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { leafHash } from '../../src/core/audit/merkle.ts';
import { openNote, parseVkey } from '../../src/core/audit/note.ts';
import { parseProof, provesInclusion } from '../../src/core/audit/proof.ts';
import { locatorKey } from '../../src/core/subject.ts';
import { withReceipt } from '../../src/core/words/receipt.ts';
import { sendDue, type OutboxParts } from '../../src/store/outbox.ts';
import { Desk, openTestStore, outboxParts, type TestStore } from './help.ts';
import { checkRun, judged, locatorOf, repoOf } from './judged.ts';

describe('the receipt of a check', () => {
  let t: TestStore;
  before(async () => {
    t = await openTestStore();
  });
  after(() => t.close());

  const parts = (desk: Desk): OutboxParts => outboxParts(t, desk);

  /** That a receipt proves the newest event of its log, by the log's own key and nothing else. */
  async function assertProven(receipt: string, logId: number): Promise<void> {
    const proof = parseProof(receipt);
    assert.ok(proof !== null, receipt);
    const key = parseVkey(t.store.key.vkey(logId));
    assert.ok(key !== null && openNote(proof.note, [key]) !== null);
    const rows = await t.root<{ body: string }[]>`
      select body from audit.event where log_id = ${logId} order by id`;
    const bodies = rows.map(({ body }) => body);
    const decided = bodies.findLast((body) => body.includes('"kind":"decision.made"'));
    assert.ok(decided !== undefined);
    assert.ok(provesInclusion(proof, leafHash(decided)));
    assert.ok(!provesInclusion(proof, leafHash(`${decided} `)));
  }

  test('a green check waits for the seal as well; one that holds is shown without its proof', async () => {
    const repo = repoOf(19);
    const key = locatorKey(locatorOf({ repo }));
    const desk = new Desk();
    const broken = { ...parts(desk), sealNow: () => Promise.reject(new Error('no key')) };
    const held = judged({ repo, verdict: 'hold', effects: [checkRun(repo, 'action_required')] });
    await t.store.record.record(held);
    await sendDue(broken, key);
    assert.deepEqual(desk.sent[0]?.known, { checkRunId: null, uncertain: false, receipt: null });
    const passed = judged({ repo, verdict: 'allow', effects: [checkRun(repo, 'success')] });
    await t.store.record.record(passed);
    await assert.rejects(sendDue(broken, key), /no key/);
    assert.equal(desk.sent.length, 1, 'nothing green left');
    await sendDue(parts(desk), key);
    assert.equal(desk.sent.length, 2);
    await assertProven(desk.sent[1]?.known.receipt ?? '', 19);
  });

  test('the receipt of an event stays the same, however much is sealed after it', async () => {
    const repo = repoOf(20);
    const key = locatorKey(locatorOf({ repo }));
    const desk = new Desk();
    // Lost twice: the same effect is sent three times.
    desk.answers.push({ status: 'retry' }, { status: 'retry' });
    await t.store.record.record(judged({ repo, effects: [checkRun(repo, 'action_required')] }));
    for (let round = 0; round < 3; round += 1) {
      await sendDue({ ...parts(desk), now: () => t.clock.nowMs + round * 3_600_000 }, key);
      for (let row = 0; row <= round; row += 1) {
        await t.store.record.record(judged({ repo, runId: 200 + round * 10 + row }));
      }
      await t.store.sealer.sealNow(20);
    }
    const receipts = desk.sent.map(({ known }) => known.receipt);
    assert.equal(receipts.length, 3);
    assert.equal(new Set(receipts).size, 1);
  });

  test('stands folded under the summary, and is left out where GitHub has no room for it', () => {
    const shown = withReceipt('Held.', 'c2sp.org/tlog-proof@v1\n');
    assert.match(shown, /^Held\.\n\n<details>[^]+```text\nc2sp\.org\/tlog-proof@v1\n```/);
    assert.equal(withReceipt('Held.', null), 'Held.');
    const long = 'é'.repeat(32_700);
    assert.equal(withReceipt(long, 'c2sp.org/tlog-proof@v1\n'), long);
  });
});
