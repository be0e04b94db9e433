/** Whether independent people approved exactly this content, for each change by itself. */
import type { Met } from '../approvals.ts';
import type { ApprovalsNeeded } from '../decision.ts';
import { SAY } from '../words/holds.ts';
import { slotWords } from '../words/needs.ts';
import type { Case, ChangeCase, Rule, Thought } from './case.ts';

/** The approvals of every change; only this rule (or one that replaces it) can allow a release. */
export const approvals: Rule = {
  name: 'approvals',
  judge: (it) => {
    if (it.evidence.subject.kind === 'checkout' || isRollback(it)) return [];
    return it.changes.map((one) => judge(one));
  },
};

/** Whether the deployment goes back; its own rule then asks for approvals. */
export function isRollback({ evidence }: Case): boolean {
  return (evidence.deployment?.rollback ?? null) !== null;
}

function judge(one: ChangeCase): Thought {
  const need = neededOf(one);
  if (one.reviews.met.length > 0 && one.reviews.met.every((met) => met.ok)) {
    const who = one.reviews.counted.map((approval) => approval.person.login);
    return { ...SAY.approved(need.pull, who), verdict: 'allow' };
  }
  const said = SAY.approvalsMissing({
    ...need,
    unknown: one.context.policy.solo ? [] : one.context.contributors.unknown,
    headSha: one.change.headSha,
  });
  return { ...said, verdict: 'hold', breakable: true };
}

/** What a change still needs: the demand that is furthest from being met. */
export function neededOf(one: ChangeCase): ApprovalsNeeded {
  const furthest = one.reviews.met.toSorted((a, b) => shortfall(b) - shortfall(a))[0];
  const missing = one.reviews.met.flatMap((met) => met.missing.map(slotWords));
  return {
    pull: one.change.pull,
    radius: furthest?.demand.radius ?? one.radius,
    count: furthest?.count ?? 1,
    counted: furthest?.counted ?? 0,
    missingTeams: [...new Set(missing)],
  };
}

function shortfall(met: Met): number {
  // A demand of more people comes first among those that are equally far.
  return Math.max(met.count - met.counted, met.missing.length) * 1000 + met.count;
}
