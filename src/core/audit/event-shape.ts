/** The same shapes as schema.ts for the verifier's hot path; a test holds both against each other. */
import { EFFECT_KINDS } from '../effect.ts';
import {
  dictionary,
  flag,
  int,
  isOfShape,
  type Kept,
  kept,
  list,
  matching,
  nullable,
  object,
  oneOf,
  optional,
  type Shape,
  text,
  union,
} from './shape.ts';

const id = nullable(int);
const hex64 = matching(/^[0-9a-f]{64}$/);
const uuid = matching(/^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
const commitment = object({ c: matching(/^[A-Za-z0-9+/]{43}=$/) });
const person = object({ id, login: nullable(commitment) });
const verdict = oneOf('allow', 'hold', 'deny');
const radius = oneOf('low', 'medium', 'high', 'critical');
const refusal = matching(/^R(?:0[1-9]|1[0-5])$/);

/** Where the fields stood that every row is judged by. */
const AT = {
  eventId: { from: 0, to: 0 },
  dedupeKey: { from: 0, to: 0 },
  installationId: { from: 0, to: 0 },
  recordedAtMs: { from: 0, to: 0 },
  decides: { from: 0, to: 0 },
  state: { from: 0, to: 0 },
} satisfies Record<string, Kept>;

const common = {
  v: oneOf(1),
  eventId: kept(AT.eventId, uuid),
  dedupeKey: kept(AT.dedupeKey, text),
  installationId: kept(AT.installationId, int),
  recordedAtMs: kept(AT.recordedAtMs, int),
  source: object({ because: text, delivery: nullable(text), githubAtMs: id }),
  actor: object({
    kind: oneOf('human', 'agent', 'automation', 'app', 'operator', 'system'),
    id,
    login: nullable(commitment),
  }),
  repo: nullable(object({ id: int, name: text })),
  subject: nullable(
    object({
      kind: oneOf('pull-request', 'deployment', 'merge-group', 'checkout'),
      key: text,
      pull: id,
      sha: text,
      runId: id,
      runAttempt: id,
      environment: nullable(text),
      deploymentId: id,
    }),
  ),
  outcome: text,
  cuts: list(object({ path: text, was: int })),
};

const decision = object({
  verdict,
  radius,
  opinions: list(object({ rule: text, verdict, code: text })),
  needed: list(object({ pull: id, radius, count: int, counted: int })),
  counted: list(
    object({
      reviewId: int,
      person,
      pull: id,
      reviewedSha: text,
      submittedAtMs: int,
      permission: text,
      teams: list(text),
      assurance: oneOf('account', 'presence'),
      independent: flag,
      commented: optional(flag),
    }),
  ),
  refused: list(
    object({ reviewId: int, person: nullable(person), pull: id, codes: list(refusal) }),
  ),
  findings: list(
    object({
      id: text,
      level: oneOf('danger', 'advice', 'note'),
      radius,
      object: text,
      figures: dictionary(int),
    }),
  ),
  lookAgainMs: id,
});

const change = object({
  pull: id,
  title: commitment,
  author: nullable(person),
  headSha: text,
  baseSha: text,
  mergedAtMs: id,
  shown: nullable(hex64),
  dryRun: object({
    status: oneOf('ok', 'failed', 'not-comparable', 'none'),
    engine: nullable(text),
    sha256: hex64,
  }),
  facts: optional(
    object({
      reason: nullable(commitment),
      tickets: list(text),
      commits: int,
      signed: int,
      contributors: list(int),
      sponsors: list(int),
      rollback: nullable(oneOf('down-migration', 'described')),
    }),
  ),
});

const deploymentFacts = object({
  ref: nullable(text),
  checks: nullable(
    object({
      result: oneOf('success', 'failure', 'pending', 'none'),
      required: list(
        object({
          name: text,
          state: oneOf('passed', 'failed', 'skipped', 'pending', 'missing', 'stale'),
        }),
      ),
    }),
  ),
  bypassedAtMs: id,
  glass: nullable(object({ by: list(person), reason: commitment, reviewWithinMs: int })),
});

const decisionMade = object({
  ...common,
  kind: kept(AT.decides, oneOf('decision.made')),
  decision,
  origin: object({
    kind: oneOf('agent', 'automation', 'human', 'undeclared'),
    agents: list(text),
    signals: list(object({ agent: text, signal: text, forgeable: flag })),
  }),
  policy: object({
    sha256: hex64,
    problems: int,
    spoke: list(object({ file: text, commitSha: nullable(text) })),
    terms: optional(dictionary(int)),
  }),
  evidence: object({ sha256: hex64, judged: hex64, readAtMs: int, gaps: list(text) }),
  changes: list(change),
  deployment: nullable(
    object({
      requester: nullable(person),
      requestedAtMs: int,
      fromSha: nullable(text),
      rule: nullable(text),
      commits: int,
      unreviewed: int,
      facts: optional(deploymentFacts),
    }),
  ),
  links: object({ previous: nullable(uuid) }),
});

const effectOutcome = object({
  ...common,
  kind: oneOf('effect.outcome'),
  outcome: oneOf('done', 'refused', 'retry', 'uncertain', 'dead', 'superseded', 'expired'),
  effect: object({
    kind: oneOf(...Object.values(EFFECT_KINDS)),
    key: text,
    outboxId: int,
    state: kept(AT.state, nullable(text)),
    attempts: int,
    githubId: id,
    httpStatus: id,
    detail: nullable(text),
  }),
  links: object({ decision: uuid }),
});

const suspension = object({
  ...common,
  kind: oneOf('agent.suspended', 'agent.resumed'),
  outcome: oneOf('suspended', 'resumed'),
  suspension: object({ agent: text, reason: commitment }),
});

const incident = object({
  ...common,
  kind: oneOf('incident.opened', 'incident.closed'),
  outcome: oneOf('opened', 'closed'),
  incident: object({
    code: text,
    environment: nullable(text),
    deploymentId: id,
    runId: id,
    sha: nullable(text),
    sinceMs: int,
    detail: text,
  }),
});

/** The key before `kind` names only the event itself: other objects with a kind lack it. */
const eventShape: Shape = union('"installationId":', {
  'decision.made': decisionMade,
  'effect.outcome': effectOutcome,
  'judge.failed': object({
    ...common,
    kind: oneOf('judge.failed'),
    failure: object({ code: text, message: text, attempts: int }),
  }),
  'key.announced': object({
    ...common,
    kind: oneOf('key.announced'),
    key: object({ vkey: text, origin: text }),
  }),
  'baseline.adopted': object({
    ...common,
    kind: oneOf('baseline.adopted'),
    outcome: oneOf('adopted'),
    baseline: object({ environment: text, sha: text, runId: id, deploymentId: id }),
  }),
  'agent.suspended': suspension,
  'agent.resumed': suspension,
  'redaction.performed': object({
    ...common,
    kind: oneOf('redaction.performed'),
    outcome: oneOf('erased'),
    redaction: object({
      basis: text,
      fields: int,
      erased: list(object({ event: uuid, path: text })),
      evidence: int,
    }),
  }),
  'break-glass.reviewed': object({
    ...common,
    kind: oneOf('break-glass.reviewed'),
    outcome: oneOf('approved', 'changes-requested'),
    review: object({ reviewId: int, pull: int, reviewedSha: text, submittedAtMs: int }),
    links: object({ decision: uuid }),
  }),
  'report.read': object({
    ...common,
    kind: oneOf('report.read'),
    outcome: oneOf('shown', 'refused'),
    report: object({ what: text, how: oneOf('command', 'web'), fromMs: id, toMs: id }),
  }),
  'posture.changed': object({
    ...common,
    kind: oneOf('posture.changed'),
    outcome: oneOf('first-seen', 'changed', 'gone'),
    posture: object({
      about: oneOf('policy', 'posture'),
      item: text,
      environment: nullable(text),
      from: nullable(text),
      fromMs: id,
      to: nullable(text),
      toMs: int,
      detail: text,
    }),
  }),
  'incident.opened': incident,
  'incident.closed': incident,
});

/** Whether a body is the RFC 8785 text of an event that `auditEventSchema` accepts. */
export function isEventText(body: string): boolean {
  return isOfShape(eventShape, body);
}

/** What every row is judged by. */
export interface EventHead {
  readonly eventId: string;
  readonly dedupeKey: string;
  readonly installationId: number;
  readonly recordedAtMs: number;
}

export interface ReadHead extends EventHead {
  /** Neither a decision nor a release: nothing that comes later depends on its rest. */
  readonly standsAlone: boolean;
}

/** The head of a body without the rest of it; null where `isEventText` says no. */
export function readHead(body: string): ReadHead | null {
  AT.decides.to = 0;
  AT.state.to = 0;
  if (!isEventText(body)) return null;
  const { eventId, dedupeKey, installationId, recordedAtMs } = AT;
  const key = body.slice(dedupeKey.from, dedupeKey.to);
  return {
    eventId: body.slice(eventId.from + 1, eventId.to - 1),
    dedupeKey: key.includes('\\') ? String(JSON.parse(key)) : key.slice(1, -1),
    installationId: Number(body.slice(installationId.from, installationId.to)),
    recordedAtMs: Number(body.slice(recordedAtMs.from, recordedAtMs.to)),
    standsAlone:
      AT.decides.to === 0 && !(AT.state.to > 0 && body.startsWith('"approved"', AT.state.from)),
  };
}
