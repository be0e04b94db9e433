/** Workflow runs that ask to deploy, their gates, deployments and statuses. */
import { GitHubRefusal } from './acts-code.ts';
import { addStatus, emitDeployment, newDeployment } from './acts-deploy.ts';
import { environmentOf } from './environments.ts';
import { deploymentJson, jobJson, runJson, runUrl, workflowJson } from './shapes-deploy.ts';
import { fullPullJson } from './shapes-code.ts';
import type { Account, AppRecord, JobRecord, RepoRecord, RunRecord } from './state.ts';
import { emit } from './webhooks.ts';
import type { World } from './world.ts';

export interface RunOptions {
  readonly repo: RepoRecord;
  readonly sha: string;
  readonly branch: string | null;
  readonly environment: string | null;
  readonly event: string;
  readonly actor: Account;
  readonly path: string;
  readonly name: string;
  readonly autoComplete: boolean;
  /** Sha of the deployment when it is another one than the run's. */
  readonly deploymentSha: string | null;
  readonly deployment: boolean;
  readonly referenced?: RunRecord['referenced'];
  /** The fork that a pull request's run comes from. */
  readonly headRepo?: RepoRecord;
}

export interface RunPlace {
  readonly repo: RepoRecord;
  readonly run: RunRecord;
}

async function emitRun(world: World, at: RunPlace, action: string): Promise<void> {
  const { repo, run } = at;
  const body = {
    workflow: workflowJson(world, repo, run),
    workflow_run: await runJson(world, repo, run),
  };
  emit(world, { event: 'workflow_run', action, repo, sender: run.triggeringActor, body });
}

function emitJob(world: World, at: RunPlace, job: JobRecord): void {
  const { repo, run } = at;
  const { deployment } = job;
  const shown = deployment === null ? {} : { deployment: deploymentJson(world, repo, deployment) };
  const body = { workflow_job: jobJson(world, at, job), ...shown };
  const action = job.status;
  emit(world, { event: 'workflow_job', action, repo, sender: run.triggeringActor, body });
}

export async function startRun(world: World, options: RunOptions): Promise<RunRecord> {
  const { repo, actor } = options;
  const number = repo.runs.filter((one) => one.path === options.path).length + 1;
  const run: RunRecord = {
    id: world.nextId('run'),
    number,
    workflowId: workflowId(repo, options.path),
    workflowName: options.name,
    path: options.path,
    event: options.event,
    headSha: options.sha,
    headBranch: options.branch,
    headRepo: options.headRepo ?? repo,
    actor,
    triggeringActor: actor,
    attempt: 1,
    status: 'queued',
    conclusion: null,
    createdAtMs: world.now(),
    updatedAtMs: world.now(),
    jobs: [],
    approvals: [],
    artifacts: [],
    referenced: options.referenced ?? [],
    autoComplete: options.autoComplete,
  };
  repo.runs.unshift(run);
  await emitRun(world, { repo, run }, 'requested');
  await startJob(world, options, run);
  return run;
}

function workflowId(repo: RepoRecord, path: string): number {
  const known = repo.runs.find((run) => run.path === path);
  return known?.workflowId ?? 100_000_001 + new Set(repo.runs.map((run) => run.path)).size;
}

/** A new job of the current attempt: it waits when its environment has rules that are enabled. */
async function startJob(world: World, options: RunOptions, run: RunRecord): Promise<void> {
  const { repo, environment } = options;
  const named = environment === null ? null : environmentOf(world, repo, environment);
  const deployment =
    named === null || !options.deployment
      ? null
      : newDeployment(world, repo, {
          sha: options.deploymentSha ?? options.sha,
          ref: options.branch ?? options.sha,
          environment: named.name,
          creator: run.triggeringActor,
          run,
        });
  const gates = (named?.rules ?? []).map((rule) => ({
    app: rule.app,
    state: 'waiting' as const,
    notes: [],
  }));
  const job: JobRecord = {
    id: world.nextId('job'),
    name: named === null ? 'build' : 'deploy',
    attempt: run.attempt,
    environment: named?.name ?? null,
    deployment,
    gates,
    status: gates.length > 0 ? 'waiting' : 'queued',
    conclusion: null,
    createdAtMs: world.now(),
    startedAtMs: world.now(),
    completedAtMs: null,
  };
  run.jobs.push(job);
  run.status = job.status;
  const at = { repo, run };
  if (deployment !== null) {
    await emitDeployment(world, at, deployment);
    await addStatus(world, at, deployment, job.status === 'waiting' ? 'pending' : 'queued');
  }
  emitJob(world, at, job);
  if (job.status === 'queued') return proceed(world, at, job);
  for (const gate of gates) await askGate(world, at, { job, app: gate.app });
  return undefined;
}

interface Asked {
  readonly job: JobRecord;
  readonly app: AppRecord;
}

async function askGate(world: World, at: RunPlace, { job, app }: Asked): Promise<void> {
  const { repo, run } = at;
  const open = [...repo.pulls.values()].filter(
    (pull) => pull.headSha === run.headSha && pull.headRepo === repo && pull.issue.state === 'open',
  );
  const pulls = await Promise.all(open.map((pull) => fullPullJson(world, repo, pull)));
  const body = {
    environment: job.environment,
    event: run.event,
    deployment_callback_url: `${runUrl(world, repo, run)}/deployment_protection_rule`,
    ...(job.deployment === null ? {} : { deployment: deploymentJson(world, repo, job.deployment) }),
    pull_requests: pulls,
  };
  const event = 'deployment_protection_rule';
  const sender = run.triggeringActor;
  emit(world, { event, action: 'requested', repo, sender, body, onlyApp: app });
}

/** A job that nothing holds any more starts, and ends by itself when the run is told to. */
async function proceed(world: World, at: RunPlace, job: JobRecord): Promise<void> {
  job.status = 'in_progress';
  job.startedAtMs = world.now();
  at.run.status = 'in_progress';
  at.run.updatedAtMs = world.now();
  if (job.deployment !== null) await addStatus(world, at, job.deployment, 'in_progress');
  emitJob(world, at, job);
  await emitRun(world, at, 'in_progress');
  if (at.run.autoComplete) await finish(world, at, { job, conclusion: 'success' });
}

export interface Ending {
  readonly job: JobRecord;
  readonly conclusion: 'success' | 'failure' | 'cancelled';
}

export async function finish(world: World, at: RunPlace, ending: Ending): Promise<void> {
  const { job, conclusion } = ending;
  job.status = 'completed';
  job.conclusion = conclusion;
  job.completedAtMs = world.now();
  const word = conclusion === 'success' ? 'success' : 'failure';
  if (job.deployment !== null) await addStatus(world, at, job.deployment, word);
  emitJob(world, at, job);
  const current = at.run.jobs.filter((one) => one.attempt === at.run.attempt);
  if (current.some((one) => one.status !== 'completed')) return;
  at.run.status = 'completed';
  at.run.conclusion = current.every((one) => one.conclusion === 'success') ? 'success' : conclusion;
  at.run.updatedAtMs = world.now();
  await emitRun(world, at, 'completed');
}

export interface GateReview {
  readonly app: AppRecord;
  readonly environment: string;
  readonly state: 'approved' | 'rejected' | null;
  readonly comment: string;
}

/** A deployment takes ten notes of an app, each of at most 1,024 characters. */
const notesAllowed = 10;
const noteLength = 1024;

function waitingJobs(run: RunRecord, review: GateReview): JobRecord[] {
  return run.jobs.filter(
    (job) =>
      job.attempt === run.attempt &&
      job.status === 'waiting' &&
      job.environment?.toLowerCase() === review.environment.toLowerCase() &&
      job.gates.some((gate) => gate.app === review.app && gate.state === 'waiting'),
  );
}

/** The callback of a custom protection rule: all waiting jobs of that environment at once. */
export async function reviewGate(world: World, at: RunPlace, review: GateReview): Promise<void> {
  const { repo, run } = at;
  const jobs = waitingJobs(run, review);
  if (jobs.length === 0) {
    const message = `No pending custom deployment gate for ${review.environment} in this run`;
    throw new GitHubRefusal(422, message);
  }
  if (Array.from(review.comment).length > noteLength) {
    throw new GitHubRefusal(422, `comment is too long (maximum is ${noteLength} characters)`);
  }
  const environment = environmentOf(world, repo, review.environment);
  for (const job of jobs) {
    const gate = job.gates.find((one) => one.app === review.app);
    if (gate === undefined) continue;
    if (review.state === null) {
      if (gate.notes.length >= notesAllowed) {
        throw new GitHubRefusal(422, 'A deployment takes at most 10 status reports');
      }
      gate.notes.push(review.comment);
      continue;
    }
    gate.state = review.state;
    if (review.comment !== '') gate.notes.push(review.comment);
  }
  if (review.state === null) return;
  const { state, comment } = review;
  run.approvals.push({ environment, state, user: review.app.bot, comment });
  for (const job of jobs) await settleJob(world, at, job);
}

async function settleJob(world: World, at: RunPlace, job: JobRecord): Promise<void> {
  if (job.gates.some((gate) => gate.state === 'rejected')) {
    return finish(world, at, { job, conclusion: 'failure' });
  }
  if (job.gates.some((gate) => gate.state === 'waiting')) return undefined;
  return proceed(world, at, job);
}

/** "Start all waiting jobs" by an administrator: the bypass that the app can only notice. */
export async function bypassGates(world: World, at: RunPlace, by: Account): Promise<void> {
  for (const job of at.run.jobs.filter((one) => one.status === 'waiting')) {
    const environment = environmentOf(world, at.repo, job.environment ?? '');
    at.run.approvals.push({ environment, state: 'approved', user: by, comment: '' });
    await proceed(world, at, job);
  }
}

/** Runs the same commit again: attempt + 1, the original actor, a new triggering actor. */
export async function rerun(world: World, at: RunPlace, by: Account): Promise<void> {
  const { repo, run } = at;
  if (run.status !== 'completed') throw new GitHubRefusal(403, 'This workflow is already running');
  const last = run.jobs.at(-1);
  run.attempt += 1;
  run.triggeringActor = by;
  run.status = 'queued';
  run.conclusion = null;
  run.updatedAtMs = world.now();
  await emitRun(world, at, 'requested');
  const options: RunOptions = {
    repo,
    sha: run.headSha,
    branch: run.headBranch,
    environment: last?.environment ?? null,
    event: run.event,
    actor: run.actor,
    path: run.path,
    name: run.workflowName,
    autoComplete: run.autoComplete,
    deploymentSha: last?.deployment?.sha ?? null,
    deployment: last?.deployment !== null,
  };
  await startJob(world, options, run);
}
