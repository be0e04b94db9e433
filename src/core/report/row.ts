/** One production deployment as the record tells it: the unit of every table of the report. */
import type { DecisionMade, PersonRef } from '../audit/event.ts';
import type { Detail } from '../audit/scribe.ts';
import { allows } from '../audit/verify-history.ts';

/** Whose login may have been erased: then only the number is left. */
export interface Person {
  readonly id: number | null;
  readonly login: string | null;
}

export interface Approver extends Person {
  readonly pull: number | null;
  readonly reviewedSha: string;
  readonly atMs: number;
  readonly permission: string;
  readonly teams: readonly string[];
  readonly independent: boolean;
  /** Null: recorded before it was asked. */
  readonly commented: boolean | null;
  /** When a check first showed on the pull request what was approved; null: no event says so. */
  readonly shownAtMs: number | null;
}

/**
 * `approved`: released, with counted reviews. `by_policy`: released without one because the policy
 * asks for none there (an allowed rollback, nothing new). `none`: released without any reason.
 */
export type Disposition = 'approved' | 'by_policy' | 'break_glass' | 'none' | 'refused' | 'waiting';

export interface Deployment {
  readonly leafIndex: number;
  readonly eventId: string;
  readonly repoId: number | null;
  readonly repo: string;
  readonly environment: string;
  readonly rule: string | null;
  readonly runId: number | null;
  readonly runAttempt: number | null;
  readonly deploymentId: number | null;
  readonly sha: string;
  readonly pulls: readonly number[];
  readonly titles: readonly (string | null)[];
  readonly heads: readonly string[];
  readonly authors: readonly (Person | null)[];
  readonly requester: Person | null;
  readonly origin: DecisionMade['origin']['kind'];
  readonly agents: readonly string[];
  readonly radius: DecisionMade['decision']['radius'];
  readonly dangers: readonly string[];
  /** Ids of all findings, whatever their level. */
  readonly findings: readonly string[];
  readonly dryRuns: readonly { readonly status: string; readonly sha256: string }[];
  readonly approvers: readonly Approver[];
  readonly refused: readonly {
    readonly person: Person | null;
    readonly pull: number | null;
    readonly codes: readonly string[];
  }[];
  readonly codes: readonly string[];
  readonly holds: readonly string[];
  readonly verdict: DecisionMade['decision']['verdict'];
  readonly founded: boolean;
  readonly commits: number;
  readonly unreviewed: number;
  readonly fromSha: string | null;
  /** Facts of the changes, in their order; empty where none were recorded. */
  readonly facts: readonly ChangeFacts[];
  readonly more: NonNullable<DecisionMade['deployment']>['facts'] | null;
  readonly glass: {
    readonly by: readonly Person[];
    readonly reason: string | null;
    readonly reviewWithinMs: number;
  } | null;
  readonly policySha256: string;
  readonly evidenceSha256: string;
  readonly requestedAtMs: number;
  readonly decidedAtMs: number;
}

export interface ChangeFacts {
  readonly pull: number | null;
  /** Null: none was given, or it was erased. */
  readonly reason: string | null;
  readonly tickets: readonly string[];
  readonly commits: number;
  readonly signed: number;
  readonly contributors: readonly number[];
  readonly sponsors: readonly number[];
  readonly rollback: 'down-migration' | 'described' | null;
}

/** A review given after a release by break glass. */
export interface ReviewAfter {
  readonly leafIndex: number;
  readonly person: Person;
  readonly pull: number;
  readonly atMs: number;
  readonly outcome: 'approved' | 'changes-requested';
}

/** A deployment with what became of it. */
export interface Settled extends Deployment {
  readonly firstDecidedAtMs: number;
  readonly releasedAtMs: number | null;
  /** The leaf that says that GitHub took the release. */
  readonly releaseLeaf: number | null;
  readonly reviewedAfter: readonly ReviewAfter[];
  readonly disposition: Disposition;
}

function logins(details: readonly Detail[]): (path: string) => string | null {
  const values = new Map(details.map((detail) => [detail.path, detail.value]));
  return (path) => values.get(path) ?? null;
}

function personOf(person: PersonRef | null, login: string | null): Person | null {
  return person === null ? null : { id: person.id, login };
}

/** Environments that the report counts as production when no rule of the policy names them. */
const PRODUCTION = /^\s*(?:prod(?:uction)?|live|prod-.*)\s*$/i;

/** Whether an environment counts as production by its name alone. */
export function isProductionName(environment: string): boolean {
  return PRODUCTION.test(environment);
}

/** Whether a decision is about a production deployment. */
export function isProduction(event: DecisionMade): boolean {
  if (event.subject?.kind !== 'deployment' || event.deployment === null) return false;
  return event.deployment.rule !== null || isProductionName(event.subject.environment ?? '');
}

/** Since when a check has shown something on a commit; null: not known. */
export type ShownAt = (headSha: string, shown: string | null) => number | null;

function approversOf(
  event: DecisionMade,
  at: (path: string) => string | null,
  shownAt: ShownAt,
): readonly Approver[] {
  const shownOf = (pull: number | null): string | null =>
    event.changes.find((change) => change.pull === pull)?.shown ?? null;
  return event.decision.counted.map((row, i) => ({
    id: row.person.id,
    login: at(`decision.counted.${i}.person.login`),
    pull: row.pull,
    reviewedSha: row.reviewedSha,
    atMs: row.submittedAtMs,
    permission: row.permission,
    teams: row.teams,
    independent: row.independent,
    commented: row.commented ?? null,
    shownAtMs: shownAt(row.reviewedSha, shownOf(row.pull)),
  }));
}

function factsOf(event: DecisionMade, at: (path: string) => string | null): readonly ChangeFacts[] {
  return event.changes.flatMap(({ pull, facts }, i) =>
    facts === undefined
      ? []
      : [
          {
            pull,
            ...facts,
            reason: facts.reason === null ? null : at(`changes.${i}.facts.reason`),
          },
        ],
  );
}

function glassOf(event: DecisionMade, at: (path: string) => string | null): Deployment['glass'] {
  const glass = event.deployment?.facts?.glass ?? null;
  if (glass === null) return null;
  const path = 'deployment.facts.glass';
  return {
    by: glass.by.map(({ id }, i) => ({ id, login: at(`${path}.by.${i}.login`) })),
    reason: at(`${path}.reason`),
    reviewWithinMs: glass.reviewWithinMs,
  };
}

/** Reads a decision about a deployment into a row. */
export function deploymentOf(
  event: DecisionMade,
  details: readonly Detail[],
  { leafIndex, shownAt }: { readonly leafIndex: number; readonly shownAt: ShownAt },
): Deployment {
  const { subject, deployment, decision, changes } = event;
  const at = logins(details);
  const path = 'deployment.requester.login';
  return {
    leafIndex,
    eventId: event.eventId,
    repoId: event.repo?.id ?? null,
    repo: event.repo?.name ?? '',
    environment: subject?.environment ?? '',
    rule: deployment?.rule ?? null,
    runId: subject?.runId ?? null,
    runAttempt: subject?.runAttempt ?? null,
    deploymentId: subject?.deploymentId ?? null,
    sha: subject?.sha ?? '',
    pulls: changes.flatMap(({ pull }) => (pull === null ? [] : [pull])),
    titles: changes.map((_, i) => at(`changes.${i}.title`)),
    heads: changes.map(({ headSha }) => headSha),
    authors: changes.map(({ author }, i) => personOf(author, at(`changes.${i}.author.login`))),
    requester: personOf(deployment?.requester ?? null, at(path)),
    origin: event.origin.kind,
    agents: event.origin.agents,
    radius: decision.radius,
    dangers: decision.findings.filter((row) => row.level === 'danger').map((row) => row.id),
    findings: [...new Set(decision.findings.map((row) => row.id))],
    dryRuns: changes.map(({ dryRun: { status, sha256 } }) => ({ status, sha256 })),
    approvers: approversOf(event, at, shownAt),
    refused: decision.refused.map((row, i) => ({
      person: personOf(row.person, at(`decision.refused.${i}.person.login`)),
      pull: row.pull,
      codes: row.codes,
    })),
    codes: [...new Set(decision.opinions.map(({ code }) => code))],
    holds: [
      ...new Set(
        decision.opinions.filter(({ verdict }) => verdict !== 'allow').map(({ code }) => code),
      ),
    ],
    verdict: decision.verdict,
    founded: allows(event),
    commits: deployment?.commits ?? 0,
    unreviewed: deployment?.unreviewed ?? 0,
    fromSha: deployment?.fromSha ?? null,
    facts: factsOf(event, at),
    more: deployment?.facts ?? null,
    glass: glassOf(event, at),
    policySha256: event.policy.sha256,
    evidenceSha256: event.evidence.sha256,
    requestedAtMs: deployment?.requestedAtMs ?? event.recordedAtMs,
    decidedAtMs: event.recordedAtMs,
  };
}

/** The worst status over a deployment's changes. */
export function dryRunOf(row: Deployment): string {
  const worst = ['failed', 'not-comparable', 'ok'];
  return worst.find((status) => row.dryRuns.some((run) => run.status === status)) ?? 'none';
}

const QUICK_MS = 60_000;

/**
 * What an approval came so soon after that nobody can have read it: the deployment's request, or the
 * check that first showed what was approved. Null: it did not, or it came before both.
 */
export function hurryOf(row: Deployment, { atMs, shownAtMs }: Approver): string | null {
  const soon = (sinceMs: number | null): boolean =>
    sinceMs !== null && atMs >= sinceMs && atMs - sinceMs < QUICK_MS;
  if (soon(row.requestedAtMs)) return 'the request';
  return soon(shownAtMs) ? 'the check first showed it' : null;
}

/** When a deployment belongs into the period: its release, or else its first decision. */
export function timeOf(row: Settled): number {
  return row.releasedAtMs ?? row.firstDecidedAtMs;
}

const DAY_MS = 86_400_000;

/** The review after broken glass: due when, and how it stands at a time. */
export interface AfterState {
  readonly dueMs: number;
  readonly state: 'open' | 'overdue' | 'in time' | 'late';
  /** The first one that approved; null: nobody did. */
  readonly first: ReviewAfter | null;
}

/** Null: it was not released by break glass, so that none is due. */
export function reviewAfterOf(row: Settled, asOfMs: number): AfterState | null {
  if (row.disposition !== 'break_glass') return null;
  const dueMs = (row.releasedAtMs ?? 0) + (row.glass?.reviewWithinMs ?? DAY_MS);
  const done = row.reviewedAfter.filter(({ outcome }) => outcome === 'approved');
  const [first = null] = done.toSorted((a, b) => a.atMs - b.atMs);
  if (first === null) return { dueMs, first, state: asOfMs > dueMs ? 'overdue' : 'open' };
  return { dueMs, first, state: first.atMs <= dueMs ? 'in time' : 'late' };
}
