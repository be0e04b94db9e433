/**
 * How long production would be blocked: the work that the sandbox saw (reading a table through,
 * rewriting it, building an index), multiplied by production's sizes. An estimate and said as one:
 * it orders what a reviewer looks at and lowers nothing.
 */
import type { DryRun, FolderRun, StatementRun } from './dry-run.ts';

export type Work = 'read' | 'rewrite' | 'index';

export interface Weighed {
  readonly table: string;
  readonly work: Work;
  readonly rows: number;
  /** Rounded up to whole seconds. */
  readonly seconds: number;
}

/** Fewer rows than this say nothing about the time per row: starting the statement takes longer. */
const TELLING_ROWS = 10_000;

/**
 * Seconds per byte and per row for a table that the sandbox holds too little of: an ordinary cloud
 * volume (100 MB/s through, 40 MB/s for rewriting and sorting) and one core.
 */
const ORDINARY: Readonly<Record<Work, { readonly perByte: number; readonly perRow: number }>> = {
  read: { perByte: 1 / 100e6, perRow: 0.2e-6 },
  rewrite: { perByte: 1 / 40e6, perRow: 1e-6 },
  index: { perByte: 1 / 40e6, perRow: 1.5e-6 },
};

/** What a statement does to a table that it holds locked. */
export function workOf(statement: StatementRun, table: string): Work {
  if (statement.rewrites.includes(table)) return 'rewrite';
  return /\bindex\b|\bunique\b|\bprimary key\b|\bexclude\b/i.test(statement.text)
    ? 'index'
    : 'read';
}

/**
 * The time that a statement would take on production's table; null when its size there is not
 * known from the statistics.
 */
export function weigh(
  run: DryRun,
  folder: FolderRun,
  statement: StatementRun,
  table: string,
): Weighed | null {
  const size = run.statistics?.find((one) => one.table === table);
  if (size === undefined) return null;
  const work = workOf(statement, table);
  const here = folder.observation?.tables.find((one) => one.table === table)?.rows ?? 0;
  const { perByte, perRow } = ORDINARY[work];
  // A rewrite makes every index anew, so their bytes count too.
  const bytes = (size.bytes ?? 0) + (work === 'rewrite' ? (size.indexBytes ?? 0) : 0);
  const ordinary = Math.max(bytes * perByte, size.rows * perRow);
  const seen = here >= TELLING_ROWS ? (statement.durationMs / 1000 / here) * size.rows : 0;
  const seconds = Math.ceil(Number(Math.max(ordinary, seen).toFixed(3)));
  return { table, work, rows: size.rows, seconds };
}
