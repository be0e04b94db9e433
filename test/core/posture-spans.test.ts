/** What was in force around the gate, from when to when: from the events, in leaf order. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PostureChanged } from '../../src/core/audit/event.ts';
import { postureEvent } from '../../src/core/audit/state-event.ts';
import {
  createPostureSpans,
  inForceWithin,
  posture,
  type PostureSpan,
} from '../../src/core/report/posture-spans.ts';
import { repoOf } from '../store/judged.ts';

const DAY_MS = 86_400_000;
const at = (day: number): number => Date.UTC(2026, 0, day);

function change(wish: Partial<PostureChanged['posture']> & { readonly toMs: number }, repo = 1) {
  const about = {
    about: 'posture',
    item: 'gate-off',
    environment: 'production',
    from: null,
    fromMs: null,
    to: 'ok',
    detail: 'read',
    ...wish,
  } as const;
  const seen = {
    installationId: 1,
    repo: { ...repoOf(repo), name: `repo-${repo}` },
    because: 'sweep',
    delivery: null,
    githubAtMs: wish.toMs,
  };
  const eventId = '019a0000-0000-7000-8000-000000000001';
  const salt = (): Uint8Array => new Uint8Array(16);
  const stamp = { eventId, dedupeKey: 'x', recordedAtMs: wish.toMs, salt };
  const { event } = postureEvent(about, seen, stamp);
  assert.equal(event.kind, 'posture.changed');
  return event;
}

function spansOf(events: readonly PostureChanged[]): readonly PostureSpan[] {
  const spans = createPostureSpans();
  for (const [leaf, event] of events.entries()) spans.changed(event, leaf);
  return spans.spans();
}

const short = (spans: readonly PostureSpan[]): readonly unknown[] =>
  spans.map(({ repo, state, fromMs, toMs }) => [
    repo,
    state,
    fromMs === null ? null : (fromMs - at(1)) / DAY_MS + 1,
    toMs === null ? null : (toMs - at(1)) / DAY_MS + 1,
  ]);

test('a state is in force until another is read, and the last one still is', () => {
  const found = spansOf([
    change({ toMs: at(1) }),
    change({ toMs: at(3), from: 'ok', fromMs: at(1), to: 'bad' }),
    change({ toMs: at(4) }, 2),
    change({ toMs: at(5), from: 'bad', fromMs: at(3), to: 'ok' }),
    change({ toMs: at(6), from: 'ok', fromMs: at(4), to: null }, 2),
  ]);
  assert.deepEqual(short(found), [
    ['acme/repo-1', 'ok', 1, 3],
    ['acme/repo-1', 'bad', 3, 5],
    ['acme/repo-2', 'ok', 4, 6],
    ['acme/repo-1', 'ok', 5, null],
  ]);
});

test('a log that begins in the middle tells what was before it', () => {
  const found = spansOf([change({ toMs: at(3), from: 'bad', fromMs: null, to: 'ok' })]);
  assert.deepEqual(short(found), [
    ['acme/repo-1', 'bad', null, 3],
    ['acme/repo-1', 'ok', 3, null],
  ]);
});

test('items, environments and the policy are apart', () => {
  const found = spansOf([
    change({ toMs: at(1) }),
    change({ toMs: at(2), item: 'admin-bypass', to: 'bad' }),
    change({ toMs: at(3), environment: 'staging', to: 'bad' }),
    change({ toMs: at(4), about: 'policy', to: 'abc' }),
  ]);
  assert.deepEqual(
    found.map(({ toMs }) => toMs),
    [null, null, null, null],
  );
});

test('a period has what was in force in it, also what began before and has not ended', () => {
  const found = spansOf([
    change({ toMs: at(1) }),
    change({ toMs: at(3), from: 'ok', fromMs: at(1), to: 'bad' }),
    change({ toMs: at(9) }, 2),
  ]);
  const within = (fromMs: number | null, toMs: number | null, repo: string | null = null) =>
    found.filter((span) => inForceWithin(span, { fromMs, toMs, repo })).map(({ state }) => state);
  assert.deepEqual(within(at(4), at(5)), ['bad']);
  assert.deepEqual(within(at(2), at(3)), ['ok'], 'the end of a period is out of it');
  assert.deepEqual(within(at(3), at(4)), ['bad'], 'what ended as it began is not in it');
  assert.deepEqual(within(null, null), ['ok', 'bad', 'ok']);
  assert.deepEqual(within(null, null, 'ACME/repo-2'), ['ok']);
});

test('what is in force now stands first', () => {
  const { columns, rows } = posture(
    spansOf([
      change({ toMs: at(1) }),
      change({ toMs: at(3), from: 'ok', fromMs: at(1), to: 'bad' }),
    ]),
  );
  const column = (name: string): readonly unknown[] =>
    rows.map((row) => row[columns.indexOf(name)]);
  assert.deepEqual(column('state'), ['bad', 'ok']);
  assert.deepEqual(column('in_force_from'), [
    '2026-01-03T00:00:00.000Z',
    '2026-01-01T00:00:00.000Z',
  ]);
  assert.deepEqual(column('in_force_to'), ['still in force', '2026-01-03T00:00:00.000Z']);
});
