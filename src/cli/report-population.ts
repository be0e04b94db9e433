/**
 * GitHub's own word for what was deployed: its deployments, workflow runs and webhook deliveries,
 * every list to its end. GitHub forgets (deliveries after three days, artifacts after ninety), so
 * that what was read once is kept in a file and the comparison can be made without GitHub later.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createAppAuth } from '@octokit/auth-app';
import { Octokit } from '@octokit/rest';
import { z } from 'zod';
import { TagoutError } from '../core/errors.ts';
import type { Wish } from '../core/report/period.ts';
import type {
  AccessRow,
  DeliveryRow,
  Population,
  PopulationRow,
  RunRow,
} from '../core/report/population.ts';
import { isProductionName } from '../core/report/row.ts';
import { environmentKey } from '../core/subject.ts';

const PER_PAGE = 100;
/** A release belongs to a deployment that may have waited at its gate for so long. */
const BEFORE_MS = 30 * 86_400_000;
const FINAL: ReadonlySet<string> = new Set(['success', 'failure', 'error', 'inactive']);

export interface PopulationWish {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly repos: readonly string[];
  readonly wish: Wish;
  /** Environments that a policy guards by another name, as `owner/name` and environment. */
  readonly guarded?: ReadonlySet<string>;
  /** Where what GitHub said is kept; null: nowhere. */
  readonly file: string | null;
  /** Of these delivery ids the ones that are not in our inbox; left out: it is not known. */
  readonly unknown?: (guids: readonly string[]) => Promise<ReadonlySet<string>>;
  readonly now: () => number;
}

interface Place {
  readonly client: Octokit;
  readonly owner: string;
  readonly repo: string;
  readonly about: PopulationWish;
}

/** Success counts whatever came after; a later deployment turns it `inactive` at GitHub. */
async function settledOf({ client, owner, repo }: Place, deploymentId: number) {
  const statuses = await client.paginate(client.repos.listDeploymentStatuses, {
    owner,
    repo,
    deployment_id: deploymentId,
    per_page: PER_PAGE,
  });
  const won = statuses.filter(({ state }) => state === 'success').at(-1);
  const end = won ?? statuses.find(({ state }) => FINAL.has(state));
  const urls = statuses.flatMap((one) => [one.log_url ?? '', one.target_url ?? '']);
  const runs = urls.flatMap((url) => /\/actions\/runs\/(\d{1,15})(?:\/|$)/.exec(url)?.[1] ?? []);
  return {
    state: won === undefined ? (statuses[0]?.state ?? 'unknown') : 'success',
    finishedAtMs: end === undefined ? null : Date.parse(end.created_at),
    runId: runs.length === 0 ? null : Number(runs.at(-1)),
  };
}

async function artifactsOf({ client, owner, repo }: Place, runId: number | null) {
  if (runId === null) return [];
  const asked = { owner, repo, run_id: runId, per_page: PER_PAGE };
  const list = await client.paginate(client.actions.listWorkflowRunArtifacts, asked);
  return list.flatMap(({ name, digest }) =>
    typeof digest === 'string' ? [`${name} ${digest}`] : [],
  );
}

async function deploymentsOf(place: Place, sinceMs: number | null): Promise<PopulationRow[]> {
  const { client, owner, repo, about } = place;
  const rows: PopulationRow[] = [];
  const pages = client.paginate.iterator(client.repos.listDeployments, {
    owner,
    repo,
    per_page: PER_PAGE,
  });
  for await (const { data } of pages) {
    for (const one of data) {
      const createdAtMs = Date.parse(one.created_at);
      const key = `${owner}/${repo}\n${environmentKey(one.environment)}`.toLowerCase();
      const guarded = about.guarded?.has(key) === true || isProductionName(one.environment);
      if (!guarded || (sinceMs !== null && createdAtMs < sinceMs)) continue;
      const end = await settledOf(place, one.id);
      const artifacts = await artifactsOf(place, end.runId);
      const { environment, id: deploymentId, sha } = one;
      const name = `${owner}/${repo}`;
      rows.push({ repo: name, environment, deploymentId, sha, createdAtMs, ...end, artifacts });
    }
    const last = data.at(-1);
    if (last !== undefined && sinceMs !== null && Date.parse(last.created_at) < sinceMs) break;
  }
  return rows;
}

async function runsOf(place: Place, sinceMs: number | null): Promise<RunRow[]> {
  const { client, owner, repo } = place;
  const rows: RunRow[] = [];
  const asked = { owner, repo, per_page: PER_PAGE };
  for await (const { data } of client.paginate.iterator(
    client.actions.listWorkflowRunsForRepo,
    asked,
  )) {
    for (const run of data) {
      const createdAtMs = Date.parse(run.created_at);
      if (sinceMs !== null && createdAtMs < sinceMs) return rows;
      const { id: runId, head_sha: sha, conclusion } = run;
      rows.push({ repo: `${owner}/${repo}`, runId, sha, createdAtMs, conclusion });
    }
  }
  return rows;
}

/** Who could get around the gate at this moment; what the token may not read is told as such. */
async function accessOf({ client, owner, repo }: Place): Promise<AccessRow[]> {
  const name = `${owner}/${repo}`;
  const rows: AccessRow[] = [];
  const tell = (who: string, how: string): void => void rows.push({ repo: name, who, how });
  try {
    const { data } = await client.repos.getAllEnvironments({ owner, repo, per_page: PER_PAGE });
    for (const one of data.environments ?? []) {
      const free = Reflect.get(one, 'can_admins_bypass') === true;
      if (free) tell('administrators', `may bypass the protection rules of ${one.name}`);
    }
    const asked = { owner, repo, permission: 'admin', per_page: PER_PAGE } as const;
    for (const { login } of await client.paginate(client.repos.listCollaborators, asked)) {
      tell(login, 'is an administrator of the repository');
    }
  } catch (error) {
    if (!isRefused(error)) throw error;
    tell('not known', 'the token may not read environments or administrators');
  }
  return rows;
}

function isRefused(error: unknown): boolean {
  const status = typeof error === 'object' && error !== null ? Reflect.get(error, 'status') : null;
  return status === 403 || status === 404;
}

/** The App's own log of deliveries; empty without the App's credentials. */
async function deliveriesOf(about: PopulationWish, baseUrl: string): Promise<DeliveryRow[]> {
  const { APP_ID: appId, PRIVATE_KEY: privateKey } = about.env;
  if (appId === undefined || privateKey === undefined) return [];
  const auth = { appId, privateKey: privateKey.replaceAll('\\n', '\n') };
  const settings = { authStrategy: createAppAuth, auth, baseUrl, userAgent: 'tagout-report' };
  const client = new Octokit(settings);
  const all = await client.paginate('GET /app/hook/deliveries', { per_page: PER_PAGE });
  const ours = all.filter(({ event }) => /^(?:deployment|workflow_job)/.test(event));
  const unknown = await about.unknown?.([...new Set(ours.map(({ guid }) => guid))]);
  const byGuid = new Map<string, DeliveryRow>();
  for (const one of ours) {
    const { guid, repository_id: repoId, status_code: statusCode } = one;
    const event = one.action === null ? one.event : `${one.event}.${one.action}`;
    const atMs = Date.parse(one.delivered_at);
    const known = byGuid.get(guid);
    if (known !== undefined && known.atMs > atMs) continue;
    const stored = unknown?.has(guid) !== true;
    byGuid.set(guid, { guid, repoId, event, atMs, statusCode, stored });
  }
  return [...byGuid.values()].toSorted((a, b) => a.atMs - b.atMs || (a.guid < b.guid ? -1 : 1));
}

async function askGitHub(about: PopulationWish, token: string): Promise<Population> {
  const baseUrl = about.env['GITHUB_API_URL'] ?? 'https://api.github.com';
  const client = new Octokit({ auth: token, baseUrl, userAgent: 'tagout-report' });
  const { fromMs, repo: named } = about.wish;
  const sinceMs = fromMs === null ? null : fromMs - BEFORE_MS;
  const found = {
    deployments: new Array<PopulationRow>(),
    runs: new Array<RunRow>(),
    access: new Array<AccessRow>(),
  };
  for (const name of named === null ? about.repos : [named]) {
    const [owner = '', repo = ''] = name.split('/');
    const place = { client, owner, repo, about };
    found.deployments.push(...(await deploymentsOf(place, sinceMs)));
    found.runs.push(...(await runsOf(place, sinceMs)));
    found.access.push(...(await accessOf(place)));
  }
  const deliveries = await deliveriesOf(about, baseUrl);
  return { from: 'github', readAtMs: about.now(), ...found, deliveries };
}

const id = z.int().nullable();
const lineSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('read'), from: z.string(), readAtMs: z.int() }),
  z.object({
    kind: z.literal('deployments'),
    repo: z.string(),
    environment: z.string(),
    deploymentId: z.int(),
    sha: z.string(),
    createdAtMs: z.int(),
    state: z.string(),
    runId: id.default(null),
    finishedAtMs: id.default(null),
    artifacts: z.array(z.string()).default([]),
  }),
  z.object({
    kind: z.literal('runs'),
    repo: z.string(),
    runId: z.int(),
    sha: z.string(),
    createdAtMs: z.int(),
    conclusion: z.string().nullable(),
  }),
  z.object({
    kind: z.literal('deliveries'),
    guid: z.string(),
    repoId: id,
    event: z.string(),
    atMs: z.int(),
    statusCode: z.int(),
    stored: z.boolean(),
  }),
  z.object({ kind: z.literal('access'), repo: z.string(), who: z.string(), how: z.string() }),
]);

/** Reads an archive. Throws TagoutError('bad-input') naming the first line that is none of ours. */
export function readPopulationText(text: string): Population {
  const deployments: PopulationRow[] = [];
  const [runs, deliveries, access]: [RunRow[], DeliveryRow[], AccessRow[]] = [[], [], []];
  let readAtMs = 0;
  for (const [at, line] of text.split('\n').entries()) {
    if (line === '') continue;
    const parsed = lineSchema.safeParse(jsonOf(line));
    if (!parsed.success) {
      throw new TagoutError(
        'bad-input',
        `Line ${at + 1} of the archive is no row of GitHub's lists.`,
      );
    }
    const { data } = parsed;
    if (data.kind === 'read') {
      readAtMs = Math.max(readAtMs, data.readAtMs);
    } else if (data.kind === 'deployments') {
      const { kind: _, ...row } = data;
      deployments.push(row);
    } else if (data.kind === 'runs') {
      const { kind: _, ...row } = data;
      runs.push(row);
    } else if (data.kind === 'deliveries') {
      const { kind: _, ...row } = data;
      deliveries.push(row);
    } else {
      const { kind: _, ...row } = data;
      access.push(row);
    }
  }
  return { from: 'archive', readAtMs, deployments, runs, deliveries, access };
}

function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}

/** The lines of an archive. */
export function* populationLines(population: Population): Generator<string> {
  const { from, readAtMs } = population;
  yield `${JSON.stringify({ kind: 'read', from, readAtMs })}\n`;
  for (const kind of ['deployments', 'runs', 'deliveries', 'access'] as const) {
    for (const row of population[kind]) yield `${JSON.stringify({ kind, ...row })}\n`;
  }
}

/** What was known before with what is known now: the later word about the same thing counts. */
export function merged(before: Population, now: Population): Population {
  const join = <T>(one: readonly T[], two: readonly T[], key: (row: T) => string): T[] => [
    ...new Map([...one, ...two].map((row) => [key(row), row])).values(),
  ];
  // Artifacts and successes that GitHub has forgotten since are still what it said.
  const known = new Map(before.deployments.map((row) => [row.deploymentId, row]));
  const fresh = now.deployments.map((row): PopulationRow => {
    const old = known.get(row.deploymentId);
    if (old === undefined) return row;
    const artifacts = row.artifacts?.length === 0 ? (old.artifacts ?? []) : (row.artifacts ?? []);
    return { ...row, artifacts, state: old.state === 'success' ? 'success' : row.state };
  });
  return {
    ...now,
    deployments: join(before.deployments, fresh, (row) => `${row.repo} ${row.deploymentId}`),
    runs: join(before.runs, now.runs, (row) => `${row.repo} ${row.runId}`),
    deliveries: join(before.deliveries, now.deliveries, (row) => row.guid),
  };
}

/** What GitHub says, or said; null when there is no token to ask with and nothing is kept. */
export async function readPopulation(about: PopulationWish): Promise<Population | null> {
  const { file } = about;
  const token = about.env['GITHUB_TOKEN']?.trim() ?? '';
  const kept = file !== null && existsSync(file) ? readFileSync(file, 'utf8') : null;
  const before = kept === null ? null : readPopulationText(kept);
  if (token === '') {
    if (before !== null || file === null) return before;
    throw new TagoutError('usage', `There is no archive ${file}, and no GITHUB_TOKEN to make it.`);
  }
  try {
    const now = await askGitHub(about, token);
    const all = before === null ? now : merged(before, now);
    if (file !== null) writeFileSync(file, [...populationLines(all)].join(''));
    return all;
  } catch (error) {
    if (error instanceof TagoutError) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new TagoutError(
      'github-unavailable',
      `GitHub could not be asked for its deployments: ${why}. Give GITHUB_TOKEN the right to read ` +
        'deployments and actions, or leave it out: the report then says that it did not compare.',
      { cause: error },
    );
  }
}
