/** A few of the cuts of `cuts.soak.ts`, at the points where the most is at stake. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Cut, CutPlay, type End, told } from './cut-play.ts';
import { cutsOf } from './cut-points.ts';

/** Where, and how; each names exactly one cut of the whole list. */
const SAMPLE: readonly RegExp[] = [
  // The delivery of the review is lost with the process, and nobody has stored it.
  /^process before with given as materialized .*json_to_recordset.* \(4, work\)/,
  // The gate was answered, and the answer never came.
  /^process at actions\/review-custom-gates-for-run \(1\)/,
  // The queue's runner never learns the numbers of its tasks, and would fetch nothing for ever.
  /^network before select id, identifier from "graphile_worker"\._private_tasks .* \(1, start\)/,
];

describe('a line that is cut', () => {
  let line: CutPlay;
  let end: End;
  let cuts: readonly Cut[];
  before(async () => {
    line = await CutPlay.open();
    await line.play(null);
    const start = await line.restart();
    const plain = await line.play(null);
    end = plain.end;
    cuts = cutsOf({ start, work: plain.statements, requests: plain.requests }).flat();
    assert.deepEqual([end.gate, end.unsent, end.doubled, end.unsealed], ['approved', 0, 0, 0]);
  });
  after(() => line.close());

  for (const pattern of SAMPLE) {
    test(`ends as one that was not: ${pattern.source}`, async () => {
      const found = cuts.filter((cut) => pattern.test(told(cut)));
      assert.equal(found.length, 1, found.map(told).join('\n'));
      const [cut] = found;
      assert.ok(cut);
      const played = await line.play(cut);
      assert.ok(played.met, 'the point came by');
      assert.deepEqual(played.end, end);
    });
  }
});
