/**
 * The database as it was, beside the one that runs the change: a second copy of the baseline, started
 * only when rows must be compared. While a statement that rewrites many rows still works, the copy is
 * started and its side of the comparison is read already.
 */
import { randomInt } from 'node:crypto';
import type { LockTaken } from '../core/dry-run.ts';
import type { Wire } from '../postgres/wire.ts';
import type { Baseline } from './baseline.ts';
import type { TableInfo } from './catalog.ts';
import { hashQuery, isInteger, RowStream } from './row-streams.ts';
import { OBSERVER, type Throwaway } from './workspace.ts';

/** Kinds of statements that leave other rows than they found; `?` was too long to be parsed. */
const WRITERS: ReadonlySet<string> = new Set(['UpdateStmt', 'MergeStmt', 'AlterTableStmt', '?']);

/** Locks under which the rows of a table are written. */
const WRITING: ReadonlySet<string> = new Set(['RowExclusive', 'AccessExclusive']);

/** Fewer rows are read in no time. */
const MANY_ROWS = 20_000;

/** Whether a statement of this kind may leave rows that must be compared. */
export function writesRows(kind: string): boolean {
  return WRITERS.has(kind);
}

interface Ahead {
  readonly table: number;
  readonly sql: string;
  readonly stream: Promise<RowStream>;
}

export class Before {
  /** Not known to the SQL under test, so that it cannot choose values with the same hash. */
  readonly seed: number = randomInt(2 ** 47);
  readonly #facts: Baseline['facts'];
  readonly #start: () => Promise<Throwaway>;
  #running: Promise<Throwaway> | null = null;
  #wire: Promise<Wire> | null = null;
  #ahead: Ahead | null = null;

  constructor(facts: Baseline['facts'], start: () => Promise<Throwaway>) {
    this.#facts = facts;
    this.#start = start;
  }

  async #connect(): Promise<Wire> {
    this.#running ??= this.#start();
    return (await this.#running).connect(OBSERVER);
  }

  /** Begins to read the largest table that is being written, if it is large; once in a run. */
  expect(locks: readonly LockTaken[]): void {
    const written = new Set(locks.flatMap((l) => (WRITING.has(l.mode) ? [l.object] : [])));
    const rowsOf = (table: TableInfo): number => this.#facts.counts[table.oid]?.rows ?? 0;
    const [largest] = this.#facts.catalog.tables
      .filter((table) => written.has(table.name) && rowsOf(table) >= MANY_ROWS)
      .toSorted((a, b) => rowsOf(b) - rowsOf(a));
    if (largest === undefined || this.#ahead !== null) return;
    const sql = this.#guess(largest);
    const stream = this.#connect().then((wire) => RowStream.open(wire, sql));
    // Whoever takes it hears of a failure.
    stream.catch(() => undefined);
    this.#ahead = { table: largest.oid, sql, stream };
  }

  /** What will be asked if the table keeps its columns and its key. */
  #guess(table: TableInfo): string {
    const key = table.columns.filter((column) => table.key?.includes(column.number));
    const columns = table.columns.filter((column) => !key.includes(column));
    const byInteger = key.length === 1 && key.every(isInteger);
    return hashQuery(table, { columns, key, byInteger, seed: this.seed });
  }

  /** Whether its rows are being read ahead. */
  expects(table: TableInfo): boolean {
    return this.#ahead?.table === table.oid;
  }

  /** The hashed rows of a table as they were; read one table after the other. */
  async rows(sql: string): Promise<RowStream> {
    const ahead = this.#ahead;
    if (ahead?.sql === sql) {
      this.#ahead = null;
      return ahead.stream;
    }
    this.#wire ??= this.#connect();
    return RowStream.open(await this.#wire, sql);
  }

  async close(): Promise<void> {
    const running = await this.#running?.catch(() => null);
    await running?.discard();
  }
}
