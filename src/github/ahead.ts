/**
 * Reads the merged pull requests of a range together, where that saves requests: their lists, the
 * app that each was opened through, the pushes to their branches, and the trees. Each comes out
 * exactly as when it is read alone; what is not in a common answer is read alone.
 */
import { z } from 'zod';
import { getPages } from './clients.ts';
import { GitHubFault } from './faults.ts';
import { readPulls } from './pull-facts.ts';
import type { PullFacts } from './pull-shapes.ts';
import { type Activity, activitySchema } from './pushes.ts';
import type { MergeGroup } from './range.ts';
import { parseAnswer, place, type Reading } from './reading.ts';
import { type AlreadyRead, NOTHING_READ, settledOf } from './settle.ts';
import { readSettled, type Settled, settledKey } from './settled.ts';
import { preloadTrees } from './trees.ts';
import { viaAppSchema, viaAppOf } from './change.ts';

/** What was read of several merged pull requests at once; what is missing is read one by one. */
export interface Ahead {
  readonly facts: ReadonlyMap<number, PullFacts>;
  readonly settled: ReadonlyMap<string, Settled>;
}

export const NOTHING_AHEAD: Ahead = { facts: new Map(), settled: new Map() };

/** From so many pull requests on, they are read together. */
const TOGETHER = 2;
/** One page of a list of the whole repository is worth reading for so many pull requests. */
const PULLS_PER_PAGE = 5;

interface Merged {
  readonly number: number;
  readonly group: MergeGroup;
  readonly ontoSha: string;
  readonly facts: PullFacts;
  readonly key: string;
}

/** Reads the pull requests of a range by few requests: their lists, what is kept, and the trees. */
export async function readAhead(reading: Reading, groups: readonly MergeGroup[]): Promise<Ahead> {
  const numbers = [...new Set(groups.flatMap(({ pull }) => (pull === null ? [] : [pull])))];
  if (numbers.length < TOGETHER) return NOTHING_AHEAD;
  const facts = await readPulls(reading, numbers);
  const merged = groups.flatMap((group) => mergedOf(group, facts));
  const settled = await settleAll(reading, merged);
  const ends = merged.flatMap(({ group, facts: { pull }, key }) => {
    const comparison = settled.get(key)?.comparison;
    const known = [comparison?.baseTree, comparison?.mergeBaseTree, pull.headRefOid];
    return [group.lastSha, ...known.filter((sha) => sha !== undefined)];
  });
  // The newest first: it is read whole, and most folders of the others are in it.
  await preloadTrees(reading, ends.toReversed());
  return { facts, settled };
}

function mergedOf(group: MergeGroup, known: ReadonlyMap<number, PullFacts>): Merged[] {
  const { pull: number, ontoSha } = group;
  const facts = known.get(number ?? 0);
  if (number === null || ontoSha === null || facts?.pull.state !== 'MERGED') return [];
  const key = settledKey(number, facts.pull.headRefOid, group);
  return [{ number, group, ontoSha, facts, key }];
}

/** What cannot change about each of them: as it is kept, else read now and kept. */
async function settleAll(
  reading: Reading,
  merged: readonly Merged[],
): Promise<ReadonlyMap<string, Settled>> {
  const settled = new Map(
    await readSettled(
      reading,
      merged.map(({ key }) => key),
    ),
  );
  const missing = merged.filter(({ key }) => !settled.has(key));
  if (missing.length === 0) return settled;
  const read = await readLists(reading, missing);
  for (const { key, ...one } of missing) {
    // One after the other, as GitHub counts what is asked at the same time.
    settled.set(key, await settledOf(reading, one, read));
  }
  return settled;
}

/** The lists of the whole repository that tell of all of them, as far as a few pages go. */
async function readLists(reading: Reading, missing: readonly Merged[]): Promise<AlreadyRead> {
  const pages = Math.floor(missing.length / PULLS_PER_PAGE);
  if (pages === 0) return NOTHING_READ;
  const oldest = Math.min(...missing.map(({ number }) => number));
  return {
    viaApps: await readViaApps(reading, oldest, pages),
    activity: await readAllActivity(reading, pages),
  };
}

const issuesSchema = z.array(viaAppSchema.extend({ number: z.int() }));

/**
 * The apps through which the newest issues and pull requests were opened, by their numbers. A row
 * that does not say whether there was one is left out, and is then asked for alone.
 */
async function readViaApps(
  reading: Reading,
  oldest: number,
  pages: number,
): Promise<ReadonlyMap<number, string | null>> {
  const list = getPages(reading.client, '/repos/{owner}/{repo}/issues', {
    parameters: { ...place(reading.repo), state: 'all', sort: 'created', direction: 'desc' },
    pages,
    rows: (data) => parseAnswer(issuesSchema, data, 'the list of issues'),
    enough: (page) => page.some(({ number }) => number <= oldest),
  });
  const rows = (await orNothing(list))?.rows ?? [];
  return new Map(
    rows.flatMap((row) =>
      row.performed_via_github_app === undefined ? [] : [[row.number, viaAppOf(row)] as const],
    ),
  );
}

/** All that ever moved a branch of the repository; null when a few pages are not all of it. */
async function readAllActivity(
  reading: Reading,
  pages: number,
): Promise<readonly Activity[] | null> {
  const list = getPages(reading.client, '/repos/{owner}/{repo}/activity', {
    parameters: place(reading.repo),
    pages,
    rows: (data) => parseAnswer(activitySchema, data, 'the activity of the repository'),
  });
  const read = await orNothing(list);
  return read?.complete === true ? read.rows : null;
}

/** A list that GitHub does not give leaves the single requests; its limits are not pressed on. */
async function orNothing<List>(list: Promise<List>): Promise<List | null> {
  try {
    return await list;
  } catch (fault) {
    if (fault instanceof GitHubFault && fault.code !== 'github-limited') return null;
    throw fault;
  }
}
