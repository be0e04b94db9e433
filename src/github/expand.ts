/** From a locator to the concrete subjects behind it. */
import { z } from 'zod';
import type { Locator, RepoRef } from '../core/subject.ts';
import { getPages } from './clients.ts';
import { isRefusal } from './faults.ts';
import { OPEN_PULLS_QUERY } from './queries.ts';
import { parseAnswer, place, type Reading, refuseErrors, shaSchema } from './reading.ts';

type PullLocator = Extract<Locator, { kind: 'pull-request' }>;

/** Pages of 100 open pull requests; beyond that the sweeper goes on. */
const MAX_PAGES = 30;

const openPullsSchema = z.object({
  repository: z.object({
    pullRequests: z.object({
      pageInfo: z.object({ hasNextPage: z.boolean(), endCursor: z.string().nullish() }),
      nodes: z.array(z.object({ number: z.int(), headRefOid: shaSchema })),
    }),
  }),
});

/** The subjects of a locator that names a commit or a repository; every other is one itself. */
export async function expandLocator(
  reading: Reading,
  locator: Locator,
): Promise<readonly Locator[]> {
  switch (locator.kind) {
    case 'commit':
      return openPulls(reading, (headSha) => headSha === locator.sha);
    case 'repository':
      return [...(await openPulls(reading, () => true)), ...(await waitingRuns(reading))];
    case 'pull-request':
    case 'deployment':
    case 'external':
    case 'merge-group':
      return [locator];
  }
}

/** The open pull requests whose head is wanted, from a page on; the first when none is named. */
export async function openPulls(
  reading: Reading,
  wanted: (headSha: string) => boolean,
  from: string | null = null,
): Promise<readonly PullLocator[]> {
  const { repo } = reading;
  const found: PullLocator[] = [];
  let after: string | null = from;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const variables = { owner: repo.owner, name: repo.name, after };
    const answer = await reading.client.query(OPEN_PULLS_QUERY, variables);
    refuseErrors(answer, 'the open pull requests');
    const { pullRequests } = parseAnswer(
      openPullsSchema,
      answer.data,
      'the open pull requests',
    ).repository;
    for (const pull of pullRequests.nodes) {
      if (wanted(pull.headRefOid)) found.push({ kind: 'pull-request', repo, number: pull.number });
    }
    if (!pullRequests.pageInfo.hasNextPage) break;
    after = pullRequests.pageInfo.endCursor ?? null;
  }
  return found;
}

/**
 * Those of the locators that can still be judged: closed pull requests are left out, with one query
 * for each repository. A run that is over costs one request when it is looked at.
 */
export async function stillOpen(
  locators: readonly Locator[],
  open: (repo: RepoRef) => Promise<Reading>,
): Promise<readonly Locator[]> {
  const byRepo = Map.groupBy(locators, ({ repo }) => repo.id);
  const found: Locator[] = [];
  for (const all of byRepo.values()) {
    // One repository after the other: this is no hurry, and GitHub counts what comes at once.
    found.push(...(await openOf(all, open)));
  }
  return found;
}

async function openOf(
  all: readonly Locator[],
  open: (repo: RepoRef) => Promise<Reading>,
): Promise<readonly Locator[]> {
  const [first] = all;
  const pulls = all.filter((one) => one.kind === 'pull-request');
  if (first === undefined || pulls.length === 0) return all;
  try {
    const there = await openPulls(await open(first.repo), () => true);
    const numbers = new Set(there.map(({ number }) => number));
    return all.filter((one) => one.kind !== 'pull-request' || numbers.has(one.number));
  } catch (fault) {
    // A repository that the app does not cover any more has nothing that could be judged.
    if (isRefusal(fault, 403, 404)) return [];
    throw fault;
  }
}

const runsSchema = z.object({ workflow_runs: z.array(z.object({ id: z.int().positive() })) });
const pendingSchema = z.array(z.object({ environment: z.object({ name: z.string() }) }));

/** Every environment that a waiting run waits for. */
export async function waitingRuns(
  reading: Pick<Reading, 'repo' | 'client'>,
): Promise<readonly Locator[]> {
  const { rows } = await getPages(reading.client, '/repos/{owner}/{repo}/actions/runs', {
    parameters: { ...place(reading.repo), status: 'waiting' },
    pages: 10,
    rows: (data) => parseAnswer(runsSchema, data, 'the waiting runs').workflow_runs,
  });
  const found: Locator[] = [];
  for (const run of rows) found.push(...(await environmentsOf(reading, run.id)));
  return found;
}

async function environmentsOf(
  reading: Pick<Reading, 'repo' | 'client'>,
  runId: number,
): Promise<readonly Locator[]> {
  const repo: RepoRef = reading.repo;
  try {
    const path = '/repos/{owner}/{repo}/actions/runs/{run_id}/pending_deployments';
    const answer = await reading.client.get(path, { ...place(repo), run_id: runId });
    const pending = parseAnswer(pendingSchema, answer.data, `what run ${runId} waits for`);
    return pending.map(({ environment }) => ({
      kind: 'deployment',
      repo,
      runId,
      environment: environment.name,
      deploymentId: null,
    }));
  } catch (fault) {
    // A run can be over between the two questions.
    if (isRefusal(fault, 404)) return [];
    throw fault;
  }
}
