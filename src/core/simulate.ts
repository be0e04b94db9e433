/** "What if these people approved?": answers of the same code that decides. */
import { metBy, type ReviewContext } from './approvals.ts';
import { radii } from './blast-radius.ts';
import { decide } from './decide.ts';
import type { Decision } from './decision.ts';
import type { Change, Evidence, Review, Standing } from './evidence.ts';
import type { BlastRadius } from './findings.ts';
import type { EffectivePolicy, Policy } from './policy.ts';
import { demandsOf } from './rules/case.ts';
import { needWords, slotWords } from './words/needs.ts';

/** A person without any part in a change, as far as a policy alone can tell. */
export interface Approving {
  readonly login: string;
  readonly teams: readonly string[];
}

export interface SimulatedNeed {
  readonly environment: string;
  readonly radius: BlastRadius;
  readonly count: number;
  /** How many of these people count. */
  readonly counted: number;
  readonly ok: boolean;
  /** What is still needed, in words; empty when it is met. */
  readonly missing: string;
}

/** For each environment and radius: whether these people's approvals would be enough. */
export function simulatedNeeds(
  policy: Policy,
  people: readonly Approving[],
): readonly SimulatedNeed[] {
  const contributors = { commits: new Set<number>(), pushers: new Set<number>(), unknown: [] };
  const context: Pick<ReviewContext, 'policy' | 'contributors'> = { policy, contributors };
  const approvers = people.map(({ teams }, at) => ({ id: at + 1, teams }));
  return Object.entries(policy.environments).flatMap(([environment, rule]) =>
    radii.map((radius) => {
      const all = demandsOf({ name: environment, rule }, radius).map((demand) =>
        metBy(demand, approvers, context),
      );
      const met = all.find((one) => !one.ok) ?? all[0];
      if (met === undefined) throw new TypeError(`no level ${radius}`);
      const { count, counted, ok } = met;
      const teams = [...new Set(met.missing.map(slotWords))];
      const missing = ok ? '' : needWords(Math.max(1, count - counted), teams);
      return { environment, radius, count, counted, ok, missing };
    }),
  );
}

export interface Simulated {
  readonly before: Decision;
  readonly after: Decision;
}

/**
 * The decision over recorded evidence as it is, and as it would be if this person approved every
 * pull request of it now. Nothing is recorded, and nothing is told to GitHub.
 */
export function simulatedApproval(
  policy: EffectivePolicy,
  evidence: Evidence,
  person: Standing,
): Simulated {
  const others = evidence.people.filter(({ id }) => id !== person.id);
  const changes = evidence.changes.map((change) => approvedBy(change, person, evidence.readAtMs));
  const approved = { ...evidence, people: [...others, person], changes };
  return { before: decide(policy, evidence), after: decide(policy, approved) };
}

function approvedBy(change: Change, person: Standing, nowMs: number): Change {
  const review: Review = {
    id: Math.max(0, ...change.reviews.map(({ id }) => id)) + 1,
    author: { id: person.id, login: person.login, type: 'User' },
    state: 'APPROVED',
    commitSha: change.headSha,
    submittedAtMs: nowMs,
    editedAtMs: null,
    viaEmail: false,
    body: '',
  };
  return { ...change, reviews: [...change.reviews, review] };
}
