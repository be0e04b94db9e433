/**
 * Runs migration plans in throwaway clusters and tells what they did. Each plan gets a cluster of
 * its own, as two folders in a repository usually mean two databases; plans that need each other's
 * tables are then tried on one database together.
 */
import { resolve } from 'node:path';
import {
  type DryRun,
  type DryRunProgress,
  type DryRunRequest,
  type MigrationPlan,
  NO_DRY_RUN,
  type PlanProblem,
  type RunDry,
} from '../core/dry-run.ts';
import { TagoutError } from '../core/errors.ts';
import { type Engine, type EngineWish, findEngine } from '../postgres/engine.ts';
import { type Baseline, BaselineFailed, Baselines } from './baseline.ts';
import { BaselineCache } from './cache.ts';
import { MEMORY, type Memory } from './memory.ts';
import { Queue } from './queue.ts';
import { ReadyCopies } from './ready.ts';
import { Remains } from './remains.ts';
import { emptyFolder, type Ran, runPending } from './run.ts';
import { adviceOn } from './squawk.ts';
import { type Source, sourceOf } from './restore.ts';
import { placeOf, type SnapshotPlaces, Snapshots, SnapshotUnavailable } from './snapshots.ts';
import * as words from './words.ts';
import { openHome, type Places } from './workspace.ts';

export interface SandboxOptions {
  /** Folder for prepared baselines and running clusters. */
  readonly cacheDir: string;
  /** Bin folder that the operator named; null searches. */
  readonly binDir?: string | null;
  /** How many clusters may run at once. */
  readonly maxConcurrent?: number;
  /** How many may wait; one more is refused. */
  readonly maxWaiting?: number;
  /** Size of all prepared baselines together. */
  readonly cacheBytes?: number;
  /** What one run may write. */
  readonly runDiskBytes?: number;
  /** How long preparing a baseline may take. */
  readonly baselineTimeoutMs?: number;
  /** Where each repository's dump of production is, for policies that say `baseline: snapshot`. */
  readonly snapshots?: SnapshotPlaces;
  /** Where runs are while there is room; null keeps them on disk. */
  readonly memory?: Memory | null;
  /** How many copies stand started ahead for the next run of their database: for a long life. */
  readonly ready?: number;
  /** After this long unused such a copy goes. */
  readonly readyIdleMs?: number;
}

export interface Sandbox {
  readonly dryRun: RunDry;
  /** Resolves when every cluster that is done with has ended and left the disk. */
  idle(): Promise<void>;
  /** Waits for the runs under way and takes no more. */
  close(): Promise<void>;
}

const DEFAULTS = {
  binDir: null,
  maxConcurrent: 2,
  maxWaiting: 200,
  cacheBytes: 8 * 2 ** 30,
  runDiskBytes: 2 * 2 ** 30,
  baselineTimeoutMs: 300_000,
  memory: MEMORY,
  snapshots: new Map(),
  ready: 0,
  readyIdleMs: 600_000,
};

/** A step larger than this is not run. */
const MAX_SQL_BYTES = 32 * 2 ** 20;

type Settled = Required<SandboxOptions>;

interface Outcome extends Ran {
  readonly baselineMs: number;
  readonly runMs: number;
  /** What it ran on; null when there is none. */
  readonly baseline: Baseline | null;
}

/** Makes a sandbox on a folder and clears what dead processes left there. */
export function createSandbox(options: SandboxOptions): Sandbox {
  const settled: Settled = { ...DEFAULTS, ...options, cacheDir: resolve(options.cacheDir) };
  try {
    openHome(placesOf(settled));
  } catch (cause) {
    throw new TagoutError(
      'sandbox-unavailable',
      `The sandbox's folder ${settled.cacheDir} cannot be written. Correct its permissions, or ` +
        'name another folder.',
      { cause },
    );
  }
  const remains = new Remains();
  const wish = { places: placesOf(settled), remains, most: settled.ready };
  const ready = new ReadyCopies({ ...wish, idleMs: settled.readyIdleMs });
  const cache = new BaselineCache(settled.cacheDir, settled.cacheBytes, () => ready.bytes);
  const baselines = new Baselines(settled.cacheDir, cache);
  const queue = new Queue(settled.maxConcurrent, settled.maxWaiting);
  const limits = { timeoutMs: settled.baselineTimeoutMs, maxBytes: settled.cacheBytes };
  const snapshots = new Snapshots(settled.cacheDir, limits);
  const common = { settled, baselines, queue, snapshots, remains, ready };
  return {
    dryRun: (request) => dryRun({ ...common, request }),
    idle: async () => {
      await ready.settled();
      await remains.gone();
    },
    close: async () => {
      await queue.close();
      ready.close();
      await remains.gone();
    },
  };
}

function placesOf({ cacheDir, memory }: Settled): Places {
  return { home: cacheDir, memory };
}

interface Context {
  readonly request: DryRunRequest;
  readonly settled: Settled;
  readonly baselines: Baselines;
  readonly queue: Queue;
  readonly snapshots: Snapshots;
  readonly remains: Remains;
  readonly ready: ReadyCopies;
}

/** Problems that leave something unseen, so that no outcome of running the rest is the whole truth. */
function blinding(plans: readonly MigrationPlan[]): PlanProblem | null {
  const all = plans.flatMap((plan) => plan.problems);
  return all.find((p) => p.code === 'unreadable' || p.code === 'not-judged') ?? null;
}

async function dryRun(context: Context): Promise<DryRun> {
  const { plans, settings } = context.request;
  context.remains.check();
  const problems = plans.flatMap((plan) => plan.problems);
  const blind = blinding(plans);
  const pending = plans.filter((plan) => plan.pending.length > 0);
  const foreign = pending.find((plan) => plan.dialect !== 'postgresql');
  const unseen = blind?.message ?? (foreign && `${foreign.folder} is not written for PostgreSQL.`);
  const judged = pending.filter((plan) => plan.dialect === 'postgresql');
  if (judged.length === 0) {
    if (unseen === undefined) return { ...NO_DRY_RUN, problems };
    return { ...NO_DRY_RUN, status: 'not-comparable', reason: unseen, problems };
  }
  const began = performance.now();
  const wish: EngineWish = { major: settings.postgres, binDir: context.settled.binDir };
  const engine = await findEngine(wish).catch((error: unknown) => unavailable(error, wish));
  if (typeof engine === 'string') {
    return { ...NO_DRY_RUN, status: 'not-comparable', reason: engine, problems };
  }
  const advice = adviceOn(judged, engine.version);
  const outcomes: Outcome[] = [];
  for (const plan of judged) {
    tell(context, 'waiting');
    outcomes.push(await context.queue.run(() => runPlan(context, engine, plan)));
  }
  standReady(context, engine, outcomes);
  const bad =
    outcomes.find((o) => o.status === 'failed') ??
    outcomes.find((o) => o.status === 'not-comparable');
  const status = bad?.status ?? (unseen === undefined ? 'ok' : 'not-comparable');
  return {
    status,
    reason: bad?.reason ?? unseen ?? null,
    engine: { name: 'PostgreSQL', version: engine.version },
    durationsMs: {
      baseline: sum(outcomes.map((o) => o.baselineMs)),
      run: sum(outcomes.map((o) => o.runMs)),
      total: Math.round(performance.now() - began),
    },
    baselineCached: outcomes.every((o) => o.cached),
    folders: outcomes.map((o) => o.folder),
    problems,
    advice: await advice,
    ...restoreOf(outcomes),
  };
}

/** While others run or wait, the machine is theirs: whoever ends last makes the copies ahead. */
function standReady(
  { queue, ready, settled }: Context,
  engine: Engine,
  outcomes: readonly Outcome[],
): void {
  if (!queue.isIdle || settled.ready === 0) return;
  for (const { baseline } of outcomes.slice(-settled.ready)) {
    if (baseline !== null) ready.prepare(baseline, engine);
  }
}

function tell({ request }: Context, phase: DryRunProgress['phase']): void {
  request.onProgress?.({ phase, unit: 'statement', done: 0, of: 0, path: null });
}

function restoreOf(outcomes: readonly Outcome[]): Pick<DryRun, 'restore'> {
  const restore = outcomes.find((outcome) => outcome.restore !== null)?.restore ?? null;
  return restore === null ? {} : { restore };
}

/** A major that the policy names and the machine lacks is an outcome; no engine at all is a fault. */
function unavailable(error: unknown, wish: EngineWish): string {
  if (error instanceof TagoutError && wish.major !== null) return error.message;
  throw error;
}

function sum(list: readonly number[]): number {
  return Math.round(list.reduce((total, value) => total + value, 0));
}

function notComparable(plan: MigrationPlan, reason: string, baselineMs: number): Outcome {
  const folder = emptyFolder(plan);
  return {
    status: 'not-comparable',
    reason,
    folder,
    baselineMs,
    runMs: 0,
    cached: false,
    restore: null,
    baseline: null,
  };
}

function tooLarge(plan: MigrationPlan): string | null {
  for (const { path, sql } of [...plan.pending, ...plan.applied]) {
    const bytes = Buffer.byteLength(sql);
    if (bytes > MAX_SQL_BYTES) return words.sizeReason(path, bytes, MAX_SQL_BYTES);
  }
  return null;
}

async function runPlan(context: Context, engine: Engine, plan: MigrationPlan): Promise<Outcome> {
  const large = tooLarge(plan);
  if (large !== null) return notComparable(plan, large, 0);
  const began = performance.now();
  let baseline: Baseline;
  tell(context, 'baseline');
  try {
    baseline = await prepare(context, engine, plan);
  } catch (error) {
    if (!(error instanceof BaselineFailed)) throw error;
    const reason = words.baselineReason(error.stage, error.sql);
    return notComparable(plan, reason, performance.now() - began);
  }
  const baselineMs = performance.now() - began;
  const { request, settled, remains, ready } = context;
  const places = placesOf(settled);
  const { runDiskBytes } = settled;
  const run = { request, places, runDiskBytes, remains, ready, engine, plan, baseline };
  const ran = await runPending(run);
  return { ...ran, baselineMs, runMs: performance.now() - began - baselineMs, baseline };
}

/** The plan's own history alone; when that does not run, all plans' histories together. */
async function prepare(context: Context, engine: Engine, plan: MigrationPlan): Promise<Baseline> {
  const { owner, settings, plans } = context.request;
  const timeoutMs = Math.max(context.settled.baselineTimeoutMs, settings.timeoutMs);
  const source = await sourceFor(context);
  const common = {
    owner,
    engine,
    settings,
    timeoutMs,
    source,
    onProgress: context.request.onProgress ?? null,
  };
  try {
    return await context.baselines.prepare({ ...common, plans: [plan] });
  } catch (error) {
    if (!(error instanceof BaselineFailed)) throw error;
    const others = plans.filter((p) => p !== plan && p.dialect === 'postgresql');
    if (others.length === 0 || source !== null) throw error;
    return context.baselines
      .prepare({ ...common, plans: [...others, plan] })
      .catch((second: unknown) => {
        throw second instanceof BaselineFailed ? error : second;
      });
  }
}

/** Where the baseline comes from. Throws BaselineFailed when the operator's dump cannot be had. */
async function sourceFor({ request, settled, snapshots }: Context): Promise<Source | null> {
  const { baseline } = request.settings;
  if (baseline !== 'snapshot') return sourceOf(baseline);
  const place = placeOf(settled.snapshots, request.repository ?? null);
  try {
    const file = place === null ? null : await snapshots.at(place);
    if (file !== null) return { kind: 'snapshot', file };
  } catch (error) {
    if (!(error instanceof SnapshotUnavailable)) throw error;
    const fault = { sqlstate: '58000', message: error.message, path: null };
    throw new BaselineFailed('snapshot', { ...fault, line: null, column: null });
  }
  throw new BaselineFailed('snapshot', null);
}
