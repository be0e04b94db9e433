/** A merged pull request of a deployment's range: what was reviewed, and whether that was merged. */
import type { TreeEntry } from '../core/dry-run.ts';
import type { Change } from '../core/evidence.ts';
import type { Policy } from '../core/policy.ts';
import { changeOf, checkCommits, readViaApp } from './change.ts';
import { readComparison } from './change-files.ts';
import { dryRunOf } from './dry-run.ts';
import { readEndsOf } from './ends.ts';
import type { GatherParts } from './gather-pull.ts';
import { knownAgents } from './involved.ts';
import { readMentions } from './mentions.ts';
import { type MergedTree, mergeTrees } from './merge-trees.ts';
import { POLICY_EXPRESSION } from './policy-files.ts';
import { readPull, readPulls } from './pull-facts.ts';
import type { PullFacts } from './pull-shapes.ts';
import { readPushes } from './pushes.ts';
import { groupEndingAt, type MergeGroup } from './range.ts';
import type { Reading } from './reading.ts';
import { keepSettled, readSettled, type Settled, settledKey } from './settled.ts';
import { differences, preloadTrees, readTree, sourceTree } from './trees.ts';

export interface MergedChange {
  readonly change: Change | null;
  readonly equalsReviewed: boolean | null;
  readonly difference: string | null;
}

/** What was read of several merged pull requests at once; what is missing is read one by one. */
export interface Ahead {
  readonly facts: ReadonlyMap<number, PullFacts>;
  readonly settled: ReadonlyMap<string, Settled>;
}

const NOTHING_AHEAD: Ahead = { facts: new Map(), settled: new Map() };

/** From so many pull requests on, they are read together. */
const TOGETHER = 2;

/** Reads the pull requests of a range by few requests: their lists, what is kept, and the trees. */
export async function readAhead(reading: Reading, groups: readonly MergeGroup[]): Promise<Ahead> {
  const numbers = [...new Set(groups.flatMap(({ pull }) => (pull === null ? [] : [pull])))];
  if (numbers.length < TOGETHER) return NOTHING_AHEAD;
  const facts = await readPulls(reading, numbers);
  const keys = groups.flatMap((group) => {
    const head = facts.get(group.pull ?? 0)?.pull.headRefOid;
    return group.pull === null || head === undefined ? [] : [settledKey(group.pull, head, group)];
  });
  const settled = await readSettled(reading, keys);
  const ends = groups.flatMap((group) => {
    const head = facts.get(group.pull ?? 0)?.pull.headRefOid;
    const kept = settled.get(settledKey(group.pull ?? 0, head ?? '', group))?.comparison;
    const known = [kept?.baseTree, kept?.mergeBaseTree, head];
    return group.pull === null ? [] : [group.lastSha, ...known.filter((sha) => sha !== undefined)];
  });
  // The newest first: it is read whole, and most folders of the others are in it.
  await preloadTrees(reading, ends.toReversed());
  return { facts, settled };
}

/**
 * Reads the pull request of a group of commits as it was merged. Reviewed content is the three-way
 * merge of its head onto the first parent of the merge, by path and blob.
 */
export async function readMergedChange(
  reading: Reading,
  parts: GatherParts,
  group: MergeGroup,
  asked: { readonly policy: Policy; readonly ahead?: Ahead },
): Promise<MergedChange> {
  const { policy, ahead = NOTHING_AHEAD } = asked;
  if (group.pull === null) {
    return nothing('GitHub has not linked this commit to a merged pull request (yet)');
  }
  if (group.ontoSha === null) return nothing('the commit has no parent to compare with');
  const number = group.pull;
  const facts = ahead.facts.get(number) ?? (await readFacts(reading, number));
  if (facts === null || facts.pull.state !== 'MERGED') {
    return nothing(`pull request #${number} is not shown as merged (yet)`);
  }
  const settled = await settledOf(reading, { facts, group, number, ontoSha: group.ontoSha }, ahead);
  const headSha = facts.pull.headRefOid;
  const [ends, deployed] = await Promise.all([
    readEndsOf(reading, number, { comparison: settled.comparison, headSha }),
    readTree(reading, group.lastSha),
  ]);
  checkCommits(reading, number, { facts, comparison: ends.comparison });
  const merged = await mergeTrees(reading, {
    base: ends.files.mergeBase,
    ours: ends.base,
    theirs: ends.files.head,
  });
  const trees = {
    base: sourceTree(reading, ends.base),
    head: sourceTree(reading, deployed),
    heads: [headSha],
  };
  const dryRun = await dryRunOf(reading, parts, trees, policy.migrations);
  const { pushes, viaApp } = settled;
  const change = await changeOf(reading, {
    number,
    facts,
    baseSha: group.ontoSha,
    ...ends,
    pushes,
    viaApp,
    agents: knownAgents(policy),
    dryRun,
    mentions: await readMentions(reading, dryRun, ends.base),
  });
  return { change, ...compareContent(merged, deployed) };
}

/**
 * Keeps what cannot change any more about a pull request that was merged, so that the gate, where
 * many come together, has only to ask for what can. When GitHub does not tell yet which commits it
 * was merged by, nothing is kept, and the gate reads it all.
 */
export async function settleMerged(
  reading: Reading,
  number: number,
  facts: PullFacts,
): Promise<void> {
  const sha = facts.pull.mergeCommit?.oid;
  const group = sha === undefined ? null : await groupEndingAt(reading, sha);
  if (group === null || group.pull !== number || group.ontoSha === null) return;
  await settledOf(reading, { facts, group, number, ontoSha: group.ontoSha }, NOTHING_AHEAD);
}

async function readFacts(reading: Reading, number: number): Promise<PullFacts | null> {
  const asked = { policyPath: POLICY_EXPRESSION, withOpen: false };
  return (await readPull(reading, number, asked)).facts;
}

interface MergedPull {
  readonly facts: PullFacts;
  readonly group: MergeGroup;
  readonly number: number;
  readonly ontoSha: string;
}

/** What cannot change any more: from memory, or read now and kept. */
async function settledOf(
  reading: Reading,
  { facts, group, number, ontoSha }: MergedPull,
  ahead: Ahead,
): Promise<Settled> {
  const headSha = facts.pull.headRefOid;
  const key = settledKey(number, headSha, group);
  const known = ahead.settled.get(key) ?? (await readSettled(reading, [key])).get(key);
  if (known !== undefined) return known;
  const gaps = reading.gaps.length;
  const [comparison, pushes, viaApp] = await Promise.all([
    readComparison(reading, ontoSha, headSha),
    readPushes(reading, number, facts),
    readViaApp(reading, number),
  ]);
  const settled = { comparison, pushes, viaApp };
  if (reading.gaps.length === gaps) await keepSettled(reading, key, facts, settled);
  return settled;
}

function nothing(difference: string): MergedChange {
  return { change: null, equalsReviewed: null, difference };
}

function compareContent(
  reviewed: Pick<MergedTree, 'entries' | 'conflicts' | 'guessed'>,
  deployed: readonly TreeEntry[],
): Pick<MergedChange, 'equalsReviewed' | 'difference'> {
  const unlike = differences(reviewed.entries, deployed).map((one) => one.path);
  const guessed = new Set(reviewed.guessed);
  const sure = unlike.find((path) => !guessed.has(path));
  // What could not be merged here, git may have put anywhere: only "not proven" is then true.
  if (sure !== undefined && reviewed.conflicts.length === 0) {
    return { equalsReviewed: false, difference: sure };
  }
  const unsure = reviewed.conflicts[0] ?? unlike[0];
  if (unsure === undefined) return { equalsReviewed: true, difference: null };
  const difference = `${unsure} was changed on both sides and its merge cannot be computed`;
  return { equalsReviewed: null, difference };
}
