/**
 * Looks a dry run up instead of running it again. A dry run is a value: the same plans over the
 * same baseline with the same settings show the same, so a review, a label or a re-delivery costs
 * no cluster. What could not be compared is never kept: the next look runs it again.
 */
import { digestOf, sha256Hex } from '../core/canonical.ts';
import type {
  DryRun,
  DryRunRequest,
  MigrationPlan,
  MigrationStep,
  RunDry,
} from '../core/dry-run.ts';

export interface RememberOptions {
  readonly runDry: RunDry;
  /** How many results are kept, the least recently used go first. */
  readonly entries: number;
  /** After this long a result is made anew, so that an engine's upgrade shows. */
  readonly maxAgeMs: number;
  readonly now: () => number;
}

interface Kept {
  readonly run: Promise<DryRun>;
  readonly atMs: number;
}

/** The same RunDry, with the newest results kept in memory; runs under way are shared. */
export function rememberDryRuns(options: RememberOptions): RunDry {
  const kept = new Map<string, Kept>();
  return (request) => {
    // The operator may put another snapshot in its place at any time.
    if (request.settings.baseline === 'snapshot') return options.runDry(request);
    const key = requestKey(request);
    const found = kept.get(key);
    kept.delete(key);
    if (found !== undefined && options.now() - found.atMs < options.maxAgeMs) {
      kept.set(key, found);
      return found.run;
    }
    const run = options.runDry(request);
    kept.set(key, { run, atMs: options.now() });
    dropOldest(kept, options.entries);
    const forget = (): void => {
      if (kept.get(key)?.run === run) kept.delete(key);
    };
    run.then((result) => (isConclusive(result) ? undefined : forget()), forget);
    return run;
  };
}

function isConclusive(run: DryRun): boolean {
  return run.status === 'ok' || run.status === 'failed';
}

function dropOldest(kept: Map<string, Kept>, entries: number): void {
  for (const key of kept.keys()) {
    if (kept.size <= entries) return;
    kept.delete(key);
  }
}

/** SHA-256 over everything that the sandbox is given; SQL texts by their own hash. */
function requestKey(request: DryRunRequest): string {
  const { seed, ...settings } = request.settings;
  return digestOf({
    owner: request.owner,
    plans: request.plans.map(planKey),
    settings,
    seed: seed.map(({ path, sql }) => [path, sha256Hex(sql)]),
  });
}

function planKey(plan: MigrationPlan): unknown {
  const { applied, pending, ...rest } = plan;
  return { ...rest, applied: applied.map(stepKey), pending: pending.map(stepKey) };
}

function stepKey(step: MigrationStep): readonly unknown[] {
  const down = step.down === null ? null : sha256Hex(step.down);
  const { path, version, firstLine, transaction } = step;
  return [path, step.blob, version, sha256Hex(step.sql), firstLine, down, transaction];
}
