/** When fewer people could approve than are needed, waiting for reviews would never end. */
import { mayApprove, metBy } from '../approvals.ts';
import { SAY_ELIGIBLE } from '../words/eligible.ts';
import { slotWords } from '../words/needs.ts';
import { isRollback } from './approvals.ts';
import type { Case, ChangeCase, Rule, Thought } from './case.ts';

export const eligible: Rule = {
  name: 'eligible',
  judge: (it) => {
    if (it.evidence.subject.kind === 'checkout' || isRollback(it)) return [];
    return it.changes.flatMap((one) => judge(it, one));
  },
};

/** Silent when the list of people was not read, and when the approvals are there already. */
function judge({ evidence, policy }: Case, { context, reviews, change }: ChangeCase): Thought[] {
  const isMet = reviews.met.length > 0 && reviews.met.every((met) => met.ok);
  if (evidence.eligible === undefined || isMet || policy.solo) return [];
  const able = evidence.eligible.filter((person) => mayApprove(person, context));
  const lacking = context.demands
    .map((demand) => metBy(demand, able, context))
    .filter((met) => !met.ok);
  const [worst] = lacking.toSorted((a, b) => b.count - b.counted - (a.count - a.counted));
  if (worst === undefined) return [];
  const said = SAY_ELIGIBLE.tooFew({
    pull: change.pull,
    count: worst.count,
    radius: worst.demand.radius,
    unknown: context.contributors.unknown,
    able: able.map(({ login }) => login),
    missingTeams: [...new Set(worst.missing.map(slotWords))],
  });
  return [{ ...said, verdict: 'hold', breakable: true }];
}
