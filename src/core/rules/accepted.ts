/**
 * Rows `accepted` of the policy: commits that nobody reviewed as a pull request. A row counts only
 * if the pull request that added it carries approvals for the level of those commits (at least
 * high), by nobody who contributed to them, after its check showed their difference and dry run.
 */
import { judgeReviews } from '../approvals.ts';
import { maxRadius } from '../blast-radius.ts';
import type { AcceptedCommits, Change } from '../evidence.ts';
import { type Case, judgeChange, reviewContext } from './case.ts';
import { shownSinceMs } from './binding.ts';
import { contributorsOf } from './contributors.ts';

export interface AcceptedVerdict {
  readonly from: string | null;
  readonly through: string;
  readonly shas: readonly string[];
  /** The pull request that added the row; null when nobody reviewed the row. */
  readonly addedBy: number | null;
  readonly ok: boolean;
}

/** Every row that the evidence speaks of, with whether it counts. */
export function acceptedRows(it: Case): readonly AcceptedVerdict[] {
  return (it.evidence.deployment?.accepted ?? []).map((row) => ({
    from: row.from,
    through: row.through,
    shas: row.shas,
    addedBy: row.addedBy?.pull ?? null,
    ok: isInPolicy(it, row) && isReviewed(it, row),
  }));
}

function isInPolicy({ policy }: Case, row: AcceptedCommits): boolean {
  if (policy.accepted === 'never') return false;
  return policy.accepted.some(
    (own) => own.through === row.through && own.from === row.from && own.reason.trim() !== '',
  );
}

function isReviewed(it: Case, row: AcceptedCommits): boolean {
  const { addedBy } = row;
  if (addedBy === null || addedBy.state !== 'merged') return false;
  const own = judgeChange(addedBy, it.policy);
  const accepted = row.change === null ? null : judgeChange(row.change, it.policy);
  const shownAtMs = accepted === null ? null : firstShown(addedBy, accepted.shown);
  if (accepted !== null && shownAtMs === null) return false;
  // With nothing to compare with, the accepted commits could hold anything.
  const level = maxRadius(accepted?.radius ?? 'critical', 'high');
  const context = reviewContext(own, it.around, maxRadius(level, own.radius));
  const result = judgeReviews({
    ...context,
    barred: new Set([...context.barred, ...contributorIds(row.change, it)]),
    notBeforeMs: shownAtMs,
  });
  return result.met.length > 0 && result.met.every((met) => met.ok);
}

/** One millisecond before the second in which these commits were first shown there. */
function firstShown(addedBy: Change, shown: string): number | null {
  const own = addedBy.postings.filter((posting) => posting.headSha === addedBy.headSha);
  const sinceMs = shownSinceMs(own, shown);
  return sinceMs === null ? null : Math.floor(sinceMs / 1000) * 1000 - 1;
}

function contributorIds(change: Change | null, it: Case): readonly number[] {
  if (change === null) return [];
  const { commits, pushers } = contributorsOf(change, it.policy);
  return [...commits, ...pushers, ...(change.author === null ? [] : [change.author.id])];
}
