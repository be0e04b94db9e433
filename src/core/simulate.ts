/** "What if these people approved?": answers of the same code that decides. */
import { metBy, type ReviewContext } from './approvals.ts';
import { radii } from './blast-radius.ts';
import { sha256Hex } from './canonical.ts';
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
 * A person as the evidence knows them. Who is not in it counts as somebody with write access who had
 * no hand in the change; teams that are given replace the recorded ones.
 */
export function standingOf(evidence: Evidence, { login, teams }: Approving): Standing {
  const isThis = (one: { readonly login: string } | null): boolean =>
    one?.login.toLowerCase() === login.toLowerCase();
  const known = [...evidence.people, ...(evidence.eligible ?? [])].find(isThis);
  return {
    id: known?.id ?? accountsOf(evidence).find(isThis)?.id ?? -1 - sumOf(login.toLowerCase()),
    login,
    permission: known?.permission ?? 'write',
    teams: teams.length > 0 ? teams : (known?.teams ?? []),
  };
}

/** Everybody whose account the evidence names: rules bar people by their ids. */
function accountsOf(
  evidence: Evidence,
): readonly { readonly id: number; readonly login: string }[] {
  const { deployment } = evidence;
  const accounts = evidence.changes.flatMap((change) => [
    change.author,
    ...change.commits.flatMap(({ authors, committer }) =>
      [...authors, committer].map(({ account }) => account),
    ),
    ...change.pushes.map(({ actor }) => actor),
    ...change.reviews.map(({ author }) => author),
    ...change.involved.map(({ id, login }) => (id === null ? null : { id, login })),
  ]);
  return [...accounts, deployment?.actor ?? null, deployment?.triggeringActor ?? null].filter(
    (one) => one !== null,
  );
}

/** Different for different logins; GitHub's own ids are never negative. */
function sumOf(login: string): number {
  return Number.parseInt(sha256Hex(login).slice(0, 12), 16);
}

/**
 * The decision over recorded evidence as it is, and as it would be if these people approved every
 * pull request of it now, after its check had shown this. Nothing is recorded, and nothing is told
 * to GitHub.
 */
export function simulatedApprovals(
  policy: EffectivePolicy,
  evidence: Evidence,
  people: readonly Standing[],
): Simulated {
  const before = decide(policy, evidence);
  const ids = new Set(people.map(({ id }) => id));
  const others = evidence.people.filter(({ id }) => !ids.has(id));
  const changes = evidence.changes.map((change) => {
    const shown = before.shown.find(({ pull }) => pull === change.pull)?.digest;
    const approved = people.reduce((one, by) => approvedBy(one, by, evidence.readAtMs), change);
    if (shown === undefined) return approved;
    const { headSha, baseRef } = change;
    const posting = { headSha, baseRef, shown, atMs: evidence.readAtMs };
    return { ...approved, postings: [...change.postings, posting] };
  });
  const approved = { ...evidence, people: [...others, ...people], changes };
  return { before, after: decide(policy, approved) };
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
