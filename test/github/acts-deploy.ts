/** Deployments and their statuses, from workflow runs and from the API. */
import { deploymentJson, deploymentStatusJson, runJson, workflowJson } from './shapes-deploy.ts';
import type { Account, AppRecord, Deployment, Json, RepoRecord, RunRecord } from './state.ts';
import { emit } from './webhooks.ts';
import type { World } from './world.ts';

export interface NewDeployment {
  readonly sha: string;
  readonly ref: string;
  readonly environment: string;
  readonly creator: Account;
  readonly run: RunRecord | null;
  readonly task?: string;
  readonly payload?: unknown;
  readonly description?: string | null;
  readonly viaApp?: AppRecord | null;
  readonly production?: boolean;
  readonly transient?: boolean;
}

export function newDeployment(world: World, repo: RepoRecord, made: NewDeployment): Deployment {
  const deployment: Deployment = {
    id: world.nextId('deployment'),
    sha: made.sha,
    ref: made.ref,
    task: made.task ?? 'deploy',
    payload: made.payload ?? {},
    environment: made.environment,
    description: made.description ?? null,
    creator: made.creator,
    viaApp: made.viaApp ?? null,
    run: made.run,
    productionEnvironment: made.production ?? made.environment === 'production',
    transientEnvironment: made.transient ?? false,
    createdAtMs: world.now(),
    updatedAtMs: world.now(),
    statuses: [],
  };
  repo.deployments.unshift(deployment);
  return deployment;
}

export interface DeploymentPlace {
  readonly repo: RepoRecord;
  readonly run: RunRecord | null;
}

async function runPart(world: World, { repo, run }: DeploymentPlace): Promise<Json> {
  if (run === null) return { workflow: null, workflow_run: null };
  const workflow = workflowJson(world, repo, run);
  return { workflow, workflow_run: await runJson(world, repo, run) };
}

export async function emitDeployment(
  world: World,
  at: DeploymentPlace,
  deployment: Deployment,
): Promise<void> {
  const body = {
    deployment: deploymentJson(world, at.repo, deployment),
    ...(await runPart(world, at)),
  };
  const sender = deployment.creator;
  emit(world, { event: 'deployment', action: 'created', repo: at.repo, sender, body });
}

/** Adds a status; a success turns older successes of the same environment inactive. */
export async function addStatus(
  world: World,
  at: DeploymentPlace,
  deployment: Deployment,
  given: string | { readonly state: string; readonly by: Account; readonly description: string },
): Promise<void> {
  const { repo } = at;
  const state = typeof given === 'string' ? given : given.state;
  const by = typeof given === 'string' ? deployment.creator : given.by;
  const html = `${world.url}/${repo.owner.login}/${repo.name}`;
  const log = at.run === null ? `${html}/deployments` : `${html}/actions/runs/${at.run.id}`;
  const status = {
    id: world.nextId('status'),
    state,
    description: typeof given === 'string' ? '' : given.description,
    creator: by,
    environment: deployment.environment,
    logUrl: log,
    createdAtMs: world.now(),
  };
  deployment.statuses.unshift(status);
  deployment.updatedAtMs = world.now();
  if (state === 'success') retireOlder(world, repo, deployment);
  // GitHub sends no webhook for `inactive`.
  if (state === 'inactive') return;
  const body = {
    deployment_status: deploymentStatusJson(world, { repo, deployment }, status),
    deployment: deploymentJson(world, repo, deployment),
    ...(await runPart(world, at)),
  };
  emit(world, { event: 'deployment_status', action: 'created', repo, sender: by, body });
}

function retireOlder(world: World, repo: RepoRecord, winner: Deployment): void {
  const name = winner.environment.toLowerCase();
  for (const older of repo.deployments) {
    if (older === winner || older.environment.toLowerCase() !== name) continue;
    if (older.transientEnvironment || older.statuses[0]?.state !== 'success') continue;
    const [last] = older.statuses;
    if (last === undefined) continue;
    const id = world.nextId('status');
    older.statuses.unshift({ ...last, id, state: 'inactive', createdAtMs: world.now() });
  }
}
