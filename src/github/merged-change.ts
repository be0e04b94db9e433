/** A merged pull request of a deployment's range: what was reviewed, and whether that was merged. */
import type { TreeEntry } from '../core/dry-run.ts';
import type { Change } from '../core/evidence.ts';
import type { Policy } from '../core/policy.ts';
import { type Ahead, NOTHING_AHEAD } from './ahead.ts';
import { changeOf, checkCommits } from './change.ts';
import { dryRunOf } from './dry-run.ts';
import { readEndsOf } from './ends.ts';
import type { GatherParts } from './gather-pull.ts';
import { knownAgents } from './involved.ts';
import { readMentions } from './mentions.ts';
import { type MergedTree, mergeTrees } from './merge-trees.ts';
import { POLICY_EXPRESSION } from './policy-files.ts';
import { readPull } from './pull-facts.ts';
import type { PullFacts } from './pull-shapes.ts';
import type { MergeGroup } from './range.ts';
import type { Reading } from './reading.ts';
import { settledOf } from './settle.ts';
import { settledKey } from './settled.ts';
import { differences, readTree, sourceTree } from './trees.ts';

export interface MergedChange {
  readonly change: Change | null;
  readonly equalsReviewed: boolean | null;
  readonly difference: string | null;
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
  const headSha = facts.pull.headRefOid;
  const known = ahead.settled.get(settledKey(number, headSha, group));
  const settled =
    known ?? (await settledOf(reading, { facts, group, number, ontoSha: group.ontoSha }));
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

async function readFacts(reading: Reading, number: number): Promise<PullFacts | null> {
  const asked = { policyPath: POLICY_EXPRESSION, withOpen: false };
  return (await readPull(reading, number, asked)).facts;
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
