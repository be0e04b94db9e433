/** The audit events beside decisions: what became of effects, failures, keys. */
import type { Effect } from '../effect.ts';
import { isWide, type Subject, type Trigger } from '../subject.ts';
import { auditRepo, auditSubject, type EventStamp } from './decision-event.ts';
import type { AuditEvent, EffectEnd } from './event.ts';
import { composeEvent, type SealableEvent } from './schema.ts';
import type { Scribe } from './scribe.ts';

const SYSTEM: AuditEvent['actor'] = { kind: 'system', id: null, login: null };

/** An effect with what the outbox knows of it. */
export interface EffectRecord {
  readonly outboxId: number;
  readonly effect: Effect;
  readonly subject: Subject;
  readonly subjectKey: string;
  /** The event of the decision that asked for it. */
  readonly decision: string;
  readonly attempts: number;
}

/** What is known about the attempt. */
export interface EffectEndDetail {
  readonly end: EffectEnd;
  readonly githubId: number | null;
  readonly githubAtMs: number | null;
  readonly httpStatus: number | null;
  readonly detail: string | null;
}

function stateOf(effect: Effect): string | null {
  switch (effect.kind) {
    case 'check-run':
      return effect.conclusion;
    case 'review-deployment':
      return effect.state;
    case 'labels':
    case 'deployment-note':
    case 'issue':
    case 'review-request':
      return null;
    case 'pull-comment':
    case 'notice':
      return effect.over ? 'over' : 'waiting';
  }
}

function common(
  scribe: Scribe,
  stamp: EventStamp,
  about: { readonly installationId: number; readonly because: string },
): Pick<
  AuditEvent,
  'v' | 'eventId' | 'dedupeKey' | 'installationId' | 'recordedAtMs' | 'source' | 'actor' | 'cuts'
> {
  return {
    v: 1,
    eventId: stamp.eventId,
    dedupeKey: stamp.dedupeKey,
    installationId: about.installationId,
    recordedAtMs: stamp.recordedAtMs,
    source: {
      because: scribe.text('source.because', about.because, 100),
      delivery: null,
      githubAtMs: null,
    },
    actor: SYSTEM,
    cuts: [],
  };
}

/** The event `effect.outcome`. */
export function effectEvent(
  row: EffectRecord,
  what: EffectEndDetail,
  stamp: EventStamp,
): SealableEvent {
  const { effect } = row;
  return composeEvent(stamp.salt, (scribe) => {
    const { installationId } = effect.repo;
    const base = common(scribe, stamp, { installationId, because: 'outbox' });
    return {
      ...base,
      source: { ...base.source, githubAtMs: what.githubAtMs },
      kind: 'effect.outcome',
      outcome: what.end,
      repo: auditRepo(effect.repo),
      subject: auditSubject(row.subject, row.subjectKey),
      effect: {
        kind: effect.kind,
        key: scribe.text('effect.key', effect.key),
        outboxId: row.outboxId,
        state: stateOf(effect),
        attempts: row.attempts,
        githubId: what.githubId,
        httpStatus: what.httpStatus,
        detail: what.detail === null ? null : scribe.text('effect.detail', what.detail, 500),
      },
      links: { decision: row.decision },
    };
  });
}

/** The event `judge.failed`: tried to the limit and not judged; the subject stays locked. */
export function judgeFailedEvent(
  trigger: Trigger,
  failure: { readonly code: string; readonly message: string; readonly attempts: number },
  stamp: EventStamp,
): SealableEvent {
  const { locator } = trigger;
  const repo = isWide(locator) ? null : locator.repo;
  return composeEvent(stamp.salt, (scribe) => {
    const { installationId } = isWide(locator) ? locator : locator.repo;
    const base = common(scribe, stamp, { installationId, because: trigger.because });
    const { delivery } = trigger;
    return {
      ...base,
      source: {
        ...base.source,
        delivery: delivery === null ? null : scribe.text('source.delivery', delivery, 100),
      },
      kind: 'judge.failed',
      outcome: 'locked',
      repo: auditRepo(repo),
      subject: null,
      failure: {
        code: scribe.text('failure.code', failure.code, 100),
        message: scribe.text('failure.message', failure.message, 500),
        attempts: failure.attempts,
      },
    };
  });
}

/** The event `key.announced`: before a key signs in a log for the first time. */
export function keyEvent(
  log: { readonly installationId: number; readonly vkey: string; readonly origin: string },
  stamp: EventStamp,
): SealableEvent {
  return composeEvent(stamp.salt, (scribe) => ({
    ...common(scribe, stamp, { installationId: log.installationId, because: 'key' }),
    kind: 'key.announced',
    outcome: 'announced',
    repo: null,
    subject: null,
    key: {
      vkey: scribe.text('key.vkey', log.vkey, 400),
      origin: scribe.text('key.origin', log.origin),
    },
  }));
}
