/**
 * Counts rows and non-null values, and compares the rows of one table before and after. Rows are
 * never read out: the servers send a hash per value, sorted, and the two streams are merged here.
 */
import { randomInt } from 'node:crypto';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { DataChange } from '../core/dry-run.ts';
import type { Row, Wire } from '../postgres/wire.ts';
import type { ColumnInfo, TableInfo } from './catalog.ts';
import { countVersions, type Versions } from './row-versions.ts';

/** Rows of a table and non-null values of its columns, by column number. */
export interface Counts {
  readonly rows: number;
  readonly values: Readonly<Record<number, number>>;
}

export type TableCounts = Readonly<Record<number, Counts>>;

const BATCH = 100;

function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Counts of the given tables, by oid; in batches, so that thousands of tables cost few queries. */
export async function countTables(
  observer: Wire,
  tables: readonly TableInfo[],
): Promise<TableCounts> {
  const counts: Record<number, Counts> = {};
  for (let at = 0; at < tables.length; at += BATCH) {
    const batch = tables.slice(at, at + BATCH);
    const sql = batch
      .map((table) => {
        const each = table.columns.map((column) => `, count(${quote(column.name)})`).join('');
        return `SELECT ${table.oid}, ARRAY[count(*)${each}] FROM ONLY ${table.quoted}`;
      })
      .join(' UNION ALL ');
    const columns = new Map(batch.map((table) => [table.oid, table.columns]));
    for (const [oid, list] of await observer.rows(sql)) {
      const [rows = 0, ...values] = (list ?? '{0}').slice(1, -1).split(',').map(Number);
      const pairs = (columns.get(Number(oid)) ?? []).map((c, i) => [c.number, values[i] ?? 0]);
      counts[Number(oid)] = { rows, values: Object.fromEntries(pairs) };
    }
  }
  return counts;
}

/** A table as it was and as it is; `after` is null when it is gone. */
export interface TablePair {
  readonly before: TableInfo;
  readonly after: TableInfo | null;
}

/** By object id, else by name: a table that was copied, dropped and renamed back is the same one. */
export function pairTables(
  before: readonly TableInfo[],
  after: readonly TableInfo[],
): { readonly pairs: readonly TablePair[]; readonly fresh: readonly TableInfo[] } {
  const byOid = new Map(after.map((table) => [table.oid, table]));
  const known = new Set(before.map((table) => table.oid));
  const fresh = new Map(after.filter((t) => !known.has(t.oid)).map((t) => [t.name, t]));
  const pairs = before.map((table) => {
    const same = byOid.get(table.oid) ?? fresh.get(table.name) ?? null;
    if (same !== null) fresh.delete(same.name);
    return { before: table, after: same };
  });
  return { pairs, fresh: [...fresh.values()] };
}

/** Columns of a pair that are the same column: by number in the same table, else by name. */
function pairColumns(pair: TablePair): readonly { before: ColumnInfo; after: ColumnInfo | null }[] {
  const columns = pair.after?.columns ?? [];
  const same = pair.after?.oid === pair.before.oid;
  return pair.before.columns.map((before) => {
    const byNumber = same ? columns.find((c) => c.number === before.number) : undefined;
    return { before, after: byNumber ?? columns.find((c) => c.name === before.name) ?? null };
  });
}

/**
 * Whether the server wrote to the table's file. Both folders are at rest or just after a checkpoint,
 * and the copy kept the times, so an untouched file is untouched data: nothing that SQL can forge.
 */
export function isTouched(pair: TablePair, beforeDir: string, afterDir: string): boolean {
  if (pair.after === null || pair.after.file !== pair.before.file) return true;
  for (let segment = 0; ; segment += 1) {
    const file = segment === 0 ? pair.before.file : `${pair.before.file}.${segment}`;
    const was = statSync(join(beforeDir, file), { throwIfNoEntry: false });
    const is = statSync(join(afterDir, file), { throwIfNoEntry: false });
    if (was?.mtimeMs !== is?.mtimeMs || was?.size !== is?.size) return true;
    if (was === undefined) return false;
  }
}

interface ColumnTally {
  readonly name: string;
  lost: number;
  added: number;
  changed: number;
}

interface HashWish {
  readonly columns: readonly ColumnInfo[];
  /** Columns that identify a row; none: all of them together do. */
  readonly key: readonly ColumnInfo[];
  /** Not known to the SQL under test, so that it cannot choose values with the same hash. */
  readonly seed: number;
}

/** One hash per value. `format` takes a type's own output function, never a cast of the owner's. */
function hashQuery(table: TableInfo, { columns, key, seed }: HashWish): string {
  const one = (c: ColumnInfo): string =>
    `hashtextextended(format('%s', ${quote(c.name)}), ${seed})`;
  const value = (c: ColumnInfo): string =>
    `CASE WHEN num_nulls(${quote(c.name)}) = 1 THEN NULL ELSE ${one(c)} END`;
  const parts = (key.length > 0 ? key : columns).map((c) => `coalesce((${value(c)})::text, '-')`);
  const identity = `hashtextextended(concat_ws(',', ${parts.join(', ') || "''"}), ${seed + 1})`;
  const list = [identity, ...columns.map(value)].join(', ');
  return `SELECT ${list} FROM ONLY ${table.quoted} ORDER BY 1`;
}

interface Keyed {
  readonly identity: bigint;
  readonly row: Row;
}

interface Chunked {
  next(): Promise<Keyed | null>;
}

/** Reads a sorted query through a cursor, so that memory stays small; one batch ahead. */
async function cursor(wire: Wire, sql: string): Promise<Chunked> {
  await wire.rows('BEGIN READ ONLY');
  await wire.rows(`DECLARE tagout_rows NO SCROLL CURSOR FOR ${sql}`);
  const fetch = (): Promise<readonly Row[]> => {
    const coming = wire.rows('FETCH 2000 FROM tagout_rows');
    // Whoever awaits it hears of a failure.
    coming.catch(() => undefined);
    return coming;
  };
  let coming = fetch();
  let rows: readonly Row[] = [];
  let at = 0;
  let over = false;
  const next = async (): Promise<Keyed | null> => {
    const row = rows[at];
    if (row !== undefined) {
      at += 1;
      return { identity: BigInt(row[0] ?? '0'), row };
    }
    if (over) return null;
    rows = await coming;
    at = 0;
    over = rows.length === 0;
    if (over) await wire.rows('COMMIT');
    else coming = fetch();
    return next();
  };
  return { next };
}

/** The two servers to compare: the one as it was, and the one that ran the change. */
export interface Sides {
  readonly before: Wire;
  readonly after: Wire;
}

interface Merged {
  readonly onlyBefore: number;
  readonly onlyAfter: number;
}

type Visit = (before: Row | null, after: Row | null) => void;

async function merge(before: Chunked, after: Chunked, visit: Visit): Promise<Merged> {
  let [left, right] = await Promise.all([before.next(), after.next()]);
  let onlyBefore = 0;
  let onlyAfter = 0;
  while (left !== null || right !== null) {
    const order = compare(left, right);
    visit(order <= 0 ? (left?.row ?? null) : null, order >= 0 ? (right?.row ?? null) : null);
    if (order < 0) onlyBefore += 1;
    if (order > 0) onlyAfter += 1;
    if (order <= 0) left = await before.next();
    if (order >= 0) right = await after.next();
  }
  return { onlyBefore, onlyAfter };
}

/** Which of two rows comes first; a side that has ended comes last. */
function compare(left: Keyed | null, right: Keyed | null): number {
  if (left === null) return 1;
  if (right === null || left.identity < right.identity) return -1;
  return left.identity > right.identity ? 1 : 0;
}

function tallyValue(tally: ColumnTally, was: string | null, is: string | null): void {
  if (was !== null && is === null) tally.lost += 1;
  else if (was === null && is !== null) tally.added += 1;
  else if (was !== is) tally.changed += 1;
}

/** Values of rows that have no partner, counted by hash: for tables without a key. */
class Leftovers {
  readonly #balance: Map<string, number>[];
  constructor(columns: number) {
    this.#balance = Array.from({ length: columns }, () => new Map<string, number>());
  }

  add(row: Row, by: 1 | -1): void {
    this.#balance.forEach((map, i) => {
      const hash = row[i + 1] ?? null;
      if (hash !== null) map.set(hash, (map.get(hash) ?? 0) + by);
    });
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

function gone(pair: TablePair, counts: Counts): DataChange[] {
  return [
    change(pair.before.name, 'rows', [counts.rows, 0], { lost: counts.rows, added: 0, changed: 0 }),
    ...pair.before.columns.map((c) => droppedColumn(pair, c, counts)),
  ];
}

function droppedColumn(pair: TablePair, column: ColumnInfo, counts: Counts): DataChange {
  const values = counts.values[column.number] ?? 0;
  const tally = { lost: values, added: 0, changed: 0 };
  return change(`${pair.before.name}.${column.name}`, 'values', [values, 0], tally);
}

function change(
  object: string,
  measure: DataChange['measure'],
  [before, after]: readonly [number, number],
  tally: { readonly lost: number; readonly added: number; readonly changed: number },
): DataChange {
  const { lost, added, changed } = tally;
  return { object, measure, before, after, lost, added, changed };
}

async function compareRows(
  pair: { readonly before: TableInfo; readonly after: TableInfo },
  counts: Counts,
  sides: Sides,
): Promise<DataChange[]> {
  const kept = pairColumns(pair).flatMap(({ before, after }) => (after ? [{ before, after }] : []));
  const keyed = (pair.before.key ?? []).map((n) => kept.find((k) => k.before.number === n));
  const key = keyed.flatMap((k) => (k === undefined ? [] : [k]));
  const hasKey = key.length > 0 && key.length === keyed.length && pair.after.key !== null;
  const identity = hasKey ? key : [];
  const tallies = kept.map(({ before }) => ({ name: before.name, lost: 0, added: 0, changed: 0 }));
  const leftovers = new Leftovers(kept.length);
  const visit: Visit = (was, is) => {
    if (!hasKey && was !== null && is === null) leftovers.add(was, 1);
    if (!hasKey && was === null && is !== null) leftovers.add(is, -1);
    if (hasKey) tallies.forEach((t, i) => tallyValue(t, was?.[i + 1] ?? null, is?.[i + 1] ?? null));
  };
  const seed = randomInt(2 ** 47);
  const sql = (side: 'before' | 'after'): string =>
    hashQuery(pair[side], {
      columns: kept.map((k) => k[side]),
      key: identity.map((k) => k[side]),
      seed,
    });
  const [left, right] = await Promise.all([
    cursor(sides.before, sql('before')),
    cursor(sides.after, sql('after')),
  ]);
  const { onlyBefore, onlyAfter } = await merge(left, right, visit);
  if (!hasKey) leftovers.settle(tallies);
  const paired = hasKey ? 0 : Math.min(onlyBefore, onlyAfter);
  const rows = { lost: onlyBefore - paired, added: onlyAfter - paired, changed: 0 };
  const after = counts.rows - onlyBefore + onlyAfter;
  const found = [change(pair.before.name, 'rows', [counts.rows, after], rows)];
  kept.forEach(({ before }, i) => {
    const tally = tallies[i] ?? { lost: 0, added: 0, changed: 0 };
    const was = counts.values[before.number] ?? 0;
    const object = `${pair.before.name}.${before.name}`;
    found.push(change(object, 'values', [was, was - tally.lost + tally.added], tally));
  });
  return found;
}

/** Rows that only came, or only went: told by counting. Null when versions must be compared. */
async function countRows(
  pair: { readonly before: TableInfo; readonly after: TableInfo },
  counts: Counts,
  around: Around,
): Promise<DataChange[] | null> {
  const columns = pairColumns(pair).flatMap(({ before, after }) =>
    after ? [{ before, after }] : [],
  );
  // A column that was dropped and made again has the old rows' values no more.
  const same = columns.every(({ before, after }) => before.number === after.number);
  if (!same || pair.before.oid !== pair.after.oid) return null;
  const now = columns.map((column) => column.after);
  const found = await countVersions(around.after, pair.after, now, around.firstXid);
  const lost = counts.rows - found.kept;
  if (lost < 0 || (lost > 0 && found.fresh > 0)) return null;
  const was = columns.map(({ before }) => counts.values[before.number] ?? 0);
  return [
    change(pair.before.name, 'rows', [counts.rows, found.kept + found.fresh], {
      lost,
      added: found.fresh,
      changed: 0,
    }),
    ...columns.map(({ before }, i) =>
      countedValues(`${pair.before.name}.${before.name}`, was[i] ?? 0, found, i),
    ),
  ];
}

function countedValues(object: string, was: number, found: Versions, i: number): DataChange {
  const [kept, added] = [found.keptValues[i] ?? 0, found.freshValues[i] ?? 0];
  const tally = { lost: was - kept, added, changed: 0 };
  return change(object, 'values', [was, kept + added], tally);
}

/** What is needed to judge a table whose file was written to. */
export interface Around {
  readonly after: Wire;
  /** The first transaction after the baseline. */
  readonly firstXid: number;
  /** Asked for only when rows must be compared. */
  readonly sides: () => Promise<Sides>;
}

/** What became of the data of one table. Changes of zero are left out. */
export async function dataChanges(
  pair: TablePair,
  counts: Counts,
  touched: boolean,
  around: Around,
): Promise<readonly DataChange[]> {
  if (pair.after === null) return gone(pair, counts).filter(matters);
  const dropped = pairColumns(pair).flatMap(({ before, after }) =>
    after === null ? [droppedColumn(pair, before, counts)] : [],
  );
  if (!touched) return dropped.filter(matters);
  const both = { before: pair.before, after: pair.after };
  const counted = await countRows(both, counts, around);
  const compared = counted ?? (await compareRows(both, counts, await around.sides()));
  return [...compared, ...dropped].filter(matters);
}

function matters(found: DataChange): boolean {
  return found.lost > 0 || found.added > 0 || found.changed > 0;
}
