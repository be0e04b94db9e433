/** The observer: what the running session holds locked, and what is different afterwards. */
import type { DataChange, LockTaken, Observation } from '../core/dry-run.ts';
import type { Engine } from '../postgres/engine.ts';
import type { Wire } from '../postgres/wire.ts';
import type { Baseline } from './baseline.ts';
import { readCatalog } from './catalog.ts';
import { differences, sequenceResets } from './differences.ts';
import type { Watch } from './execute.ts';
import { countTables, dataChanges, isTouched, pairTables, type Sides } from './values.ts';
import { OBSERVER, type Places, startCopy, type Throwaway } from './workspace.ts';

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

/** Watches one session of the owner from the observer's own. Objects not yet committed have no name. */
export function watch(observer: Wire, processId: number): Watch {
  return {
    locks: async () =>
      (await observer.rows(LOCKS(processId))).map(
        (row): LockTaken => ({ object: row[0] ?? '', mode: row[1] ?? '' }),
      ),
    names: async (oids) => (await observer.rows(NAMES(oids))).map((row) => row[0] ?? ''),
  };
}

/** Copies of the baseline are started only when rows must be compared, and ended by `close`. */
class LazySides {
  readonly #start: () => Promise<Throwaway>;
  readonly #after: Wire;
  #before: Promise<{ throwaway: Throwaway; wire: Wire }> | null = null;

  constructor(start: () => Promise<Throwaway>, after: Wire) {
    this.#start = start;
    this.#after = after;
  }

  async sides(): Promise<Sides> {
    this.#before ??= this.#start().then(async (throwaway) => ({
      throwaway,
      wire: await throwaway.connect(OBSERVER),
    }));
    return { before: (await this.#before).wire, after: this.#after };
  }

  async close(): Promise<void> {
    const before = await this.#before?.catch(() => null);
    await before?.throwaway.discard();
  }
}

export interface Observed {
  readonly places: Places;
  readonly engine: Engine;
  readonly baseline: Baseline;
  readonly run: Throwaway;
}

async function changedData(it: Observed, observer: Wire, lazy: LazySides, after: readonly Table[]) {
  const { facts, dataDir } = it.baseline;
  const { pairs, fresh } = pairTables(facts.catalog.tables, after);
  const around = { after: observer, firstXid: facts.firstXid, sides: () => lazy.sides() };
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
  return data;
}

type Table = Baseline['facts']['catalog']['tables'][number];

/** An observation without what the down parts showed. */
export type Seen = Omit<Observation, 'downRestores' | 'downDifference'>;

/** Compares the run's database with its baseline. The session under test must be closed by now. */
export async function observe(it: Observed): Promise<Seen> {
  const superuser = await it.run.connect('superuser');
  await superuser.rows('CHECKPOINT');
  await superuser.close();
  const observer = await it.run.connect(OBSERVER);
  const lazy = new LazySides(() => startCopy(it.places, it.baseline, it.engine), observer);
  try {
    const after = await readCatalog(observer);
    const data = await changedData(it, observer, lazy, after.tables);
    const { facts } = it.baseline;
    return {
      objects: [...differences(facts.catalog, after), ...sequenceResets(facts.catalog, after)],
      data: data.toSorted((a, b) => (a.object < b.object ? -1 : 1)),
      tables: facts.tables,
      unfilled: facts.unfilled,
      ...(facts.leftOut.length === 0 ? {} : { leftOut: facts.leftOut }),
    };
  } finally {
    await lazy.close();
  }
}
