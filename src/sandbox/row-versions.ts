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
  const counted = columns.map(({ name }) => `, count(${quote(name)})`).join('');
  // Grouped, as a filter on each count would look at the version once for every column.
  const sql = `SELECT xmin::text::bigint < ${firstXid}, count(*)${counted}
    FROM ONLY ${table.quoted} GROUP BY 1`;
  const found = await after.rows(sql);
  const of = (old: string): number[] =>
    (found.find((row) => row[0] === old) ?? []).slice(1).map(Number);
  const [kept = 0, ...keptValues] = of('t');
  const [fresh = 0, ...freshValues] = of('f');
  return { kept, keptValues, fresh, freshValues };
}
