/**
 * Tells rows that are still the baseline's own from those that came since, by the transaction that
 * wrote each version (`xmin`), which SQL cannot forge. When rows only came or only went, nothing has
 * to be compared, however large the table is.
 */
import type { Wire } from '../postgres/wire.ts';
import type { ColumnInfo, TableInfo } from './catalog.ts';

export interface Versions {
  /** Rows of the baseline that are there unchanged, and non-null values in them by column. */
  readonly kept: number;
  readonly keptValues: readonly number[];
  /** Rows written since, be they new or new versions of old ones. */
  readonly fresh: number;
  readonly freshValues: readonly number[];
}

function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Counts the rows of a table by origin; `firstXid` is the first transaction after the baseline. */
export async function countVersions(
  after: Wire,
  table: TableInfo,
  columns: readonly ColumnInfo[],
  firstXid: number,
): Promise<Versions> {
  const old = `xmin::text::bigint < ${firstXid}`;
  const counts = (filter: string): string =>
    ['*', ...columns.map(({ name }) => quote(name))]
      .map((what) => `count(${what}) FILTER (WHERE ${filter})`)
      .join(', ');
  const sql = `SELECT ${counts(old)}, ${counts(`NOT (${old})`)} FROM ONLY ${table.quoted}`;
  const all = ((await after.rows(sql))[0] ?? []).map(Number);
  const [kept = 0, ...keptValues] = all.slice(0, columns.length + 1);
  const [fresh = 0, ...freshValues] = all.slice(columns.length + 1);
  return { kept, keptValues, fresh, freshValues };
}
