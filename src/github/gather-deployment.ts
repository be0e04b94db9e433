/** Evidence of a deployment that waits at the gate: the run, the range, every merged pull request of it. */
import { z } from 'zod';
import type { EffectivePolicy } from '../core/policy.ts';
import { effectivePolicy } from '../core/effective-policy.ts';
import type {
  AcceptedCommits,
  Bypass,
  Change,
  DeploymentEvidence,
  Evidence,
  RangeCommit,
} from '../core/evidence.ts';
import { externalRunId, isExternalRun, type Locator, locatorKey } from '../core/subject.ts';
import { readActivity } from './activity.ts';
import { readAhead } from './ahead.ts';
import { acceptedStart, readAccepted } from './accepted.ts';
import { bypassesOf, readBypass, withBypasses } from './bypass.ts';
import { checksOf } from './deployed-checks.ts';
import {
  type DeploymentFacts,
  readDeployment,
  readHistory,
  readRun,
  type RunFacts,
} from './deployment-facts.ts';
import { readEligible } from './eligible.ts';
import type { GatherParts } from './gather-pull.ts';
import { withMergeBypasses } from './merge-bypass.ts';
import { readMergedChange } from './merged-change.ts';
import { readPeople, reviewersOf, teamsOf } from './people.ts';
import { policySources, readPolicyFacts } from './policy-files.ts';
import { groupsOf, type ListedCommit, type MergeGroup, readLinks, readRange } from './range.ts';
import { parseAnswer, place, type Reading, shaSchema } from './reading.ts';
import { readReferenced } from './referenced.ts';
import { hasRun, readStart, type Start } from './release-start.ts';
import { readSucceededIn, readTogether } from './whole-range.ts';

type DeploymentLocator = Extract<Locator, { kind: 'deployment' }>;
type ExternalLocator = Extract<Locator, { kind: 'external' }>;

/** Reads a deployment; null when its run is over or was never there, or when we released it. */
export async function gatherDeployment(
  reading: Reading,
  parts: GatherParts,
  locator: DeploymentLocator,
): Promise<Evidence | null> {
  const { environment, deploymentId } = locator;
  const run = await readRun(reading, locator.runId);
  if (run === null) return null;
  const asked = { id: deploymentId, environment, sha: run.headSha };
  const own = await ownDeployment(reading, run, await readDeployment(reading, asked));
  const key = locatorKey(locator);
  const wanted = {
    key,
    environment,
    run,
    deploymentId: own.deployment?.id ?? deploymentId,
    ...own,
  };
  return gatherAsked(reading, parts, wanted);
}

/** Reads a commit that something outside of the workflows deploys; null when that is all over. */
export async function gatherExternal(
  reading: Reading,
  parts: GatherParts,
  locator: ExternalLocator,
): Promise<Evidence | null> {
  const { environment, sha, deploymentId } = locator;
  const asked = { id: deploymentId, environment, sha };
  const deployment = deploymentId === null ? null : await readDeployment(reading, asked);
  if (deploymentId !== null && deployment?.sha !== sha) return null;
  const started =
    deployment === null ? null : (await readHistory(reading, deployment.id)).startedAtMs;
  const { commitAtMs } = await readCommit(reading, sha);
  const run: RunFacts = {
    id: externalRunId(sha),
    attempt: 1,
    status: 'external',
    event: 'external',
    headSha: sha,
    headRef: null,
    headRepoId: reading.repo.id,
    actor: null,
    triggeringActor: null,
    createdAtMs: commitAtMs,
    readAtMs: commitAtMs,
    referenced: [],
  };
  const facts = deployment ?? {
    id: 0,
    sha,
    environment,
    createdAtMs: commitAtMs,
  };
  return gatherAsked(reading, parts, {
    key: locatorKey(locator),
    environment,
    run,
    deploymentId: null,
    deployment: facts,
    startedAtMs: started,
  });
}

interface Wanted {
  readonly key: string;
  readonly environment: string;
  readonly run: RunFacts;
  readonly deploymentId: number | null;
  readonly deployment: DeploymentFacts | null;
  readonly startedAtMs: number | null;
}

async function gatherAsked(
  reading: Reading,
  parts: GatherParts,
  wanted: Wanted,
): Promise<Evidence | null> {
  const { environment, run, deployment, deploymentId } = wanted;
  if (run.status === 'completed' && wanted.startedAtMs === null) return null;
  const { writers, ...policyFacts } = await readPolicyFacts(reading);
  const sources = await policySources(reading, policyFacts, null, parts.floorsSeen);
  const policy = effectivePolicy(sources);
  const bypass = await bypassOf(reading, wanted, policy);
  if (wanted.startedAtMs !== null && bypass === null) return null;
  const defaultTip = policyFacts.repository.defaultBranchRef?.target?.oid ?? null;
  const sha = deployment?.sha ?? run.headSha;
  const known = await readStart(reading, { environment, deployment, defaultTip });
  const start = await acceptedStart(reading, known, { sha, policy: policy.policy });
  const bypasses = await bypassesOf(reading, policy.policy, environment);
  const read = await readJudged(reading, parts, { sha, environment, start, policy });
  const baseRef = policyFacts.repository.defaultBranchRef?.name ?? '';
  const merged = await withMergeBypasses(reading, read.changes, { branch: baseRef });
  const judged = { ...read, changes: withBypasses(merged, read.range, bypasses) };
  const target = { sha, environment, baseRef, start, policy, judged };
  const whole = await readWhole(reading, parts, target);
  const adders = whole.accepted.flatMap((row) => row.addedBy ?? []);
  const reviews = [...judged.changes, ...adders].flatMap((change) => change.reviews);
  const { changes } = judged;
  const activity = await readActivity(reading, {
    policy: policy.policy,
    changes,
    open: null,
    exceptKey: wanted.key,
    nowMs: run.readAtMs,
  });
  const asked = { ...(await requestedOf(reading, target)), ...(await checksOf(reading, target)) };
  const referenced = await readReferenced(reading, run, start);
  const watched = { bypass, bypasses, ...asked, ...referenced };
  return {
    v: 1,
    subject: {
      kind: 'deployment',
      repo: reading.repo,
      runId: run.id,
      runAttempt: run.attempt,
      environment,
      deploymentId,
      sha,
    },
    readAtMs: run.readAtMs,
    defaultBranch: baseRef,
    policy: sources,
    changes: judged.changes,
    deployment: {
      ...deploymentEvidence(environment, { run, deployment, start, judged, ...whole }),
      ...watched,
    },
    people: await readPeople(reading, reviewersOf(reviews), teamsOf(policy.policy)),
    ...(await readEligible(reading, writers, teamsOf(policy.policy))),
    ...activity,
    suspended: await reading.memory.suspended(reading.repo.installationId),
    gaps: reading.gaps,
  };
}

async function bypassOf(
  reading: Reading,
  wanted: Wanted,
  { policy }: EffectivePolicy,
): Promise<Bypass | null> {
  const { environment, run, deployment, startedAtMs } = wanted;
  if (startedAtMs === null || deployment === null) return null;
  return readBypass(reading, { environment, run, deployment, atMs: startedAtMs }, policy);
}

/** When this range was first asked for; left out, this request is the first. */
async function requestedOf(
  { memory, repo }: Reading,
  target: { readonly environment: string; readonly sha: string; readonly start: Start },
): Promise<Pick<DeploymentEvidence, 'firstRequestedAtMs'>> {
  const { environment, sha, start } = target;
  if (start.sha === null) return {};
  const range = { environment, fromSha: start.sha, sha };
  const atMs = (await memory.firstRequested?.(repo, range)) ?? null;
  return atMs === null ? {} : { firstRequestedAtMs: atMs };
}

const commitSchema = z.object({ sha: shaSchema });

/** That the commit is there at all, and GitHub's clock. */
async function readCommit(reading: Reading, sha: string): Promise<{ commitAtMs: number }> {
  const path = '/repos/{owner}/{repo}/commits/{ref}';
  const answer = await reading.client.get(path, { ...place(reading.repo), ref: sha });
  parseAnswer(commitSchema, answer.data, `commit ${sha.slice(0, 12)}`);
  return { commitAtMs: answer.atMs };
}

/** The deployment with when it started, unless its own statuses say that it is another run's. */
async function ownDeployment(
  reading: Reading,
  run: RunFacts,
  deployment: DeploymentFacts | null,
): Promise<Pick<Wanted, 'deployment' | 'startedAtMs'>> {
  if (deployment === null) return { deployment, startedAtMs: null };
  const { runId, startedAtMs } = await readHistory(reading, deployment.id);
  if (runId === null || runId === run.id) return { deployment, startedAtMs };
  return { deployment: null, startedAtMs: null };
}

interface Judged {
  readonly range: readonly RangeCommit[];
  readonly changes: readonly Change[];
  readonly rollback: DeploymentEvidence['rollback'];
  readonly rangeStatus: DeploymentEvidence['rangeStatus'];
  /** The commits of the range as GitHub lists them. */
  readonly listed: readonly ListedCommit[];
}

const NOTHING: Judged = {
  range: [],
  changes: [],
  rollback: null,
  rangeStatus: null,
  listed: [],
};

interface Target {
  readonly sha: string;
  readonly environment: string;
  readonly start: Start;
  readonly policy: EffectivePolicy;
}

/** The range and its changes; for a rollback, those that are taken back. */
async function readJudged(reading: Reading, parts: GatherParts, target: Target): Promise<Judged> {
  const { sha, start } = target;
  if (start.sha === null) return NOTHING;
  if (start.sha === sha) {
    // Whatever became of a newer release, it may have run: leaving it again is a way back.
    const { newest } = start;
    if (newest === null || newest.sha === sha) return NOTHING;
    return readBack(reading, parts, target, newest);
  }
  const forward = await readRange(reading, start.sha, sha);
  if (forward.status !== 'behind') {
    const groups = await readGroups(reading, parts, { ...target, commits: forward.commits });
    const { status, commits: listed } = forward;
    return { ...groups, rollback: null, rangeStatus: status, listed };
  }
  if (!start.released.has(sha)) return { ...NOTHING, rangeStatus: forward.status };
  return readBack(reading, parts, target, { sha: start.sha, atMs: start.atMs ?? 0 });
}

/** What going back to a commit takes away; without a common line nothing of it can be approved. */
async function readBack(
  reading: Reading,
  parts: GatherParts,
  target: Target,
  runs: { readonly sha: string; readonly atMs: number },
): Promise<Judged> {
  const back = await readRange(reading, target.sha, runs.sha);
  const commits = back.status === 'ahead' ? back.commits : [];
  const taken = await readGroups(reading, parts, { ...target, sha: runs.sha, commits });
  const ranBefore = await hasRun(reading, target);
  return {
    ...taken,
    rollback: { currentSinceMs: runs.atMs, ranBefore },
    rangeStatus: 'behind',
    listed: [],
  };
}

interface Whole {
  readonly together: Change | null;
  readonly succeededIn: readonly string[];
  readonly accepted: readonly AcceptedCommits[];
}

/** What only the range as a whole can tell; a rollback runs no new migrations. */
async function readWhole(
  reading: Reading,
  parts: GatherParts,
  read: Target & { baseRef: string; judged: Judged },
): Promise<Whole> {
  const { sha, baseRef, start, judged } = read;
  const { policy } = read.policy;
  const succeededIn = await readSucceededIn(reading, read, policy);
  if (start.sha === null || (judged.rollback ?? null) !== null) {
    return { together: null, succeededIn, accepted: [] };
  }
  const ends = { fromSha: start.sha, sha, baseRef };
  const { changes, range, listed: commits, rangeStatus: status = null } = judged;
  const asked = { start, policy, baseRef, commits, range, changes, status };
  return {
    together: await readTogether(reading, parts, ends, { changes, policy }),
    succeededIn,
    accepted: await readAccepted(reading, parts, asked),
  };
}

async function readGroups(
  reading: Reading,
  parts: GatherParts,
  target: Target & { readonly commits: readonly ListedCommit[] },
): Promise<Pick<Judged, 'range' | 'changes'>> {
  const shas = target.commits.map((commit) => commit.sha);
  const groups = groupsOf(target.sha, target.commits, await readLinks(reading, shas));
  const commits = new Map(target.commits.map((commit) => [commit.sha, commit]));
  const { policy } = target.policy;
  const ahead = await readAhead(reading, groups);
  const changes: Change[] = [];
  const range: RangeCommit[] = [];
  for (const group of groups) {
    // One after the other: a range can be long, and GitHub counts what is asked at the same time.
    const merged = await readMergedChange(reading, parts, group, { policy, ahead });
    const isNew = changes.every((change) => change.pull !== group.pull);
    if (merged.change !== null && isNew) changes.push(merged.change);
    for (const sha of group.shas) {
      range.push(rangeCommit(commits.get(sha), { sha, group, ...merged }));
    }
  }
  return { range, changes };
}

function rangeCommit(
  commit: ListedCommit | undefined,
  found: {
    readonly sha: string;
    readonly group: MergeGroup;
    readonly equalsReviewed: boolean | null;
    readonly difference: string | null;
  },
): RangeCommit {
  return {
    sha: found.sha,
    author: commit?.author ?? null,
    message: commit?.message ?? '',
    pull: found.group.pull,
    equalsReviewed: found.equalsReviewed,
    difference: found.difference,
  };
}

function deploymentEvidence(
  environment: string,
  read: {
    readonly run: RunFacts;
    readonly deployment: DeploymentFacts | null;
    readonly start: Start;
    readonly judged: Judged;
  } & Whole,
): DeploymentEvidence {
  const { run, deployment, start, judged, together, succeededIn, accepted } = read;
  return {
    environment: deployment?.environment ?? environment,
    runId: run.id,
    runAttempt: run.attempt,
    runStatus: run.status,
    runEvent: run.event,
    runHeadSha: run.headSha,
    runHeadRepoId: run.headRepoId,
    actor: run.actor,
    triggeringActor: run.triggeringActor,
    deploymentId: isExternalRun(run.id) ? null : (deployment?.id ?? null),
    deploymentSha: deployment?.sha ?? null,
    ref: deployment?.ref ?? run.headRef,
    requestedAtMs: deployment?.createdAtMs ?? run.createdAtMs,
    fromSha: start.sha,
    fromOrigin: start.origin,
    adopted: start.adopted ?? null,
    range: judged.range,
    rollback: judged.rollback ?? null,
    rangeStatus: judged.rangeStatus ?? null,
    together,
    succeededIn,
    accepted,
  };
}
