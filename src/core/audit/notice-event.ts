/** Events about the record and its rules themselves: suspensions, erasures, reads, baselines. */
import type { RepoRef } from '../subject.ts';
import { auditRepo, type EventStamp } from './decision-event.ts';
import type { AuditEvent, GlassReviewed } from './event.ts';
import { composeEvent, type SealableEvent } from './schema.ts';
import { cleanText, type Scribe } from './scribe.ts';

/** Who did it: an account at GitHub, or somebody at the server's command line. */
export interface Doer {
  readonly kind: 'human' | 'operator' | 'system';
  readonly id: number | null;
  readonly login: string | null;
}

function common(
  scribe: Scribe,
  stamp: EventStamp,
  about: { readonly installationId: number; readonly because: string; readonly doer: Doer },
) {
  const { doer } = about;
  const login = doer.login === null ? null : scribe.secret('actor.login', doer.login);
  return {
    v: 1 as const,
    eventId: stamp.eventId,
    dedupeKey: stamp.dedupeKey,
    installationId: about.installationId,
    recordedAtMs: stamp.recordedAtMs,
    source: {
      because: scribe.text('source.because', about.because, 100),
      delivery: null,
      githubAtMs: null,
    },
    actor: { kind: doer.kind, id: doer.id, login },
    repo: null,
    subject: null,
    cuts: [],
  };
}

/** The event `agent.suspended` or `agent.resumed`. */
export function suspensionEvent(
  what: {
    readonly installationId: number;
    readonly agent: string;
    readonly reason: string;
    readonly resumed: boolean;
    readonly doer: Doer;
  },
  stamp: EventStamp,
): SealableEvent {
  const { installationId, agent, reason, resumed, doer } = what;
  return composeEvent(stamp.salt, (scribe): AuditEvent => {
    const because = resumed ? 'resume' : 'suspend';
    return {
      ...common(scribe, stamp, { installationId, because, doer }),
      kind: resumed ? 'agent.resumed' : 'agent.suspended',
      outcome: resumed ? 'resumed' : 'suspended',
      suspension: {
        agent: scribe.text('suspension.agent', agent, 100),
        reason: scribe.secret('suspension.reason', reason),
      },
    };
  });
}

/** The event `redaction.performed`; the erased text itself is nowhere in it. */
export function redactionEvent(
  what: {
    readonly installationId: number;
    readonly basis: string;
    readonly erased: readonly { readonly event: string; readonly path: string }[];
    /** Texts of evidence that were erased as well. */
    readonly evidence: number;
    readonly doer: Doer;
  },
  stamp: EventStamp,
): SealableEvent {
  const { installationId, basis, erased, evidence, doer } = what;
  return composeEvent(
    stamp.salt,
    (scribe): AuditEvent => ({
      ...common(scribe, stamp, { installationId, because: 'redact', doer }),
      kind: 'redaction.performed',
      outcome: 'erased',
      redaction: {
        basis: scribe.text('redaction.basis', basis, 500),
        fields: erased.length,
        erased: scribe
          .list('redaction.erased', erased)
          .map(({ event, path }) => ({ event, path: cleanText(path, 200) })),
        evidence,
      },
    }),
  );
}

/** The event `break-glass.reviewed`: a person looked afterwards at what was released. */
export function glassReviewedEvent(
  what: {
    readonly repo: RepoRef;
    readonly delivery: string | null;
    readonly decision: string;
    readonly review: GlassReviewed['review'];
    readonly outcome: GlassReviewed['outcome'];
    readonly doer: Doer;
  },
  stamp: EventStamp,
): SealableEvent {
  const { repo, delivery, decision, review, outcome, doer } = what;
  return composeEvent(stamp.salt, (scribe): AuditEvent => {
    const { installationId } = repo;
    const base = common(scribe, stamp, { installationId, because: 'review after', doer });
    return {
      ...base,
      source: {
        ...base.source,
        delivery: delivery === null ? null : scribe.text('source.delivery', delivery, 100),
        githubAtMs: review.submittedAtMs,
      },
      repo: auditRepo(repo),
      kind: 'break-glass.reviewed',
      outcome,
      review: { ...review, reviewedSha: cleanText(review.reviewedSha, 64) },
      links: { decision },
    };
  });
}

/** The event `report.read`: who looked at the record, or tried to. */
export function readEventOf(
  what: {
    readonly installationId: number;
    readonly what: string;
    readonly how: 'command' | 'web';
    readonly fromMs: number | null;
    readonly toMs: number | null;
    readonly shown: boolean;
    readonly doer: Doer;
  },
  stamp: EventStamp,
): SealableEvent {
  return composeEvent(
    stamp.salt,
    (scribe): AuditEvent => ({
      ...common(scribe, stamp, { ...what, because: 'report' }),
      kind: 'report.read',
      outcome: what.shown ? 'shown' : 'refused',
      report: {
        what: scribe.text('report.what', what.what, 200),
        how: what.how,
        fromMs: what.fromMs === null ? null : scribe.int('report.fromMs', what.fromMs),
        toMs: what.toMs === null ? null : scribe.int('report.toMs', what.toMs),
      },
    }),
  );
}
