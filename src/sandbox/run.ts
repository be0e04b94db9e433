/** One plan's pending steps in a copy of their baseline: run, observed, turned back and thrown away. */
import type { DryRunRequest, FolderRun, MigrationPlan, Restore } from '../core/dry-run.ts';
import type { Engine } from '../postgres/engine.ts';
import { ConnectionLost, QueryRefused } from '../postgres/wire.ts';
import type { Baseline } from './baseline.ts';
import { Before } from './before.ts';
import { runDown } from './down.ts';
import { type Executed, Executor } from './execute.ts';
import { type Guard, guard } from './guard.ts';
import { observe, watch } from './observe.ts';
import type { ReadyCopies } from './ready.ts';
import type { Remains } from './remains.ts';
import { openSessions, type Sessions } from './sessions.ts';
import { withoutMessages } from './withhold.ts';
import * as words from './words.ts';
import { type Places, startCopy, writable } from './workspace.ts';

/** At least this long may the comparison take, whatever the migration itself may. */
const OBSERVATION_MS = 60_000;

const NOT_DOWN = { downRestores: null, downDifference: [] };

export interface Pending {
  readonly request: DryRunRequest;
  readonly places: Places;
  /** What one run may write. */
  readonly runDiskBytes: number;
  readonly remains: Remains;
  /** Null: the run makes its own copy. */
  readonly ready: ReadyCopies | null;
  readonly engine: Engine;
  readonly plan: MigrationPlan;
  readonly baseline: Baseline;
}

export interface Ran {
  readonly status: 'ok' | 'failed' | 'not-comparable';
  readonly reason: string | null;
  readonly folder: FolderRun;
  readonly cached: boolean;
  readonly restore: Restore | null;
}

/** What is told of a plan of which nothing was seen. */
export function emptyFolder(plan: MigrationPlan): FolderRun {
  const { framework, folder, scope } = plan;
  const steps = plan.pending.map(({ path, version, blob }) => ({ path, version, blob }));
  return { framework, folder, scope, steps, statements: [], observation: null, error: null };
}

/** In memory when there is room; what wrote more than its share there is run again on disk. */
export async function runPending(it: Pending): Promise<Ran> {
  const ran = await runIn(it);
  if (ran !== 'too large for memory') return ran;
  const onDisk = await runIn({ ...it, ready: null, places: { ...it.places, memory: null } });
  if (typeof onDisk === 'string') throw new Error('a run on disk cannot be too large for memory');
  return onDisk;
}

async function runIn(it: Pending): Promise<Ran | 'too large for memory'> {
  const { cached, facts } = it.baseline;
  const restored = facts.restore;
  const started = (await it.ready?.take(it.baseline, it.engine)) ?? null;
  const run = started?.run ?? (await startCopy(it.places, it.baseline, it.engine));
  const { timeoutMs } = it.request.settings;
  const diskBytes = writable(run, it.runDiskBytes);
  const watcher = guard(run, timeoutMs, diskBytes);
  const before = new Before(facts, () => startCopy(it.places, it.baseline, it.engine));
  const folder = emptyFolder(it.plan);
  try {
    const sessions = started?.sessions ?? (await openSessions(run));
    const { statements, error } = await execute(sessions, it, before);
    watcher.allow(Math.max(timeoutMs, OBSERVATION_MS));
    tell(it, 'comparing');
    const there = await observe({
      superuser: sessions.superuser,
      reader: sessions.reader,
      baseline: it.baseline,
      run,
      before,
    });
    // The down parts are only worth a look when the way up runs.
    const down = error === null ? await turnBack(it) : NOT_DOWN;
    const whole = { ...folder, statements, error, observation: { ...there, ...down } };
    const told = restored === null ? whole : withoutMessages(whole);
    return { ...judge(told.error, it.engine), folder: told, cached, restore: restored };
  } catch (error) {
    if (watcher.ended === 'disk' && diskBytes < it.runDiskBytes) return 'too large for memory';
    const reason = interrupted(error, watcher, it);
    return { status: 'not-comparable', reason, folder, cached, restore: restored };
  } finally {
    watcher.release();
    it.remains.take(run.discard());
    it.remains.take(before.close());
  }
}

function tell({ request }: Pending, phase: 'comparing' | 'down'): void {
  request.onProgress?.({ phase, unit: 'statement', done: 0, of: 0, path: null });
}

async function turnBack(it: Pending): ReturnType<typeof runDown> {
  if (it.plan.pending.some((step) => step.down !== null)) tell(it, 'down');
  const limits = { timeoutMs: it.request.settings.timeoutMs, diskBytes: it.runDiskBytes };
  return runDown(it, it.plan, limits);
}

async function execute(
  { observer, owner }: Sessions,
  { plan, request, baseline }: Pending,
  before: Before,
): Promise<Executed> {
  const executor = new Executor(owner, watch(observer, owner.processId, before));
  executor.learn(baseline.facts.routines);
  executor.onStatement = request.onProgress ?? null;
  const done = await executor.run(plan.scope, plan.pending);
  await Promise.all([owner.close(), observer.close()]);
  return done;
}

/** Why a run ended before it was observed; other errors are faults of ours and go on. */
function interrupted(error: unknown, watcher: Guard, { request, runDiskBytes }: Pending): string {
  const expected = error instanceof ConnectionLost || error instanceof QueryRefused;
  if (!expected) throw error;
  if (watcher.ended === null && error instanceof QueryRefused) {
    const snapshot = request.settings.baseline === 'snapshot';
    return words.unseenReason(snapshot ? 'its rows refuse to be read' : error.message);
  }
  if (watcher.ended === 'time') return words.timeReason(request.settings.timeoutMs);
  if (watcher.ended === 'disk') return words.diskReason(runDiskBytes);
  return words.crashReason();
}

function judge(error: Executed['error'], engine: Engine): Pick<Ran, 'status' | 'reason'> {
  if (error === null) return { status: 'ok', reason: null };
  if (words.isLacking(error)) {
    return { status: 'not-comparable', reason: words.lackingReason(error, engine.version) };
  }
  return { status: 'failed', reason: words.failedReason(error) };
}
