/** What is read of a merge past the gate when it happens: no deployment has to show it first. */
import { effectivePolicy } from '../core/effective-policy.ts';
import type { Evidence } from '../core/evidence.ts';
import type { PastMerge } from '../core/rules/merged-past.ts';
import type { RepoRef } from '../core/subject.ts';
import { GitHubFault } from './faults.ts';
import type { GatherParts } from './gather-pull.ts';
import { type Merge, withMergeBypasses } from './merge-bypass.ts';
import { type MergedChange, readMergedChange } from './merged-change.ts';
import { readPeople, reviewersOf, teamsOf } from './people.ts';
import { POLICY_EXPRESSION, policySources } from './policy-files.ts';
import { type PullAnswer, readPull } from './pull-facts.ts';
import type { PullFields } from './pull-shapes.ts';
import { groupEndingAt } from './range.ts';
import type { Reading } from './reading.ts';

export interface MergeAsked {
  readonly repo: RepoRef;
  readonly number: number;
  /** GitHub told us of this merge, so that the App was there when it happened. */
  readonly installed: boolean;
}

/** A merge past the gate. */
export interface SeenMerge {
  readonly readAtMs: number;
  /** What is certain without its reviews: nobody has reviewed it and nothing excuses it. */
  readonly merge: PastMerge;
  /** Null when GitHub does not tell what was merged. */
  readonly evidence: Evidence | null;
}

/** GitHub's lists lag behind a merge; for so long what they do not tell is waited for. */
const LAG_MS = 2 * 60_000;

/**
 * Reads a merge onto the default branch; null when there is none of this number or when the check
 * let it through. Throws GitHubFault, also while GitHub does not tell yet what was merged: the
 * caller tries again.
 */
export async function gatherMerge(
  reading: Reading,
  parts: GatherParts,
  { number, installed }: MergeAsked,
): Promise<SeenMerge | null> {
  const answer = await readPull(reading, number, {
    policyPath: POLICY_EXPRESSION,
    withOpen: false,
  });
  const pull = answer.facts?.pull;
  const branch = answer.policy.repository.defaultBranchRef?.name ?? null;
  const mergedAtMs = pull?.mergedAt ?? null;
  if (pull?.state !== 'MERGED' || mergedAtMs === null || branch !== pull.baseRefName) return null;
  const facts = {
    pull: number,
    headSha: pull.headRefOid,
    mergedAtMs,
    mergeCommitSha: pull.mergeCommit?.oid ?? null,
  };
  const asked: readonly Merge[] = [facts];
  const [past] = await withMergeBypasses(reading, asked, { branch, installed });
  if (past?.mergedPast === undefined) return null;
  const { mergedPast: how, bypassedAtMs } = past;
  const merge = {
    pull: number,
    how,
    sha: facts.mergeCommitSha ?? facts.headSha,
    by: pull.mergedBy?.login ?? null,
    atMs: mergedAtMs,
    reviewed: false,
    excused: false,
  };
  const marks = { mergedPast: how, ...(bypassedAtMs === undefined ? {} : { bypassedAtMs }) };
  const evidence = await evidenceOf(reading, parts, { number, answer, pull, marks, branch });
  if (evidence === null && answer.atMs - mergedAtMs < LAG_MS) {
    const what = `GitHub does not tell yet what pull request #${number} was merged as.`;
    throw new GitHubFault('github-unavailable', what, { httpStatus: null });
  }
  return { readAtMs: answer.atMs, merge, evidence };
}

interface Marked {
  readonly number: number;
  readonly answer: PullAnswer;
  readonly pull: PullFields;
  readonly marks: { readonly mergedPast: PastMerge['how']; readonly bypassedAtMs?: number | null };
  readonly branch: string;
}

/** Evidence of the one change with its reviews; null when GitHub does not tell what was merged. */
async function evidenceOf(
  reading: Reading,
  parts: GatherParts,
  { number, answer, pull, marks, branch }: Marked,
): Promise<Evidence | null> {
  const sources = await policySources(reading, answer.policy, null, parts.floorsSeen);
  const { policy } = effectivePolicy(sources);
  const sha = pull.mergeCommit?.oid;
  const group = sha === undefined ? null : await groupEndingAt(reading, sha);
  if (group === null || group.pull !== number) return null;
  const { change }: MergedChange = await readMergedChange(reading, parts, group, { policy });
  if (change === null) return null;
  return {
    v: 1,
    subject: { kind: 'pull-request', repo: reading.repo, number, headSha: change.headSha },
    readAtMs: answer.atMs,
    defaultBranch: branch,
    policy: sources,
    changes: [{ ...change, ...marks }],
    deployment: null,
    people: await readPeople(reading, reviewersOf(change.reviews), teamsOf(policy)),
    suspended: await reading.memory.suspended(reading.repo.installationId),
    gaps: reading.gaps,
  };
}
