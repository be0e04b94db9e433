/** Where the range of a deployment starts: what the environment runs by our own record. */
import { z } from 'zod';
import type { DeploymentEvidence } from '../core/evidence.ts';
import type { Release } from '../core/ports.ts';
import { isExternalRun } from '../core/subject.ts';
import { type DeploymentFacts, listDeployments, readHistory } from './deployment-facts.ts';
import { parseAnswer, place, type Reading } from './reading.ts';
import { type DeployingJob, deployingJobs } from './workflow-jobs.ts';

/** How many of our releases, and how many older deployments, are asked whether they succeeded. */
const LOOK_BACK = 40;

export interface Start {
  readonly sha: string | null;
  readonly origin: DeploymentEvidence['fromOrigin'];
  readonly atMs: number | null;
  /** The run that deployed it; null when it is not known. */
  readonly runId: number | null;
  /** Where the start was found, when it is adopted only now. */
  readonly adopted: DeploymentEvidence['adopted'];
  /** Commits that were released to this environment before, for a rollback. */
  readonly released: ReadonlySet<string>;
  /** The newest of all our releases, whatever became of it. */
  readonly newest: { readonly sha: string; readonly atMs: number } | null;
}

export interface StartAsked {
  readonly environment: string;
  readonly deployment: DeploymentFacts | null;
  /** Tip of the default branch; only what it contains can be adopted. */
  readonly defaultTip: string | null;
}

/**
 * The newest of our releases that then succeeded. Only while nothing was released yet, the newest
 * successful workflow deployment on the default branch is adopted, once; what was deployed by API
 * or without our decision never moves the start.
 */
export async function readStart(reading: Reading, asked: StartAsked): Promise<Start> {
  const { environment } = asked;
  const all = await reading.memory.releases(reading.repo, environment);
  const releases = [...all].sort((one, two) => two.atMs - one.atMs);
  const newest = releases.find(({ origin }) => origin === 'released') ?? null;
  const start = await succeededStart(reading, environment, releases);
  const base = {
    released: new Set(releases.map(({ sha }) => sha)),
    newest: newest === null ? null : { sha: newest.sha, atMs: newest.atMs },
  };
  if (start !== null) {
    const { sha, origin, atMs, runId } = start;
    const known = runId > 0 && !isExternalRun(runId) ? runId : null;
    return { ...base, sha, origin, atMs, runId: known, adopted: null };
  }
  // With any release of ours on record, GitHub's list of deployments is never believed again.
  const adopted = releases.length > 0 ? null : await adopt(reading, asked);
  if (adopted === null) {
    return { ...base, sha: null, origin: null, atMs: null, runId: null, adopted: null };
  }
  const { sha, createdAtMs: atMs, runId } = adopted;
  const found = { runId, deploymentId: adopted.id, atMs };
  return { ...base, sha, origin: 'adopted', atMs, runId, adopted: found };
}

/** Newest first. Releases of one commit in a row are one: again and again is still what runs. */
async function succeededStart(
  reading: Reading,
  environment: string,
  releases: readonly Release[],
): Promise<Release | null> {
  const budget = { left: LOOK_BACK };
  for (let at = 0; at < releases.length; ) {
    const sha = releases[at]?.sha;
    const next = releases.findIndex((one, index) => index > at && one.sha !== sha);
    const same = releases.slice(at, next === -1 ? undefined : next);
    const known = same.find((one) => one.succeeded === true || one.origin === 'adopted');
    if (known !== undefined) return known;
    for (const release of same) {
      // Beyond the limit nothing is known, and an older start could make a way back look forward.
      if (budget.left === 0) return null;
      budget.left -= 1;
      if (await succeeded(reading, environment, release)) return release;
    }
    at += same.length;
  }
  return null;
}

/** Whether any release of a commit to this environment ran to its end. */
export async function hasRun(
  reading: Reading,
  { environment, sha }: { readonly environment: string; readonly sha: string },
): Promise<boolean> {
  const all = await reading.memory.releases(reading.repo, environment);
  const own = all.filter((release) => release.sha === sha).slice(0, LOOK_BACK);
  for (const release of own) {
    if (await succeeded(reading, environment, release)) return true;
  }
  return false;
}

/** Whether a release of ours ran to its end. Once seen, that is kept: nobody can take it back. */
async function succeeded(
  reading: Reading,
  environment: string,
  release: Release,
): Promise<boolean> {
  if (release.succeeded === true || release.origin === 'adopted') return true;
  if (!(await asksGitHub(reading, environment, release))) return false;
  await reading.memory.keepSucceeded?.(reading.repo, environment, release);
  return true;
}

async function asksGitHub(
  reading: Reading,
  environment: string,
  release: Release,
): Promise<boolean> {
  if (isExternalRun(release.runId)) return wasDeployed(reading, environment, release.sha);
  if (release.deploymentId === null) return false;
  const { succeeded: done, gone } = await readHistory(reading, release.deploymentId);
  // A deployment that somebody deleted may have succeeded, and then it is what runs.
  return done || gone;
}

/** Whether any deployment of a commit that we released to a deployer outside has succeeded. */
async function wasDeployed(reading: Reading, environment: string, sha: string): Promise<boolean> {
  const deployments = await listDeployments(reading, { environment, sha });
  for (const deployment of deployments.slice(0, LOOK_BACK)) {
    if ((await readHistory(reading, deployment.id)).succeeded) return true;
  }
  return false;
}

async function adopt(
  reading: Reading,
  { environment, deployment: asked, defaultTip }: StartAsked,
): Promise<(DeploymentFacts & { readonly runId: number | null }) | null> {
  if (defaultTip === null) return null;
  const deployments = await listDeployments(reading, { environment });
  const older = deployments.filter(
    (one) => one.id !== asked?.id && one.createdAtMs <= (asked?.createdAtMs ?? Infinity),
  );
  const jobs = new Map<string, ReadonlyMap<number, DeployingJob>>();
  for (const deployment of older.slice(0, LOOK_BACK)) {
    const { id, sha } = deployment;
    // The newest that fits is taken, so that they are asked in order.
    const onCommit = jobs.get(sha) ?? (await deployingJobs(reading, sha));
    jobs.set(sha, onCommit);
    const job = onCommit.get(id);
    if (job?.succeeded !== true || !(await readHistory(reading, id)).succeeded) continue;
    if (await contains(reading, defaultTip, sha)) return { ...deployment, runId: job.runId };
  }
  return null;
}

const comparedSchema = z.object({ status: z.string() });

/** Whether a commit is in the history of another, or that one itself. */
export async function contains(reading: Reading, tip: string, sha: string): Promise<boolean> {
  if (tip === sha) return true;
  const answer = await reading.client.get('/repos/{owner}/{repo}/compare/{basehead}', {
    ...place(reading.repo),
    basehead: `${sha}...${tip}`,
    per_page: 1,
  });
  const { status } = parseAnswer(comparedSchema, answer.data, 'the history of a commit');
  return status === 'ahead' || status === 'identical';
}
