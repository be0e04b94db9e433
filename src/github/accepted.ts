/**
 * What stands behind the policy's rows `accepted`: the commits that a row covers, their difference
 * and dry run, and the merged pull request that added the row. Whether it counts, the rules say.
 */
import { z } from 'zod';
import { effectivePolicy } from '../core/effective-policy.ts';
import type { AcceptedCommits, Change, Commit, RangeCommit } from '../core/evidence.ts';
import type { AcceptedRow, Policy } from '../core/policy.ts';
import { readBlobs } from './blobs.ts';
import { getPages } from './clients.ts';
import { commitOf } from './commit-facts.ts';
import type { GatherParts } from './gather-pull.ts';
import { readMergedChange } from './merged-change.ts';
import { POLICY_PATH } from './policy-files.ts';
import { commitsQuery } from './queries.ts';
import { groupEndingAt, historySchema, type ListedCommit, readLinks } from './range.ts';
import { parseAnswer, place, type Reading, refuseErrors } from './reading.ts';
import { contains, type Start } from './release-start.ts';
import { readTree } from './trees.ts';
import { readBetween } from './whole-range.ts';

/** Commits that one query asks about, and how far back the row's own commit is looked for. */
const PER_QUERY = 50;
const HISTORY_PAGES = 3;

/** The rows of a policy; none where the floor forbids them. */
export function rowsOf({ accepted }: Policy): readonly AcceptedRow[] {
  return accepted === 'never' ? [] : accepted;
}

/**
 * The commit that a row says to run there, while nothing better is known. It must be in what is
 * asked for, and what is asked for must hold whatever we released: else going back looked forward.
 */
export async function acceptedStart(
  reading: Reading,
  start: Start,
  asked: { readonly sha: string; readonly policy: Policy },
): Promise<Start> {
  if (start.sha !== null) return start;
  if (start.newest !== null && !(await contains(reading, asked.sha, start.newest.sha)))
    return start;
  let nearest: string | null = null;
  for (const { through } of rowsOf(asked.policy)) {
    if (!(await contains(reading, asked.sha, through))) continue;
    if (nearest === null || (await contains(reading, through, nearest))) nearest = through;
  }
  return nearest === null ? start : { ...start, sha: nearest, origin: 'accepted' };
}

export interface AcceptedAsked {
  readonly start: Start;
  readonly policy: Policy;
  readonly baseRef: string;
  /** The range as it was listed, and as it was judged. */
  readonly commits: readonly ListedCommit[];
  readonly range: readonly RangeCommit[];
  readonly changes: readonly Change[];
  readonly status: string | null;
}

/** The rows that this deployment needs; a row for commits that are reviewed anyway is left out. */
export async function readAccepted(
  reading: Reading,
  parts: GatherParts,
  asked: AcceptedAsked,
): Promise<readonly AcceptedCommits[]> {
  const { start, policy, range, status } = asked;
  const bySha = new Map(asked.commits.map((commit) => [commit.sha, commit]));
  const unproven = new Set(
    range.flatMap((one) => (one.pull === null || one.equalsReviewed !== true ? [one.sha] : [])),
  );
  const found: AcceptedCommits[] = [];
  for (const row of rowsOf(policy)) {
    const covered = coveredBy(row, bySha);
    const isStart = start.origin === 'accepted' && start.sha === row.through;
    const isWhole = status === 'diverged' && row.from === start.sha && bySha.has(row.through);
    if (!isStart && !isWhole && !covered.some((sha) => unproven.has(sha))) continue;
    const addedBy = await readAddedBy(reading, parts, row, asked);
    const { from, through } = row;
    const change = isStart
      ? null
      : await readCovered(reading, parts, { row, covered, bySha }, asked);
    found.push({ from, through, shas: covered, change, addedBy });
  }
  return found;
}

/** Commits of the range that a row covers: those behind `through` that are not behind `from`. */
function coveredBy(row: AcceptedRow, bySha: ReadonlyMap<string, ListedCommit>): readonly string[] {
  const not = row.from === null ? new Set<string>() : behind(row.from, bySha);
  return [...behind(row.through, bySha)].filter((sha) => !not.has(sha));
}

function behind(sha: string, bySha: ReadonlyMap<string, ListedCommit>): Set<string> {
  const found = new Set<string>();
  const open = [sha];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const commit = bySha.get(next);
    if (commit === undefined || found.has(next)) continue;
    found.add(next);
    open.push(...commit.parents);
  }
  return found;
}

interface Covered {
  readonly row: AcceptedRow;
  readonly covered: readonly string[];
  readonly bySha: ReadonlyMap<string, ListedCommit>;
}

/**
 * What the covered commits do. They are compared with `from` only if that is in the range and behind
 * them; with anything else a reviewer could be shown less than what reaches the environment.
 */
async function readCovered(
  reading: Reading,
  parts: GatherParts,
  { row, covered, bySha }: Covered,
  { start, baseRef, policy }: AcceptedAsked,
): Promise<Change | null> {
  if (start.sha === null) return null;
  const isBehind = row.from !== null && behind(row.through, bySha).has(row.from);
  const fromSha = isBehind && row.from !== null ? row.from : start.sha;
  const ends = { fromSha, sha: row.through, baseRef };
  const change = await readBetween(reading, parts, ends, policy);
  return { ...change, commits: await readCommits(reading, covered) };
}

/** The commits with everybody they name: none of these can accept them. */
async function readCommits(reading: Reading, shas: readonly string[]): Promise<readonly Commit[]> {
  const commits: Commit[] = [];
  for (let at = 0; at < shas.length; at += PER_QUERY) {
    const group = shas.slice(at, at + PER_QUERY);
    const { owner, name } = reading.repo;
    const answer = await reading.client.query(commitsQuery(group), { owner, name });
    refuseErrors(answer, 'the accepted commits');
    const schema = z.object({ repository: z.record(z.string(), z.unknown()) });
    const { repository } = parseAnswer(schema, answer.data, 'the accepted commits');
    for (const index of group.keys()) {
      commits.push(commitOf(reading, repository[`c${index}`], 'an accepted commit'));
    }
  }
  return commits;
}

/**
 * The merged pull request that brought the row onto the default branch. It is proven by content and
 * not by dates: the row is not there before its merge and is there after it, as it was reviewed.
 */
async function readAddedBy(
  reading: Reading,
  parts: GatherParts,
  row: AcceptedRow,
  { policy, baseRef, changes, range }: AcceptedAsked,
): Promise<Change | null> {
  const adder = await adderOf(reading, row, baseRef);
  if (adder === null) return null;
  for (const { mergeCommitSha } of (await readLinks(reading, [adder])).get(adder) ?? []) {
    const group = await groupEndingAt(reading, mergeCommitSha);
    if (group === null || group.pull === null || group.ontoSha === null) continue;
    if (await hasRow(reading, row, group.ontoSha)) continue;
    if (!(await hasRow(reading, row, group.lastSha))) continue;
    const known = changes.find((change) => change.pull === group.pull);
    const own = range.filter((one) => one.pull === group.pull);
    if (known !== undefined && own.every((one) => one.equalsReviewed === true)) return known;
    const { change, equalsReviewed } = await readMergedChange(reading, parts, group, { policy });
    if (change !== null && equalsReviewed === true) return change;
  }
  return null;
}

/** The oldest commit of an unbroken line, from now on back, whose policy file holds the row. */
async function adderOf(reading: Reading, row: AcceptedRow, branch: string): Promise<string | null> {
  const { rows } = await getPages(reading.client, '/repos/{owner}/{repo}/commits', {
    parameters: { ...place(reading.repo), sha: branch, path: POLICY_PATH },
    pages: HISTORY_PAGES,
    rows: (data) => parseAnswer(historySchema, data, 'the history of the policy'),
  });
  let adder: string | null = null;
  for (const { sha } of rows) {
    if (!(await hasRow(reading, row, sha))) break;
    adder = sha;
  }
  return adder;
}

async function hasRow(reading: Reading, row: AcceptedRow, sha: string): Promise<boolean> {
  const entries = await readTree(reading, sha);
  const file = entries.find((entry) => entry.path === POLICY_PATH);
  if (file === undefined) return false;
  const blobs = await readBlobs(reading, [{ sha: file.blob, sizeBytes: file.sizeBytes }]);
  const content = blobs.get(file.blob);
  if (content === undefined) return false;
  const text = new TextDecoder().decode(content);
  const { owner, name } = reading.repo;
  const at = { repo: `${owner}/${name}`, path: POLICY_PATH, commitSha: sha, blob: file.blob };
  const { policy } = effectivePolicy({ repository: { ...at, text }, base: null, floor: null });
  return rowsOf(policy).some((own) => own.from === row.from && own.through === row.through);
}
