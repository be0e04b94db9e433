import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { decisionEvent } from '../../src/core/audit/decision-event.ts';
import type { AuditEvent, DecisionMade } from '../../src/core/audit/event.ts';
import { auditEventSchema, BODY_LIMIT_BYTES } from '../../src/core/audit/schema.ts';
import { cleanText, commitTo } from '../../src/core/audit/scribe.ts';
import { canonicalText } from '../../src/core/canonical.ts';
import { judged, repoOf } from '../store/judged.ts';

const salt = (): Uint8Array => Buffer.alloc(16, 7);
const stamp = {
  eventId: '0189abcd-0000-7000-8000-000000000000',
  dedupeKey: 'x',
  recordedAtMs: 1_760_000_000_000,
  salt,
};
const repo = repoOf(1);
const about = { key: '1:10:pull:7', previous: null, repo };

function decided(change: Partial<ReturnType<typeof judged>['evidence']['changes'][number]> = {}) {
  const one = judged({ repo, verdict: 'allow' });
  const changes = one.evidence.changes.map((row) => ({ ...row, ...change }));
  return { ...one, evidence: { ...one.evidence, changes } };
}

const event: AuditEvent = decisionEvent(decided(), about, stamp).event;

describe('audit events', () => {
  test('an unknown field, a float, NUL and a lone surrogate are refused', () => {
    const { success } = auditEventSchema.safeParse(event);
    assert.equal(success, true);
    for (const bad of [
      { ...event, extra: 1 },
      { ...event, recordedAtMs: 1.5 },
      { ...event, recordedAtMs: 2 ** 53 + 1 },
      { ...event, outcome: 'a\u0000b' },
      { ...event, outcome: '\ud800' },
      { ...event, kind: 'deploy.forged' },
    ]) {
      assert.equal(auditEventSchema.safeParse(bad).success, false);
    }
  });

  test('text of any content never stops an event, and what was cut is listed', () => {
    const nasty = fc.string({ unit: 'binary', maxLength: 3_000 });
    const odd = fc.constantFrom(
      '\u0000',
      '\ud800',
      '\\x41',
      '\\u0000',
      '😀',
      '=cmd()',
      'é'.repeat(9e4),
    );
    const text = fc.tuple(nasty, odd, nasty).map((parts) => parts.join(''));
    fc.assert(
      fc.property(text, text, (title, ref) => {
        const sealable = decisionEvent(decided({ title, headSha: ref }), about, stamp);
        assert.equal(canonicalText(JSON.parse(sealable.body)), sealable.body);
        assert.ok(Buffer.byteLength(sealable.body) <= BODY_LIMIT_BYTES);
        assert.ok(auditEventSchema.safeParse(JSON.parse(sealable.body)).success);
        const { cuts } = sealable.event;
        const kept = sealable.details.find(({ path }) => path === 'changes.0.title');
        assert.equal(
          cuts.some(({ path }) => path === 'changes.0.title'),
          kept?.value !== title,
        );
      }),
      { numRuns: 150, seed: 20_261 },
    );
  });

  test('an event with thousands of rows still fits, and says how many there were', () => {
    const one = judged({ repo });
    const [finding] = one.decision.findings;
    assert.ok(finding !== undefined);
    const findings = Array.from({ length: 5_000 }, (_, at) => ({
      ...finding,
      object: `schema.table_${at}.${'x'.repeat(250)}`,
    }));
    const many = { ...one, decision: { ...one.decision, findings } };
    const { event, body } = decisionEvent(many, about, stamp);
    assert.ok(Buffer.byteLength(body) <= BODY_LIMIT_BYTES);
    assert.ok(event.kind === 'decision.made');
    assert.ok(event.decision.findings.length >= 25);
    assert.ok(event.cuts.some(({ path, was }) => path === 'decision.findings' && was === 5_000));
  });

  test('a figure that is no safe integer is 0 and listed', () => {
    const one = judged({ repo });
    const findings = one.decision.findings.map((row) => ({
      ...row,
      figures: { lost: Number.NaN, share: 0.5, many: 2 ** 60 },
    }));
    const { event } = decisionEvent(
      { ...one, decision: { ...one.decision, findings } },
      about,
      stamp,
    );
    assert.deepEqual((event as DecisionMade).decision.findings[0]?.figures, {
      lost: 0,
      share: 0,
      many: 0,
    });
    assert.equal(event.cuts.length, 3);
  });

  test('cutting never leaves half a character', () => {
    assert.equal(cleanText('a😀b', 2), 'a');
    assert.equal(cleanText('a\u0000b\ud800', 9), 'a\ufffdb\ufffd');
    assert.equal(
      commitTo(Buffer.from('salt'), 'value').c,
      '1DCh2jCv4anQezs2BCFR669TxIgq8WCXM8BJMN4xjjM=',
    );
  });
});
