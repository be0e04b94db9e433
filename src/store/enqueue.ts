/** Adds jobs to the queue: what one job finds out becomes jobs of its own. */
import type { Trigger } from '../core/subject.ts';
import type { Trace } from '../core/trace.ts';
import type { Sql } from './connect.ts';
import { jobsText } from './inbox.ts';
import { judgeJob, type JobSpec } from './jobs.ts';

/**
 * How many subjects are looked at together when one event concerns many, and how long the next ones
 * wait: what one person can set off by joining and leaving a team must not use up GitHub's allowance.
 */
const WAVE = 20;
const WAVE_MS = 15_000;

/** One job for each trigger; with `waves` the later ones of many wait. */
export async function enqueueAll(
  { sql, trace, now }: { readonly sql: Sql; readonly trace: Trace; readonly now: () => number },
  triggers: readonly Trigger[],
  waves = false,
): Promise<void> {
  if (triggers.length === 0) return;
  const traceparent = trace.parent();
  const startMs = now();
  const jobs = triggers.map((trigger, at) => {
    const wave = waves ? Math.floor(at / WAVE) : 0;
    const later = wave === 0 ? {} : { runAtMs: startMs + wave * WAVE_MS };
    return judgeJob(trigger, { traceparent, ...later });
  });
  await sql`select tagout.enqueue(${jobsText(jobs)}::text::json)`;
}

/** Adds one job; one that waits under its key is replaced. */
export async function addJob(sql: Sql, job: JobSpec): Promise<void> {
  await sql`select tagout.enqueue(${jobsText([job])}::text::json)`;
}
