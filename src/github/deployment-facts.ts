/** A workflow run and its deployment, read afresh: a webhook's word for them is only an address. */
import { z } from 'zod';
import type { Account } from '../core/evidence.ts';
import { environmentKey } from '../core/subject.ts';
import { getPages } from './clients.ts';
import { isRefusal } from './faults.ts';
import {
  parseAnswer,
  place,
  type Reading,
  restAccountSchema,
  shaSchema,
  timeSchema,
} from './reading.ts';

const runSchema = z.object({
  id: z.int(),
  run_attempt: z.int().optional(),
  status: z.string().nullable(),
  event: z.string(),
  head_sha: shaSchema,
  head_branch: z.string().nullish(),
  head_repository: z.object({ id: z.int() }).nullish(),
  actor: restAccountSchema.nullish(),
  triggering_actor: restAccountSchema.nullish(),
  created_at: timeSchema,
  referenced_workflows: z.array(z.object({ path: z.string(), sha: z.string() })).nullish(),
});

export interface RunFacts {
  readonly id: number;
  readonly attempt: number;
  readonly status: string;
  readonly event: string;
  readonly headSha: string;
  /** The branch or tag that it runs for. */
  readonly headRef: string | null;
  readonly headRepoId: number | null;
  readonly actor: Account | null;
  readonly triggeringActor: Account | null;
  readonly createdAtMs: number;
  readonly readAtMs: number;
  /** Reusable workflows that the run took, each at the commit where it stood then. */
  readonly referenced: readonly { readonly path: string; readonly sha: string }[];
}

/** The run, whatever its state; null when there is none. */
export async function readRun(reading: Reading, runId: number): Promise<RunFacts | null> {
  try {
    const path = '/repos/{owner}/{repo}/actions/runs/{run_id}';
    const answer = await reading.client.get(path, { ...place(reading.repo), run_id: runId });
    const run = parseAnswer(runSchema, answer.data, `run ${runId}`);
    return {
      id: run.id,
      attempt: run.run_attempt ?? 1,
      status: run.status ?? 'unknown',
      event: run.event,
      headSha: run.head_sha,
      headRef: run.head_branch ?? null,
      headRepoId: run.head_repository?.id ?? null,
      actor: run.actor ?? null,
      triggeringActor: run.triggering_actor ?? null,
      createdAtMs: run.created_at,
      readAtMs: answer.atMs,
      referenced: run.referenced_workflows ?? [],
    };
  } catch (fault) {
    if (isRefusal(fault, 404)) return null;
    throw fault;
  }
}

const deploymentSchema = z.object({
  id: z.int(),
  sha: shaSchema,
  environment: z.string(),
  ref: z.string().optional(),
  created_at: timeSchema,
});

export interface DeploymentFacts {
  readonly id: number;
  readonly sha: string;
  readonly environment: string;
  readonly createdAtMs: number;
  /** What it was made from: a branch, a tag or a commit. */
  readonly ref?: string;
}

function deploymentOf(raw: z.infer<typeof deploymentSchema>): DeploymentFacts {
  const { id, sha, environment, created_at: createdAtMs, ref } = raw;
  return { id, sha, environment, createdAtMs, ...(ref === undefined ? {} : { ref }) };
}

/**
 * The deployment behind a request: the one with this id, or without an id the newest of the run's
 * commit in this environment. Null when there is none, or when it is another environment's.
 */
export async function readDeployment(
  reading: Reading,
  asked: { readonly id: number | null; readonly environment: string; readonly sha: string },
): Promise<DeploymentFacts | null> {
  const { id, environment } = asked;
  if (id === null) {
    const list = await listDeployments(reading, { environment, sha: asked.sha });
    return list.find((one) => one.sha === asked.sha) ?? null;
  }
  try {
    const path = '/repos/{owner}/{repo}/deployments/{deployment_id}';
    const answer = await reading.client.get(path, { ...place(reading.repo), deployment_id: id });
    const found = deploymentOf(parseAnswer(deploymentSchema, answer.data, `deployment ${id}`));
    return environmentKey(found.environment) === environmentKey(environment) ? found : null;
  } catch (fault) {
    if (isRefusal(fault, 404)) return null;
    throw fault;
  }
}

/** Deployments of an environment, the newest first; the newest 300 are enough to find a start. */
export async function listDeployments(
  reading: Reading,
  filter: { readonly environment?: string; readonly sha?: string },
): Promise<readonly DeploymentFacts[]> {
  const { rows } = await getPages(reading.client, '/repos/{owner}/{repo}/deployments', {
    parameters: { ...place(reading.repo), ...filter },
    pages: 3,
    rows: (data) => parseAnswer(z.array(deploymentSchema), data, 'the deployments'),
  });
  return rows
    .map(deploymentOf)
    .sort((one, two) => two.createdAtMs - one.createdAtMs || two.id - one.id);
}

const statusSchema = z.array(
  z.object({
    id: z.int(),
    state: z.string(),
    created_at: timeSchema,
    log_url: z.string().nullish(),
    target_url: z.string().nullish(),
  }),
);

export interface DeploymentHistory {
  /** When its job first ran, or it was first said to be there; null: it has not started. */
  readonly startedAtMs: number | null;
  /** Whether it has ever succeeded: GitHub turns older successes `inactive`. */
  readonly succeeded: boolean;
  /**
   * The workflow run that the oldest status with an address points to. Whoever may write can add a
   * status with any address later, but none before the first one, which the workflow itself wrote.
   */
  readonly runId: number | null;
  /** Whether there is no such deployment (any more). */
  readonly gone: boolean;
}

/** States that a deployment has only when something of it ran; a refused one fails without. */
const STARTED: ReadonlySet<string> = new Set(['in_progress', 'success', 'inactive']);

/** What a deployment's statuses tell; nothing for one that is gone. */
export async function readHistory(
  reading: Reading,
  deploymentId: number,
): Promise<DeploymentHistory> {
  try {
    const path = '/repos/{owner}/{repo}/deployments/{deployment_id}/statuses';
    const { rows } = await getPages(reading.client, path, {
      parameters: { ...place(reading.repo), deployment_id: deploymentId },
      pages: 10,
      rows: (data) => parseAnswer(statusSchema, data, 'the statuses of the deployment'),
    });
    const oldest = rows
      .toReversed()
      .toSorted((one, two) => one.created_at - two.created_at || one.id - two.id);
    const links = oldest.flatMap((status) => [status.log_url ?? '', status.target_url ?? '']);
    const ids = links.flatMap(
      (link) => /\/actions\/runs\/([1-9]\d{0,14})(?:\/|$)/.exec(link)?.[1] ?? [],
    );
    const started = rows.filter(({ state }) => STARTED.has(state));
    return {
      startedAtMs: started.length === 0 ? null : Math.min(...started.map((row) => row.created_at)),
      succeeded: rows.some((status) => status.state === 'success'),
      runId: ids[0] === undefined ? null : Number(ids[0]),
      gone: false,
    };
  } catch (fault) {
    if (isRefusal(fault, 404)) {
      return { startedAtMs: null, succeeded: false, runId: null, gone: true };
    }
    throw fault;
  }
}
