/** Synthetic rows for tables that have none. */
import type { Engine } from '../postgres/engine.ts';
import type { TableInfo } from './catalog.ts';
import type { Throwaway } from './workspace.ts';

export interface Unfilled {
  readonly table: string;
  readonly reason: string;
}

export interface FillWish {
  readonly tables: readonly TableInfo[];
  readonly rows: number;
}

/** Fills the tables and names those that could not be filled. */
export function fillTables(
  _throwaway: Throwaway,
  _engine: Engine,
  wish: FillWish,
): Promise<readonly Unfilled[]> {
  const reason = 'rows are not made for this table';
  return Promise.resolve(wish.tables.map((table) => ({ table: table.name, reason })));
}
