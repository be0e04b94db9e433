/** Where the range of a deployment starts: what the environment runs by our own record. */
import type { DeploymentEvidence } from '../core/evidence.ts';
import type { Release } from '../core/ports.ts';
import { type DeploymentFacts, listDeployments, readHistory, readRun } from './deployment-facts.ts';
import { isExternalRun } from '../core/subject.ts';
import type { Reading } from './reading.ts';

/** How many of our releases, and how many older deployments, are asked whether they succeeded. */
const LOOK_BACK = 20;

export interface Start {
  readonly sha: string | null;
  readonly origin: DeploymentEvidence['fromOrigin'];
  readonly atMs: number | null;
  /** Where the start was found, when it is adopted only now. */
  readonly adopted: DeploymentEvidence['adopted'];
  /** Commits that were released to this environment before, for a rollback. */
  readonly released: ReadonlySet<string>;
}

/**
 * The newest of our releases that then succeeded. With none, the newest successful workflow
 * deployment from before we released anything is adopted; what was deployed by API or without our
 * decision never moves the start.
 */
export async function readStart(
  reading: Reading,
  environment: string,
  asked: DeploymentFacts | null,
): Promise<Start> {
  const all = await reading.memory.releases(reading.repo, environment);
  const releases = [...all].sort((one, two) => two.atMs - one.atMs);
  const released = new Set(releases.map((release) => release.sha));
  for (const release of releases.slice(0, LOOK_BACK)) {
    // The newest that succeeded decides, so that they are asked in order.
    if (await counts(reading, environment, release)) {
      const { sha, origin, atMs } = release;
      return { sha, origin, atMs, adopted: null, released };
    }
  }
  const firstMs = Math.min(
    ...releases.map((release) => release.atMs),
    asked?.createdAtMs ?? Infinity,
  );
  const adopted = await adopt(reading, environment, { firstMs, asked });
  return {
    sha: adopted?.sha ?? null,
    origin: adopted === null ? null : 'adopted',
    atMs: adopted?.createdAtMs ?? null,
    adopted:
      adopted === null
        ? null
        : { runId: adopted.runId, deploymentId: adopted.id, atMs: adopted.createdAtMs },
    released,
  };
}

async function counts(reading: Reading, environment: string, release: Release): Promise<boolean> {
  if (release.origin === 'adopted') return true;
  if (isExternalRun(release.runId)) return wasDeployed(reading, environment, release.sha);
  if (release.deploymentId === null) return false;
  return (await readHistory(reading, release.deploymentId)).succeeded;
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
  environment: string,
  limit: { readonly firstMs: number; readonly asked: DeploymentFacts | null },
): Promise<(DeploymentFacts & { readonly runId: number | null }) | null> {
  const deployments = await listDeployments(reading, { environment });
  const older = deployments.filter(
    (one) => one.id !== limit.asked?.id && one.createdAtMs <= limit.firstMs,
  );
  for (const deployment of older.slice(0, LOOK_BACK)) {
    const { succeeded, runId } = await readHistory(reading, deployment.id);
    // The newest that fits is taken, so that they are asked in order.
    if (succeeded && (await isOfWorkflow(reading, deployment, runId))) {
      return { ...deployment, runId };
    }
  }
  return null;
}

/** Whether a workflow made the deployment: GitHub says so, or its run is there with the same commit. */
export async function isOfWorkflow(
  reading: Reading,
  deployment: DeploymentFacts,
  runId: number | null,
): Promise<boolean> {
  if (deployment.byWorkflow) return true;
  if (runId === null) return false;
  return (await readRun(reading, runId))?.headSha === deployment.sha;
}
