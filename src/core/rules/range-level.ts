/**
 * All new migrations of a range run together. When that is worse than any single pull request, the
 * newest one must carry the approvals for it, given after its check had shown the range.
 */
import { judgeReviews } from '../approvals.ts';
import { atLeast } from '../blast-radius.ts';
import { SAY } from '../words/holds.ts';
import { slotWords } from '../words/needs.ts';
import { isRollback } from './approvals.ts';
import { shownSinceMs } from './binding.ts';
import {
  type Case,
  type ChangeCase,
  demandsOf,
  isOutOfScope,
  type Rule,
  type Thought,
} from './case.ts';
import { AGAIN_MS } from './look-again.ts';
import { newestOf as newestOfChanges } from './newest.ts';

export const rangeLevel: Rule = {
  name: 'range-level',
  judge: (it) => {
    if (it.evidence.deployment === null || isRollback(it)) return [];
    const migrating = it.changes.filter(
      ({ change }) => change.dryRun.status !== 'none' && !isOutside(it, change),
    );
    if (it.together === null) {
      if (migrating.length < 2) return [];
      return [{ ...SAY.rangeNotRun(), verdict: 'hold', lookAgainMs: AGAIN_MS, breakable: true }];
    }
    const { radius } = it.together;
    if (it.changes.some((one) => atLeast(one.radius, radius))) return [];
    const newest = newestOf(it);
    return newest === null ? [] : judgeNewest(it, newest);
  },
};

function isOutside(it: Case, change: ChangeCase['change']): boolean {
  return it.environment !== null && isOutOfScope(it.environment.rule, change);
}

/** The pull request of the range that was merged last. */
export function newestOf(it: Case): ChangeCase | null {
  const newest = newestOfChanges(it.changes.map(({ change }) => change));
  return it.changes.find(({ change }) => change === newest) ?? null;
}

function judgeNewest(it: Case, newest: ChangeCase): readonly Thought[] {
  const { together } = it;
  if (together === null) return [];
  const sinceMs = shownSinceMs(newest.change.postings, together.shown);
  const notBeforeMs =
    sinceMs === null ? Number.MAX_SAFE_INTEGER : Math.floor(sinceMs / 1000) * 1000 - 1;
  const demands = it.rules.flatMap((named) => demandsOf(named, together.radius));
  // The approvals answer to the range here; what they bind to is judged by their own rule.
  const { met } = judgeReviews({ ...newest.context, demands, notBeforeMs });
  if (met.length > 0 && met.every((one) => one.ok)) return [];
  const [worst] = met.toSorted((a, b) => b.count - b.counted - (a.count - a.counted));
  const said = SAY.rangeWorse({
    pull: newest.change.pull,
    radius: together.radius,
    count: worst?.count ?? 1,
    counted: worst?.counted ?? 0,
    missingTeams: [...new Set(met.flatMap((one) => one.missing.map(slotWords)))],
    unknown: it.policy.solo ? [] : newest.context.contributors.unknown,
    headSha: newest.change.headSha,
  });
  return [{ ...said, verdict: 'hold', breakable: true }];
}
