/** Evidence of a deployment that waits at the gate: the run, the range, every merged pull request of it. */
import { z } from 'zod';
import type { EffectivePolicy } from '../core/policy.ts';
import { effectivePolicy } from '../core/effective-policy.ts';
import type { Change, DeploymentEvidence, Evidence, RangeCommit } from '../core/evidence.ts';
import type { Locator } from '../core/subject.ts';
import {
  type DeploymentFacts,
  readDeployment,
  readHistory,
  readRun,
  type RunFacts,
} from './deployment-facts.ts';
import type { GatherParts } from './gather-pull.ts';
import { readMergedChange } from './merged-change.ts';
import { readPeople, reviewersOf, teamsOf } from './people.ts';
import { POLICY_EXPRESSION, policySources, repositoryFactsSchema } from './policy-files.ts';
import type { PolicyFacts } from './policy-files.ts';
import { POLICY_QUERY } from './queries.ts';
import { groupsOf, type ListedCommit, type MergeGroup, readLinks, readRange } from './range.ts';
import { parseAnswer, type Reading, refuseErrors } from './reading.ts';
import { readStart, type Start } from './release-start.ts';
import { readSucceededIn, readTogether } from './whole-range.ts';

type DeploymentLocator = Extract<Locator, { kind: 'deployment' }>;

/** Reads a deployment; null when its run is over or was never there. */
export async function gatherDeployment(
  reading: Reading,
  parts: GatherParts,
  locator: DeploymentLocator,
): Promise<Evidence | null> {
  const run = await readRun(reading, locator.runId);
  if (run === null || run.status === 'completed') return null;
  const { environment } = locator;
  const asked = { id: locator.deploymentId, environment, sha: run.headSha };
  const deployment = await ownDeployment(reading, run, await readDeployment(reading, asked));
  const policyFacts = await readPolicyFacts(reading);
  const sources = await policySources(reading, policyFacts, null, parts.floorsSeen);
  const policy = effectivePolicy(sources);
  const start = await readStart(reading, environment, deployment);
  const sha = deployment?.sha ?? run.headSha;
  const judged = await readJudged(reading, parts, { sha, start, policy });
  const baseRef = policyFacts.repository.defaultBranchRef?.name ?? '';
  const whole = await readWhole(reading, parts, {
    sha,
    environment,
    baseRef,
    start,
    policy,
    judged,
  });
  const reviews = judged.changes.flatMap((change) => change.reviews);
  return {
    v: 1,
    subject: {
      kind: 'deployment',
      repo: reading.repo,
      runId: run.id,
      runAttempt: run.attempt,
      environment,
      deploymentId: deployment?.id ?? locator.deploymentId,
      sha,
    },
    readAtMs: run.readAtMs,
    defaultBranch: baseRef,
    policy: sources,
    changes: judged.changes,
    deployment: deploymentEvidence(environment, { run, deployment, start, judged, ...whole }),
    people: await readPeople(reading, reviewersOf(reviews), teamsOf(policy.policy)),
    suspended: await reading.memory.suspended(reading.repo.installationId),
    gaps: reading.gaps,
  };
}

/** The deployment, unless its own statuses say that it is another run's. */
async function ownDeployment(
  reading: Reading,
  run: RunFacts,
  deployment: DeploymentFacts | null,
): Promise<DeploymentFacts | null> {
  if (deployment === null) return null;
  const { runId } = await readHistory(reading, deployment.id);
  return runId === null || runId === run.id ? deployment : null;
}

async function readPolicyFacts(reading: Reading): Promise<PolicyFacts> {
  const { owner, name } = reading.repo;
  const variables = { owner, name, policyPath: POLICY_EXPRESSION };
  const answer = await reading.client.query(POLICY_QUERY, variables);
  refuseErrors(answer, 'the policy files', 'floor');
  const schema = z.object({
    repository: repositoryFactsSchema,
    floor: repositoryFactsSchema.nullish(),
  });
  const { repository, floor } = parseAnswer(schema, answer.data, 'the policy files');
  return { repository, floor: floor ?? null, errors: answer.errors };
}

interface Judged {
  readonly range: readonly RangeCommit[];
  readonly changes: readonly Change[];
  readonly rollback: { readonly currentSinceMs: number } | null;
}

interface Target {
  readonly sha: string;
  readonly start: Start;
  readonly policy: EffectivePolicy;
}

/** The range and its changes; for a rollback, those that are taken back. */
async function readJudged(reading: Reading, parts: GatherParts, target: Target): Promise<Judged> {
  const { sha, start } = target;
  if (start.sha === null || start.sha === sha) return { range: [], changes: [], rollback: null };
  const forward = await readRange(reading, start.sha, sha);
  if (forward.status !== 'behind') {
    return {
      ...(await readGroups(reading, parts, { ...target, commits: forward.commits })),
      rollback: null,
    };
  }
  if (!start.released.has(sha)) return { range: [], changes: [], rollback: null };
  const back = await readRange(reading, sha, start.sha);
  const taken = await readGroups(reading, parts, {
    ...target,
    sha: start.sha,
    commits: back.commits,
  });
  return { ...taken, rollback: { currentSinceMs: start.atMs ?? 0 } };
}

interface Whole {
  readonly together: Change | null;
  readonly succeededIn: readonly string[];
}

/** What only the range as a whole can tell; a rollback runs no new migrations. */
async function readWhole(
  reading: Reading,
  parts: GatherParts,
  read: Target & { environment: string; baseRef: string; judged: Judged },
): Promise<Whole> {
  const { sha, baseRef, start, judged } = read;
  const { policy } = read.policy;
  const succeededIn = await readSucceededIn(reading, read, policy);
  if (start.sha === null || judged.rollback !== null) return { together: null, succeededIn };
  const ends = { fromSha: start.sha, sha, baseRef };
  const changes = { changes: judged.changes, policy };
  return { together: await readTogether(reading, parts, ends, changes), succeededIn };
}

async function readGroups(
  reading: Reading,
  parts: GatherParts,
  target: Target & { readonly commits: readonly ListedCommit[] },
): Promise<Omit<Judged, 'rollback'>> {
  const shas = target.commits.map((commit) => commit.sha);
  const groups = groupsOf(target.sha, target.commits, await readLinks(reading, shas));
  const commits = new Map(target.commits.map((commit) => [commit.sha, commit]));
  const changes: Change[] = [];
  const range: RangeCommit[] = [];
  for (const group of groups) {
    // One after the other: a range can be long, and GitHub counts what is asked at the same time.
    const merged = await readMergedChange(reading, parts, group, target.policy.policy);
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
  const { run, deployment, start, judged, together, succeededIn } = read;
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
    deploymentId: deployment?.id ?? null,
    deploymentSha: deployment?.sha ?? null,
    requestedAtMs: deployment?.createdAtMs ?? run.createdAtMs,
    fromSha: start.sha,
    fromOrigin: start.origin,
    range: judged.range,
    rollback: judged.rollback,
    together,
    succeededIn,
  };
}
