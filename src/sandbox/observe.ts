/** The observer: what the running session holds locked, and what is different afterwards. */
import type { DataChange, LockTaken, Observation } from '../core/dry-run.ts';
import type { Row, Wire } from '../postgres/wire.ts';
import type { Baseline } from './baseline.ts';
import { type Before, writesRows } from './before.ts';
import { readCatalog } from './catalog.ts';
import { differences, sequenceResets } from './differences.ts';
import type { Watch } from './execute.ts';
import { statedQuery } from './stated-locks.ts';
import { countTables, dataChanges, isTouched, pairTables } from './values.ts';
import { OBSERVER, type Throwaway } from './workspace.ts';

const LOCKS = (processId: number): string => `
  SELECT CASE WHEN n.nspname = 'public' THEN '' ELSE n.nspname || '.' END || c.relname,
    replace(l.mode, 'Lock', '')
  FROM pg_locks l JOIN pg_class c ON c.oid = l.relation JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE l.pid = ${processId} AND l.locktype = 'relation' AND l.granted
    AND c.relkind IN ('r', 'p', 'm', 'i', 'I', 'S', 'v') AND n.nspname !~ '^pg_'
    AND n.nspname <> 'information_schema' AND l.mode <> 'AccessShareLock'
  ORDER BY 1, 2 LIMIT 10000`;

const NAMES = (oids: readonly number[]): string => `
  SELECT CASE WHEN n.nspname = 'public' THEN '' ELSE n.nspname || '.' END || c.relname
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.oid = ANY (ARRAY[${oids.join(', ')}]::oid[]) ORDER BY 1`;

const lockOf = ([object, mode]: Row): LockTaken => ({ object: object ?? '', mode: mode ?? '' });

/** What a session holds locked now, seen from another one. */
export async function readLocks(observer: Wire, processId: number): Promise<readonly LockTaken[]> {
  return (await observer.rows(LOCKS(processId))).map(lockOf);
}

/** Watches one session of the owner from the observer's own. Objects not yet committed have no name. */
export function watch(observer: Wire, processId: number, before: Before): Watch {
  const locks = (): Promise<readonly LockTaken[]> => readLocks(observer, processId);
  return {
    locks,
    stated: async (stated) =>
      stated.length === 0 ? [] : (await observer.rows(statedQuery(stated))).map(lockOf),
    slow: async (kind) => {
      if (writesRows(kind)) before.expect(await locks());
    },
    names: async (oids) => (await observer.rows(NAMES(oids))).map((row) => row[0] ?? ''),
  };
}

/** A run whose SQL has ended, and the sessions that look at it. */
export interface Observed {
  readonly baseline: Baseline;
  readonly run: Throwaway;
  readonly superuser: Wire;
  /** A session of the observer for which the reading of the catalog was prepared; null: none. */
  readonly reader: Wire | null;
  readonly before: Before;
}

async function changedData(
  it: Observed,
  observer: Wire,
  { tables, materialized }: Baseline['facts']['catalog'],
): Promise<DataChange[]> {
  const { facts, dataDir } = it.baseline;
  const { before } = it;
  const { pairs, fresh } = pairTables(facts.catalog.tables, tables);
  const around = { after: observer, firstXid: facts.firstXid, before };
  const data: DataChange[] = [];
  for (const pair of pairs) {
    const counts = facts.counts[pair.before.oid] ?? { rows: 0, values: {} };
    const touched = isTouched(pair, dataDir, it.run.dataDir);
    data.push(...(await dataChanges(pair, counts, touched, around)));
  }
  const made = await countTables(observer, fresh);
  for (const table of fresh) {
    const rows = made[table.oid]?.rows ?? 0;
    const change = { before: 0, after: rows, lost: 0, added: rows, changed: 0 };
    if (rows > 0) data.push({ object: table.name, measure: 'rows', ...change });
  }
  return [...data, ...(await remade(it, observer, materialized))];
}

/** Rows of materialized views: they are made of other rows, so that none of them is lost. */
async function remade(
  { baseline: { facts } }: Observed,
  observer: Wire,
  after: Baseline['facts']['catalog']['materialized'],
): Promise<DataChange[]> {
  const counts = await countTables(observer, after);
  const { pairs, fresh } = pairTables(facts.catalog.materialized, after);
  const both = [...pairs, ...fresh.map((one) => ({ before: null, after: one }))];
  return both.flatMap((pair): DataChange[] => {
    const was = pair.before === null ? 0 : (facts.counts[pair.before.oid]?.rows ?? 0);
    const is = pair.after === null ? 0 : (counts[pair.after.oid]?.rows ?? 0);
    if (was === is) return [];
    const object = pair.before?.name ?? pair.after?.name ?? '';
    const added = Math.max(0, is - was);
    return [{ object, measure: 'rows', before: was, after: is, lost: 0, added, changed: 0 }];
  });
}

/** An observation without what the down parts showed. */
export type Seen = Omit<Observation, 'downRestores' | 'downDifference'>;

/**
 * Compares the run's database with its baseline. The session under test must be closed by now. A new
 * session looks, so that a change after which nobody can connect is not passed over.
 */
export async function observe(it: Observed): Promise<Seen> {
  const [observer] = await Promise.all([it.run.connect(OBSERVER), it.superuser.rows('CHECKPOINT')]);
  const after = await readCatalog(it.reader ?? observer, it.reader !== null);
  const data = await changedData(it, observer, after);
  const { facts } = it.baseline;
  return {
    objects: [...differences(facts.catalog, after), ...sequenceResets(facts.catalog, after)],
    data: data.toSorted((a, b) => (a.object < b.object ? -1 : 1)),
    tables: facts.tables,
    unfilled: facts.unfilled,
    ...(facts.leftOut.length === 0 ? {} : { leftOut: facts.leftOut }),
  };
}
