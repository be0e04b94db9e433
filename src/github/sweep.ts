/**
 * What the sweeper reads of GitHub: which deliveries it made to us, and what is open there now. The
 * delivery log is the App's own (a JSON web token); everything else is an installation's.
 */
import { z } from 'zod';
import { CHECK_NAME } from '../core/effects.ts';
import type { Locator, RepoRef } from '../core/subject.ts';
import {
  type Clock,
  getPages,
  type OctokitFor,
  type OctokitLike,
  readClient,
  type ReadClient,
  writeClient,
} from './clients.ts';
import { EVENT_TABLE } from './events.ts';
import { waitingRuns } from './expand.ts';
import { isRefusal } from './faults.ts';
import type { Patience } from './patience.ts';
import { PULLS_SEEN_QUERY } from './queries.ts';
import { parseAnswer, place, refuseErrors, shaSchema, timeSchema } from './reading.ts';

/** One attempt to deliver a webhook, as GitHub's log has it. */
export interface DeliveryAttempt {
  readonly id: number;
  /** X-GitHub-Delivery: the same for every attempt. */
  readonly guid: string;
  readonly atMs: number;
  /** Event with its action: `pull_request.opened`. */
  readonly event: string;
  readonly statusCode: number;
  readonly installationId: number | null;
  readonly repoId: number | null;
}

export interface OpenPullSeen {
  readonly number: number;
  readonly headSha: string;
  readonly updatedAtMs: number;
}

export interface MergedPullSeen {
  readonly number: number;
  readonly headSha: string;
  readonly mergedAtMs: number;
}

/** A deployment of the last while, newest first. */
export interface DeploymentSeen {
  readonly id: number;
  readonly sha: string;
  readonly environment: string;
  readonly createdAtMs: number;
}

export interface SweepReader {
  /** Attempts since a time, newest first; `complete` is false when the log went on. */
  deliveries(
    sinceMs: number,
  ): Promise<{ readonly rows: readonly DeliveryAttempt[]; readonly complete: boolean }>;
  /** Asks GitHub to deliver again; false when it will not (too old). */
  redeliver(attemptId: number): Promise<boolean>;
  /** Ids of the App's installations; suspended ones are left out. */
  installations(): Promise<readonly number[]>;
  /** Every repository of an installation that is not archived. */
  repositories(installationId: number): Promise<readonly RepoRef[]>;
  /** Every open pull request, and the newest that were merged. */
  pulls(repo: RepoRef): Promise<{
    readonly open: readonly OpenPullSeen[];
    readonly merged: readonly MergedPullSeen[];
  }>;
  waiting(repo: RepoRef): Promise<readonly Locator[]>;
  deployments(repo: RepoRef): Promise<readonly DeploymentSeen[]>;
  /** The workflow run that made a deployment; null when none did. */
  runOf(repo: RepoRef, deploymentId: number): Promise<number | null>;
  /** Whether a check run of this id stands on the commit. */
  hasCheck(repo: RepoRef, sha: string, checkRunId: number): Promise<boolean>;
}

export interface SweepReaderSettings {
  /** The client that speaks as the App itself. */
  readonly appClient: () => Promise<OctokitLike>;
  readonly octokitFor: OctokitFor;
  readonly now?: Clock;
  /** Asks again what failed for a moment. */
  readonly patience: Patience;
}

/** 100 each; three days of a busy App. */
const DELIVERY_PAGES = 100;
const PULL_PAGES = 30;
const REPOSITORY_PAGES = 100;

const attemptSchema = z
  .object({
    id: z.int(),
    guid: z.string(),
    delivered_at: timeSchema,
    event: z.string(),
    action: z.string().nullish(),
    status_code: z.int(),
    installation_id: z.int().nullish(),
    repository_id: z.int().nullish(),
  })
  .transform((row): DeliveryAttempt => {
    const { id, guid, delivered_at: atMs, status_code: statusCode } = row;
    const action = row.action === null || row.action === undefined ? '' : `.${row.action}`;
    const place = {
      installationId: row.installation_id ?? null,
      repoId: row.repository_id ?? null,
    };
    return { id, guid, atMs, event: `${row.event}${action}`, statusCode, ...place };
  });

const installationsSchema = z.array(
  z.object({ id: z.int().positive(), suspended_at: z.string().nullish() }),
);
const repositoriesSchema = z.object({
  repositories: z.array(
    z.object({
      id: z.int().positive(),
      name: z.string(),
      owner: z.object({ login: z.string() }),
      archived: z.boolean().optional(),
    }),
  ),
});
const pullsSchema = z.object({
  repository: z.object({
    open: z.object({
      pageInfo: z.object({ hasNextPage: z.boolean(), endCursor: z.string().nullish() }),
      nodes: z.array(z.object({ number: z.int(), headRefOid: shaSchema, updatedAt: timeSchema })),
    }),
    merged: z.object({
      nodes: z.array(
        z.object({ number: z.int(), headRefOid: shaSchema, mergedAt: timeSchema.nullable() }),
      ),
    }),
  }),
});
const deploymentsSchema = z.array(
  z.object({ id: z.int(), sha: shaSchema, environment: z.string(), created_at: timeSchema }),
);
const checksSchema = z.object({ check_runs: z.array(z.object({ id: z.int() })) });

/** Whether a missed delivery of this event would have made the line look. */
export function isListenedTo(event: string): boolean {
  return Object.hasOwn(EVENT_TABLE, event);
}

export function createSweepReader(settings: SweepReaderSettings): SweepReader {
  const { now = Date.now, patience } = settings;
  const own = async () => patience.reading(readClient(await settings.appClient(), now));
  const at = async (installationId: number) =>
    patience.reading(readClient(await settings.octokitFor(installationId, 'background'), now));
  const of = (repo: RepoRef) => at(repo.installationId);

  async function installations(): Promise<readonly number[]> {
    const { rows } = await getPages(await own(), '/app/installations', {
      parameters: {},
      pages: REPOSITORY_PAGES,
      rows: (data) => parseAnswer(installationsSchema, data, 'the installations'),
    });
    return rows.filter((row) => (row.suspended_at ?? null) === null).map((row) => row.id);
  }

  async function repositories(installationId: number): Promise<readonly RepoRef[]> {
    const { rows } = await getPages(await at(installationId), '/installation/repositories', {
      parameters: {},
      pages: REPOSITORY_PAGES,
      rows: (data) => parseAnswer(repositoriesSchema, data, 'the repositories').repositories,
    });
    return rows
      .filter((row) => row.archived !== true)
      .map(({ id, name, owner }) => ({ installationId, id, owner: owner.login, name }));
  }

  return {
    async deliveries(sinceMs) {
      let past = false;
      const { rows, complete } = await getPages(await own(), '/app/hook/deliveries', {
        parameters: {},
        pages: DELIVERY_PAGES,
        rows: (data) => parseAnswer(z.array(attemptSchema), data, 'the delivery log'),
        enough: (page) => (past ||= page.some((row) => row.atMs < sinceMs)),
      });
      return { rows: rows.filter((row) => row.atMs >= sinceMs), complete: complete || past };
    },
    async redeliver(attemptId) {
      // Twice asked for is twice delivered, and the second one is known by its id.
      const client = patience.writing(writeClient(await settings.appClient(), now));
      try {
        const path = '/app/hook/deliveries/{delivery_id}/attempts';
        await client.send('POST', path, { delivery_id: attemptId });
        return true;
      } catch (fault) {
        if (isRefusal(fault, 400, 404, 422)) return false;
        throw fault;
      }
    },
    installations,
    repositories,
    pulls: async (repo) => pulls(await of(repo), repo),
    waiting: async (repo) => waitingRuns({ repo, client: await of(repo) }),
    deployments: async (repo) => deployments(await of(repo), repo),
    runOf: async (repo, deploymentId) => runOf(await of(repo), repo, deploymentId),
    hasCheck: async (repo, sha, checkRunId) => hasCheck(await of(repo), repo, { sha, checkRunId }),
  };
}

async function pulls(
  client: ReadClient,
  repo: RepoRef,
): Promise<{ open: readonly OpenPullSeen[]; merged: readonly MergedPullSeen[] }> {
  const open: OpenPullSeen[] = [];
  let merged: readonly MergedPullSeen[] = [];
  let after: string | null = null;
  for (let page = 0; page < PULL_PAGES; page += 1) {
    const variables = { owner: repo.owner, name: repo.name, after };
    const answer = await client.query(PULLS_SEEN_QUERY, variables);
    refuseErrors(answer, 'the pull requests');
    const { repository } = parseAnswer(pullsSchema, answer.data, 'the pull requests');
    for (const { number, headRefOid: headSha, updatedAt } of repository.open.nodes) {
      open.push({ number, headSha, updatedAtMs: updatedAt });
    }
    merged = repository.merged.nodes.flatMap(({ number, headRefOid: headSha, mergedAt }) =>
      mergedAt === null ? [] : [{ number, headSha, mergedAtMs: mergedAt }],
    );
    const { hasNextPage, endCursor } = repository.open.pageInfo;
    if (!hasNextPage) break;
    after = endCursor ?? null;
  }
  return { open, merged };
}

async function deployments(client: ReadClient, repo: RepoRef): Promise<readonly DeploymentSeen[]> {
  const parameters = { ...place(repo), per_page: 30 };
  const answer = await client.get('/repos/{owner}/{repo}/deployments', parameters);
  const rows = parseAnswer(deploymentsSchema, answer.data, 'the deployments');
  return rows.map(({ created_at: createdAtMs, ...row }) => ({ ...row, createdAtMs }));
}

async function hasCheck(
  client: ReadClient,
  repo: RepoRef,
  { sha, checkRunId }: { readonly sha: string; readonly checkRunId: number },
): Promise<boolean> {
  const path = '/repos/{owner}/{repo}/commits/{ref}/check-runs';
  const parameters = { ...place(repo), ref: sha, check_name: CHECK_NAME, filter: 'all' };
  try {
    const answer = await client.get(path, { ...parameters, per_page: 100 });
    const { check_runs: runs } = parseAnswer(checksSchema, answer.data, 'the check runs');
    return runs.some(({ id }) => id === checkRunId);
  } catch (fault) {
    if (isRefusal(fault, 404, 422)) return false;
    throw fault;
  }
}

const statusesSchema = z.array(
  z.object({ log_url: z.string().nullish(), target_url: z.string().nullish() }),
);

/** A run stands only in the addresses of a deployment's statuses. */
async function runOf(
  client: ReadClient,
  repo: RepoRef,
  deploymentId: number,
): Promise<number | null> {
  const path = '/repos/{owner}/{repo}/deployments/{deployment_id}/statuses';
  const answer = await client.get(path, { ...place(repo), deployment_id: deploymentId });
  const rows = parseAnswer(statusesSchema, answer.data, 'the statuses of a deployment');
  for (const row of rows) {
    for (const url of [row.log_url ?? '', row.target_url ?? '']) {
      const [, id] = /\/actions\/runs\/([1-9]\d{0,15})(?:\/|$)/.exec(url) ?? [];
      if (id !== undefined) return Number(id);
    }
  }
  return null;
}
