/**
 * Reads the rows of one table from two servers as hashes, sorted, and walks both streams at once.
 * Rows are never read out: the servers send a hash per value, eight bytes each in binary.
 */
import type { Wire } from '../postgres/wire.ts';
import type { ColumnInfo, TableInfo } from './catalog.ts';

/** A row as the server sent it: the count of its fields, then length and bytes of each. */
export type HashedRow = Buffer;

const BATCH_ROWS = 4000;
/** The count of fields and the length of the first one come before the identity. */
const IDENTITY_AT = 6;
const FIRST_VALUE_AT = 14;

export interface HashWish {
  readonly columns: readonly ColumnInfo[];
  /** Columns that identify a row; none: all of them together do. */
  readonly key: readonly ColumnInfo[];
  /** The key is one column of integers, on both sides. */
  readonly byInteger: boolean;
  /** Not known to the SQL under test, so that it cannot choose values with the same hash. */
  readonly seed: number;
}

function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

const INTEGERS: ReadonlySet<string> = new Set(['int2', 'int4', 'int8']);

/** Types of PostgreSQL's own whose cast to text is their output function, and quicker to call. */
const PLAIN_TEXT: ReadonlySet<string> = new Set([
  ...INTEGERS,
  'text',
  'varchar',
  'uuid',
  'numeric',
  'float8',
  'date',
  'timestamp',
  'timestamptz',
  'json',
  'jsonb',
]);

/** Whether a column's values can stand for their rows as they are, in eight bytes. */
export function isInteger(column: ColumnInfo): boolean {
  return INTEGERS.has(column.type);
}

/**
 * A hash of a value's text, or null. `format` takes a type's own output function, never a cast of
 * the owner's, and gives the same text as the cast where that is used.
 */
function hash(column: ColumnInfo, seed: number): string {
  const name = quote(column.name);
  if (PLAIN_TEXT.has(column.type)) return `hashtextextended(${name}::text COLLATE "C", ${seed})`;
  return (
    `CASE WHEN num_nulls(${name}) = 1 THEN NULL ` +
    `ELSE hashtextextended(format('%s', ${name}), ${seed}) END`
  );
}

/** One hash per value, behind the row's identity: its integer key itself, else a hash. */
export function hashQuery(table: TableInfo, wish: HashWish): string {
  const { columns, seed } = wish;
  const list = [identityOf(wish), ...columns.map((c) => hash(c, seed))].join(', ');
  return `SELECT ${list} FROM ONLY ${table.quoted} ORDER BY 1`;
}

function identityOf({ columns, key, byInteger, seed }: HashWish): string {
  const identifying = key.length > 0 ? key : columns;
  const [only, ...others] = identifying;
  if (byInteger && only !== undefined) return `${quote(only.name)}::int8`;
  if (only !== undefined && others.length === 0) return `coalesce(${hash(only, seed + 1)}, 0)`;
  const parts = identifying.map((c) => `coalesce((${hash(c, seed)})::text, '-')`);
  return `hashtextextended(concat_ws(',', ${parts.join(', ') || "''"}), ${seed + 1})`;
}

/** A sorted query read through a cursor, so that memory stays small; one batch ahead. */
export class RowStream {
  readonly #wire: Wire;
  #coming: Promise<readonly HashedRow[]>;
  #rows: readonly HashedRow[] = [];
  #at = 0;
  #over = false;

  private constructor(wire: Wire) {
    this.#wire = wire;
    this.#coming = this.#fetch();
  }

  static async open(wire: Wire, sql: string): Promise<RowStream> {
    await wire.rows('BEGIN READ ONLY');
    await wire.rows(`DECLARE tagout_rows BINARY NO SCROLL CURSOR FOR ${sql}`);
    return new RowStream(wire);
  }

  #fetch(): Promise<readonly HashedRow[]> {
    const coming = this.#wire.bodies(`FETCH ${BATCH_ROWS} FROM tagout_rows`);
    // Whoever awaits it hears of a failure.
    coming.catch(() => undefined);
    return coming;
  }

  /** Whether `current` must be filled first. */
  get isEmpty(): boolean {
    return !this.#over && this.#at >= this.#rows.length;
  }

  /** The row at hand; null at the end. */
  get current(): HashedRow | null {
    return this.#rows[this.#at] ?? null;
  }

  advance(): void {
    this.#at += 1;
  }

  async fill(): Promise<void> {
    this.#rows = await this.#coming;
    this.#at = 0;
    this.#over = this.#rows.length === 0;
    if (this.#over) await this.#wire.rows('COMMIT');
    else this.#coming = this.#fetch();
  }
}

/** Which of two rows comes first; a side that has ended comes last. */
function compare(left: HashedRow | null, right: HashedRow | null): number {
  if (left === null) return 1;
  if (right === null) return -1;
  const high = left.readInt32BE(IDENTITY_AT) - right.readInt32BE(IDENTITY_AT);
  if (high !== 0) return high;
  return left.readUInt32BE(IDENTITY_AT + 4) - right.readUInt32BE(IDENTITY_AT + 4);
}

export interface Merged {
  readonly onlyBefore: number;
  readonly onlyAfter: number;
}

export type Visit = (before: HashedRow | null, after: HashedRow | null) => void;

/** Walks two sorted streams. Rows of the same identity are given together. */
export async function merge(before: RowStream, after: RowStream, visit: Visit): Promise<Merged> {
  let onlyBefore = 0;
  let onlyAfter = 0;
  for (;;) {
    if (before.isEmpty) await before.fill();
    if (after.isEmpty) await after.fill();
    const [left, right] = [before.current, after.current];
    if (left === null && right === null) return { onlyBefore, onlyAfter };
    const order = compare(left, right);
    visit(order <= 0 ? left : null, order >= 0 ? right : null);
    if (order < 0) onlyBefore += 1;
    if (order > 0) onlyAfter += 1;
    if (order <= 0) before.advance();
    if (order >= 0) after.advance();
  }
}

/** Counts of one column while rows are walked. */
export interface ColumnTally {
  lost: number;
  added: number;
  changed: number;
}

/** Two numbers of four bytes are compared several times as fast as two pieces of buffers. */
function sameHash(was: HashedRow, left: number, is: HashedRow, right: number): boolean {
  return (
    was.readInt32LE(left) === is.readInt32LE(right) &&
    was.readInt32LE(left + 4) === is.readInt32LE(right + 4)
  );
}

/** Adds the differences of two rows with the same identity, column by column; null: no such row. */
export function tallyRow(
  tallies: readonly ColumnTally[],
  was: HashedRow | null,
  is: HashedRow | null,
): void {
  let [left, right] = [FIRST_VALUE_AT, FIRST_VALUE_AT];
  for (const tally of tallies) {
    const had = was !== null && was.readInt32BE(left) >= 0;
    const has = is !== null && is.readInt32BE(right) >= 0;
    if (had && !has) tally.lost += 1;
    else if (!had && has) tally.added += 1;
    else if (had && has && !sameHash(was, left + 4, is, right + 4)) tally.changed += 1;
    left += had ? 12 : 4;
    right += has ? 12 : 4;
  }
}

/** Values of rows that have no partner, counted by hash: for tables without a key. */
export class Leftovers {
  readonly #balance: Map<bigint, number>[];
  constructor(columns: number) {
    this.#balance = Array.from({ length: columns }, () => new Map<bigint, number>());
  }

  add(row: HashedRow, by: 1 | -1): void {
    let at = FIRST_VALUE_AT;
    for (const map of this.#balance) {
      const isNull = row.readInt32BE(at) < 0;
      if (!isNull) {
        const hash = row.readBigInt64BE(at + 4);
        map.set(hash, (map.get(hash) ?? 0) + by);
      }
      at += isNull ? 4 : 12;
    }
  }

  /** Values that went and values that came, beyond those that only moved to another row. */
  settle(tallies: readonly ColumnTally[]): void {
    this.#balance.forEach((map, i) => {
      let went = 0;
      let came = 0;
      for (const left of map.values()) {
        if (left > 0) went += left;
        else came -= left;
      }
      const tally = tallies[i];
      if (tally === undefined) return;
      tally.changed = Math.min(went, came);
      tally.lost = went - tally.changed;
      tally.added = came - tally.changed;
    });
  }
}
