import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { decisionEvent } from '../../src/core/audit/decision-event.ts';
import { effectEvent, judgeFailedEvent, keyEvent } from '../../src/core/audit/effect-event.ts';
import type { AuditEvent } from '../../src/core/audit/event.ts';
import {
  glassReviewedEvent,
  readEventOf,
  redactionEvent,
  suspensionEvent,
} from '../../src/core/audit/notice-event.ts';
import { auditEventSchema } from '../../src/core/audit/schema.ts';
import { incidentEvent, postureEvent } from '../../src/core/audit/state-event.ts';
import { adoptedEvent } from '../../src/core/audit/adopted-event.ts';
import { checkRun, HEAD, judged, locatorOf, repoOf } from '../store/judged.ts';
import { salts, START_MS, uuid } from './log.ts';

/**
 * The checklist of NIST AU-3 and of what the log promises to hold. `EVENTS` has one event of each
 * kind, made by the function that the product uses: a kind without a row does not compile.
 */
const stamp = { eventId: uuid(1), dedupeKey: 'x', recordedAtMs: START_MS, salt: salts('kinds') };
const repo = repoOf(1);
const place = { key: '1:10:pull:7', previous: null, repo };
const trigger = {
  locator: locatorOf({ repo }),
  because: 'pull_request_review.submitted',
  delivery: '6f1c9d9e-0000-4000-8000-000000000000',
};
const doer = { kind: 'operator', id: null, login: 'ops' } as const;
const human = { kind: 'human', id: 7, login: 'kim' } as const;
const seen = {
  installationId: 1,
  repo,
  because: 'sweep',
  delivery: null,
  githubAtMs: START_MS - 5_000,
};
const effect = {
  outboxId: 1,
  effect: checkRun(repo, 'success'),
  subject: { kind: 'pull-request', repo, number: 7, headSha: HEAD },
  subjectKey: place.key,
  decision: uuid(2),
  attempts: 1,
} as const;
const allowed = judged({ repo, verdict: 'allow' });
const glass = {
  rule: 'break-glass',
  verdict: 'allow',
  code: 'break-glass',
  reason: '',
  cure: '',
} as const;

function adopted(): AuditEvent {
  const wish = judged({ repo, runId: 9 });
  const { deployment } = wish.evidence;
  assert.ok(deployment !== null);
  const start = { runId: 5, deploymentId: 6, atMs: START_MS - 1 };
  const sealable = adoptedEvent(repo, { ...deployment, fromSha: HEAD, adopted: start }, stamp);
  assert.ok(sealable !== null);
  return sealable.event;
}

const incident = {
  code: 'bypass',
  environment: 'production',
  deploymentId: 5,
  runId: null,
  sha: HEAD,
  sinceMs: START_MS,
  detail: 'A deployment started that was never released.',
};
const posture = {
  about: 'posture',
  item: 'gate-off',
  environment: 'production',
  from: 'ok',
  fromMs: START_MS - 1,
  to: 'bad',
  toMs: START_MS,
  detail: 'The protection rule was removed from the environment.',
} as const;
const read = { what: 'register', how: 'web', fromMs: null, toMs: 1, installationId: 1 } as const;
const redaction = { erased: [{ event: uuid(1), path: 'changes.0.title' }], evidence: 0 };
const stopped = { installationId: 1, agent: 'copilot', reason: 'why', doer };

const reviewed = {
  repo,
  delivery: trigger.delivery,
  decision: uuid(3),
  review: { reviewId: 40, pull: 7, reviewedSha: HEAD, submittedAtMs: START_MS },
  outcome: 'approved',
  doer: human,
} as const;

const EVENTS: { readonly [K in AuditEvent['kind']]: AuditEvent } = {
  'decision.made': decisionEvent(
    { ...allowed, trigger, decision: { ...allowed.decision, opinions: [glass] } },
    place,
    stamp,
  ).event,
  'effect.outcome': effectEvent(
    effect,
    { end: 'done', githubId: 1, githubAtMs: 2, httpStatus: 200, detail: null },
    stamp,
  ).event,
  'judge.failed': judgeFailedEvent(
    trigger,
    { code: 'github-unavailable', message: 'down', attempts: 25 },
    stamp,
  ).event,
  'key.announced': keyEvent({ installationId: 1, vkey: 'v', origin: 'o' }, stamp).event,
  'baseline.adopted': adopted(),
  'agent.suspended': suspensionEvent({ ...stopped, resumed: false }, stamp).event,
  'agent.resumed': suspensionEvent({ ...stopped, resumed: true }, stamp).event,
  'redaction.performed': redactionEvent(
    { installationId: 1, basis: 'Article 17', doer, ...redaction },
    stamp,
  ).event,
  'break-glass.reviewed': glassReviewedEvent(reviewed, stamp).event,
  'report.read': readEventOf({ ...read, shown: true, doer: human }, stamp).event,
  'posture.changed': postureEvent(posture, seen, stamp).event,
  'incident.opened': incidentEvent({ ...incident, over: false }, seen, stamp).event,
  'incident.closed': incidentEvent({ ...incident, over: true }, seen, stamp).event,
};

/** They concern a whole installation and not one repository. */
const OF_NO_REPOSITORY: ReadonlySet<string> = new Set([
  'key.announced',
  'agent.suspended',
  'agent.resumed',
  'redaction.performed',
  'report.read',
]);

/** Made by an account or an operator: the others are the app's own acts. */
const BY_SOMEBODY: ReadonlySet<string> = new Set([
  'break-glass.reviewed',
  'agent.suspended',
  'agent.resumed',
  'redaction.performed',
  'report.read',
]);

function at(event: AuditEvent, path: string): unknown {
  let value: unknown = event;
  for (const step of path.split('.')) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = Reflect.get(value, step);
  }
  return value;
}

/** What the log promises to hold, and where exactly it stands. */
const PROMISED: readonly (readonly [string, AuditEvent['kind'], readonly string[]])[] = [
  ['deliveries judged', 'decision.made', ['source.delivery', 'source.because']],
  ['deliveries that could not be judged', 'judge.failed', ['source.delivery', 'failure.code']],
  ['evidence', 'decision.made', ['evidence.sha256', 'evidence.judged', 'evidence.readAtMs']],
  ['dry runs with output hashes', 'decision.made', ['changes.0.dryRun.sha256']],
  ['reviews counted', 'decision.made', ['decision.counted.0.reviewId']],
  ['reviews refused', 'decision.made', ['decision.refused.0.codes.0']],
  ['decisions', 'decision.made', ['decision.verdict', 'decision.opinions', 'policy.sha256']],
  ['effects and their outcomes', 'effect.outcome', ['effect.kind', 'outcome', 'links.decision']],
  ['policy and posture changes', 'posture.changed', ['posture.to', 'posture.toMs']],
  ['incidents', 'incident.opened', ['incident.code', 'incident.sinceMs']],
  ['break glass', 'decision.made', ['decision.opinions.0.code']],
  ['reviews after break glass', 'break-glass.reviewed', ['review.reviewId', 'links.decision']],
  ['agent suspensions', 'agent.suspended', ['suspension.agent', 'suspension.reason']],
  ['report access', 'report.read', ['report.what', 'actor.id']],
  ['redactions', 'redaction.performed', ['redaction.basis', 'redaction.fields']],
];

describe('every kind of audit event', () => {
  for (const [kind, event] of Object.entries(EVENTS)) {
    test(`${kind} names what, when, where, source, outcome and who (AU-3)`, () => {
      assert.equal(auditEventSchema.safeParse(event).success, true);
      assert.equal(event.kind, kind);
      assert.equal(event.recordedAtMs, START_MS);
      assert.equal(event.installationId, 1);
      assert.equal(event.repo === null, OF_NO_REPOSITORY.has(kind));
      assert.notEqual(event.source.because, '');
      assert.notEqual(event.outcome, '');
      assert.notEqual(event.outcome, event.kind);
      const { actor } = event;
      if (!BY_SOMEBODY.has(kind)) return;
      assert.ok(actor.kind === 'human' || actor.kind === 'operator');
      assert.ok(actor.login !== null, 'an actor without a name is nobody');
    });
  }

  for (const [promise, kind, paths] of PROMISED) {
    test(`the log holds ${promise}`, () => {
      for (const path of paths) {
        const value = at(EVENTS[kind], path);
        assert.ok(value !== undefined && value !== null && value !== '', `${kind} has no ${path}`);
      }
    });
  }
});
