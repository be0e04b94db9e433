/** Where every Trigger comes in: webhooks with their delivery, timers and sweeps without one. */
import type { Trigger } from '../core/subject.ts';
import { NO_TRACE, type Trace } from '../core/trace.ts';
import { type Sql, storeFault, wasRefused } from './connect.ts';
import { type EnqueueOptions, judgeJob, type JobSpec } from './jobs.ts';
import { together } from './together.ts';

/** A webhook as received; its payload is never kept. */
export interface Delivery {
  /** X-GitHub-Delivery. */
  readonly id: string;
  readonly event: string;
  readonly action: string | null;
  readonly installationId: number | null;
  /** Null when the caller has only the parsed payload. */
  readonly payloadSha256: string | null;
  readonly receivedAtMs: number;
}

export interface Inbox {
  /**
   * Keeps the delivery and adds its jobs in one transaction; when it answers, both are durable.
   * `duplicate`: the id is known, and nothing was done. Throws TagoutError('store-unavailable').
   */
  receive(delivery: Delivery, triggers: readonly Trigger[]): Promise<'new' | 'duplicate'>;
  /** Adds a job without a delivery; one that waits for the same locator is replaced. */
  enqueue(trigger: Trigger, options?: Partial<EnqueueOptions>): Promise<void>;
}

/** The text of a list of jobs for `tagout.enqueue` and `tagout.receive`. */
export function jobsText(jobs: readonly JobSpec[]): string {
  return JSON.stringify(jobs);
}

/** Two triggers of one delivery for the same locator are one job. */
function uniqueJobs(triggers: readonly Trigger[], traceparent: string | null): readonly JobSpec[] {
  const jobs = triggers.map((trigger) => judgeJob(trigger, { traceparent }));
  return [...new Map(jobs.map((job) => [job.key, job])).values()];
}

/** Beyond this many in one statement nothing is won any more. */
const GROUP = 50;
/** A second group is made ready while the first one is written to disk. */
const LANES = 2;

interface Intake {
  readonly delivery: Delivery;
  readonly jobs: readonly JobSpec[];
}

/**
 * Keeps a group of deliveries and the jobs of those that are new, in one statement and so in one
 * transaction. Of several jobs with one key the last one counts, as it would one by one.
 */
async function receiveAll(sql: Sql, group: readonly Intake[]): Promise<('new' | 'duplicate')[]> {
  const rows = await sql<{ id: string }[]>`
    with given as materialized (
      select * from json_to_recordset(${JSON.stringify(group.map(rowOf))}::text::json) as g(
        n int, id text, event text, action text, installation bigint, sha text, at_ms bigint,
        jobs json)
    ), added as (
      insert into tagout.delivery
        select id, event, action, installation, sha, at_ms from given order by id
        on conflict do nothing returning id
    ), jobs as (
      select distinct on (job->>'key') job
      from (select min(n) as n, id from given group by id) as first
        join added using (id) join given using (n, id), json_array_elements(given.jobs) as job
      order by job->>'key', n desc
    ), queued as materialized (
      select tagout.enqueue(json_agg(job)) from jobs
    )
    select added.id from added, queued`;
  const fresh = new Set(rows.map((row) => row.id));
  // The first of two with one id in a group is the new one.
  return group.map(({ delivery }) => (fresh.delete(delivery.id) ? 'new' : 'duplicate'));
}

function rowOf({ delivery, jobs }: Intake, n: number): object {
  const { id, event, action, installationId, payloadSha256, receivedAtMs } = delivery;
  const about = { id, event, action, installation: installationId, sha: payloadSha256 };
  return { n, ...about, at_ms: receivedAtMs, jobs };
}

/** The inbox over a pool that may insert deliveries and add jobs. */
export function createInbox(sql: Sql, trace: Trace = NO_TRACE): Inbox {
  const receive = together<Intake, 'new' | 'duplicate'>({
    write: (group) => receiveAll(sql, group),
    max: GROUP,
    lanes: LANES,
    isSingleFault: wasRefused,
  });
  return {
    async receive(delivery, triggers) {
      try {
        return await receive({ delivery, jobs: uniqueJobs(triggers, trace.parent()) });
      } catch (error) {
        throw storeFault(error, 'keeping a delivery');
      }
    },
    async enqueue(trigger, options = {}) {
      try {
        await sql`select tagout.enqueue(${jobsText([judgeJob(trigger, options)])}::text::json)`;
      } catch (error) {
        throw storeFault(error, 'adding a job');
      }
    },
  };
}
