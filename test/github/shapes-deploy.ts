/** Checks, statuses, deployments, workflow runs and jobs as GitHub's REST API writes them. */
import { createHash } from 'node:crypto';
import {
  accountJson,
  accountOrNull,
  appJson,
  htmlUrl,
  iso,
  isoOrNull,
  nodeId,
  repoJson,
  repoUrl,
  viaAppJson,
} from './shapes.ts';
import type {
  ArtifactRecord,
  CheckRun,
  CommitStatus,
  Deployment,
  DeploymentStatus,
  Environment,
  JobRecord,
  Json,
  PullRecord,
  RepoRecord,
  RunRecord,
} from './state.ts';
import type { World } from './world.ts';

function pullMinimal(world: World, repo: RepoRecord, pull: PullRecord): Json {
  const side = (ref: string, sha: string, held: RepoRecord): Json => ({
    ref,
    sha,
    repo: { id: held.id, url: repoUrl(world, held), name: held.name },
  });
  return {
    url: `${repoUrl(world, repo)}/pulls/${pull.number}`,
    id: pull.id,
    number: pull.number,
    head: side(pull.headRef, pull.headSha, pull.headRepo ?? repo),
    base: side(pull.baseRef, pull.baseSha, repo),
  };
}

/** Open pull requests from this repository's own branches with this head: forks are left out. */
export function pullsWithHead(world: World, repo: RepoRecord, sha: string): Json[] {
  return [...repo.pulls.values()]
    .filter((pull) => pull.headSha === sha && pull.headRepo === repo)
    .filter((pull) => pull.issue.state === 'open')
    .map((pull) => pullMinimal(world, repo, pull));
}

export function checkRunJson(world: World, repo: RepoRecord, run: CheckRun): Json {
  const url = `${repoUrl(world, repo)}/check-runs/${run.id}`;
  const html = `${htmlUrl(world, repo)}/runs/${run.id}`;
  return {
    id: run.id,
    name: run.name,
    node_id: nodeId('CR', run.id),
    head_sha: run.headSha,
    external_id: run.externalId,
    url,
    html_url: html,
    details_url: run.detailsUrl ?? html,
    status: run.status,
    conclusion: run.conclusion,
    started_at: iso(run.startedAtMs),
    completed_at: isoOrNull(run.completedAtMs),
    output: {
      ...run.output,
      annotations_count: run.annotations.length,
      annotations_url: `${url}/annotations`,
    },
    check_suite: { id: run.suiteId },
    app: appJson(world, run.app),
    pull_requests: pullsWithHead(world, repo, run.headSha),
  };
}

/** A job with its run. */
export interface RunJob {
  readonly run: RunRecord;
  readonly job: JobRecord;
}

/** The check run that GitHub keeps for a job; only there stands which deployment is the job's own. */
export function jobCheckJson(world: World, repo: RepoRecord, { run, job }: RunJob): Json {
  const url = `${repoUrl(world, repo)}/check-runs/${job.id}`;
  const html = `${htmlUrl(world, repo)}/actions/runs/${run.id}/job/${job.id}`;
  const { deployment } = job;
  return {
    id: job.id,
    name: job.name,
    node_id: nodeId('CR', job.id),
    head_sha: run.headSha,
    external_id: String(job.id),
    url,
    html_url: html,
    details_url: html,
    status: job.status === 'waiting' ? 'queued' : job.status,
    conclusion: job.conclusion,
    started_at: iso(job.startedAtMs),
    completed_at: isoOrNull(job.completedAtMs),
    output: {
      title: null,
      summary: null,
      text: null,
      annotations_count: 0,
      annotations_url: `${url}/annotations`,
    },
    check_suite: { id: run.id },
    app: viaAppJson(world, 'github-actions'),
    pull_requests: pullsWithHead(world, repo, run.headSha),
    ...(deployment === null ? {} : { deployment: deploymentJson(world, repo, deployment) }),
  };
}

export function statusJson(world: World, repo: RepoRecord, one: CommitStatus): Json {
  return {
    url: `${repoUrl(world, repo)}/statuses/${one.sha}`,
    avatar_url: `${world.url}/avatars/u/${one.creator.id}?v=4`,
    id: one.id,
    node_id: nodeId('SC', one.id),
    state: one.state,
    description: one.description,
    target_url: one.targetUrl,
    context: one.context,
    created_at: iso(one.createdAtMs),
    updated_at: iso(one.createdAtMs),
  };
}

export function deploymentJson(world: World, repo: RepoRecord, one: Deployment): Json {
  const url = `${repoUrl(world, repo)}/deployments/${one.id}`;
  return {
    url,
    id: one.id,
    node_id: nodeId('DE', one.id),
    task: one.task,
    original_environment: one.environment,
    environment: one.environment,
    description: one.description,
    created_at: iso(one.createdAtMs),
    updated_at: iso(one.updatedAtMs),
    statuses_url: `${url}/statuses`,
    repository_url: repoUrl(world, repo),
    creator: accountJson(world, one.creator),
    sha: one.sha,
    ref: one.ref,
    payload: one.payload,
    transient_environment: one.transientEnvironment,
    production_environment: one.productionEnvironment,
    performed_via_github_app: one.viaApp === null ? null : appJson(world, one.viaApp),
  };
}

/** Where a deployment and the one of its statuses that is meant stand. */
export interface StatusPlace {
  readonly repo: RepoRecord;
  readonly deployment: Deployment;
}

export function deploymentStatusJson(world: World, at: StatusPlace, one: DeploymentStatus): Json {
  const url = `${repoUrl(world, at.repo)}/deployments/${at.deployment.id}`;
  return {
    url: `${url}/statuses/${one.id}`,
    id: one.id,
    node_id: nodeId('DES', one.id),
    state: one.state,
    creator: accountJson(world, one.creator),
    description: one.description,
    environment: one.environment,
    // GitHub answers '' where nobody gave one, which its own description does not allow.
    target_url: one.logUrl === '' ? `${url}/statuses/${one.id}` : one.logUrl,
    created_at: iso(one.createdAtMs),
    updated_at: iso(one.createdAtMs),
    deployment_url: url,
    repository_url: repoUrl(world, at.repo),
    log_url: one.logUrl,
    environment_url: one.logUrl,
    performed_via_github_app: null,
  };
}

export function runUrl(world: World, repo: RepoRecord, run: RunRecord): string {
  return `${repoUrl(world, repo)}/actions/runs/${run.id}`;
}

export async function runJson(world: World, repo: RepoRecord, run: RunRecord): Promise<Json> {
  const url = runUrl(world, repo, run);
  const commit = await repo.git.mustCommit(run.headSha);
  const person = (one: { readonly name: string; readonly email: string }): Json => ({
    name: one.name,
    email: one.email,
  });
  return {
    id: run.id,
    name: run.workflowName,
    node_id: nodeId('WFR', run.id),
    head_branch: run.headBranch,
    head_sha: run.headSha,
    path: run.path,
    display_title: commit.message.split('\n')[0] ?? '',
    run_number: run.number,
    event: run.event,
    status: run.status,
    conclusion: run.conclusion,
    workflow_id: run.workflowId,
    check_suite_id: run.id,
    check_suite_node_id: nodeId('CS', run.id),
    url,
    html_url: `${htmlUrl(world, repo)}/actions/runs/${run.id}`,
    pull_requests: pullsWithHead(world, repo, run.headSha),
    created_at: iso(run.createdAtMs),
    updated_at: iso(run.updatedAtMs),
    actor: accountJson(world, run.actor),
    run_attempt: run.attempt,
    referenced_workflows: run.referenced.map((one) => ({ ...one })),
    run_started_at: iso(run.createdAtMs),
    triggering_actor: accountJson(world, run.triggeringActor),
    jobs_url: `${url}/jobs`,
    logs_url: `${url}/logs`,
    check_suite_url: `${repoUrl(world, repo)}/check-suites/${run.id}`,
    artifacts_url: `${url}/artifacts`,
    cancel_url: `${url}/cancel`,
    rerun_url: `${url}/rerun`,
    previous_attempt_url: run.attempt > 1 ? `${url}/attempts/${run.attempt - 1}` : null,
    workflow_url: `${repoUrl(world, repo)}/actions/workflows/${run.workflowId}`,
    head_commit: {
      id: commit.sha,
      tree_id: commit.tree,
      message: commit.message,
      timestamp: iso(commit.committer.atMs),
      author: person(commit.author),
      committer: person(commit.committer),
    },
    repository: repoJson(world, repo),
    head_repository: repoJson(world, run.headRepo),
  };
}

export function artifactJson(
  world: World,
  { repo, run }: { readonly repo: RepoRecord; readonly run: RunRecord },
  artifact: ArtifactRecord,
): Json {
  const url = `${repoUrl(world, repo)}/actions/artifacts/${artifact.id}`;
  return {
    id: artifact.id,
    node_id: nodeId('MDg6QXJ0aWZhY3Q', artifact.id),
    name: artifact.name,
    size_in_bytes: artifact.zip.length,
    url,
    archive_download_url: `${url}/zip`,
    expired: artifact.expiresAtMs <= world.now(),
    digest: `sha256:${createHash('sha256').update(artifact.zip).digest('hex')}`,
    created_at: iso(artifact.createdAtMs),
    updated_at: iso(artifact.createdAtMs),
    expires_at: iso(artifact.expiresAtMs),
    workflow_run: {
      id: run.id,
      repository_id: repo.id,
      head_repository_id: run.headRepo.id,
      head_branch: run.headBranch ?? '',
      head_sha: run.headSha,
    },
  };
}

export function workflowJson(world: World, repo: RepoRecord, run: RunRecord): Json {
  const url = `${repoUrl(world, repo)}/actions/workflows/${run.workflowId}`;
  const file = run.path.split('/').at(-1) ?? run.path;
  return {
    id: run.workflowId,
    node_id: nodeId('W', run.workflowId),
    name: run.workflowName,
    path: run.path,
    state: 'active',
    created_at: iso(repo.createdAtMs),
    updated_at: iso(repo.createdAtMs),
    url,
    html_url: `${htmlUrl(world, repo)}/blob/${repo.defaultBranch}/${run.path}`,
    badge_url: `${htmlUrl(world, repo)}/actions/workflows/${file}/badge.svg`,
  };
}

/** Where a job stands. */
export interface JobPlace {
  readonly repo: RepoRecord;
  readonly run: RunRecord;
}

export function jobJson(world: World, { repo, run }: JobPlace, job: JobRecord): Json {
  const url = `${repoUrl(world, repo)}/actions/jobs/${job.id}`;
  const started = job.status === 'in_progress' || job.status === 'completed';
  return {
    id: job.id,
    run_id: run.id,
    workflow_name: run.workflowName,
    head_branch: run.headBranch,
    run_url: runUrl(world, repo, run),
    run_attempt: job.attempt,
    node_id: nodeId('CR', job.id),
    head_sha: run.headSha,
    url,
    html_url: `${htmlUrl(world, repo)}/actions/runs/${run.id}/job/${job.id}`,
    status: job.status,
    conclusion: job.conclusion,
    created_at: iso(job.createdAtMs),
    started_at: iso(job.startedAtMs),
    completed_at: isoOrNull(job.completedAtMs),
    name: job.name,
    steps: [],
    check_run_url: `${repoUrl(world, repo)}/check-runs/${job.id}`,
    labels: ['ubuntu-latest'],
    runner_id: started ? 1 : null,
    runner_name: started ? 'GitHub Actions 1' : null,
    runner_group_id: started ? 0 : null,
    runner_group_name: started ? 'GitHub Actions' : null,
  };
}

export function environmentSimple(world: World, repo: RepoRecord, one: Environment): Json {
  const name = encodeURIComponent(one.name);
  return {
    id: one.id,
    node_id: nodeId('EN', one.id),
    name: one.name,
    url: `${repoUrl(world, repo)}/environments/${name}`,
    html_url: `${htmlUrl(world, repo)}/deployments/activity_log?environments_filter=${name}`,
    created_at: iso(one.createdAtMs),
    updated_at: iso(one.createdAtMs),
  };
}

export function creatorStatusJson(world: World, repo: RepoRecord, one: CommitStatus): Json {
  return { ...statusJson(world, repo, one), creator: accountOrNull(world, one.creator) };
}
