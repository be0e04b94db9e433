/** One event of each kind, made by the function that the product uses. */
import assert from 'node:assert/strict';
import { decisionEvent } from '../../src/core/audit/decision-event.ts';
import { effectEvent, judgeFailedEvent, keyEvent } from '../../src/core/audit/effect-event.ts';
import type { AuditEvent } from '../../src/core/audit/event.ts';
import {
  glassReviewedEvent,
  readEventOf,
  redactionEvent,
  suspensionEvent,
} from '../../src/core/audit/notice-event.ts';
import { incidentEvent, postureEvent } from '../../src/core/audit/state-event.ts';
import { adoptedEvent } from '../../src/core/audit/adopted-event.ts';
import { checkRun, HEAD, judged, locatorOf, repoOf } from '../store/judged.ts';
import { salts, START_MS, uuid } from './log.ts';

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

export const EVENTS: { readonly [K in AuditEvent['kind']]: AuditEvent } = {
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
