/**
 * Runs the jobs: judges triggers, sends effects, looks again, seals, and takes over from the dead.
 */
import { EventEmitter } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type JobHelpers,
  Logger,
  type ParsedCronItem,
  type Runner,
  run,
  type TaskList,
} from 'graphile-worker';
import { judgeFailedEvent } from '../core/audit/effect-event.ts';
import type { Decision } from '../core/decision.ts';
import { TagoutError } from '../core/errors.ts';
import type { Enact } from '../core/ports.ts';
import { isWide, type Locator, locatorKey, type Trigger } from '../core/subject.ts';
import type { Trace } from '../core/trace.ts';
import { anchorAll, type AnchorParts, type AnchorPlace } from './anchor.ts';
import { appendEvent, stamp } from './append.ts';
import { type Address, connect, type Sql, storeFault, urlWithRole } from './connect.ts';
import { addJob, enqueueAll } from './enqueue.ts';
import { type JudgePayload, lookAgainJob, readEnactPayload, readJudgePayload } from './jobs.ts';
import { BEAT_MS, beat, freeForgotten, leave, sweepOutbox, sweepQueue } from './replica.ts';
import { type OutboxParts, sendDue } from './outbox.ts';
import type { Removed } from './retention.ts';
import type { Sealer } from './seal.ts';
import { dailyUpkeep, planSweep, type SweepPlan, upkeepTasks } from './upkeep.ts';
import { createUrgent, inOrder, type Urgent } from './urgent.ts';

/** What the worker needs to know of a judgement; `LineResult` of line.ts is one. */
export interface JudgeResult {
  readonly locator: Locator;
  readonly decision: Decision | null;
}

export interface WorkerParts {
  /** The concrete locators behind `commit`, `repository` and what is wide; `Gather.expand`. */
  expand(trigger: Trigger): Promise<readonly Locator[]>;
  judge(trigger: Trigger, locator: Locator): Promise<JudgeResult>;
  readonly enact: Enact;
  /**
   * Looks for what was missed, at start and then again and again; one at a time over all replicas.
   */
  readonly sweep?: SweepPlan;
  /** Told of each daily removal of what is over its time. */
  removed?(rows: Removed, atMs: number): void;
  /** Where checkpoints are left, beside the check runs. */
  readonly anchors?: readonly AnchorPlace[];
  /** Jobs at a time in this process. */
  readonly concurrency: number;
  /** What goes before them: the gates' jobs, and whatever else this process calls urgent. */
  readonly urgent?: Urgent;
  log?(level: 'error' | 'warning' | 'info' | 'debug', message: string): void;
}

export interface Worker {
  /** Finishes the jobs at hand, or hands them back, within 25 s. */
  stop(): Promise<void>;
  /** Rejects when the worker can go on no longer; resolves after `stop`. */
  readonly ended: Promise<void>;
}

export interface WorkerSetup {
  readonly address: Address;
  /** As role tagout_sealer, for the anchors' own connection. */
  readonly sealerAddress: Address;
  readonly sql: Sql;
  readonly sealer: Sealer;
  readonly now: () => number;
  readonly random: () => number;
  readonly trace: Trace;
}

/** Waits before the first, second, … look at what can heal by itself (DECISION.md). */
const LOOKS_MS: readonly number[] = [2_000, 5_000, 15_000, 60_000];
const LATER_LOOKS_MS = 300_000;
const SEAL_MS = 1_000;
/** With the time for gathering and a slow push still below a minute. */
const ANCHOR_MS = 10_000;
/** Within the 25 s that a stop may take: first politely, then jobs are handed back. */
const POLITE_STOP_MS = 18_000;
const KILL_MS = 3_000;

/** How long until the next look: the ladder's step, or later when the decision says so. */
export function lookDelayMs(look: number, lookAgainMs: number): number {
  return Math.max(LOOKS_MS[look] ?? LATER_LOOKS_MS, lookAgainMs);
}

async function judgeOne(
  setup: WorkerSetup,
  parts: WorkerParts,
  payload: JudgePayload,
): Promise<void> {
  const { trigger, look } = payload;
  const { locator } = trigger;
  if (isWide(locator) || locator.kind === 'commit' || locator.kind === 'repository') {
    // Each becomes a job of its own, so that one subject is never judged twice at a time.
    const found = await parts.expand(trigger);
    const triggers = found.map((one) => ({ ...trigger, locator: one }));
    return enqueueAll(setup, triggers, isWide(locator));
  }
  const { because, delivery } = trigger;
  const about = {
    subject: locatorKey(locator),
    because,
    ...(delivery === null ? {} : { delivery }),
  };
  const { decision } = await setup.trace.span('judge', about, async (tell) => {
    const judged = await parts.judge(trigger, locator);
    tell({ verdict: judged.decision?.verdict ?? 'gone' });
    return judged;
  });
  if (decision === null || decision.lookAgainMs === null) return;
  const runAtMs = setup.now() + lookDelayMs(look, decision.lookAgainMs);
  const at = { runAtMs, traceparent: payload.traceparent };
  await addJob(setup.sql, lookAgainJob(locator, look + 1, at));
}

/** How long GitHub's limits keep us away; null when the fault is another one. */
function limitedForMs(error: unknown): number | null {
  if (!(error instanceof TagoutError) || error.code !== 'github-limited') return null;
  return 'retryAfterMs' in error && typeof error.retryAfterMs === 'number'
    ? error.retryAfterMs
    : null;
}

/** The last attempt failed: the subject stays locked, and the record says so. */
async function recordFailure(
  setup: WorkerSetup,
  payload: JudgePayload,
  job: JobHelpers['job'],
  error: unknown,
): Promise<void> {
  const failure = {
    code: error instanceof TagoutError ? error.code : 'internal',
    message: error instanceof Error ? error.message : String(error),
    attempts: job.attempts,
  };
  const mark = stamp(`judge-failed:${job.id}:${job.created_at.getTime()}`, setup.now());
  await appendEvent(setup.sql, judgeFailedEvent(payload.trigger, failure, mark));
}

function tasks(setup: WorkerSetup, parts: WorkerParts): TaskList {
  const { sql, sealer, now, random, trace } = setup;
  const outbox: OutboxParts = {
    sql,
    enact: parts.enact,
    sealNow: async (installationId) => {
      await sealer.sealNow(installationId);
    },
    now,
    random,
    trace,
  };
  return {
    async judge(raw, helpers) {
      const payload = readJudgePayload(raw);
      try {
        await trace.under(payload.traceparent ?? null, () => judgeOne(setup, parts, payload));
      } catch (error) {
        const waitMs = limitedForMs(error);
        if (waitMs !== null) {
          // No failure of ours or the subject's: it is looked at when GitHub lets us.
          const { locator } = payload.trigger;
          const runAtMs = now() + waitMs + Math.round(random() * 2_000);
          const at = { runAtMs, traceparent: payload.traceparent };
          return addJob(sql, lookAgainJob(locator, payload.look, at));
        }
        const last = helpers.job.attempts >= helpers.job.max_attempts;
        if (last) await recordFailure(setup, payload, helpers.job, error);
        throw error;
      }
    },
    async enact(raw) {
      const { subjectKey, traceparent = null } = readEnactPayload(raw);
      await trace.under(traceparent, () => sendDue(outbox, subjectKey));
    },
    ...upkeepTasks({
      sql,
      now,
      sweep: parts.sweep,
      removed: (rows) => parts.removed?.(rows, now()),
      complain: (why) => parts.log?.('error', why),
    }),
  };
}

/** Repeats an action until stopped; what fails is said once per message and tried again. */
function every(ms: number, action: () => Promise<void>, complain: (why: string) => void) {
  const stopped = new AbortController();
  let said = '';
  const loop = (async () => {
    while (!stopped.signal.aborted) {
      try {
        await action();
        said = '';
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        if (why !== said) complain(why);
        said = why;
      }
      await sleep(ms, undefined, { signal: stopped.signal }).catch(() => {});
    }
  })();
  return async (): Promise<void> => {
    stopped.abort();
    await loop;
  };
}

/** The queue's own log without its details, for they hold payloads. */
function quietLogger(parts: WorkerParts, onError: (message: string) => void): Logger {
  return new Logger(() => (level, message) => {
    if (level === 'error' || level === 'warning') parts.log?.(level, message);
    if (level === 'error') onError(message);
  });
}

async function stopRunner(runner: Runner): Promise<void> {
  const polite = runner.stop().then(
    () => true,
    () => true,
  );
  const timer = new AbortController();
  const late = sleep(POLITE_STOP_MS, false, { signal: timer.signal }).catch(() => true);
  if (await Promise.race([polite, late])) return timer.abort();
  const killed = runner.kill('the jobs at hand did not end in time and are handed back');
  // Whoever stops does not wait for a queue that does not answer; `leave` frees what is held.
  const given = new AbortController();
  const limit = sleep(KILL_MS, undefined, { signal: given.signal }).catch(() => undefined);
  await Promise.race([killed.catch(() => undefined), limit]);
  given.abort();
}

/** Places for work at production gates, beside those for everything else. */
const GATE_PLACES = 2;

interface Places {
  readonly concurrency: number;
  readonly taskList: TaskList;
  /** What this runner begins by the clock. */
  readonly cron: readonly ParsedCronItem[];
}

interface Running {
  readonly runner: Runner;
  /** The queue's name for this runner, under which it holds jobs. */
  readonly poolId: string;
  /** Ids of the jobs that it runs now. */
  readonly jobs: ReadonlySet<string>;
}

/**
 * The queue's own commits: when the machine loses power, at most it is forgotten that a job was
 * taken or done, and a job that runs again does nothing twice. Jobs are added with the facts that
 * ask for them, over other connections, and those wait.
 */
const NO_WAIT_FOR_DISK = 'synchronous_commit=off';

async function startRunner(
  setup: WorkerSetup,
  parts: WorkerParts,
  { concurrency, taskList, cron }: Places,
): Promise<Running> {
  const events = new EventEmitter();
  let poolId = '';
  events.on('pool:create', (event: { workerPool: { id: string } }) => {
    poolId = event.workerPool.id;
  });
  const jobs = new Set<string>();
  events.on('job:start', ({ job }: { job: { id: string } }) => jobs.add(job.id));
  events.on('job:complete', ({ job }: { job: { id: string } }) => jobs.delete(job.id));
  // The queue looks up the numbers of its tasks with its first fetch and remembers for ever also that
  // the look-up failed: it would say so every second and never take a job. So a runner has started
  // when its first fetch was answered, and any fault before that is one of the start.
  const fetched = Promise.withResolvers<void>();
  fetched.promise.catch(() => {});
  events.once('localQueue:getJobs:complete', () => fetched.resolve());
  try {
    const runner = await run({
      connectionString: urlWithRole(setup.address, [NO_WAIT_FOR_DISK]),
      maxPoolSize: concurrency + 2,
      concurrency,
      noHandleSignals: true,
      pollInterval: 1_000,
      gracefulShutdownAbortTimeout: POLITE_STOP_MS,
      // One look at the queue for all of this process: several at once would shut each other out of
      // every queue row, find nothing, and wait for the next poll.
      preset: { worker: { localQueue: { size: concurrency, ttl: 10_000 } } },
      logger: quietLogger(parts, (message) => fetched.reject(new Error(message))),
      events,
      taskList,
      parsedCronItems: [...cron],
    });
    runner.promise.then(() => fetched.reject(new Error('it ended')), fetched.reject);
    await fetched.promise.catch(async (error: unknown) => {
      await stopRunner(runner);
      throw error;
    });
    return { runner, poolId, jobs };
  } catch (error) {
    throw storeFault(error, 'starting the worker');
  }
}

/** Leaves checkpoints elsewhere until stopped; whichever replica starts next goes on. */
function startAnchors(setup: WorkerSetup, parts: WorkerParts, complain: (why: string) => void) {
  const { anchors: places = [] } = parts;
  const lock = connect(setup.sealerAddress, { name: 'anchors', max: 1 });
  const log: AnchorParts['log'] = (level, message) => parts.log?.(level, message);
  const all: AnchorParts = { lock, app: setup.sql, places, now: setup.now, log };
  // Without a place only what is told of earlier ones is ended, once.
  const once = places.length > 0 ? null : anchorAll(all).catch((error) => complain(String(error)));
  const stop = once === null ? every(ANCHOR_MS, () => anchorAll(all), complain) : null;
  return async (): Promise<void> => {
    await (stop === null ? once : stop());
    await lock.end({ timeout: 5 });
  };
}

/** Starts the runners; the jobs that a dead process held are taken over with the first beats. */
export async function startWorker(setup: WorkerSetup, parts: WorkerParts): Promise<Worker> {
  const { all, gates } = inOrder(tasks(setup, parts), parts.urgent ?? createUrgent());
  const others = await startRunner(setup, parts, {
    concurrency: parts.concurrency,
    taskList: all,
    cron: dailyUpkeep(),
  });
  const running = [others];
  try {
    running.push(
      await startRunner(setup, parts, { concurrency: GATE_PLACES, taskList: gates, cron: [] }),
    );
  } catch (error) {
    await stopRunner(others.runner);
    throw error;
  }
  const complain = (why: string): void => parts.log?.('error', why);
  if (parts.sweep !== undefined) {
    await planSweep(setup.sql, { sinceMs: null, behind: {} }, null);
  }
  const stopSeals = every(SEAL_MS, () => setup.sealer.sealAll(), complain);
  const stopAnchors = startAnchors(setup, parts, complain);
  const stopBeats = every(
    BEAT_MS,
    async () => {
      for (const { poolId, jobs } of running) {
        await beat(setup.sql, poolId);
        await freeForgotten(setup.sql, poolId, jobs);
      }
      await sweepQueue(setup.sql);
      await sweepOutbox(setup.sql, setup.now());
    },
    complain,
  );
  const ended = Promise.all(running.map(({ runner }) => runner.promise)).then(() => undefined);
  ended.catch(() => {});
  return {
    ended,
    async stop() {
      await stopBeats();
      await Promise.all(running.map(({ runner }) => stopRunner(runner)));
      await Promise.all([stopSeals(), stopAnchors()]);
      await setup.sealer.sealAll().catch(() => {});
      for (const { poolId } of running) await leave(setup.sql, poolId).catch(() => {});
    },
  };
}
