/**
 * The line is cut at every point that exists: before and after each statement of a server's start and
 * work (its process killed, PostgreSQL killed, the network cut) and at each request to GitHub (502,
 * silence after the work, limited, the process killed). Every time the end is the same as without the
 * cut. The points are counted in a play without one, so that a new step is cut too. Every kind at the
 * first time of each statement or request, the kinds in turn by the seed at its later times;
 * `CUTS=all`: every kind at each. Several grounds at once, as a play mostly waits.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Cut, CutPlay, type End, told } from './cut-play.ts';
import { chosen, comesAlways, type Counted, cutsOf } from './cut-points.ts';

const SEED = Number(process.env['SEED'] ?? 1);
const LANES = Number(process.env['LANES'] ?? 6);
const LIMIT_MS = 60 * 60_000;

async function plain(line: CutPlay): Promise<Counted & { readonly end: End }> {
  const start = await line.restart();
  const { end, statements: work, requests } = await line.play(null);
  return { end, start, work, requests };
}

async function opened(): Promise<CutPlay> {
  const line = await CutPlay.open();
  await line.play(null);
  return line;
}

/**
 * Takes cuts from the list until it is empty; answers what did not end as it should. `missed` gets
 * those whose point the clock did not bring.
 */
async function lane(left: Cut[], end: End, missed: string[]): Promise<readonly string[]> {
  const wrong: string[] = [];
  let line = await opened();
  for (let cut = left.shift(); cut !== undefined; cut = left.shift()) {
    try {
      let played = await line.play(cut);
      if (!played.met && comesAlways(cut)) {
        // The points are those of the first play after a start, which has a few more steps.
        await line.restart();
        played = await line.play(cut);
      }
      assert.deepEqual(played.end, end);
      if (comesAlways(cut)) assert.ok(played.met, 'the point came by');
      else if (!played.met) missed.push(told(cut));
      if (left.length % 25 === 0) process.stderr.write(`${left.length} cuts are left\n`);
    } catch (error) {
      wrong.push(`${told(cut)}: ${error instanceof Error ? error.message : String(error)}`);
      process.stderr.write(`${wrong.at(-1)}\n`);
      // What is left of it would only disturb the next one.
      await line.close();
      line = await opened();
    }
  }
  await line.close();
  return wrong;
}

test('a line that is cut at any point ends as one that was not', {
  timeout: LIMIT_MS,
}, async (t) => {
  const line = await opened();
  const counted = await plain(line);
  const again = await plain(line);
  await line.close();
  const points = cutsOf(counted);
  const names = (of: typeof points): readonly string[] =>
    of.flat().filter(comesAlways).map(told).toSorted();
  assert.deepEqual(names(points), names(cutsOf(again)), 'every play has the same points');
  const { end } = counted;
  assert.deepEqual([end.gate, end.unsent, end.doubled, end.unsealed], ['approved', 0, 0, 0]);
  const cuts = process.env['CUTS'] === 'all' ? points.flat() : chosen(points, SEED);
  t.diagnostic(`seed ${SEED}: ${cuts.length} cuts at ${points.length} points`);
  const left = [...cuts];
  const missed: string[] = [];
  const wrong = await Promise.all(Array.from({ length: LANES }, () => lane(left, end, missed)));
  t.diagnostic(`${missed.length} cuts waited for a step that the clock did not bring`);
  assert.deepEqual(wrong.flat(), []);
});
