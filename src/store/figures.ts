/** The store's figures for the metrics: what waits, since when, and what is sealed. */
import { z } from 'zod';
import { anchorAges, type AnchorPlace } from './anchor.ts';
import { type Sql, storeFault } from './connect.ts';

/** Ages are in seconds and 0 when nothing waits. */
export interface StoreFigures {
  /** Jobs that could run now, by task. */
  readonly due: Readonly<Record<string, number>>;
  readonly oldestDueSeconds: number;
  /** Jobs that have failed for good and wait for the sweeper or a person. */
  readonly failed: number;
  readonly unsent: number;
  readonly oldestUnsentSeconds: number;
  /** Effects that were given up in the last day. */
  readonly dead: number;
  readonly oldestUnsealedSeconds: number;
  readonly replicas: number;
  /** Age of the oldest checkpoint that a place of this kind lacks; only kinds that are set up. */
  readonly anchorSeconds: Readonly<Record<string, number>>;
}

const figuresSchema = z.object({
  due: z.record(z.string(), z.number()),
  oldest_due: z.number(),
  failed: z.number(),
  unsent: z.number(),
  oldest_unsent: z.number(),
  dead: z.number(),
  oldest_unsealed: z.number(),
  replicas: z.number(),
});

/** Reads all of them in one round trip, and one more for each place of anchors. Throws TagoutError('store-unavailable'). */
export async function readFigures(
  sql: Sql,
  nowMs: number,
  places: readonly AnchorPlace[] = [],
): Promise<StoreFigures> {
  const dayAgoMs = nowMs - 86_400_000;
  try {
    const [raw] = await sql`
      with due as (
        select t.identifier as task, j.run_at from graphile_worker._private_jobs j
          join graphile_worker._private_tasks t on t.id = j.task_id
          where j.locked_at is null and j.run_at <= now() and j.attempts < j.max_attempts
      ), unsent as (
        select next_at_ms from tagout.outbox where status in ('pending', 'sending')
      )
      select
        (select coalesce(json_object_agg(task, n), '{}'::json)
          from (select task, count(*) as n from due group by task) as tasks) as due,
        (select coalesce(extract(epoch from now() - min(run_at)), 0)::float8 from due)
          as oldest_due,
        (select count(*)::int from graphile_worker._private_jobs
          where attempts >= max_attempts and locked_at is null and key is not null) as failed,
        (select count(*)::int from unsent) as unsent,
        (select greatest(0, coalesce(${nowMs}::bigint - min(next_at_ms), 0) / 1000.0)::float8
          from unsent) as oldest_unsent,
        (select count(*)::int from tagout.outbox
          where status = 'dead' and created_at_ms > ${dayAgoMs}::bigint) as dead,
        (select greatest(0, coalesce(${nowMs}::bigint - min(e.at_ms), 0) / 1000.0)::float8
          from audit.event e
          where e.id > (select coalesce(max(id), 0) - 10000 from audit.event)
            and not exists (select from audit.leaf l where l.event_row = e.id)) as oldest_unsealed,
        (select count(*)::int from tagout.replica
          where beat_at > clock_timestamp() - interval '40 seconds') as replicas`;
    const row = figuresSchema.parse(raw);
    return {
      due: row.due,
      oldestDueSeconds: row.oldest_due,
      failed: row.failed,
      unsent: row.unsent,
      oldestUnsentSeconds: row.oldest_unsent,
      dead: row.dead,
      oldestUnsealedSeconds: row.oldest_unsealed,
      replicas: row.replicas,
      anchorSeconds: await anchorAges(sql, places, nowMs),
    };
  } catch (error) {
    throw storeFault(error, 'reading figures for the metrics');
  }
}
