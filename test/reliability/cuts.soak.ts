/**
 * The line is cut at every point that exists: before and after each statement of a server's start and
 * work (its process killed, PostgreSQL killed, the network cut) and at each request to GitHub (502,
 * silence after the work, limited, the process killed). Every time the end is the same as without the
 * cut. The points are counted in a play without one, so that a new step is cut too. At each point the
 * kinds take turns by the seed; `CUTS=all`: all of them at each.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Cut, CutPlay, told } from './cut-play.ts';
import { cutsOf } from './cut-points.ts';

const ALL = process.env['CUTS'] === 'all';
const SEED = Number(process.env['SEED'] ?? 1);

function turns(points: readonly (readonly Cut[])[]): readonly Cut[] {
  if (ALL) return points.flat();
  return points.flatMap((kinds, at) => kinds[(SEED + at) % kinds.length] ?? []);
}

describe('a line that is cut at any point', () => {
  let line: CutPlay;
  before(async () => {
    line = await CutPlay.open();
    await line.play(null);
  });
  after(() => line.close());

  test('has the same points in every play', async () => {
    const points = [];
    for (let count = 0; count < 2; count += 1) {
      const start = await line.restart();
      const { statements: work, requests } = await line.play(null);
      points.push(cutsOf({ start, work, requests }).flat().map(told).toSorted());
    }
    assert.deepEqual(points[0], points[1]);
  });

  test('ends as one that was not', async (t) => {
    const start = await line.restart();
    const { end, statements: work, requests } = await line.play(null);
    assert.deepEqual([end.gate, end.unsent, end.doubled, end.unsealed], ['approved', 0, 0, 0]);
    const cuts = turns(cutsOf({ start, work, requests }));
    t.diagnostic(`seed ${SEED}, ${cuts.length} cuts`);
    for (const cut of cuts) {
      const played = await line.play(cut).catch((cause: unknown) => {
        throw new Error(`${told(cut)} (seed ${SEED})`, { cause });
      });
      assert.deepEqual(played.end, end, `${told(cut)} (seed ${SEED})`);
      assert.ok(played.met, `the point came by: ${told(cut)}`);
    }
  });
});
