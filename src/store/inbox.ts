/** Where every Trigger comes in: webhooks with their delivery, timers and sweeps without one. */
import type { Trigger } from '../core/subject.ts';
import { type Sql, storeFault } from './connect.ts';
import { type EnqueueOptions, judgeJob, type JobSpec } from './jobs.ts';

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
function uniqueJobs(triggers: readonly Trigger[]): readonly JobSpec[] {
  return [...new Map(triggers.map((trigger) => judgeJob(trigger)).map((j) => [j.key, j])).values()];
}

/** The inbox over a pool that may insert deliveries and add jobs. */
export function createInbox(sql: Sql): Inbox {
  return {
    async receive(delivery, triggers) {
      try {
        const [row] = await sql`select tagout.receive(
          ${delivery.id}, ${delivery.event}, ${delivery.action}, ${delivery.installationId}::bigint,
          ${delivery.payloadSha256}, ${delivery.receivedAtMs}::bigint,
          ${jobsText(uniqueJobs(triggers))}::text::json) as fresh`;
        return row?.['fresh'] === true ? 'new' : 'duplicate';
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
