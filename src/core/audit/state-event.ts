/** Events about the state around the gate: its policy and posture, and incidents. */
import type { RepoRef } from '../subject.ts';
import { auditRepo, type EventStamp } from './decision-event.ts';
import type { AuditEvent, IncidentEvent, PostureChanged } from './event.ts';
import { composeEvent, type SealableEvent } from './schema.ts';
import type { Scribe } from './scribe.ts';

/** Where a state was seen, and what made somebody look. */
export interface SeenState {
  readonly installationId: number;
  /** Null: it concerns the whole installation. */
  readonly repo: RepoRef | null;
  /** The trigger's reason, as in the events of decisions. */
  readonly because: string;
  readonly delivery: string | null;
  /** GitHub's own time of the fact, where it tells one. */
  readonly githubAtMs: number | null;
}

function common(scribe: Scribe, stamp: EventStamp, seen: SeenState) {
  const { delivery } = seen;
  return {
    v: 1 as const,
    eventId: stamp.eventId,
    dedupeKey: stamp.dedupeKey,
    installationId: seen.installationId,
    recordedAtMs: stamp.recordedAtMs,
    source: {
      because: scribe.text('source.because', seen.because, 100),
      delivery: delivery === null ? null : scribe.text('source.delivery', delivery, 100),
      githubAtMs: seen.githubAtMs,
    },
    actor: { kind: 'system' as const, id: null, login: null },
    repo: auditRepo(seen.repo),
    subject: null,
    cuts: [],
  };
}

/** The event `posture.changed`: a policy, or GitHub's settings around the gate. */
export function postureEvent(
  change: PostureChanged['posture'],
  seen: SeenState,
  stamp: EventStamp,
): SealableEvent {
  const { from, to, environment } = change;
  return composeEvent(
    stamp.salt,
    (scribe): AuditEvent => ({
      ...common(scribe, stamp, seen),
      kind: 'posture.changed',
      outcome: to === null ? 'gone' : from === null ? 'first-seen' : 'changed',
      posture: {
        about: change.about,
        item: scribe.text('posture.item', change.item),
        environment: environment === null ? null : scribe.text('posture.environment', environment),
        from: from === null ? null : scribe.text('posture.from', from),
        fromMs: change.fromMs,
        to: to === null ? null : scribe.text('posture.to', to),
        toMs: change.toMs,
        detail: scribe.text('posture.detail', change.detail, 500),
      },
    }),
  );
}

/** The event `incident.opened`, or `incident.closed` when it has ended. */
export function incidentEvent(
  what: IncidentEvent['incident'] & { readonly over: boolean },
  seen: SeenState,
  stamp: EventStamp,
): SealableEvent {
  const { environment, sha } = what;
  return composeEvent(
    stamp.salt,
    (scribe): AuditEvent => ({
      ...common(scribe, stamp, seen),
      kind: what.over ? 'incident.closed' : 'incident.opened',
      outcome: what.over ? 'closed' : 'opened',
      incident: {
        code: scribe.text('incident.code', what.code, 100),
        environment: environment === null ? null : scribe.text('incident.environment', environment),
        deploymentId: what.deploymentId,
        runId: what.runId,
        sha: sha === null ? null : scribe.text('incident.sha', sha, 64),
        sinceMs: scribe.int('incident.sinceMs', what.sinceMs),
        detail: scribe.text('incident.detail', what.detail, 500),
      },
    }),
  );
}
