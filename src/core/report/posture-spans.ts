/** What held each repository and environment, and from when to when: policy files and GitHub's settings. */
import type { PostureChanged } from '../audit/event.ts';
import { type Cell, iso } from './columns.ts';
import type { Wish } from './period.ts';
import type { Table } from './tables.ts';

/** One state of one thing around the gate, as long as it was in force. */
export interface PostureSpan {
  /** The row of the log that saw it begin; of one that began before the log, the row that saw it end. */
  readonly leafIndex: number;
  readonly about: 'policy' | 'posture';
  readonly item: string;
  readonly repo: string | null;
  readonly environment: string | null;
  readonly state: string;
  /** Milliseconds since 1970; null: it was in force before anything was read. */
  readonly fromMs: number | null;
  /** When another state was read; null: still in force at the log's end. */
  readonly toMs: number | null;
  readonly what: string;
}

/** Reads `posture.changed` in leaf order; `spans` are in the order in which they began to be known. */
export function createPostureSpans() {
  const open = new Map<string, number>();
  const spans: PostureSpan[] = [];
  return {
    changed(event: PostureChanged, leafIndex: number): void {
      const { about, item, environment, from, fromMs, to, toMs, detail } = event.posture;
      const repo = event.repo?.name ?? null;
      const place = { leafIndex, about, item, repo, environment, what: detail };
      const key = JSON.stringify([about, item, repo, environment]);
      const at = open.get(key);
      const before = at === undefined ? undefined : spans[at];
      if (at !== undefined && before !== undefined) spans[at] = { ...before, toMs };
      else if (from !== null) spans.push({ ...place, what: '', state: from, fromMs, toMs });
      open.delete(key);
      if (to === null) return;
      open.set(key, spans.length);
      spans.push({ ...place, state: to, fromMs: toMs, toMs: null });
    },
    spans: (): readonly PostureSpan[] => spans,
  };
}

/** Whether a state was in force at some time of the period; one without a repository counts for all. */
export function inForceWithin(span: PostureSpan, { fromMs, toMs, repo }: Wish): boolean {
  const here = repo === null || span.repo === null;
  return (
    (toMs === null || (span.fromMs ?? -Infinity) < toMs) &&
    (fromMs === null || (span.toMs ?? Infinity) > fromMs) &&
    (here || span.repo?.toLowerCase() === repo.toLowerCase())
  );
}

/** States of the fence over time; what holds now stands first. */
export function posture(spans: readonly PostureSpan[]): Table {
  const now = ({ toMs }: PostureSpan): number => (toMs === null ? 0 : 1);
  return {
    name: 'posture',
    title: 'The fence over time: policy files and GitHub’s settings',
    columns: [
      'leaf_index',
      'about',
      'item',
      'repo',
      'environment',
      'state',
      'in_force_from',
      'in_force_to',
      'what',
    ],
    rows: spans
      .toSorted((a, b) => now(a) - now(b) || (b.fromMs ?? 0) - (a.fromMs ?? 0))
      .map((row): readonly Cell[] => [
        row.leafIndex,
        row.about,
        row.item,
        row.repo,
        row.environment,
        row.state,
        row.fromMs === null ? 'before this log' : iso(row.fromMs),
        row.toMs === null ? 'still in force' : iso(row.toMs),
        row.what,
      ]),
  };
}
