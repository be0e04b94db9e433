/** How a Trigger becomes a job of graphile-worker: key, queue, priority and payload. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { sha256Hex } from '../core/canonical.ts';
import { locatorKey, type Trigger } from '../core/subject.ts';

/** One job as the SQL function `tagout.enqueue` takes it. */
export interface JobSpec {
  /** Work at a production gate has tasks of its own, so that it never waits for a free place. */
  readonly task: 'judge' | 'enact' | 'judge-gate' | 'enact-gate' | 'sweep';
  readonly payload: unknown;
  readonly queue: string;
  readonly key: string;
  /** Smaller runs first. */
  readonly priority: number;
  readonly runAtMs: number | null;
  readonly maxAttempts: number;
}

/** Looks for work that can be late: production gates before pull requests, those before sweeps. */
const PRIORITY: Readonly<Record<Trigger['locator']['kind'], number>> = {
  deployment: -20,
  external: -20,
  'merge-group': -10,
  'pull-request': 0,
  commit: 0,
  repository: 10,
  approvals: 10,
  posture: 10,
};

/** A judge that fails this often (about two hours) is recorded and left to the sweeper. */
export const MAX_ATTEMPTS = 25;

/**
 * graphile-worker locks every free queue row to find one job, so a queue per subject would make
 * each look cost as much as there are subjects. A fixed number of queues keeps one subject's jobs
 * serial all the same, and an unlucky neighbour waits only while a job of its queue runs.
 */
const QUEUES = 128;

function queueOf(task: string, key: string): string {
  const number = createHash('sha256').update(key).digest().readUInt16BE(0) % QUEUES;
  return `${task}:${number}`;
}

/** Keys have at most 512 characters there, and names of environments are not ours. */
function shortKey(key: string): string {
  return /^[\x20-\x7e]{1,300}$/.test(key) ? key : `sha256:${sha256Hex(key)}`;
}

function isGate(kind: Trigger['locator']['kind']): boolean {
  return kind === 'deployment' || kind === 'external';
}

/** The job that judges a trigger's locator; a newer one for the same locator replaces it. */
export function judgeJob(trigger: Trigger, at: Partial<EnqueueOptions> & Traced = {}): JobSpec {
  const key = locatorKey(trigger.locator);
  const kind = trigger.locator.kind;
  return {
    task: isGate(kind) ? 'judge-gate' : 'judge',
    payload: { trigger, look: 0, ...tracedBy(at.traceparent) } satisfies JudgePayload,
    queue: queueOf(kind === 'deployment' || kind === 'external' ? 'gate' : 'judge', key),
    // A job for later has a key of its own, so that it never puts off one that is due now.
    key: shortKey(`${at.runAtMs === undefined ? 'judge' : 'later'}:${key}`),
    priority: at.priority ?? PRIORITY[kind],
    runAtMs: at.runAtMs ?? null,
    maxAttempts: MAX_ATTEMPTS,
  };
}

/** The job that looks again at what can heal by itself; `look` counts the looks so far. */
export function lookAgainJob(
  locator: Trigger['locator'],
  look: number,
  at: Pick<EnqueueOptions, 'runAtMs'> & Traced,
): JobSpec {
  const trigger: Trigger = { locator, because: 'look-again', delivery: null };
  const job = judgeJob(trigger, at);
  return { ...job, payload: { trigger, look, ...tracedBy(at.traceparent) } satisfies JudgePayload };
}

/** The job that sends a subject's due effects. */
export function enactJob(subject: EnactPayload, runAtMs: number | null): JobSpec {
  const { subjectKey, traceparent } = subject;
  return {
    task: /:(?:run|sha):/.test(subjectKey) ? 'enact-gate' : 'enact',
    payload: { subjectKey, ...tracedBy(traceparent) } satisfies EnactPayload,
    queue: queueOf('enact', subjectKey),
    key: shortKey(`${runAtMs === null ? 'enact' : 'enact-later'}:${subjectKey}`),
    priority: subjectKey.includes(':run:') ? -30 : -5,
    runAtMs,
    maxAttempts: MAX_ATTEMPTS,
  };
}

/** The next sweep: there is one at a time, and a newer wish replaces the one that waits. */
export function sweepJob({ sinceMs, behind }: SweepSince, runAtMs: number | null): JobSpec {
  // Nothing is kept while nothing is behind: a replica that does not know the field would refuse it.
  const late = Object.keys(behind).length === 0 ? {} : { behind };
  return {
    task: 'sweep',
    payload: { sinceMs, ...late },
    queue: 'sweep',
    key: 'sweep',
    priority: 20,
    runAtMs,
    maxAttempts: MAX_ATTEMPTS,
  };
}

/** From when on a sweep looks. */
export interface SweepSince {
  /** When the last sweep began; null when none is known. */
  readonly sinceMs: number | null;
  /** Parts that the last sweep could not look at, and from when on they are to be looked at. */
  readonly behind: Readonly<Record<string, number>>;
}

export interface EnqueueOptions {
  readonly runAtMs: number;
  readonly priority: number;
}

/** The trace that a job goes on with; a newer job for the same subject brings its own. */
interface Traced {
  /** W3C traceparent; null or left out: the job belongs to none. */
  readonly traceparent?: string | null | undefined;
}

/** Nothing is kept while nobody watches: a replica that does not know the field would refuse it. */
function tracedBy(traceparent: string | null | undefined): { readonly traceparent?: string } {
  return traceparent === null || traceparent === undefined ? {} : { traceparent };
}

export interface JudgePayload extends Traced {
  readonly trigger: Trigger;
  /** How many looks have come before this one without a new event. */
  readonly look: number;
}

export interface EnactPayload extends Traced {
  readonly subjectKey: string;
}

const repoSchema = z.strictObject({
  installationId: z.int(),
  id: z.int(),
  owner: z.string(),
  name: z.string(),
});

const locatorSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('pull-request'), repo: repoSchema, number: z.int() }),
  z.strictObject({
    kind: z.literal('deployment'),
    repo: repoSchema,
    runId: z.int(),
    environment: z.string(),
    deploymentId: z.int().nullable(),
  }),
  z.strictObject({
    kind: z.literal('external'),
    repo: repoSchema,
    environment: z.string(),
    sha: z.string(),
    deploymentId: z.int().nullable(),
  }),
  z.strictObject({
    kind: z.literal('merge-group'),
    repo: repoSchema,
    headSha: z.string(),
    headRef: z.string(),
    baseRef: z.string(),
  }),
  z.strictObject({ kind: z.literal('commit'), repo: repoSchema, sha: z.string() }),
  z.strictObject({ kind: z.literal('repository'), repo: repoSchema }),
  z.strictObject({
    kind: z.literal('approvals'),
    installationId: z.int(),
    personId: z.int().nullable(),
  }),
  z.strictObject({
    kind: z.literal('posture'),
    installationId: z.int(),
    repo: repoSchema.nullable(),
  }),
]);

const judgePayloadSchema = z.strictObject({
  trigger: z.strictObject({
    locator: locatorSchema,
    because: z.string(),
    delivery: z.string().nullable(),
  }),
  look: z.int().min(0),
  traceparent: z.string().optional(),
});

const enactPayloadSchema = z.strictObject({
  subjectKey: z.string(),
  traceparent: z.string().optional(),
});

/** Reads a judge job's payload back; throws on anything that we did not write. */
export function readJudgePayload(payload: unknown): JudgePayload {
  return judgePayloadSchema.parse(payload);
}

/** Reads an enact job's payload back; throws on anything that we did not write. */
export function readEnactPayload(payload: unknown): EnactPayload {
  return enactPayloadSchema.parse(payload);
}

const sweepPayloadSchema = z.strictObject({
  sinceMs: z.int().nullable(),
  behind: z.record(z.string(), z.int()).default({}),
});

/** Reads a sweep job's payload back; throws on anything that we did not write. */
export function readSweepPayload(payload: unknown): SweepSince {
  return sweepPayloadSchema.parse(payload);
}
