/**
 * Prepares the database as it is before the change: the history replayed as the owner, then seed
 * SQL, then synthetic rows. Each stage is cached, and a longer history starts from the longest
 * prefix of it that is there.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { digestOf, sha256Hex } from '../core/canonical.ts';
import type {
  DryRunProgress,
  DryRunSettings,
  MigrationPlan,
  Restore,
  SqlError,
  TableSize,
} from '../core/dry-run.ts';
import { cloneDataDir } from '../postgres/clone.ts';
import type { Engine } from '../postgres/engine.ts';
import { ConnectionLost, type Wire } from '../postgres/wire.ts';
import type { BaselineCache, Cached } from './cache.ts';
import { type Catalog, readCatalog } from './catalog.ts';
import { LAYOUT, makeEngineBase } from './engine-base.ts';
import { replay } from './execute.ts';
import { restore, type Source } from './restore.ts';
import type { Routines } from './reach.ts';
import { readRoutines } from './routines.ts';
import { isBookkeeping } from './bookkeeping.ts';
import { fillTables, type Unfilled } from './rows.ts';
import { countTables, type TableCounts } from './values.ts';
import {
  newFolder,
  OBSERVER,
  OWNER,
  type Resting,
  startThrowaway,
  type Throwaway,
} from './workspace.ts';

/** The baseline's facts, kept beside its folder so that a warm run need not read them again. */
export interface BaselineFacts {
  readonly catalog: Catalog;
  readonly counts: TableCounts;
  /** What the SQL under test may run that was there before. */
  readonly routines: Routines;
  readonly tables: readonly TableSize[];
  readonly unfilled: readonly Unfilled[];
  /** The first transaction of whoever works in a copy: all rows of before are older. */
  readonly firstXid: number;
  /** Given when the baseline is a restored snapshot. */
  readonly restore: Restore | null;
  /** What the dump has and the sandbox may not make; empty for a history that was replayed. */
  readonly leftOut: readonly string[];
}

export interface Baseline extends Resting {
  readonly facts: BaselineFacts;
  readonly cached: boolean;
}

/** The history or the seed did not run: an expected outcome, with the place. */
export class BaselineFailed extends Error {
  readonly stage: 'history' | 'schema' | 'seed' | 'snapshot' | 'time';
  readonly sql: SqlError | null;
  constructor(stage: BaselineFailed['stage'], sql: SqlError | null) {
    super(sql?.message ?? 'the baseline took too long');
    this.name = 'BaselineFailed';
    this.stage = stage;
    this.sql = sql;
  }
}

export interface BaselineWish {
  readonly owner: string;
  readonly engine: Engine;
  readonly plans: readonly MigrationPlan[];
  readonly settings: DryRunSettings;
  readonly timeoutMs: number;
  /** Null: the plans' history is replayed. */
  readonly source: Source | null;
  /** Told of each migration of the history before it runs; null: nobody waits. */
  readonly onProgress: ((progress: DryRunProgress) => void) | null;
}

interface Step {
  readonly plan: MigrationPlan;
  readonly step: MigrationPlan['applied'][number];
  /** Key of the history up to and with this step. */
  readonly key: string;
}

/** What a source is known by: a schema by its text, a snapshot by its file's name, size and time. */
function sourceKey(wish: BaselineWish, source: Source): string {
  const { engine } = wish;
  const content = source.kind === 'schema' ? sha256Hex(source.sql) : source.file;
  return digestOf([source.kind, LAYOUT, engine.version, engine.origin, wish.owner, content]);
}

function historyKeys(wish: BaselineWish): { readonly root: string; readonly steps: Step[] } {
  const { engine, source } = wish;
  if (source !== null) return { root: sourceKey(wish, source), steps: [] };
  const root = digestOf(['history', LAYOUT, engine.version, engine.origin, wish.owner]);
  let key = root;
  const steps = wish.plans.flatMap((plan) =>
    plan.applied.map((step) => {
      const parts = [key, plan.scope, step.transaction, step.path, step.firstLine];
      key = sha256Hex([...parts, sha256Hex(step.sql)].join('\n'));
      return { plan, step, key };
    }),
  );
  return { root, steps };
}

export class Baselines {
  readonly #home: string;
  readonly #cache: BaselineCache;
  readonly #underWay = new Map<string, Promise<Baseline>>();

  constructor(home: string, cache: BaselineCache) {
    this.#home = home;
    this.#cache = cache;
  }

  /** The baseline of a wish. Two that ask for the same at once wait for one preparation. */
  prepare(wish: BaselineWish): Promise<Baseline> {
    const { root, steps } = historyKeys(wish);
    const { seed, rows } = wish.settings;
    const seeds = seed.map((file) => [file.path, sha256Hex(file.sql)]);
    const key = digestOf(['filled', steps.at(-1)?.key ?? root, seeds, rows]);
    const found = this.#found(key);
    if (found !== null) return Promise.resolve(found);
    const known = this.#underWay.get(key);
    if (known !== undefined) return known;
    const made = this.#make(key, wish, steps).finally(() => this.#underWay.delete(key));
    this.#underWay.set(key, made);
    return made;
  }

  #found(key: string): Baseline | null {
    const cached = this.#cache.find(key);
    if (cached === null) return null;
    try {
      const facts: BaselineFacts = JSON.parse(readFileSync(join(cached.folder, 'facts'), 'utf8'));
      return { dataDir: cached.dataDir, sizeBytes: cached.sizeBytes, facts, cached: true };
    } catch {
      return null;
    }
  }

  /** The first data folder of an engine, made when there is none. */
  async engineBase(engine: Engine): Promise<Cached> {
    const key = digestOf(['engine', LAYOUT, engine.version, engine.origin]);
    const known = this.#cache.find(key);
    if (known !== null) return known;
    return this.#build(key, async (folder) => makeEngineBase(folder, engine));
  }

  async #build(key: string, fill: (folder: string) => Promise<void>): Promise<Cached> {
    const folder = newFolder(this.#home, 'partial');
    try {
      await fill(folder);
      return this.#cache.keep(key, folder);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }

  async #make(key: string, wish: BaselineWish, steps: readonly Step[]): Promise<Baseline> {
    const { source } = wish;
    const history =
      source === null ? await this.#history(wish, steps) : await this.#restored(wish, source);
    const facts: { made: BaselineFacts | null } = { made: null };
    const kept = await this.#build(key, async (folder) => {
      facts.made = await this.#inCopy(history, folder, wish, async (throwaway) => {
        await seedRows(throwaway, wish.settings);
        return { ...(await fillAndRead(throwaway, wish)), ...drillOf(history.folder) };
      });
      writeFileSync(join(folder, 'facts'), JSON.stringify(facts.made));
    });
    if (facts.made === null) throw new Error('a baseline without facts');
    const { dataDir, sizeBytes } = kept;
    return { dataDir, sizeBytes, facts: facts.made, cached: false };
  }

  /** A dump loaded into the engine's empty database, with the time that it took beside it. */
  async #restored(wish: BaselineWish, source: Source): Promise<Cached> {
    const key = sourceKey(wish, source);
    const known = this.#cache.find(key);
    if (known !== null) return known;
    const base = await this.engineBase(wish.engine);
    return this.#build(key, async (folder) => {
      await this.#inCopy(base, folder, wish, async (throwaway) => {
        const began = performance.now();
        const { error, leftOut } = await restore(throwaway, source, wish.engine);
        if (error !== null) throw new BaselineFailed(source.kind, error);
        const restoreMs = Math.round(performance.now() - began);
        const drill: Drill = { restore: drilled(source, restoreMs), leftOut };
        writeFileSync(join(folder, DRILL), JSON.stringify(drill));
      });
    });
  }

  /** The history replayed, from the longest prefix of it that is cached. */
  async #history(wish: BaselineWish, steps: readonly Step[]): Promise<Cached> {
    let at = steps.length;
    let from: Cached | null = null;
    for (; at > 0 && from === null; at -= 1) from = this.#cache.find(steps[at - 1]?.key ?? '');
    const start = from === null ? 0 : at + 1;
    const base = from ?? (await this.engineBase(wish.engine));
    const rest = steps.slice(start);
    const last = rest.at(-1);
    if (last === undefined) return base;
    return this.#build(last.key, async (folder) => {
      await this.#inCopy(base, folder, wish, async (throwaway) => {
        const owner = await throwaway.connect(OWNER);
        for (const [at, { plan, step }] of rest.entries()) {
          const counted = { unit: 'migration', done: at + 1, of: rest.length } as const;
          wish.onProgress?.({ phase: 'baseline', ...counted, path: step.path });
          const error = await replay(owner, plan.scope, [step]);
          if (error !== null) throw new BaselineFailed('history', error);
        }
        await owner.close();
      });
    });
  }

  /** Works in a copy at `folder/data` and leaves it at rest; the wall clock is enforced from here. */
  async #inCopy<T>(
    from: Cached,
    folder: string,
    wish: BaselineWish,
    work: (throwaway: Throwaway) => Promise<T>,
  ): Promise<T> {
    mkdirSync(folder, { recursive: true });
    await cloneDataDir(from.dataDir, join(folder, 'data'));
    const throwaway = await startThrowaway(folder, wish.engine);
    let late = false;
    const tooLate = Promise.withResolvers<never>();
    tooLate.promise.catch(() => undefined);
    const timer = setTimeout(() => {
      late = true;
      throwaway.kill();
      // What waits for something else than the server, as a file, ends as well.
      tooLate.reject(new BaselineFailed('time', null));
    }, wish.timeoutMs);
    try {
      const result = await Promise.race([work(throwaway), tooLate.promise]);
      await throwaway.rest();
      return result;
    } catch (error) {
      await throwaway.cluster.stop('immediate');
      if (late && error instanceof ConnectionLost) throw new BaselineFailed('time', null);
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }
}

const DRILL = 'restore';

type Drill = Pick<BaselineFacts, 'restore' | 'leftOut'>;

function drilled(source: Source, restoreMs: number): Restore | null {
  if (source.kind === 'schema') return null;
  const { takenAtMs, sizeBytes } = source.file;
  return { takenAtMs, sizeBytes, restoreMs };
}

/** How the restore went that a prepared folder stems from; a history that was replayed has none. */
function drillOf(folder: string): Drill {
  const path = join(folder, DRILL);
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : { restore: null, leftOut: [] };
}

async function seedRows(throwaway: Throwaway, settings: DryRunSettings): Promise<void> {
  if (settings.seed.length === 0) return;
  const owner = await throwaway.connect(OWNER);
  for (const { path, sql } of settings.seed) {
    const step = { path, sql, blob: '', version: path, firstLine: 1, down: null };
    const error = await replay(owner, 'file', [{ ...step, transaction: 'inherit' }]);
    if (error !== null) throw new BaselineFailed('seed', error);
  }
  await owner.close();
}

async function fillAndRead(
  throwaway: Throwaway,
  wish: BaselineWish,
): Promise<Omit<BaselineFacts, keyof Drill>> {
  const isSnapshot = wish.source?.kind === 'snapshot';
  const observer = await throwaway.connect(OBSERVER);
  const catalog = await readCatalog(observer);
  const routines = await readRoutines(observer);
  const counted = [...catalog.tables, ...catalog.materialized];
  const seeded = await countTables(observer, counted);
  const empty = catalog.tables.filter(
    (table) => (seeded[table.oid]?.rows ?? 0) === 0 && !isBookkeeping(table),
  );
  const unfilled =
    wish.settings.rows > 0 && empty.length > 0 && !isSnapshot
      ? await fillTables(throwaway, wish.engine, { tables: empty, rows: wish.settings.rows })
      : [];
  const counts = empty.length === 0 ? seeded : await countTables(observer, counted);
  await observer.close();
  const firstXid = await settle(await throwaway.connect('superuser'));
  const tables = catalog.tables.map((table): TableSize => {
    const rows = counts[table.oid]?.rows ?? 0;
    const made = (seeded[table.oid]?.rows ?? 0) > 0 ? 'seed' : 'synthetic';
    if (isSnapshot) return { table: table.name, rows, origin: 'snapshot' };
    return { table: table.name, rows, origin: rows === 0 ? 'empty' : made };
  });
  return { catalog, counts, routines, tables, unfilled, firstXid };
}

/**
 * Freezes all rows, so that later reading writes nothing and an untouched file stays untouched.
 * Answers the first transaction that comes after it.
 */
async function settle(superuser: Wire): Promise<number> {
  await superuser.rows('VACUUM (FREEZE, ANALYZE)');
  const [next] = await superuser.rows('SELECT pg_snapshot_xmax(pg_current_snapshot())');
  await superuser.rows('CHECKPOINT');
  await superuser.close();
  return Number(next?.[0] ?? 0);
}
