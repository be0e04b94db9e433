/** Reads a whole log once, in leaf order, into what the report is made of. */
import { weakened } from '../audit/change-facts.ts';
import type { AuditEvent, DecisionMade } from '../audit/event.ts';
import type { Detail } from '../audit/scribe.ts';
import { isRelease } from '../audit/verify-history.ts';
import { createLedger, deploymentKey, type Outcome } from './ledger.ts';
import { createPostureSpans, type PostureSpan } from './posture-spans.ts';
import { type Deployment, deploymentOf, isProduction, type ShownAt } from './row.ts';
import { type Rows, rowsOf } from './rows.ts';
import { createShownSince } from './shown-since.ts';

export interface PolicyChange {
  readonly leafIndex: number;
  readonly atMs: number;
  readonly repo: string;
  readonly before: string | null;
  readonly environment: string;
  readonly after: string;
  readonly spoke: readonly { readonly file: string; readonly commitSha: string | null }[];
  readonly problems: number;
  readonly because: string;
  /** What asks for less than before, in words. */
  readonly weaker: readonly string[];
  /** The pull request of ours that last touched the policy's file; null: none was judged. */
  readonly pull: PolicyPull | null;
  readonly terms: Terms;
}

type Terms = Readonly<Record<string, number>>;

export interface Incident {
  readonly leafIndex: number;
  readonly atMs: number;
  readonly kind: string;
  readonly repo: string | null;
  readonly what: string;
  readonly who: string | null;
}

export interface AgentFigures {
  readonly name: string;
  readonly changes: number;
  readonly dangers: number;
  readonly refusedApprovals: number;
  readonly held: number;
  readonly deployments: number;
  /** Accounts of the people who set it to work. */
  readonly sponsors: readonly number[];
  /** Environments that its changes reached, by repository. */
  readonly reached: readonly string[];
  readonly radii: Readonly<Record<string, number>>;
}

export interface Collected {
  /** By the time of release or, unreleased, of first decision. */
  readonly deployments: Rows;
  readonly policyChanges: readonly PolicyChange[];
  /** Failures to judge, suspensions, redactions, keys, reads of the report. */
  readonly incidents: readonly Incident[];
  readonly agents: readonly AgentFigures[];
  /** What was in force around the gate, and from when to when. */
  readonly posture: readonly PostureSpan[];
  /** When anything was recorded at all, by hour, so that silence shows. */
  readonly hours: ReadonlyMap<number, number>;
  readonly kinds: ReadonlyMap<string, number>;
  readonly leaves: number;
  readonly firstMs: number | null;
  /** The latest time of any event. */
  readonly lastMs: number | null;
}

export interface Collector {
  add(event: AuditEvent, details: readonly Detail[]): void;
  /** All but the deployments: what readings of the record change. */
  gathered(): Gathered;
  end(): Collected;
}

interface AgentEntry {
  changes: Set<string>;
  dangers: number;
  refusedApprovals: number;
  held: number;
  deployments: Set<string>;
  sponsors: Set<number>;
  reached: Set<string>;
  radii: Map<string, number>;
}

const HOUR_MS = 3_600_000;

function createAgents() {
  const agents = new Map<string, AgentEntry>();
  const entryOf = (name: string): AgentEntry => {
    const known = agents.get(name);
    if (known !== undefined) return known;
    const fresh: AgentEntry = {
      changes: new Set(),
      dangers: 0,
      refusedApprovals: 0,
      held: 0,
      deployments: new Set(),
      sponsors: new Set(),
      reached: new Set(),
      radii: new Map(),
    };
    agents.set(name, fresh);
    return fresh;
  };
  return {
    decided(event: DecisionMade): void {
      for (const name of event.origin.agents) {
        const entry = entryOf(name);
        for (const { pull } of event.changes) entry.changes.add(`${event.repo?.id}:${pull}`);
        entry.dangers += event.decision.findings.filter((row) => row.level === 'danger').length;
        entry.refusedApprovals += event.decision.refused.length;
        if (event.decision.verdict !== 'allow') entry.held += 1;
        for (const { facts } of event.changes) {
          for (const id of facts?.sponsors ?? []) entry.sponsors.add(id);
        }
        const { radius } = event.decision;
        entry.radii.set(radius, (entry.radii.get(radius) ?? 0) + 1);
        if (event.subject?.kind !== 'deployment') continue;
        entry.deployments.add(deploymentKey(event));
        entry.reached.add(`${event.repo?.name}@${event.subject.environment}`);
      }
    },
    end: (): readonly AgentFigures[] =>
      [...agents]
        .map(([name, entry]) => ({
          name,
          changes: entry.changes.size,
          dangers: entry.dangers,
          refusedApprovals: entry.refusedApprovals,
          held: entry.held,
          deployments: entry.deployments.size,
          sponsors: [...entry.sponsors].toSorted((a, b) => a - b),
          reached: [...entry.reached].toSorted(),
          radii: Object.fromEntries(entry.radii),
        }))
        .toSorted((a, b) => (a.name < b.name ? -1 : 1)),
  };
}

function incidentOf(
  event: AuditEvent,
  details: readonly Detail[],
  leafIndex: number,
): Incident | null {
  const text = (path: string): string =>
    details.find((detail) => detail.path === path)?.value ?? '(erased)';
  const who = event.actor.login === null ? null : text('actor.login');
  const base = {
    leafIndex,
    atMs: event.recordedAtMs,
    kind: event.kind,
    repo: event.repo?.name ?? null,
    who,
  };
  switch (event.kind) {
    case 'judge.failed':
      return { ...base, what: `not judged (${event.failure.code}); it stayed held` };
    case 'agent.suspended':
    case 'agent.resumed': {
      const { agent } = event.suspension;
      return { ...base, what: `${event.outcome} ${agent}: ${text('suspension.reason')}` };
    }
    case 'redaction.performed': {
      const { fields, basis } = event.redaction;
      return { ...base, what: `${fields} texts erased: ${basis}` };
    }
    case 'break-glass.reviewed':
      return { ...base, what: `#${event.review.pull} reviewed afterwards: ${event.outcome}` };
    case 'report.read':
      return { ...base, what: `${event.report.what} ${event.outcome} (${event.report.how})` };
    case 'key.announced':
      return { ...base, what: `signing key announced: ${event.key.vkey}` };
    case 'baseline.adopted': {
      const { environment, sha } = event.baseline;
      return { ...base, what: `start of ${environment} adopted at ${sha}` };
    }
    case 'posture.changed': {
      const { about, item, from, to, detail } = event.posture;
      return {
        ...base,
        what: `${about} ${item}: ${from ?? '(none)'} → ${to ?? '(gone)'}. ${detail}`,
      };
    }
    case 'incident.opened':
    case 'incident.closed':
      return {
        ...base,
        what: `incident ${event.incident.code} ${event.outcome}: ${event.incident.detail}`,
      };
    case 'decision.made':
    case 'effect.outcome':
      return null;
  }
}

/** A pull request that changed the policy's own file, as it was last judged. */
interface PolicyPull {
  readonly pull: number;
  readonly author: string | null;
  readonly approvers: readonly string[];
}

const POLICY_FILE = /(?:^|\/)tagout\.ya?ml$/;

function policyPullOf(event: DecisionMade, details: readonly Detail[]): PolicyPull | null {
  const { findings, counted } = event.decision;
  if (!findings.some(({ object }) => POLICY_FILE.test(object))) return null;
  const change = event.changes.find(({ pull }) => pull === event.subject?.pull);
  if (change === undefined || change.pull === null) return null;
  const at = event.changes.indexOf(change);
  const nameOf = (path: string, id: number | null): string =>
    details.find((detail) => detail.path === `${path}.login`)?.value ?? `account ${id}`;
  return {
    pull: change.pull,
    author: change.author === null ? null : nameOf(`changes.${at}.author`, change.author.id),
    approvers: counted.map(({ person }, i) => nameOf(`decision.counted.${i}.person`, person.id)),
  };
}

/** The policy as deployments were judged by it: pull requests may have other base branches. */
function createPolicies() {
  const digests = new Map<string, string>();
  const terms = new Map<string, { readonly digest: string; readonly terms: Terms }>();
  const pulls = new Map<string, PolicyPull>();
  const changes: PolicyChange[] = [];
  return {
    changes,
    decided(event: DecisionMade, details: readonly Detail[], leafIndex: number): void {
      const repo = event.repo?.name ?? '';
      if (event.subject?.kind === 'pull-request') {
        const pull = policyPullOf(event, details);
        if (pull !== null) pulls.set(repo, pull);
        return;
      }
      if (event.subject?.kind !== 'deployment') return;
      const environment = event.subject.environment ?? '';
      const key = `${repo}\n${environment}`;
      const [before, after] = [digests.get(repo) ?? null, event.policy.sha256];
      const last = terms.get(key);
      if (last?.digest === after && before === after) return;
      const now = event.policy.terms ?? {};
      const weaker = last === undefined ? [] : weakened(last.terms, now);
      digests.set(repo, after);
      terms.set(key, { digest: after, terms: now });
      if (before === after && weaker.length === 0) return;
      const { spoke, problems } = event.policy;
      const pull = before === null ? null : (pulls.get(repo) ?? null);
      changes.push({
        leafIndex,
        atMs: event.recordedAtMs,
        repo,
        environment,
        before: last?.digest ?? before,
        after,
        spoke,
        problems,
        because: event.source.because,
        weaker,
        pull,
        terms: now,
      });
    },
  };
}

/** What a log says beside its deployments. */
export type Gathered = Omit<Collected, 'deployments'>;

export interface Recorder<T> {
  add(event: AuditEvent, details: readonly Detail[]): void;
  gathered(): Gathered;
  outcomes(): readonly Outcome<T>[];
  readonly shownAt: ShownAt;
}

/** Where a decision stands, and what was shown by then. */
interface KeepAt {
  readonly leafIndex: number;
  readonly shownAt: ShownAt;
}

/** Reads a log; `keep` says what is kept of each decision about a production deployment. */
export function createRecorder<T>(
  keep: (event: DecisionMade, details: readonly Detail[], at: KeepAt) => T,
): Recorder<T> {
  const ledger = createLedger<T>();
  const agents = createAgents();
  const policies = createPolicies();
  const spans = createPostureSpans();
  const shown = createShownSince();
  const shownAt: ShownAt = (sha, digest) => shown.of(sha, digest);
  const incidents: Incident[] = [];
  const hours = new Map<number, number>();
  const kinds = new Map<string, number>();
  let leaves = 0;
  let firstMs: number | null = null;
  let lastMs: number | null = null;

  function take(event: AuditEvent, details: readonly Detail[], leaf: number): void {
    if (event.kind === 'decision.made') {
      const at = { leafIndex: leaf, shownAt };
      if (isProduction(event)) ledger.decided(event, leaf, keep(event, details, at));
      shown.decided(event);
      agents.decided(event);
      policies.decided(event, details, leaf);
      return;
    }
    if (event.kind === 'effect.outcome') {
      if (isRelease(event)) ledger.released(event, leaf);
      shown.ended(event);
      return;
    }
    if (event.kind === 'posture.changed') spans.changed(event, leaf);
    const incident = incidentOf(event, details, leaf);
    if (incident !== null) incidents.push(incident);
    if (event.kind !== 'break-glass.reviewed') return;
    const { pull, submittedAtMs: atMs } = event.review;
    const person = { id: event.actor.id, login: incident?.who ?? null };
    const { outcome } = event;
    ledger.reviewed(event, { leafIndex: leaf, person, pull, atMs, outcome });
  }

  return {
    add(event, details) {
      const leaf = leaves;
      leaves += 1;
      firstMs ??= event.recordedAtMs;
      lastMs = Math.max(lastMs ?? 0, event.recordedAtMs);
      const hour = Math.floor(event.recordedAtMs / HOUR_MS);
      hours.set(hour, (hours.get(hour) ?? 0) + 1);
      kinds.set(event.kind, (kinds.get(event.kind) ?? 0) + 1);
      take(event, details, leaf);
    },
    outcomes: () => ledger.end(),
    shownAt,
    gathered: () => ({
      policyChanges: policies.changes,
      incidents,
      agents: agents.end(),
      posture: spans.spans(),
      hours,
      kinds,
      leaves,
      firstMs,
      lastMs,
    }),
  };
}

/** Where rows are put away and fetched again. */
export interface Pack<T> {
  put(row: Deployment): T;
  at(kept: T): Deployment;
}

/** A collector that keeps one row per deployment, and counts of everything else. */
export function createCollector<T>(pack: Pack<T>): Collector {
  const recorder = createRecorder((event, details, at) =>
    pack.put(deploymentOf(event, details, at)),
  );
  return {
    add: (event, details) => recorder.add(event, details),
    gathered: () => recorder.gathered(),
    end: () => ({
      ...recorder.gathered(),
      deployments: rowsOf(recorder.outcomes(), (kept) => pack.at(kept)),
    }),
  };
}

/** Rows stay as they are: for a record that fits in memory. */
export const UNPACKED: Pack<Deployment> = { put: (row) => row, at: (row) => row };
