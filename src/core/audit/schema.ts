/** Reads and writes the bytes of an audit event: the same shapes as event.ts, checked strictly. */
import { z } from 'zod';
import { canonicalText } from '../canonical.ts';
import { EFFECT_KINDS } from '../effect.ts';
import type { AuditEvent } from './event.ts';
import { createScribe, type Detail, type Scribe } from './scribe.ts';

/** tlog-tiles entries carry a 16-bit length; with room for the frame. */
export const BODY_LIMIT_BYTES = 60_000;

const text = z
  .string()
  .refine((value) => value.isWellFormed() && !value.includes('\u0000'), 'not storable text');
const int = z.int();
const id = z.int().nullable();
const hex64 = z.string().regex(/^[0-9a-f]{64}$/);
const commitment = z.strictObject({ c: z.string().regex(/^[A-Za-z0-9+/]{43}=$/) });
const person = z.strictObject({ id, login: commitment.nullable() });
const verdict = z.enum(['allow', 'hold', 'deny']);
const radius = z.enum(['low', 'medium', 'high', 'critical']);
const refusal = z.enum([
  'R01',
  'R02',
  'R03',
  'R04',
  'R05',
  'R06',
  'R07',
  'R08',
  'R09',
  'R10',
  'R11',
  'R12',
  'R13',
  'R14',
  'R15',
]);

const common = {
  v: z.literal(1),
  eventId: z.uuid(),
  dedupeKey: text,
  installationId: int,
  recordedAtMs: int,
  source: z.strictObject({ because: text, delivery: text.nullable(), githubAtMs: id }),
  actor: z.strictObject({
    kind: z.enum(['human', 'agent', 'automation', 'app', 'operator', 'system']),
    id,
    login: commitment.nullable(),
  }),
  repo: z.strictObject({ id: int, name: text }).nullable(),
  subject: z
    .strictObject({
      kind: z.enum(['pull-request', 'deployment', 'merge-group', 'checkout']),
      key: text,
      pull: id,
      sha: text,
      runId: id,
      runAttempt: id,
      environment: text.nullable(),
      deploymentId: id,
    })
    .nullable(),
  outcome: text,
  cuts: z.array(z.strictObject({ path: text, was: int })),
};

const counted = z.strictObject({
  reviewId: int,
  person,
  pull: id,
  reviewedSha: text,
  submittedAtMs: int,
  permission: text,
  teams: z.array(text),
  assurance: z.enum(['account', 'presence']),
  independent: z.boolean(),
  commented: z.boolean().exactOptional(),
});

const finding = z.strictObject({
  id: text,
  level: z.enum(['danger', 'advice', 'note']),
  radius,
  object: text,
  figures: z.record(text, int),
});

const decision = z.strictObject({
  verdict,
  radius,
  opinions: z.array(z.strictObject({ rule: text, verdict, code: text })),
  needed: z.array(z.strictObject({ pull: id, radius, count: int, counted: int })),
  counted: z.array(counted),
  refused: z.array(
    z.strictObject({
      reviewId: int,
      person: person.nullable(),
      pull: id,
      codes: z.array(refusal),
    }),
  ),
  findings: z.array(finding),
  lookAgainMs: id,
});

const change = z.strictObject({
  pull: id,
  title: commitment,
  author: person.nullable(),
  headSha: text,
  baseSha: text,
  mergedAtMs: id,
  shown: hex64.nullable(),
  dryRun: z.strictObject({
    status: z.enum(['ok', 'failed', 'not-comparable', 'none']),
    engine: text.nullable(),
    sha256: hex64,
  }),
  facts: z
    .strictObject({
      reason: commitment.nullable(),
      tickets: z.array(text),
      commits: int,
      signed: int,
      contributors: z.array(int),
      sponsors: z.array(int),
      rollback: z.enum(['down-migration', 'described']).nullable(),
    })
    .exactOptional(),
});

const deploymentFacts = z.strictObject({
  ref: text.nullable(),
  checks: z
    .strictObject({
      result: z.enum(['success', 'failure', 'pending', 'none']),
      required: z.array(
        z.strictObject({
          name: text,
          state: z.enum(['passed', 'failed', 'skipped', 'pending', 'missing', 'stale']),
        }),
      ),
    })
    .nullable(),
  bypassedAtMs: id,
  glass: z
    .strictObject({ by: z.array(person), reason: commitment, reviewWithinMs: int })
    .nullable(),
});

const decisionMade = z.strictObject({
  ...common,
  kind: z.literal('decision.made'),
  decision,
  origin: z.strictObject({
    kind: z.enum(['agent', 'automation', 'human', 'undeclared']),
    agents: z.array(text),
    signals: z.array(z.strictObject({ agent: text, signal: text, forgeable: z.boolean() })),
  }),
  policy: z.strictObject({
    sha256: hex64,
    problems: int,
    spoke: z.array(z.strictObject({ file: text, commitSha: text.nullable() })),
    terms: z.record(text, int).exactOptional(),
  }),
  evidence: z.strictObject({
    sha256: hex64,
    judged: hex64,
    readAtMs: int,
    gaps: z.array(text),
  }),
  changes: z.array(change),
  deployment: z
    .strictObject({
      requester: person.nullable(),
      requestedAtMs: int,
      fromSha: text.nullable(),
      rule: text.nullable(),
      commits: int,
      unreviewed: int,
      facts: deploymentFacts.exactOptional(),
    })
    .nullable(),
  links: z.strictObject({ previous: z.uuid().nullable() }),
});

const effectOutcome = z.strictObject({
  ...common,
  kind: z.literal('effect.outcome'),
  outcome: z.enum(['done', 'refused', 'retry', 'uncertain', 'dead', 'superseded', 'expired']),
  effect: z.strictObject({
    kind: z.enum(EFFECT_KINDS),
    key: text,
    outboxId: int,
    state: text.nullable(),
    attempts: int,
    githubId: id,
    httpStatus: id,
    detail: text.nullable(),
  }),
  links: z.strictObject({ decision: z.uuid() }),
});

const judgeFailed = z.strictObject({
  ...common,
  kind: z.literal('judge.failed'),
  failure: z.strictObject({ code: text, message: text, attempts: int }),
});

const keyAnnounced = z.strictObject({
  ...common,
  kind: z.literal('key.announced'),
  key: z.strictObject({ vkey: text, origin: text }),
});

const baselineAdopted = z.strictObject({
  ...common,
  kind: z.literal('baseline.adopted'),
  outcome: z.literal('adopted'),
  baseline: z.strictObject({ environment: text, sha: text, runId: id, deploymentId: id }),
});

const agentSuspension = z.strictObject({
  ...common,
  kind: z.enum(['agent.suspended', 'agent.resumed']),
  outcome: z.enum(['suspended', 'resumed']),
  suspension: z.strictObject({ agent: text, reason: commitment }),
});

const redactionPerformed = z.strictObject({
  ...common,
  kind: z.literal('redaction.performed'),
  outcome: z.literal('erased'),
  redaction: z.strictObject({
    basis: text,
    fields: int,
    erased: z.array(z.strictObject({ event: z.uuid(), path: text })),
    evidence: int,
  }),
});

const glassReviewed = z.strictObject({
  ...common,
  kind: z.literal('break-glass.reviewed'),
  outcome: z.enum(['approved', 'changes-requested']),
  review: z.strictObject({ reviewId: int, pull: int, reviewedSha: text, submittedAtMs: int }),
  links: z.strictObject({ decision: z.uuid() }),
});

const reportRead = z.strictObject({
  ...common,
  kind: z.literal('report.read'),
  outcome: z.enum(['shown', 'refused']),
  report: z.strictObject({ what: text, how: z.enum(['command', 'web']), fromMs: id, toMs: id }),
});

const postureChanged = z.strictObject({
  ...common,
  kind: z.literal('posture.changed'),
  outcome: z.enum(['first-seen', 'changed', 'gone']),
  posture: z.strictObject({
    about: z.enum(['policy', 'posture']),
    item: text,
    environment: text.nullable(),
    from: text.nullable(),
    fromMs: id,
    to: text.nullable(),
    toMs: int,
    detail: text,
  }),
});

const incident = z.strictObject({
  ...common,
  kind: z.enum(['incident.opened', 'incident.closed']),
  outcome: z.enum(['opened', 'closed']),
  incident: z.strictObject({
    code: text,
    environment: text.nullable(),
    deploymentId: id,
    runId: id,
    sha: text.nullable(),
    sinceMs: int,
    detail: text,
  }),
});

/** Every kind of event, strictly: an unknown field is a bug of ours or a forgery. */
export const auditEventSchema: z.ZodType<AuditEvent> = z.discriminatedUnion('kind', [
  decisionMade,
  effectOutcome,
  judgeFailed,
  keyAnnounced,
  baselineAdopted,
  agentSuspension,
  redactionPerformed,
  glassReviewed,
  reportRead,
  postureChanged,
  incident,
]);

/** An event that is ready to be appended. */
export interface SealableEvent {
  /** The exact RFC 8785 text. */
  readonly body: string;
  readonly event: AuditEvent;
  readonly details: readonly Detail[];
}

/** Lists shrink step by step until the body fits; at the end they are empty and only counted. */
const LIST_LIMITS: readonly number[] = [60, 25, 8, 2, 0];

/**
 * Puts an event together: `draft` writes the body through the scribe. Throws only on a bug of ours
 * (a field that the schema does not know), never because of what a text holds.
 */
export function composeEvent(
  salt: () => Uint8Array,
  draft: (scribe: Scribe) => AuditEvent,
): SealableEvent {
  for (const limit of LIST_LIMITS) {
    const scribe = createScribe(salt, limit);
    const drafted = draft(scribe);
    const event = auditEventSchema.parse({ ...drafted, cuts: scribe.cuts() });
    const body = canonicalText(event);
    if (Buffer.byteLength(body, 'utf8') <= BODY_LIMIT_BYTES) {
      return { body, event, details: scribe.details };
    }
  }
  throw new RangeError('An audit event does not fit although every list in it is empty.');
}
