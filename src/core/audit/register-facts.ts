/** The parts of a decision's event that only the register needs. */
import { environmentRule } from '../environments.ts';
import type { Account, Change, DeploymentEvidence } from '../evidence.ts';
import { operatorsOf } from '../origin.ts';
import type { Policy } from '../policy.ts';
import type { Judged } from '../ports.ts';
import { glassReason } from '../rules/break-glass.ts';
import { newestOf } from '../rules/newest.ts';
import { commitsOf, reasonOf, rollbackOf, ticketsOf } from './change-facts.ts';
import type { AuditChange, DecisionMade, PersonRef } from './event.ts';
import type { Scribe } from './scribe.ts';

type DeploymentFacts = NonNullable<NonNullable<DecisionMade['deployment']>['facts']>;

/** An account by its number; the login is personal text. Null stays null. */
export function personRef(scribe: Scribe, path: string, account: Account | null): PersonRef | null {
  if (account === null) return null;
  return { id: account.id, login: scribe.secret(`${path}.login`, account.login) };
}

/** What the register tells of a change beside the decision. */
export function changeFacts(
  scribe: Scribe,
  path: string,
  change: Change,
  policy: Policy,
): NonNullable<AuditChange['facts']> {
  const reason = reasonOf(change.body);
  const { contributors, signed } = commitsOf(change);
  const sponsors = operatorsOf(change, policy).flatMap(({ id }) => (id === null ? [] : [id]));
  return {
    reason: reason === null ? null : scribe.secret(`${path}.reason`, reason),
    tickets: ticketsOf(change).map((ticket, i) => scribe.text(`${path}.tickets.${i}`, ticket, 100)),
    commits: change.commits.length,
    signed,
    contributors: scribe.list(`${path}.contributors`, contributors),
    sponsors: scribe.list(`${path}.sponsors`, [...new Set(sponsors)]),
    rollback: rollbackOf(change),
  };
}

/** Who broke the glass, why, and until when it has to be reviewed; null: nobody did. */
function glassPart(scribe: Scribe, judged: Judged): DeploymentFacts['glass'] {
  const { decision, evidence, policy } = judged;
  const broken = decision.opinions.some(({ code }) => code.startsWith('break-glass'));
  const environment = evidence.deployment?.environment ?? '';
  const rule = environmentRule(policy.policy, environment)?.rule.breakGlass ?? null;
  if (!broken || rule === null) return null;
  const said = newestOf(evidence.changes)?.reviews.filter((one) => glassReason(one) !== null) ?? [];
  const path = 'deployment.facts.glass';
  const by = scribe
    .list(`${path}.by`, [...new Map(said.map((one) => [one.author?.id, one])).values()])
    .flatMap(({ author }, i) => personRef(scribe, `${path}.by.${i}`, author) ?? []);
  const [first] = said;
  const why = first === undefined ? '' : (glassReason(first) ?? '');
  const reason = scribe.secret(`${path}.reason`, why);
  return { by, reason, reviewWithinMs: rule.reviewWithinMs };
}

/** What the register tells of a deployment beside its decision. */
export function deploymentFacts(
  scribe: Scribe,
  judged: Judged,
  { ref = null, checks = null, bypass = null }: DeploymentEvidence,
): DeploymentFacts {
  const path = 'deployment.facts';
  return {
    ref: ref === null ? null : scribe.text(`${path}.ref`, ref),
    checks:
      checks === null
        ? null
        : {
            result: checks.result,
            required: scribe
              .list(`${path}.checks.required`, checks.required)
              .map(({ name, state }, i) => ({
                name: scribe.text(`${path}.checks.required.${i}.name`, name, 200),
                state,
              })),
          },
    bypassedAtMs: bypass === null ? null : scribe.int(`${path}.bypassedAtMs`, bypass.atMs),
    glass: glassPart(scribe, judged),
  };
}
