/** Reads a whole log once, in leaf order, into what the report is made of. */
import type { AuditEvent, DecisionMade, EffectOutcomeEvent } from '../audit/event.ts';
import type { Detail } from '../audit/scribe.ts';
import { isRelease } from '../audit/verify-history.ts';
import {
  type Deployment,
  deploymentOf,
  type Disposition,
  isProduction,
  type Settled,
} from './row.ts';

export interface PolicyChange {
  readonly leafIndex: number;
  readonly atMs: number;
  readonly repo: string;
  readonly before: string | null;
  readonly after: string;
  readonly spoke: readonly { readonly file: string; readonly commitSha: string | null }[];
  readonly problems: number;
  readonly because: string;
}

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
}

export interface Collected {
  readonly deployments: readonly Settled[];
  readonly policyChanges: readonly PolicyChange[];
  /** Failures to judge, suspensions, redactions, keys, reads of the report. */
  readonly incidents: readonly Incident[];
  readonly agents: readonly AgentFigures[];
  /** When anything was recorded at all, by hour, so that silence shows. */
  readonly hours: ReadonlyMap<number, number>;
  readonly kinds: ReadonlyMap<string, number>;
  readonly leaves: number;
  readonly firstMs: number | null;
  readonly lastMs: number | null;
}

export interface Collector {
  add(event: AuditEvent, details: readonly Detail[]): void;
  end(): Collected;
}

interface Entry {
  newest: Deployment;
  /** The decision that GitHub was told, or the newest one that allowed. */
  allowed: Deployment | null;
  readonly firstMs: number;
  releasedMs: number | null;
  releaseLeaf: number | null;
  releasedBy: string | null;
}

interface AgentEntry {
  changes: Set<string>;
  dangers: number;
  refusedApprovals: number;
  held: number;
  deployments: Set<string>;
}

const HOUR_MS = 3_600_000;

function keyOf(event: DecisionMade | EffectOutcomeEvent): string {
  return `${event.subject?.key ?? ''}:${event.subject?.runAttempt ?? 0}`;
}

function dispositionOf(row: Deployment, releasedMs: number | null): Disposition {
  if (releasedMs === null) return row.verdict === 'deny' ? 'refused' : 'waiting';
  if (row.codes.some((code) => code.startsWith('break-glass'))) return 'break_glass';
  if (row.approvers.length > 0) return 'approved';
  return row.founded ? 'by_policy' : 'none';
}

function settle(entry: Entry): Settled {
  const told = entry.releasedBy !== null && entry.allowed?.eventId === entry.releasedBy;
  const row = told && entry.allowed !== null ? entry.allowed : entry.newest;
  return {
    ...row,
    firstDecidedAtMs: entry.firstMs,
    releasedAtMs: entry.releasedMs,
    releaseLeaf: entry.releaseLeaf,
    disposition: dispositionOf(row, entry.releasedMs),
  };
}

function createDeployments() {
  const entries = new Map<string, Entry>();
  return {
    decided(event: DecisionMade, details: readonly Detail[], leaf: number): void {
      if (!isProduction(event)) return;
      const row = deploymentOf(event, details, leaf);
      const entry = entries.get(keyOf(event));
      if (entry === undefined) {
        entries.set(keyOf(event), {
          newest: row,
          allowed: row.verdict === 'allow' ? row : null,
          firstMs: row.decidedAtMs,
          releasedMs: null,
          releaseLeaf: null,
          releasedBy: null,
        });
        return;
      }
      entry.newest = row;
      if (row.verdict === 'allow' && entry.releasedBy === null) entry.allowed = row;
    },
    released(event: EffectOutcomeEvent, leaf: number): void {
      const entry = entries.get(keyOf(event));
      if (entry === undefined || entry.releasedBy !== null) return;
      entry.releasedMs = event.source.githubAtMs ?? event.recordedAtMs;
      entry.releaseLeaf = leaf;
      entry.releasedBy = event.links.decision;
    },
    end: (): readonly Settled[] =>
      [...entries.values()].map(settle).toSorted((a, b) => a.leafIndex - b.leafIndex),
  };
}

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
        if (event.subject?.kind === 'deployment') entry.deployments.add(keyOf(event));
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

function createPolicies() {
  const last = new Map<string, string>();
  const changes: PolicyChange[] = [];
  return {
    changes,
    decided(event: DecisionMade, leafIndex: number): void {
      const repo = event.repo?.name ?? '';
      const before = last.get(repo) ?? null;
      const after = event.policy.sha256;
      if (before === after) return;
      last.set(repo, after);
      const { spoke, problems } = event.policy;
      const { because } = event.source;
      const atMs = event.recordedAtMs;
      changes.push({ leafIndex, atMs, repo, before, after, spoke, problems, because });
    },
  };
}

/** A collector that keeps one row per deployment, and counts of everything else. */
export function createCollector(): Collector {
  const deployments = createDeployments();
  const agents = createAgents();
  const policies = createPolicies();
  const incidents: Incident[] = [];
  const hours = new Map<number, number>();
  const kinds = new Map<string, number>();
  let leaves = 0;
  let firstMs: number | null = null;
  let lastMs: number | null = null;
  return {
    add(event, details) {
      const leaf = leaves;
      leaves += 1;
      firstMs ??= event.recordedAtMs;
      lastMs = event.recordedAtMs;
      const hour = Math.floor(event.recordedAtMs / HOUR_MS);
      hours.set(hour, (hours.get(hour) ?? 0) + 1);
      kinds.set(event.kind, (kinds.get(event.kind) ?? 0) + 1);
      if (event.kind === 'decision.made') {
        deployments.decided(event, details, leaf);
        agents.decided(event);
        policies.decided(event, leaf);
        return;
      }
      if (event.kind === 'effect.outcome') {
        if (isRelease(event)) deployments.released(event, leaf);
        return;
      }
      const incident = incidentOf(event, details, leaf);
      if (incident !== null) incidents.push(incident);
    },
    end: () => ({
      deployments: deployments.end(),
      policyChanges: policies.changes,
      incidents,
      agents: agents.end(),
      hours,
      kinds,
      leaves,
      firstMs,
      lastMs,
    }),
  };
}
