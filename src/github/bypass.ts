/** Deployments that started although we never released them, and what they brought. */
import { environmentRule, lookAlike, passesFor } from '../core/environments.ts';
import type { Bypass, Change, RangeCommit } from '../core/evidence.ts';
import type { Policy } from '../core/policy.ts';
import type { DeploymentFacts, RunFacts } from './deployment-facts.ts';
import { environmentKey, isExternalRun } from '../core/subject.ts';
import type { Reading } from './reading.ts';

/** A deployment that has started, as it was read. */
export interface Started {
  readonly environment: string;
  readonly run: RunFacts;
  readonly deployment: DeploymentFacts;
  readonly atMs: number;
}

/**
 * Null when we released it, or when nothing of ours ever guarded that environment: an App that is
 * only installed makes no incident of every deployment, posture says that the gate is off.
 */
export async function readBypass(
  reading: Reading,
  started: Started,
  policy: Policy,
): Promise<Bypass | null> {
  const { environment, run, deployment, atMs } = started;
  const outside = isExternalRun(run.id);
  const named = environmentRule(policy, environment) !== null;
  // A name with a space in it is another environment to GitHub, although our rule speaks for it.
  const alike = lookAlike(policy, environment) !== null;
  if (!named && !alike) return null;
  const recorded = (await reading.memory.bypasses?.(reading.repo, environment)) ?? [];
  const key = environmentKey(environment);
  const known = recorded.filter((one) => environmentKey(one.environment) === key);
  // One that is recorded has been told; looking again would only tell it again.
  if (known.some((one) => one.deploymentId === deployment.id)) return null;
  if (await isReleased(reading, started)) return null;
  // Whether anything was ever decided for this environment.
  const releases = await reading.memory.releases(reading.repo, environment);
  if (!alike && releases.length + known.length === 0) return null;
  return {
    how: alike ? 'look-alike' : outside ? 'outside' : 'started',
    environment,
    deploymentId: deployment.id,
    runId: outside ? null : run.id,
    sha: deployment.sha,
    atMs,
  };
}

/**
 * What came past the gate of an environment, also under a name that looks like it: whoever deploys
 * to `productlon` meant production, and what went there is looked at before production has it.
 */
export async function bypassesOf(
  reading: Reading,
  policy: Policy,
  environment: string,
): Promise<readonly Bypass[]> {
  const recorded = (await reading.memory.bypasses?.(reading.repo, environment)) ?? [];
  return recorded.filter((one) => passesFor(policy, one.environment, environment));
}

async function isReleased(reading: Reading, started: Started): Promise<boolean> {
  const { environment, run, deployment } = started;
  const { memory, repo } = reading;
  const releases = await memory.releases(repo, environment);
  const ours = releases.some((release) =>
    isExternalRun(run.id)
      ? release.runId === run.id && release.sha === deployment.sha
      : release.deploymentId === deployment.id,
  );
  if (ours) return true;
  const { sha } = deployment;
  const asked = { runId: run.id, runAttempt: run.attempt, environment, sha };
  return (await memory.hasReleased?.(repo, asked)) ?? false;
}

/**
 * What a deployment past the gate brought needs an approval after it (R13): every pull request of
 * the range up to its commit, or all that were merged before it when its commit is none of these.
 */
export function withBypasses(
  changes: readonly Change[],
  range: readonly RangeCommit[],
  bypasses: readonly Bypass[],
): readonly Change[] {
  if (bypasses.length === 0) return changes;
  const places = new Map(range.map((commit, at) => [commit.sha, at]));
  const first = (pull: number | null): number => range.findIndex((commit) => commit.pull === pull);
  return changes.map((change) => {
    const times = bypasses.flatMap(({ sha, atMs }) => {
      const end = places.get(sha);
      const isIn = end === undefined ? (change.mergedAtMs ?? 0) <= atMs : first(change.pull) <= end;
      return isIn ? [atMs] : [];
    });
    if (times.length === 0) return change;
    return { ...change, bypassedAtMs: Math.max(change.bypassedAtMs ?? 0, ...times) };
  });
}
