import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { AuditEvent } from '../../src/core/audit/event.ts';
import { auditEventSchema } from '../../src/core/audit/schema.ts';
import { EVENTS } from './kinds.ts';
import { START_MS } from './log.ts';

/**
 * The checklist of NIST AU-3 and of what the log promises to hold. `EVENTS` has one event of each
 * kind, made by the function that the product uses: a kind without a row does not compile.
 */
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
