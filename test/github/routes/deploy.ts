/** Deployments, environments, workflow runs and the callback of a protection rule. */
import { addStatus, emitDeployment, newDeployment } from '../acts-deploy.ts';
import { reviewGate } from '../acts-run.ts';
import { environmentOf } from '../environments.ts';
import {
  actingApp,
  actor,
  commitOf,
  found,
  HttpError,
  notFound,
  number,
  ok,
  paged,
  param,
  repoOf,
  text,
  textOr,
  type Call,
  type Need,
  type Reply,
  type Route,
} from '../http.ts';
import {
  artifactJson,
  deploymentJson,
  deploymentStatusJson,
  environmentSimple,
  jobJson,
  runJson,
} from '../shapes-deploy.ts';
import { signedAddress } from '../storage.ts';
import { accountJson, environmentJson, ruleAppJson } from '../shapes.ts';
import type { Deployment, Environment, Json, RepoRecord, RunRecord } from '../state.ts';

const deployments: Need = [['deployments', 'read']];
const deploymentsWrite: Need = [['deployments', 'write']];
const actions: Need = [['actions', 'read']];

function deploymentOf(call: Call, repo: RepoRecord): Deployment {
  const id = number(call, 'deployment_id');
  return found(repo.deployments.find((one) => one.id === id));
}

function runOf(call: Call, need: Need = actions): { repo: RepoRecord; run: RunRecord } {
  const repo = repoOf(call, need);
  const id = number(call, 'run_id');
  return { repo, run: found(repo.runs.find((one) => one.id === id)) };
}

function environmentIn(call: Call, repo: RepoRecord): Environment {
  return found(repo.environments.get(param(call, 'environment_name').toLowerCase()));
}

function listDeployments(call: Call): Promise<Reply> {
  const repo = repoOf(call, deployments);
  const fits = (name: string, value: string): boolean => {
    const asked = call.query.get(name);
    return asked === null || asked === 'none' || asked.toLowerCase() === value.toLowerCase();
  };
  const items = repo.deployments.filter(
    (one) =>
      fits('sha', one.sha) &&
      fits('ref', one.ref) &&
      fits('task', one.task) &&
      fits('environment', one.environment),
  );
  return paged(call, { items, render: (one) => deploymentJson(call.world, repo, one) });
}

async function createDeployment(call: Call): Promise<Reply> {
  const repo = repoOf(call, deploymentsWrite);
  const ref = text(call, 'ref');
  const environment = environmentOf(call.world, repo, textOr(call, 'environment', 'production'));
  const { production_environment: production, transient_environment: transient } = call.body;
  const made = newDeployment(call.world, repo, {
    sha: await commitOf(call, repo, ref),
    ref,
    environment: environment.name,
    creator: actor(call),
    run: null,
    task: textOr(call, 'task', 'deploy'),
    payload: call.body['payload'] ?? {},
    description: textOr(call, 'description', null),
    viaApp: actingApp(call),
    ...(typeof production === 'boolean' ? { production } : {}),
    ...(typeof transient === 'boolean' ? { transient } : {}),
  });
  await emitDeployment(call.world, { repo, run: null }, made);
  return ok(deploymentJson(call.world, repo, made), 201);
}

const states = new Set([
  'error',
  'failure',
  'inactive',
  'in_progress',
  'queued',
  'pending',
  'success',
]);

async function createStatus(call: Call): Promise<Reply> {
  const repo = repoOf(call, deploymentsWrite);
  const deployment = deploymentOf(call, repo);
  const state = text(call, 'state');
  if (!states.has(state)) throw new HttpError(422, `${state} is not a state`);
  const description = textOr(call, 'description', '');
  if (description.length > 140) throw new HttpError(422, 'description is too long');
  const place = { repo, run: deployment.run };
  await addStatus(call.world, place, deployment, { state, by: actor(call), description });
  const newest = found(deployment.statuses[0]);
  return ok(deploymentStatusJson(call.world, { repo, deployment }, newest), 201);
}

function listStatuses(call: Call): Promise<Reply> {
  const repo = repoOf(call, deployments);
  const deployment = deploymentOf(call, repo);
  return paged(call, {
    items: deployment.statuses,
    render: (one) => deploymentStatusJson(call.world, { repo, deployment }, one),
  });
}

function listEnvironments(call: Call): Promise<Reply> {
  const repo = repoOf(call, actions);
  return paged(call, {
    items: [...repo.environments.values()],
    render: (one) => environmentJson(call.world, repo, one),
    wrap: (environments, total) => ({ total_count: total, environments }),
  });
}

function listRules(call: Call): Reply {
  const repo = repoOf(call, actions);
  const { rules } = environmentIn(call, repo);
  const list = rules.map((rule) => ({
    id: rule.id,
    node_id: `GA_${rule.id}`,
    enabled: true,
    app: ruleAppJson(call.world, rule.app),
  }));
  return ok({ total_count: list.length, custom_deployment_protection_rules: list });
}

function listRuleApps(call: Call): Promise<Reply> {
  const repo = repoOf(call, actions);
  environmentIn(call, repo);
  const items = call.world.apps.filter((app) => call.world.installed(app, repo) !== null);
  const wrap = (list: readonly Json[], total: number): Json => ({
    total_count: total,
    available_custom_deployment_protection_rule_integrations: list,
  });
  return paged(call, { items, render: (app) => ruleAppJson(call.world, app), wrap });
}

function listRuns(call: Call): Promise<Reply> {
  const repo = repoOf(call, actions);
  const { query } = call;
  const status = query.get('status');
  const fits = (name: string, value: string | null): boolean =>
    query.get(name) === null || query.get(name) === value;
  const items = repo.runs.filter(
    (run) =>
      (status === null || run.status === status || run.conclusion === status) &&
      fits('branch', run.headBranch) &&
      fits('event', run.event) &&
      fits('head_sha', run.headSha) &&
      fits('actor', run.actor.login),
  );
  return paged(call, {
    items,
    render: (run) => runJson(call.world, repo, run),
    wrap: (list, total) => ({ total_count: total, workflow_runs: list }),
  });
}

function listJobs(call: Call): Promise<Reply> {
  const { repo, run } = runOf(call);
  const all = call.query.get('filter') === 'all';
  const items = run.jobs.filter((job) => all || job.attempt === run.attempt);
  return paged(call, {
    items,
    render: (job) => jobJson(call.world, { repo, run }, job),
    wrap: (jobs, total) => ({ total_count: total, jobs }),
  });
}

function listArtifacts(call: Call): Promise<Reply> {
  const { repo, run } = runOf(call);
  const name = call.query.get('name');
  return paged(call, {
    items: run.artifacts.filter((one) => name === null || one.name === name).toReversed(),
    render: (one) => artifactJson(call.world, { repo, run }, one),
    wrap: (artifacts, total) => ({ total_count: total, artifacts }),
  });
}

function downloadArtifact(call: Call): Reply {
  const repo = repoOf(call, actions);
  const id = number(call, 'artifact_id');
  if (param(call, 'archive_format') !== 'zip') throw notFound();
  const artifact = found(repo.runs.flatMap((one) => one.artifacts).find((one) => one.id === id));
  if (artifact.expiresAtMs <= call.world.now()) throw new HttpError(410, 'Artifact has expired');
  return { status: 302, headers: { location: signedAddress(call.world, artifact) } };
}

function listApprovals(call: Call): Reply {
  const { repo, run } = runOf(call);
  return ok(
    run.approvals.map((one) => ({
      state: one.state,
      comment: one.comment,
      user: accountJson(call.world, one.user),
      environments: [environmentSimple(call.world, repo, one.environment)],
    })),
  );
}

function listPending(call: Call): Reply {
  const { repo, run } = runOf(call);
  const waiting = run.jobs.filter((job) => job.status === 'waiting');
  const names = new Set(waiting.map((job) => job.environment ?? ''));
  return ok(
    [...names].map((name) => ({
      environment: environmentSimple(call.world, repo, environmentOf(call.world, repo, name)),
      wait_timer: 0,
      wait_timer_started_at: null,
      current_user_can_approve: false,
      reviewers: [],
    })),
  );
}

async function callback(call: Call): Promise<Reply> {
  const at = runOf(call, deploymentsWrite);
  const app = actingApp(call);
  if (app === null) throw new HttpError(403, 'Only GitHub Apps can review their own gates');
  const environment = text(call, 'environment_name');
  const state = textOr(call, 'state', null);
  const comment = textOr(call, 'comment', '');
  if (state !== null && state !== 'approved' && state !== 'rejected') {
    throw new HttpError(422, `${state} is not approved or rejected`);
  }
  if (state === null && comment === '') throw new HttpError(422, 'comment or state is missing');
  await reviewGate(call.world, at, { app, environment, state, comment });
  return { status: 204 };
}

interface Verb {
  readonly method?: string;
  readonly path: string;
  readonly id: string;
  readonly need: Need;
  readonly handle: Route['handle'];
}

function route({ method, path, id, need, handle }: Verb): Route {
  const whole = `/repos/{owner}/{repo}${path}`;
  return { method: method ?? 'GET', path: whole, operationId: id, need, handle };
}

const deployment = '/deployments/{deployment_id}';
const environment = '/environments/{environment_name}';
const run = '/actions/runs/{run_id}';
const need = actions;

const verbs: readonly Verb[] = [
  {
    path: '/deployments',
    id: 'repos/list-deployments',
    need: deployments,
    handle: listDeployments,
  },
  {
    method: 'POST',
    path: '/deployments',
    id: 'repos/create-deployment',
    need: deploymentsWrite,
    handle: createDeployment,
  },
  {
    path: deployment,
    id: 'repos/get-deployment',
    need: deployments,
    handle: (call) => {
      const repo = repoOf(call, deployments);
      return ok(deploymentJson(call.world, repo, deploymentOf(call, repo)));
    },
  },
  {
    path: `${deployment}/statuses`,
    id: 'repos/list-deployment-statuses',
    need: deployments,
    handle: listStatuses,
  },
  {
    method: 'POST',
    path: `${deployment}/statuses`,
    id: 'repos/create-deployment-status',
    need: deploymentsWrite,
    handle: createStatus,
  },
  { path: '/environments', id: 'repos/get-all-environments', need, handle: listEnvironments },
  {
    path: environment,
    id: 'repos/get-environment',
    need,
    handle: (call) => {
      const repo = repoOf(call, actions);
      return ok(environmentJson(call.world, repo, environmentIn(call, repo)));
    },
  },
  {
    path: `${environment}/deployment_protection_rules`,
    id: 'repos/get-all-deployment-protection-rules',
    need,
    handle: listRules,
  },
  {
    path: `${environment}/deployment_protection_rules/apps`,
    id: 'repos/list-custom-deployment-rule-integrations',
    need,
    handle: listRuleApps,
  },
  { path: '/actions/runs', id: 'actions/list-workflow-runs-for-repo', need, handle: listRuns },
  {
    path: run,
    id: 'actions/get-workflow-run',
    need,
    handle: async (call) => {
      const at = runOf(call);
      return ok(await runJson(call.world, at.repo, at.run));
    },
  },
  { path: `${run}/jobs`, id: 'actions/list-jobs-for-workflow-run', need, handle: listJobs },
  { path: `${run}/approvals`, id: 'actions/get-reviews-for-run', need, handle: listApprovals },
  {
    path: `${run}/pending_deployments`,
    id: 'actions/get-pending-deployments-for-run',
    need,
    handle: listPending,
  },
  {
    path: `${run}/artifacts`,
    id: 'actions/list-workflow-run-artifacts',
    need,
    handle: listArtifacts,
  },
  {
    path: '/actions/artifacts/{artifact_id}/{archive_format}',
    id: 'actions/download-artifact',
    need,
    handle: downloadArtifact,
  },
  {
    method: 'POST',
    path: `${run}/deployment_protection_rule`,
    id: 'actions/review-custom-gates-for-run',
    need: deploymentsWrite,
    handle: callback,
  },
];

export const deployRoutes: readonly Route[] = verbs.map(route);
