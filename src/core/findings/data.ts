/** Rows and values that are lost, changed or added, and tables and columns that are dropped. */
import type { DataChange, DryRun, FolderRun, ObjectChange, TableSize } from '../dry-run.ts';
import type { Finding } from '../findings.ts';
import { counted, makeFinding } from './make.ts';
import { placeOf } from './place.ts';

const evidence = 'dry run';
const removing = /\b(?:drop|delete|truncate|update|alter|replace|merge)\b/;

/** How many rows a table has in production, as far as it is known. */
export function productionRows(run: DryRun, folder: FolderRun, table: string): number | null {
  const stated = run.statistics?.find((one) => one.table === table);
  if (stated !== undefined) return stated.rows;
  const size = sizeOf(folder, table);
  return size?.origin === 'snapshot' ? size.rows : null;
}

/** The size of a table before the change; null when it was not there. */
export function sizeOf(folder: FolderRun, table: string): TableSize | null {
  return folder.observation?.tables.find((one) => one.table === table) ?? null;
}

/** The table of a column: `users` of `users.email`, `shop.users` of `shop.users.email`. */
function tableOf(column: string): string {
  return column.slice(0, Math.max(0, column.lastIndexOf('.')));
}

interface Case {
  readonly run: DryRun;
  readonly folder: FolderRun;
}

/** Where the rows came from, when that weakens or colours the proof. */
function madeHere(folder: FolderRun, table: string): string {
  return sizeOf(folder, table)?.origin === 'synthetic' ? ', in rows made for this dry run' : '';
}

/**
 * Whether nothing can be lost: the table held nothing of its own before the change, and is empty in
 * production by the statistics or the snapshot too. Rows made for the dry run are not its own.
 */
export function isProvenEmpty({ run, folder }: Case, table: string): boolean {
  const size = sizeOf(folder, table);
  const own =
    size !== null && (size.origin === 'seed' || size.origin === 'snapshot') ? size.rows : 0;
  return size !== null && own === 0 && productionRows(run, folder, table) === 0;
}

function rowsOf(
  folder: FolderRun,
  object: string,
  measure: DataChange['measure'],
): DataChange | null {
  const data = folder.observation?.data ?? [];
  return data.find((one) => one.object === object && one.measure === measure) ?? null;
}

function droppedTable(it: Case, table: string): Finding {
  const { run, folder } = it;
  const lost = rowsOf(folder, table, 'rows')?.lost ?? sizeOf(folder, table)?.rows ?? 0;
  const production = productionRows(run, folder, table);
  const base = {
    object: table,
    evidence,
    figures: { rows: lost },
    ...placeOf(folder, table, /\bdrop\b/),
  };
  if (isProvenEmpty(it, table)) {
    const message = `Table ${table} dropped; it is empty here and in production`;
    return makeFinding({ ...base, id: 'empty-table-dropped', radius: 'medium', message });
  }
  if (lost > 0 || (production ?? 0) > 0) {
    const rows = lost > 0 ? lost : (production ?? 0);
    const where = lost > 0 ? madeHere(folder, table) : ' in production';
    const message = `Table ${table} dropped with ${counted(rows, 'row')}${where}`;
    return makeFinding({
      ...base,
      id: 'table-dropped',
      radius: 'critical',
      message,
      figures: { rows },
    });
  }
  const message =
    `Table ${table} dropped; it is empty here, but that it is empty in production is unproven, ` +
    'as there are no statistics';
  return makeFinding({ ...base, id: 'table-dropped-unproven', radius: 'high', message });
}

function droppedColumn(it: Case, column: string): Finding[] {
  const { folder } = it;
  const table = tableOf(column);
  if ((rowsOf(folder, column, 'values')?.lost ?? 0) > 0) return [];
  const base = { object: column, evidence, ...placeOf(folder, column, /\bdrop\b/) };
  if (isProvenEmpty(it, table)) {
    const message = `Column ${column} dropped; its table is empty here and in production`;
    return [makeFinding({ ...base, id: 'empty-column-dropped', radius: 'medium', message })];
  }
  const message =
    `Column ${column} dropped; it holds no value here, but that it holds none in production is ` +
    'unproven';
  return [makeFinding({ ...base, id: 'column-dropped-unproven', radius: 'high', message })];
}

function lostRows(it: Case, change: DataChange): Finding {
  const { folder } = it;
  const { object, lost, before } = change;
  const empty = isProvenEmpty(it, object);
  return makeFinding({
    id: empty ? 'rows-lost-empty' : 'rows-lost',
    radius: empty ? 'medium' : 'critical',
    object,
    message:
      `${counted(lost, 'row')} lost in ${object}${madeHere(folder, object)}` +
      (empty ? '; the table is empty in production' : ''),
    evidence,
    figures: { lost, before },
    ...placeOf(folder, object, removing),
  });
}

function lostValues(it: Case, change: DataChange): Finding {
  const { object, lost, before } = change;
  const table = tableOf(object);
  const empty = isProvenEmpty(it, table);
  const where = madeHere(it.folder, table);
  return makeFinding({
    id: empty ? 'values-lost-empty' : 'values-lost',
    radius: empty ? 'medium' : 'high',
    object,
    message:
      `${counted(lost, 'value')} lost in ${object}${where}` +
      (empty ? '; the table is empty in production' : ''),
    evidence,
    figures: { lost, before },
    ...placeOf(it.folder, object, removing),
  });
}

function changedValues({ folder }: Case, change: DataChange): Finding {
  const { object, changed, before } = change;
  return makeFinding({
    id: 'values-changed',
    radius: 'high',
    object,
    message: `${counted(changed, 'value')} changed in ${object}${madeHere(folder, tableOf(object))}`,
    evidence,
    figures: { changed, before },
    ...placeOf(folder, object, /\b(?:update|alter|merge|using)\b/),
  });
}

function addedData({ folder }: Case, change: DataChange): Finding {
  const { object, added, measure } = change;
  const rows = measure === 'rows';
  return makeFinding({
    id: rows ? 'rows-added' : 'values-filled',
    radius: rows ? 'low' : 'medium',
    object,
    message: rows
      ? `${counted(added, 'row')} added to ${object}`
      : `${counted(added, 'value')} filled in ${object}, where there was none`,
    evidence,
    figures: { added },
    ...placeOf(folder, object, /\b(?:insert|copy|update|alter|merge)\b/),
  });
}

/** Whether more values went from a column than rows went from its table. */
function beyondRows(folder: FolderRun, change: DataChange, key: 'lost' | 'added'): boolean {
  return change[key] > (rowsOf(folder, tableOf(change.object), 'rows')?.[key] ?? 0);
}

function dataFindings(it: Case, change: DataChange, dropped: ReadonlySet<string>): Finding[] {
  const { folder } = it;
  const found: Finding[] = [];
  if (change.measure === 'rows') {
    if (change.lost > 0 && !dropped.has(change.object)) found.push(lostRows(it, change));
    if (change.changed > 0) found.push(changedValues(it, change));
    if (change.added > 0) found.push(addedData(it, change));
    return found;
  }
  if (dropped.has(tableOf(change.object))) return [];
  if (change.lost > 0 && (dropped.has(change.object) || beyondRows(folder, change, 'lost'))) {
    found.push(lostValues(it, change));
  }
  if (change.changed > 0) found.push(changedValues(it, change));
  if (change.added > 0 && beyondRows(folder, change, 'added')) found.push(addedData(it, change));
  return found;
}

function removed(objects: readonly ObjectChange[], kind: ObjectChange['kind']): readonly string[] {
  return objects
    .filter((one) => one.kind === kind && one.change === 'removed')
    .map(({ object }) => object);
}

/** Findings about data in one folder that ran and was observed. */
export function findData(run: DryRun, folder: FolderRun): readonly Finding[] {
  const { observation } = folder;
  if (observation === null) return [];
  const it = { run, folder };
  const tables = removed(observation.objects, 'table');
  const gone = new Set(tables);
  const columns = removed(observation.objects, 'column').filter((one) => !gone.has(tableOf(one)));
  const dropped = new Set([...tables, ...columns]);
  return [
    ...tables.map((table) => droppedTable(it, table)),
    ...columns.flatMap((column) => droppedColumn(it, column)),
    ...observation.data.flatMap((change) => dataFindings(it, change, dropped)),
  ];
}
