import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  glassReviewedEvent,
  suspensionEvent,
  readEventOf,
  redactionEvent,
} from '../../src/core/audit/notice-event.ts';
import { incidentEvent, postureEvent } from '../../src/core/audit/state-event.ts';
import { isEventText, readHead } from '../../src/core/audit/event-shape.ts';
import { auditEventSchema } from '../../src/core/audit/schema.ts';
import { createSeen } from '../../src/core/audit/seen.ts';
import { canonicalText } from '../../src/core/canonical.ts';
import { decision, deployments, failure, salts, START_MS, uuid } from './log.ts';
import { randomFrom } from './flips.ts';

const stamp = { eventId: uuid(5), dedupeKey: 'x', recordedAtMs: START_MS, salt: salts('shape') };
const doer = { kind: 'operator', id: null, login: 'ops' } as const;
const about = { installationId: 1, doer };
const erased = [{ event: uuid(1), path: 'changes.0.title' }];

const seen = {
  installationId: 1,
  repo: { installationId: 1, id: 10, owner: 'acme', name: 'shop' },
  because: 'sweep',
  delivery: null,
  githubAtMs: null,
};
const posture = {
  about: 'policy',
  item: '.github/tagout.yml',
  environment: null,
  from: 'a'.repeat(64),
  fromMs: START_MS,
  to: 'b'.repeat(64),
  toMs: START_MS + 1,
  detail: 'The policy asks for one approval where it asked for two.',
} as const;
const incident = {
  code: 'bypass',
  environment: 'production',
  deploymentId: 5,
  runId: null,
  sha: 'c'.repeat(40),
  sinceMs: START_MS,
  detail: 'A deployment started that was never released.',
};

const EVENTS: readonly unknown[] = [
  decision({ atMs: START_MS, number: 1, runId: 1, verdict: 'allow' }).event,
  decision({ atMs: START_MS, number: 2, verdict: 'deny' }).event,
  failure(3, START_MS).event,
  ...deployments(1).leaves.map(({ body }) => JSON.parse(body)),
  suspensionEvent({ ...about, agent: 'copilot', reason: 'why', resumed: false }, stamp).event,
  suspensionEvent({ ...about, agent: 'copilot', reason: 'why', resumed: true }, stamp).event,
  redactionEvent({ ...about, basis: 'Article 17', erased, evidence: 1 }, stamp).event,
  readEventOf({ ...about, what: 'register', how: 'web', fromMs: null, toMs: 1, shown: true }, stamp)
    .event,
  glassReviewedEvent(
    {
      repo: seen.repo,
      delivery: null,
      decision: uuid(9),
      review: { reviewId: 4, pull: 7, reviewedSha: 'd'.repeat(40), submittedAtMs: START_MS },
      outcome: 'approved',
      doer: { kind: 'human', id: 5, login: 'yusuf' },
    },
    stamp,
  ).event,
  postureEvent(posture, seen, stamp).event,
  postureEvent({ ...posture, from: null, fromMs: null, environment: 'production' }, seen, stamp)
    .event,
  postureEvent({ ...posture, to: null }, { ...seen, repo: null }, stamp).event,
  incidentEvent({ ...incident, over: false }, seen, stamp).event,
  incidentEvent({ ...incident, over: true, environment: null, sha: null }, seen, stamp).event,
];

const VALUES: readonly unknown[] = [
  null,
  0,
  1,
  -1,
  1.5,
  2 ** 53,
  true,
  '',
  'x',
  'a\u0000b',
  'a\u0001\b\f\n\r\t\u000b\u001f"\\ü😀\u007f\u2028',
  '\\u0000',
  -0.5,
  1e15,
  2 ** 53 - 1,
  '\ud800',
  [],
  [1],
  {},
  { c: 'x' },
  'allow',
];

/** Another value, one key less, one more, or another order, somewhere in a JSON value. */
function mutated(value: unknown, random: () => number): unknown {
  const pick = <T>(rows: readonly T[]): T | undefined => rows[Math.floor(random() * rows.length)];
  if (Array.isArray(value) && value.length > 0 && random() < 0.8) {
    const at = Math.floor(random() * value.length);
    return value.map((entry, index) => (index === at ? mutated(entry, random) : entry));
  }
  if (typeof value === 'object' && value !== null && random() < 0.85) {
    const entries = Object.entries(value);
    const key = pick(entries)?.[0];
    const dice = random();
    if (dice < 0.15) return Object.fromEntries(entries.filter(([name]) => name !== key));
    if (dice < 0.3) return { ...value, extra: 1 };
    if (dice < 0.4) return Object.fromEntries(entries.toReversed());
    return Object.fromEntries(
      entries.map(([name, inner]) => [name, name === key ? mutated(inner, random) : inner]),
    );
  }
  return pick(VALUES);
}

/** What the slow way says of a body. */
function bySchema(value: unknown): boolean {
  return auditEventSchema.safeParse(value).success;
}

describe('the quick check of events', () => {
  test('accepts every kind that we write', () => {
    for (const event of EVENTS) {
      const body = canonicalText(event);
      const read: unknown = JSON.parse(body);
      assert.ok(bySchema(read), body);
      assert.ok(isEventText(body), body);
      const { eventId, dedupeKey, installationId, recordedAtMs } = auditEventSchema.parse(read);
      const { standsAlone, ...head } = readHead(body) ?? {};
      assert.deepEqual(head, { eventId, dedupeKey, installationId, recordedAtMs });
      const matters = body.includes('"kind":"decision.made"') || body.includes('"approved"');
      assert.ok(matters || standsAlone === true, 'a row that could be a release is read whole');
      assert.ok(!(standsAlone === true && body.includes('"kind":"decision.made"')));
    }
  });

  test('says yes exactly where the schema does, for canonical bodies', (t) => {
    const seed = Number(process.env['SEED'] ?? 3);
    t.diagnostic(`seed ${seed}`);
    const random = randomFrom(seed);
    let yes = 0;
    for (let turn = 0; turn < 4_000; turn += 1) {
      const from = EVENTS[Math.floor(random() * EVENTS.length)];
      const changed = mutated(JSON.parse(canonicalText(from)), random);
      let body: string;
      try {
        body = canonicalText(changed);
      } catch {
        // A lone surrogate has no canonical form: what JSON would write is tried instead.
        body = JSON.stringify(changed);
      }
      const read: unknown = JSON.parse(body);
      const quick = isEventText(body);
      assert.equal(quick, bySchema(read), `turn ${turn} of seed ${seed}: ${body}`);
      if (quick) yes += 1;
    }
    assert.ok(yes > 100, 'some mutants are still events');
  });

  test('another text of the same event is none: order, spaces, escapes, numbers, ends', () => {
    const body = canonicalText(EVENTS[0]);
    assert.ok(isEventText(body));
    const read: unknown = JSON.parse(body);
    const turned = JSON.stringify(Object.fromEntries(Object.entries(Object(read)).toReversed()));
    const odd = [
      ` ${body}`,
      `${body} `,
      `${body}\n`,
      `${body}}`,
      body.slice(0, -1),
      body.replace('allow', '\\u0061llow'),
      body.replace('":', '": '),
      body.replace('"v":1', '"v":1.0'),
      body.replace('"v":1', '"v":01'),
      body.replace('"v":1', '"v":1,"v":1'),
      body.replace('"installationId":1', '"installationId":-0'),
      body.replace('"installationId":1', '"installationId":1e0'),
      body.replace('Held', 'He\u0001ld').replace('"outcome":"', '"outcome":"\u0001'),
      body.replace('"outcome":"', '"outcome":"\\/'),
      body.replace('"outcome":"', '"outcome":"\\u000a'),
      body.replace('"outcome":"', '"outcome":"\\u001F'),
      body.replace('"outcome":"', '"outcome":"\ud800'),
      turned,
    ];
    for (const other of odd) {
      assert.notEqual(other, body);
      assert.ok(!isEventText(other), other);
    }
  });

  test('a set of fingerprints knows 200,000 keys from each other', () => {
    const seen = createSeen();
    for (let at = 0; at < 200_000; at += 1) assert.ok(seen.add(`key ${at}`), String(at));
    for (let at = 0; at < 200_000; at += 997) assert.ok(!seen.add(`key ${at}`), String(at));
  });
});
