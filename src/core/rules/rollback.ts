/** Going back to a commit that this environment has run and that was released then. */
import { judgeReviews } from '../approvals.ts';
import { SAY } from '../words/holds.ts';
import { pullWords } from '../words/holds.ts';
import { isRollback } from './approvals.ts';
import type { Case, Rule } from './case.ts';

export const rollback: Rule = {
  name: 'rollback',
  judge: (it) => {
    if (!isRollback(it)) return [];
    const { rollback: back = null } = it.evidence.deployment ?? {};
    const isAllowed =
      it.rules.length > 0 && it.rules.every(({ rule }) => rule.rollback === 'allow');
    // What was released and never ran to its end is no known good state to go back to.
    if (isAllowed && back?.ranBefore === true) {
      return [{ ...SAY.rollbackAllowed(), verdict: 'allow' }];
    }
    const who = newApprovers(it);
    if (who.length > 0) return [{ ...SAY.rollbackApproved(who), verdict: 'allow' }];
    const pulls = it.changes.map(({ change }) => pullWords(change.pull));
    return [{ ...SAY.rollbackNeedsReview(pulls), verdict: 'hold', breakable: true }];
  },
};

/** One eligible approval on any pull request that is rolled back, given since it came to run. */
function newApprovers(it: Case): readonly string[] {
  const since = it.evidence.deployment?.rollback?.currentSinceMs ?? null;
  if (since === null || it.rules.length === 0) return [];
  return it.changes.flatMap(({ change, context }) => {
    if (change.state !== 'merged') return [];
    const result = judgeReviews({
      ...context,
      notBeforeMs: since,
      // One person is enough to go back, and old ages do not apply.
      contributors: { ...context.contributors, unknown: [] },
      demands: [
        {
          environment: it.environment?.name ?? '',
          radius: 'low',
          rule: { count: 1, maxAgeMs: Number.MAX_SAFE_INTEGER },
        },
      ],
    });
    return result.met.every((met) => met.ok) ? result.counted.map((c) => c.person.login) : [];
  });
}
