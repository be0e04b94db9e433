/** Counts rows and non-null values, and compares the rows of one table before and after. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { DataChange } from '../core/dry-run.ts';
import type { Wire } from '../postgres/wire.ts';
import type { ColumnInfo, TableInfo } from './catalog.ts';
import {
  type ColumnTally,
  hashQuery,
  isInteger,
  Leftovers,
  merge,
  RowStream,
  tallyRow,
  type Visit,
} from './row-streams.ts';
import { countValues, countVersions } from './row-versions.ts';

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

/** Where rows come from as they were. */
export interface BeforeRows {
  /** Not known to the SQL under test, so that it cannot choose values with the same hash. */
  readonly seed: number;
  rows(sql: string): Promise<RowStream>;
  /** Whether its rows have been written in a way that counting cannot tell of. */
  expects(table: TableInfo): boolean;
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
  { before, after }: Around,
): Promise<DataChange[]> {
  const kept = pairColumns(pair).flatMap(({ before, after }) => (after ? [{ before, after }] : []));
  const keyed = (pair.before.key ?? []).map((n) => kept.find((k) => k.before.number === n));
  const key = keyed.flatMap((k) => (k === undefined ? [] : [k]));
  const hasKey = key.length > 0 && key.length === keyed.length && pair.after.key !== null;
  // Rows are found by their key, so its values are those rows and need no look of their own.
  const compared = hasKey ? kept.filter((k) => !key.includes(k)) : kept;
  const tallies = compared.map((): ColumnTally => ({ lost: 0, added: 0, changed: 0 }));
  const leftovers = new Leftovers(compared.length);
  const visit: Visit = (was, is) => {
    if (hasKey) tallyRow(tallies, was, is);
    else if (was === null && is !== null) leftovers.add(is, -1);
    else if (was !== null && is === null) leftovers.add(was, 1);
  };
  const byInteger =
    hasKey && key.length === 1 && key.every((k) => isInteger(k.before) && isInteger(k.after));
  const sql = (side: 'before' | 'after'): string =>
    hashQuery(pair[side], {
      columns: compared.map((k) => k[side]),
      key: hasKey ? key.map((k) => k[side]) : [],
      byInteger,
      seed: before.seed,
    });
  const [left, right] = await Promise.all([
    before.rows(sql('before')),
    RowStream.open(after, sql('after')),
  ]);
  const { onlyBefore, onlyAfter } = await merge(left, right, visit);
  if (!hasKey) leftovers.settle(tallies);
  const paired = hasKey ? 0 : Math.min(onlyBefore, onlyAfter);
  const rows = { lost: onlyBefore - paired, added: onlyAfter - paired, changed: 0 };
  const rowsNow = counts.rows - onlyBefore + onlyAfter;
  const found = [change(pair.before.name, 'rows', [counts.rows, rowsNow], rows)];
  for (const column of kept) {
    const tally = tallies[compared.indexOf(column)] ?? rows;
    const was = counts.values[column.before.number] ?? 0;
    const object = `${pair.before.name}.${column.before.name}`;
    found.push(change(object, 'values', [was, was - tally.lost + tally.added], tally));
  }
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
  const { after, firstXid } = around;
  const { kept, fresh } = await countVersions(after, pair.after, firstXid);
  const lost = counts.rows - kept;
  if (lost < 0 || (lost > 0 && fresh > 0)) return null;
  const origin = lost > 0 ? 'kept' : 'fresh';
  // Counted where there is a row of that origin to count in.
  const some = (lost > 0 ? kept : fresh) > 0;
  const now = columns.map((column) => column.after);
  const values = some ? await countValues(after, pair.after, now, { origin, firstXid }) : [];
  const rows = { lost, added: fresh, changed: 0 };
  return [
    change(pair.before.name, 'rows', [counts.rows, kept + fresh], rows),
    ...columns.map(({ before }, i) => {
      const [was, counted] = [counts.values[before.number] ?? 0, values[i] ?? 0];
      const tally =
        lost > 0
          ? { lost: was - counted, added: 0, changed: 0 }
          : { lost: 0, added: counted, changed: 0 };
      const object = `${pair.before.name}.${before.name}`;
      return change(object, 'values', [was, was - tally.lost + tally.added], tally);
    }),
  ];
}

/** What is needed to judge a table whose file was written to. */
export interface Around {
  readonly after: Wire;
  /** The first transaction after the baseline. */
  readonly firstXid: number;
  /** Asked only when rows must be compared. */
  readonly before: BeforeRows;
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
  const counted = around.before.expects(pair.before) ? null : await countRows(both, counts, around);
  const compared = counted ?? (await compareRows(both, counts, around));
  return [...compared, ...dropped].filter(matters);
}

function matters(found: DataChange): boolean {
  return found.lost > 0 || found.added > 0 || found.changed > 0;
}
