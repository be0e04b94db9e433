/**
 * What statements would take away and the dry run could not show: they touched no row here, put
 * rows back, or stand in a body whose conditions can differ in production.
 */
import type {
  DataChange,
  Destruction,
  DryRun,
  FolderRun,
  StatementRun,
  TableSize,
} from '../dry-run.ts';
import type { BlastRadius, Finding } from '../findings.ts';
import { isProvenEmpty, productionRows } from './data.ts';
import { counted, makeFinding } from './make.ts';

interface Where {
  readonly run: DryRun;
  readonly folder: FolderRun;
}

interface Verdict {
  readonly id: string;
  readonly radius: BlastRadius;
  readonly message: string;
  readonly figures?: Readonly<Record<string, number>>;
}

/** A name as written may leave the schema out that the observation names. */
function isNamed(full: string, written: string): boolean {
  return written !== '' && (full === written || full.endsWith(`.${written}`));
}

function dataOf(folder: FolderRun, measure: DataChange['measure']): readonly DataChange[] {
  return (folder.observation?.data ?? []).filter((one) => one.measure === measure);
}

function tableOf(column: string): string {
  return column.slice(0, Math.max(0, column.lastIndexOf('.')));
}

/** Whether the findings about data already say that this table lost something. */
function lostRows(folder: FolderRun, table: string): boolean {
  return dataOf(folder, 'rows').some((one) => one.lost > 0 && isNamed(one.object, table));
}

function changedValues(folder: FolderRun, table: string): boolean {
  const values = dataOf(folder, 'values');
  return values.some(
    ({ object, lost, changed }) => lost + changed > 0 && isNamed(tableOf(object), table),
  );
}

/**
 * Whether any of the columns that an UPDATE sets has other values than before. A column that held
 * none here is filled by whatever it is set to: that production's holds none is not shown by it.
 */
function isSeen(folder: FolderRun, { object, columns = [] }: Destruction): boolean {
  return dataOf(folder, 'values').some((one) => {
    const named = columns.some((column) => isNamed(one.object, `${object}.${column}`));
    const { lost, changed, added, before } = one;
    const isProduction = originOf(folder, object) === 'snapshot';
    return named && lost + changed + (before > 0 || isProduction ? added : 0) > 0;
  });
}

function originOf(folder: FolderRun, table: string): TableSize['origin'] | null {
  const tables = folder.observation?.tables ?? [];
  return tables.find((one) => isNamed(one.table, table))?.origin ?? null;
}

/** The columns of an UPDATE that were filled where there was nothing to overwrite. */
function isFilled(folder: FolderRun, { object, columns = [] }: Destruction): boolean {
  return dataOf(folder, 'values').some(
    (one) => one.added > 0 && columns.some((column) => isNamed(one.object, `${object}.${column}`)),
  );
}

const DOES: Readonly<Record<Destruction['verb'], string>> = {
  delete: 'deletes rows of',
  truncate: 'empties',
  update: 'changes values of',
  merge: 'deletes or changes rows of',
  drop: 'drops',
  rule: 'lets writes do nothing on',
  dynamic: 'runs text that it puts together',
  unread: 'holds a body or a statement that could not be read',
};

function doesWords({ verb, object }: Destruction): string {
  return object === '' ? DOES[verb].replace(/ of$/, '') : `${DOES[verb]} ${object}`;
}

function inBody(act: Destruction): Verdict {
  const message =
    `A block, function or rule ${doesWords(act)}: when it does, and what it reaches in ` +
    'production, the dry run cannot show';
  return { id: 'destructive-body', radius: 'high', message };
}

function unproven(act: Destruction): Verdict {
  const message = `A statement ${doesWords(act)}; unproven: it touched nothing here and may in production`;
  return { id: 'destruction-unproven', radius: 'high', message };
}

/** Rows that production has by its statistics or its snapshot, whatever the database here holds. */
function inProduction(act: Destruction, { run, folder }: Where): Verdict | null {
  if (act.verb !== 'drop' && act.verb !== 'truncate' && act.whole !== true) return null;
  const sizes = [...(run.statistics ?? []), ...(folder.observation?.tables ?? [])];
  const rows = sizes
    .filter(({ table }) => isNamed(table, act.object))
    .map(({ table }) => productionRows(run, folder, table) ?? 0);
  const most = Math.max(0, ...rows);
  if (most === 0) return null;
  const message = `A statement ${doesWords(act)}, which has ${counted(most, 'row')} in production`;
  return { id: 'all-rows-removed', radius: 'critical', message, figures: { removed: most } };
}

function overwrites({ object, columns = [] }: Destruction): Verdict {
  const [only, ...others] = columns;
  const what = others.length === 0 ? `${object}.${only ?? ''}` : object;
  const message =
    `A statement sets ${what} whatever it holds; unproven: it held nothing here and may hold ` +
    'values in production. A condition that it is null would prove it';
  return { id: 'destruction-unproven', radius: 'high', message };
}

/** Rows that went with the statement and came back with another: production has others. */
function removedRows(act: Destruction, folder: FolderRun, statement: StatementRun): Verdict {
  const size = folder.observation?.tables.find(({ table }) => isNamed(table, act.object)) ?? null;
  const whole = act.whole === true;
  const rows = act.verb === 'delete' && !whole ? (statement.rows ?? 0) : (size?.rows ?? 0);
  if (rows === 0 || act.place !== 'statement') return unproven(act);
  const message =
    `${counted(rows, 'row')} removed from ${act.object} by a statement, whatever was put back: ` +
    'rows that only production has do not come back';
  const figures = { removed: rows };
  return whole
    ? { id: 'all-rows-removed', radius: 'critical', message, figures }
    : { id: 'rows-removed', radius: 'high', message, figures };
}

function isTold(act: Destruction, folder: FolderRun, statement: StatementRun): boolean {
  const { verb, object } = act;
  // That the statement runs text which it has put together is told as such (statements.ts).
  if (verb === 'dynamic' && statement.environment?.includes('dynamic') === true) return true;
  if (verb === 'drop') {
    if (act.place === 'body') return false;
    return statement.objects?.some((one) => isNamed(one, object)) === true;
  }
  if (verb === 'update' && changedValues(folder, object)) return true;
  if (verb === 'merge' && changedValues(folder, object)) return true;
  return verb !== 'update' && lostRows(folder, object);
}

function verdictOf(act: Destruction, where: Where, statement: StatementRun): Verdict | null {
  const { folder } = where;
  if (isTold(act, folder, statement)) return null;
  if (act.place === 'body') return inBody(act);
  const known = inProduction(act, where);
  if (known !== null) return known;
  if (act.verb === 'delete' || act.verb === 'truncate') return removedRows(act, folder, statement);
  const isUpdate = act.verb === 'update' && statement.rows !== 0;
  if (isUpdate && isSeen(folder, act)) return null;
  return isUpdate && isFilled(folder, act) ? overwrites(act) : unproven(act);
}

function isEmptyThere(run: DryRun, folder: FolderRun, { verb, object }: Destruction): boolean {
  if (verb === 'dynamic' || verb === 'unread' || verb === 'rule' || object === '') return false;
  const tables = folder.observation?.tables ?? [];
  const named = tables.filter(({ table }) => isNamed(table, object));
  return named.length > 0 && named.every(({ table }) => isProvenEmpty({ run, folder }, table));
}

/** Findings about destruction that the observation alone would not show, each once per object. */
export function findDestruction(run: DryRun, folder: FolderRun): readonly Finding[] {
  if (folder.observation === null) return [];
  const found = new Map<string, Finding>();
  for (const statement of folder.statements) {
    for (const act of statement.destroys ?? []) {
      if (isEmptyThere(run, folder, act)) continue;
      const verdict = verdictOf(act, { run, folder }, statement);
      if (verdict === null) continue;
      const { path, line } = statement;
      const object = act.object === '' ? path : act.object;
      const evidence = verdict.figures === undefined ? 'plan' : 'dry run';
      const key = `${verdict.id} ${act.verb} ${object}`;
      if (!found.has(key))
        found.set(key, makeFinding({ ...verdict, object, evidence, path, line }));
    }
  }
  return [...found.values()];
}
