/** Runs the down parts in a copy of their own: up, down, compare, up again. */
import type { MigrationPlan, MigrationStep } from '../core/dry-run.ts';
import type { Engine } from '../postgres/engine.ts';
import { ConnectionLost, QueryRefused, type Wire } from '../postgres/wire.ts';
import type { Baseline } from './baseline.ts';
import { readCatalog } from './catalog.ts';
import { differences } from './differences.ts';
import { Executor } from './execute.ts';
import { guard } from './guard.ts';
import { OBSERVER, OWNER, type Places, startCopy, writable } from './workspace.ts';

export interface DownResult {
  readonly downRestores: boolean | null;
  readonly downDifference: readonly string[];
}

/** What a copy of the baseline is started from. */
export interface Start {
  readonly places: Places;
  readonly engine: Engine;
  readonly baseline: Baseline;
}

export interface DownLimits {
  readonly timeoutMs: number;
  readonly diskBytes: number;
}

const KEPT_DIFFERENCES = 50;

/** The pending steps turned round; null when not every one of them has a down part. */
function backwards(plan: MigrationPlan): readonly MigrationStep[] | null {
  const steps: MigrationStep[] = [];
  for (const step of plan.pending.toReversed()) {
    if (step.down === null) return null;
    steps.push({ ...step, sql: step.down });
  }
  return steps;
}

/** What the down parts bring back; null when there are none, or the up parts do not run. */
export async function runDown(
  it: Start,
  plan: MigrationPlan,
  limits: DownLimits,
): Promise<DownResult> {
  const down = backwards(plan);
  if (down === null || down.length === 0) return { downRestores: null, downDifference: [] };
  const run = await startCopy(it.places, it.baseline, it.engine);
  const diskBytes = writable(run, limits.diskBytes);
  const watcher = guard(run, limits.timeoutMs, diskBytes);
  try {
    const owner = await run.connect(OWNER);
    const observer = await run.connect(OBSERVER);
    const found = await thereAndBack({ owner, observer, plan, down }, it.baseline.facts.catalog);
    return { downRestores: found.length === 0, downDifference: found.slice(0, KEPT_DIFFERENCES) };
  } catch (error) {
    if (!(error instanceof ConnectionLost || error instanceof QueryRefused)) throw error;
    if (watcher.ended === 'disk' && diskBytes < limits.diskBytes) {
      return await runDown({ ...it, places: { ...it.places, memory: null } }, plan, limits);
    }
    const why = watcher.ended === null ? error.message : 'it took too long or wrote too much';
    return { downRestores: false, downDifference: [`the down part did not end: ${why}`] };
  } finally {
    watcher.release();
    await run.discard();
  }
}

interface Way {
  readonly owner: Wire;
  readonly observer: Wire;
  readonly plan: MigrationPlan;
  readonly down: readonly MigrationStep[];
}

async function thereAndBack(
  { owner, observer, plan, down }: Way,
  before: Parameters<typeof differences>[0],
): Promise<readonly string[]> {
  const failed = async (what: string, steps: readonly MigrationStep[]): Promise<string | null> => {
    const { error } = await new Executor(owner, null).run(plan.scope, steps);
    if (error === null) return null;
    const line = error.line === null ? '' : `, line ${error.line}`;
    return `${what} fails: ${error.path ?? ''}${line}: ${error.message} (SQLSTATE ${error.sqlstate})`;
  };
  const up = await failed('the up part', plan.pending);
  if (up !== null) return [up];
  const back = await failed('the down part', down);
  if (back !== null) return [back];
  const left = differences(before, await readCatalog(observer)).map(
    ({ kind, object, change }) => `${kind} ${object} ${change}`,
  );
  const again = await failed('the up part after the down part', plan.pending);
  return again === null ? left : [...left, again];
}
