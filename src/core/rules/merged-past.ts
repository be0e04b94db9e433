/**
 * A merge past the gate: by an actor whom the branch's rules let by, while our own check held, or
 * before it had judged.
 * The merge itself reaches nothing, so that nobody is called back; what it brought is released once
 * an independent person has reviewed it afterwards.
 */
import { judgeReviews, type ReviewResult } from '../approvals.ts';
import type { Change } from '../evidence.ts';
import { SAY_BYPASS } from '../words/bypass.ts';
import { isRollback } from './approvals.ts';
import type { Case, ChangeCase, Rule } from './case.ts';

/** A check turns green within seconds of the review: who merges in that time went past nothing. */
const TURNS_GREEN_MS = 2 * 60_000;

/** A merge past the gate. */
export interface PastMerge {
  readonly pull: number;
  readonly how: NonNullable<Change['mergedPast']>;
  /** The merge commit. */
  readonly sha: string;
  readonly by: string | null;
  readonly atMs: number;
  /** Whether an approval that counts was given after it; of one never judged: whether all are there. */
  readonly reviewed: boolean;
  /** Whether the check had only not been written yet: then it is no incident, and holds nothing. */
  readonly excused: boolean;
}

/** The merges past the gate among the changes of a deployment, in their order. */
export function pastMerges(it: Pick<Case, 'changes'>): readonly PastMerge[] {
  return it.changes.flatMap((one) => pastMerge(one) ?? []);
}

/** Whether it still holds what it brought. */
export function isOpen({ reviewed, excused }: PastMerge): boolean {
  return !reviewed && !excused;
}

function pastMerge(one: ChangeCase): PastMerge | null {
  const { pull, mergedPast: how, mergedAtMs: atMs, mergeCommitSha: sha, mergedBy } = one.change;
  if (how === undefined || pull === null || atMs === null || sha === null) return null;
  // GitHub's times are whole seconds: a review of the same second counts as after.
  const after = one.reviews.counted.some(({ submittedAtMs }) => submittedAtMs >= atMs);
  // Where no check stood, nobody went on against it: people had reviewed, or somebody has to.
  const reviewed = after || (how === 'unjudged' && isMet(one.reviews.met));
  const excused = how === 'check' && wasAboutToTurn(one, atMs);
  return { pull, how, sha, by: mergedBy?.login ?? null, atMs, reviewed, excused };
}

/** Whether enough approvals had just been given, so that the check had only not been written yet. */
function wasAboutToTurn({ change, context }: ChangeCase, mergedAtMs: number): boolean {
  const reviews = change.reviews.filter(({ submittedAtMs }) => submittedAtMs <= mergedAtMs);
  const { counted, met } = judgeReviews({ ...context, change: { ...change, reviews } });
  const lastMs = Math.max(...counted.map(({ submittedAtMs }) => submittedAtMs), 0);
  return isMet(met) && mergedAtMs - lastMs <= TURNS_GREEN_MS;
}

function isMet(met: ReviewResult['met']): boolean {
  return met.length > 0 && met.every(({ ok }) => ok);
}

export const mergedPast: Rule = {
  name: 'merged-past',
  judge: (it) =>
    it.evidence.deployment === null || isRollback(it)
      ? []
      : pastMerges(it)
          .filter(isOpen)
          .map((merge) => ({ ...SAY_BYPASS.merge(merge), verdict: 'hold', breakable: true })),
};
