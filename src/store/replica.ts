/** Which worker processes are alive, and whose jobs must be taken over. */
import type { Sql } from './connect.ts';
import { jobsText } from './inbox.ts';
import { enactJob } from './jobs.ts';

/** How often a worker says that it is alive. */
export const BEAT_MS: number = 10_000;
/** After so long without a beat a worker's jobs are taken over; within a minute with the beat. */
const DEAD_AFTER = '40 seconds';
/** No failed job waits longer than this: an outage that ends is noticed soon. */
const LONGEST_WAIT = '5 minutes';

/** Says that this worker lives, by the database's clock. */
export async function beat(sql: Sql, id: string): Promise<void> {
  await sql`insert into tagout.replica values (${id}, clock_timestamp())
            on conflict (id) do update set beat_at = excluded.beat_at`;
}

/** Takes this worker off the list; its jobs, if any are left, are free at once. */
export async function leave(sql: Sql, id: string): Promise<void> {
  await sql`delete from tagout.replica where id = ${id}`;
  await sql`select graphile_worker.force_unlock_workers(array[${id}])`;
}

/**
 * graphile-worker itself waits four hours for a worker that was killed. Here whoever holds a lock
 * and has not beaten for a while loses it, and the longest back-off is cut short. A failed job
 * without a key was replaced by a newer one while it ran, and is no loss.
 */
export async function sweepQueue(sql: Sql): Promise<void> {
  await sql.unsafe(`
    with dead as (
      delete from tagout.replica where beat_at < clock_timestamp() - interval '${DEAD_AFTER}'
      returning id
    ), holders as (
      select locked_by from graphile_worker._private_jobs
        where locked_at < clock_timestamp() - interval '${DEAD_AFTER}'
      union
      select locked_by from graphile_worker._private_job_queues
        where locked_at < clock_timestamp() - interval '${DEAD_AFTER}'
    ), lost as (
      select id from dead
      union
      select locked_by from holders
        where locked_by is not null and locked_by not in (select id from tagout.replica)
    )
    select graphile_worker.force_unlock_workers(array_agg(id)) from lost having count(*) > 0;
    update graphile_worker._private_jobs set run_at = now() + interval '${LONGEST_WAIT}'
      where locked_at is null and attempts > 0 and attempts < max_attempts
        and run_at > now() + interval '${LONGEST_WAIT}';
    delete from graphile_worker._private_jobs
      where locked_at is null and attempts >= max_attempts
        and (key is null or updated_at < now() - interval '1 day')`);
}

/**
 * A worker that lives may hold a job that it knows nothing of: the answer that gave it the job was
 * lost with the connection, while PostgreSQL had committed. What it holds for long and does not run is
 * free again; `running` are the ids of the jobs that it runs.
 */
export async function freeForgotten(
  sql: Sql,
  id: string,
  running: ReadonlySet<string>,
): Promise<void> {
  await sql`
    with forgotten as (
      update graphile_worker._private_jobs set locked_at = null, locked_by = null
      where locked_by = ${id} and locked_at < clock_timestamp() - ${DEAD_AFTER}::interval
        and id <> all(${[...running]}::bigint[])
      returning job_queue_id
    )
    update graphile_worker._private_job_queues q set locked_at = null, locked_by = null
    where q.locked_by = ${id} and (q.id in (select job_queue_id from forgotten)
      or q.locked_at < clock_timestamp() - ${DEAD_AFTER}::interval and not exists (
        select from graphile_worker._private_jobs j
        where j.job_queue_id = q.id and j.locked_by = ${id}))`;
}

/** Effects that are due for so long have lost their job, or it has failed to its limit. */
const OVERDUE_MS = 60_000;

/**
 * Gives a job to effects that are due and have none, so that nothing in the outbox is forgotten.
 */
export async function sweepOutbox(sql: Sql, nowMs: number): Promise<void> {
  const rows = await sql<{ subjectKey: string }[]>`
    select distinct subject_key as "subjectKey" from tagout.outbox o
    where status in ('pending', 'sending') and next_at_ms < ${nowMs - OVERDUE_MS}::bigint
      and not exists (select from graphile_worker._private_jobs j
        where j.key in ('enact:' || o.subject_key, 'enact-later:' || o.subject_key)
          and j.attempts < j.max_attempts)
    limit 200`;
  if (rows.length === 0) return;
  const jobs = rows.map(({ subjectKey }) => enactJob({ subjectKey }, null));
  await sql`select tagout.enqueue(${jobsText(jobs)}::text::json)`;
}
