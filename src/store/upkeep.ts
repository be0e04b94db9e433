/** What the worker does at its own times: the sweep, and the removal of what is over its time. */
import { type ParsedCronItem, parseCronItems, type TaskList } from 'graphile-worker';
import { type Sql, storeFault } from './connect.ts';
import { jobsText } from './inbox.ts';
import { readSweepPayload, sweepJob, type SweepSince } from './jobs.ts';
import { type Removed, removeExpired } from './retention.ts';

export interface SweepPlan {
  readonly everyMs: number;
  /** Answers from when on the next one looks. */
  run(since: SweepSince): Promise<SweepSince>;
}

export interface UpkeepParts {
  readonly sql: Sql;
  readonly now: () => number;
  readonly sweep: SweepPlan | undefined;
  /** Told after each removal. */
  readonly removed: (rows: Removed) => void;
  readonly complain: (why: string) => void;
}

/**
 * The queue's own clock: once a day over all replicas, and once for the days when none ran. At a time
 * of the night (UTC) when little else begins.
 */
export function dailyUpkeep(): ParsedCronItem[] {
  const options = { backfillPeriod: 24 * 60 * 60 * 1000, maxAttempts: 3 };
  return parseCronItems([{ task: 'retain', match: '47 2 * * *', options }]);
}

/** Adds the next sweep; there is one at a time. */
export async function planSweep(
  sql: Sql,
  since: SweepSince,
  runAtMs: number | null,
): Promise<void> {
  await sql`select tagout.enqueue(${jobsText([sweepJob(since, runAtMs)])}::text::json)`;
}

/** Each sweep plans the next one, so that there is one chain of them however many replicas run. */
function sweepTask({ sql, now, sweep, complain }: UpkeepParts): TaskList {
  if (sweep === undefined) return {};
  return {
    async sweep(raw) {
      const startedMs = now();
      let since = readSweepPayload(raw);
      try {
        since = await sweep.run(since);
      } catch (error) {
        complain(`The sweep failed: ${storeFault(error, 'sweeping').message}`);
      }
      await planSweep(sql, since, startedMs + sweep.everyMs);
    },
  };
}

export function upkeepTasks(parts: UpkeepParts): TaskList {
  return {
    ...sweepTask(parts),
    async retain() {
      parts.removed(await removeExpired(parts.sql, parts.now()));
    },
  };
}
