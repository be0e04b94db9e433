/**
 * Tells rows that are still the baseline's own from those that came since, by the transaction that
 * wrote each version (`xmin`), which SQL cannot forge. When rows only came or only went, nothing has
 * to be compared, however large the table is.
 */
import type { Wire } from '../postgres/wire.ts';
import type { ColumnInfo, TableInfo } from './catalog.ts';

/** Rows of a table by their origin. */
export interface Versions {
  /** Rows of the baseline that are there unchanged. */
  readonly kept: number;
  /** Rows written since, be they new or new versions of old ones. */
  readonly fresh: number;
}

function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/**
 * Whether a version is older than a transaction. Ages are compared, as a version's own number is not
 * comparable in SQL and writing it as text takes as long as all the rest of the reading.
 */
function isOlder(firstXid: number): string {
  return `age(xmin) > (SELECT age('${firstXid}'::xid))`;
}

/** Counts the rows of a table by origin; `firstXid` is the first transaction after the baseline. */
export async function countVersions(
  after: Wire,
  table: TableInfo,
  firstXid: number,
): Promise<Versions> {
  const sql = `SELECT count(*) FILTER (WHERE ${isOlder(firstXid)}), count(*)
    FROM ONLY ${table.quoted}`;
  const [row] = await after.rows(sql);
  const [kept, all] = [Number(row?.[0]), Number(row?.[1])];
  return { kept, fresh: all - kept };
}

/** Non-null values of each column, in the rows of one origin. */
export async function countValues(
  after: Wire,
  table: TableInfo,
  columns: readonly ColumnInfo[],
  of: { readonly origin: keyof Versions; readonly firstXid: number },
): Promise<readonly number[]> {
  if (columns.length === 0) return [];
  const counts = columns.map(({ name }) => `count(${quote(name)})`).join(', ');
  const older = isOlder(of.firstXid);
  const sql = `SELECT ${counts} FROM ONLY ${table.quoted}
    WHERE ${of.origin === 'kept' ? older : `NOT (${older})`}`;
  const [row] = await after.rows(sql);
  return columns.map((_, i) => Number(row?.[i]));
}
