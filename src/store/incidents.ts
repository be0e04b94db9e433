/** Incidents: what went past the gate, from when it was seen until somebody reviewed it afterwards. */
import { incidentEvent } from '../core/audit/state-event.ts';
import type { Bypass } from '../core/evidence.ts';
import type { Judged } from '../core/ports.ts';
import { caseOf } from '../core/rules/case.ts';
import { type PastMerge, pastMerges } from '../core/rules/merged-past.ts';
import { environmentKey, type Locator, type Trigger } from '../core/subject.ts';
import { pastGate } from '../core/words/bypass.ts';
import { appendEvent, stamp } from './append.ts';
import type { Tx } from './connect.ts';

interface Incident {
  readonly key: string;
  readonly code: 'bypass' | 'merged-past';
  readonly environment: string | null;
  readonly deploymentId: number | null;
  readonly runId: number | null;
  readonly sha: string;
  readonly sinceMs: number;
  readonly detail: string;
  readonly over: boolean;
  /** Never opened; one that was, before more was known, is closed. */
  readonly excused: boolean;
}

/** Where incidents were seen, and when. */
export interface SeenAt {
  readonly trigger: Trigger;
  readonly locator: Locator;
  /** GitHub's time of the reading. */
  readonly readAtMs: number;
  readonly nowMs: number;
}

/** Opens what this decision has seen past the gate, and closes what it has seen reviewed since. */
export async function keepIncidents(tx: Tx, judged: Judged, nowMs: number): Promise<void> {
  const { trigger, locator, evidence } = judged;
  const at = { trigger, locator, readAtMs: evidence.readAtMs, nowMs };
  for (const incident of incidentsOf(judged)) await keepIncident(tx, at, incident);
}

/** The same for one merge; answers the event that opened it, null when that was told before. */
export async function keepMergeIncident(
  tx: Tx,
  at: SeenAt,
  merge: PastMerge,
): Promise<string | null> {
  return keepIncident(tx, at, ofMerge(merge));
}

async function keepIncident(tx: Tx, at: SeenAt, incident: Incident): Promise<string | null> {
  const opened = incident.excused ? null : await keepOpened(tx, at, incident);
  if (incident.over) await keepClosed(tx, at, incident);
  return opened;
}

function incidentsOf({ evidence, policy, decision }: Judged): readonly Incident[] {
  const { deployment } = evidence;
  if (deployment === null) return [];
  const { bypass = null, bypasses = [], rollback = null } = deployment;
  const some = evidence.changes.some(({ mergedPast }) => mergedPast !== undefined);
  const merges = some && rollback === null ? pastMerges(caseOf(policy, evidence)) : [];
  // A release by review proves that all it brought was reviewed after what went past the gate.
  const isReviewed =
    decision.verdict === 'allow' &&
    rollback === null &&
    evidence.changes.length > 0 &&
    !decision.opinions.some(({ code }) => code === 'break-glass');
  return [
    ...bypasses.map((one) => ofDeployment(one, isReviewed)),
    ...(bypass === null ? [] : [ofDeployment(bypass, false)]),
    ...merges.map(ofMerge),
  ];
}

function ofDeployment(bypass: Bypass, over: boolean): Incident {
  const { environment, deploymentId, runId, sha, atMs } = bypass;
  return {
    key: `deployment:${environmentKey(environment)}:${deploymentId}`,
    code: 'bypass',
    environment,
    deploymentId,
    runId,
    sha,
    sinceMs: atMs,
    detail: pastGate(bypass).detail,
    over,
    excused: false,
  };
}

function ofMerge(merge: PastMerge): Incident {
  const { pull, sha, atMs, reviewed, excused } = merge;
  return {
    key: `merge:${pull}:${sha}`,
    code: 'merged-past',
    environment: null,
    deploymentId: null,
    runId: null,
    sha,
    sinceMs: atMs,
    detail: pastGate(merge).detail,
    over: reviewed,
    excused,
  };
}

async function keepOpened(tx: Tx, at: SeenAt, incident: Incident): Promise<string | null> {
  const { installationId, id } = at.locator.repo;
  const { key, code, environment, deploymentId, runId, sha, detail, sinceMs } = incident;
  const added = await tx`insert into tagout.incident values (${installationId}::bigint,
      ${id}::bigint, ${key}, ${code}, ${environment}, ${deploymentId}::bigint, ${runId}::bigint,
      ${sha}, ${detail}, ${sinceMs}::bigint, null)
    on conflict do nothing returning 1`;
  return added.length === 0 ? null : tell(tx, at, { ...incident, over: false });
}

async function keepClosed(tx: Tx, at: SeenAt, incident: Incident): Promise<void> {
  const { installationId, id } = at.locator.repo;
  const closed = await tx`update tagout.incident set closed_at_ms = ${at.nowMs}::bigint
    where installation_id = ${installationId} and repo_id = ${id} and key = ${incident.key}
      and closed_at_ms is null returning 1`;
  if (closed.length > 0) await tell(tx, at, incident);
}

async function tell(tx: Tx, at: SeenAt, incident: Incident): Promise<string> {
  const { trigger, locator, readAtMs, nowMs } = at;
  const { repo } = locator;
  const { code, key, sinceMs, over } = incident;
  const seen = {
    installationId: repo.installationId,
    repo,
    because: trigger.because,
    delivery: trigger.delivery,
    githubAtMs: readAtMs,
  };
  const place = `${repo.installationId}:${repo.id}:${key}`;
  const state = over ? 'closed' : 'opened';
  const mark = stamp(`incident:${code}:${place}:${sinceMs}:${state}`, nowMs);
  await appendEvent(tx, incidentEvent(incident, seen, mark));
  return mark.eventId;
}
