/** Check runs and commit statuses. */
import {
  actingApp,
  actor,
  commitOf,
  found,
  HttpError,
  isRecord,
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
  checkRunJson,
  creatorStatusJson,
  jobCheckJson,
  type RunJob,
  statusJson,
} from '../shapes-deploy.ts';
import { repoJson, repoUrl } from '../shapes.ts';
import type { AppRecord, CheckRun, CommitStatus, Json, RepoRecord } from '../state.ts';

const write: Need = [['checks', 'write']];

const statuses = new Set(['queued', 'in_progress', 'completed', 'waiting', 'requested', 'pending']);
const conclusions = new Set([
  'action_required',
  'cancelled',
  'failure',
  'neutral',
  'success',
  'skipped',
  'stale',
  'timed_out',
]);

function invalid(message: string): HttpError {
  return new HttpError(422, `Invalid request.\n\n${message}`);
}

const outputLimit = 65_535;
const annotationsLimit = 50;

function textIn(value: Json, name: string): string | null {
  const found = value[name];
  return typeof found === 'string' ? found : null;
}

function annotationsIn(output: Json): Json[] {
  const given: unknown = output['annotations'] ?? [];
  if (!Array.isArray(given)) throw invalid('annotations is not an array.');
  if (given.length > annotationsLimit) {
    throw invalid(`No subschema in "anyOf" matched: more than ${annotationsLimit} annotations.`);
  }
  return given.filter(isRecord).map((one) => {
    const { path, start_line: start, end_line: end, annotation_level: level, message } = one;
    const whole = typeof start === 'number' && typeof end === 'number' && start <= end;
    if (typeof path !== 'string' || typeof message !== 'string' || !whole) {
      throw invalid('An annotation lacks path, start_line, end_line or message.');
    }
    if (!['notice', 'warning', 'failure'].includes(String(level))) {
      throw invalid(`${String(level)} is not an annotation_level.`);
    }
    if (Buffer.byteLength(message) > 65_536) throw invalid('message is too long.');
    if ((textIn(one, 'title') ?? '').length > 255) throw invalid('title is too long.');
    return one;
  });
}

/** Lays the fields of a request over a check run; annotations are added to what is there. */
function apply(call: Call, run: CheckRun): void {
  const { body, world } = call;
  const status = textOr(call, 'status', null);
  const conclusion = textOr(call, 'conclusion', null);
  if (status !== null && !statuses.has(status)) throw invalid(`${status} is not a status.`);
  if (conclusion !== null && !conclusions.has(conclusion)) {
    throw invalid(`${conclusion} is not a conclusion.`);
  }
  if (status === 'completed' && conclusion === null && run.conclusion === null) {
    throw invalid('conclusion is required when status is completed.');
  }
  const output = body['output'];
  if (isRecord(output)) {
    const summary = textIn(output, 'summary');
    const title = textIn(output, 'title');
    const long = textIn(output, 'text');
    if (summary === null) throw invalid('output.summary is missing.');
    for (const [name, value] of Object.entries({ summary, text: long })) {
      if ((value ?? '').length > outputLimit) {
        throw invalid(`output.${name} exceeds a maximum length of ${outputLimit}.`);
      }
    }
    run.annotations.push(...annotationsIn(output));
    run.output = { title: title ?? run.output.title, summary, text: long };
  }
  const actions = body['actions'];
  if (Array.isArray(actions)) run.actions = actions.filter(isRecord);
  run.name = textOr(call, 'name', run.name);
  run.externalId = textOr(call, 'external_id', run.externalId);
  run.detailsUrl = textOr(call, 'details_url', run.detailsUrl);
  if (status !== null) run.status = status;
  if (conclusion !== null) {
    run.conclusion = conclusion;
    run.status = 'completed';
  }
  if (status !== null && status !== 'completed' && conclusion === null) {
    run.conclusion = null;
    run.completedAtMs = null;
  }
  const given = textOr(call, 'completed_at', null);
  if (run.status === 'completed') {
    run.completedAtMs = given === null ? (run.completedAtMs ?? world.now()) : Date.parse(given);
  }
}

function suiteOf(call: Call, repo: RepoRecord, app: AppRecord, sha: string): number {
  const known = repo.checkRuns.find((run) => run.app === app && run.headSha === sha);
  return known?.suiteId ?? call.world.nextId('suite');
}

async function createCheck(call: Call): Promise<Reply> {
  const repo = repoOf(call, write);
  const app = actingApp(call);
  if (app === null) throw new HttpError(403, 'You must authenticate via a GitHub App.');
  const headSha = text(call, 'head_sha');
  if ((await repo.git.commit(headSha)) === null) {
    throw new HttpError(422, `No commit found for SHA: ${headSha}`);
  }
  const started = textOr(call, 'started_at', null);
  const run: CheckRun = {
    id: call.world.nextId('check'),
    suiteId: suiteOf(call, repo, app, headSha),
    app,
    headSha,
    name: text(call, 'name'),
    externalId: '',
    detailsUrl: null,
    status: 'queued',
    conclusion: null,
    startedAtMs: started === null ? call.world.now() : Date.parse(started),
    completedAtMs: null,
    output: { title: null, summary: null, text: null },
    annotations: [],
    actions: [],
  };
  apply(call, run);
  repo.checkRuns.push(run);
  return ok(checkRunJson(call.world, repo, run), 201);
}

function updateCheck(call: Call): Reply {
  const repo = repoOf(call, write);
  const id = number(call, 'check_run_id');
  const run = found(repo.checkRuns.find((one) => one.id === id));
  if (run.app !== actingApp(call)) {
    throw new HttpError(
      403,
      'Invalid app_id `…` - check run can only be modified by the GitHub App that created it.',
    );
  }
  apply(call, run);
  return ok(checkRunJson(call.world, repo, run));
}

async function listChecks(call: Call): Promise<Reply> {
  const repo = repoOf(call, [['checks', 'read']]);
  const sha = await commitOf(call, repo, param(call, 'ref'));
  const name = call.query.get('check_name');
  const status = call.query.get('status');
  const app = call.query.get('app_id');
  const fit = repo.checkRuns.filter(
    (run) =>
      run.headSha === sha &&
      (name === null || run.name === name) &&
      (status === null || run.status === status) &&
      (app === null || String(run.app.id) === app),
  );
  const isAsked = name === null && status === null && app === null;
  // `latest`, the default, gives the newest run of each name and app.
  const newest = new Map(fit.map((run) => [`${run.app.id} ${run.name}`, run]));
  const items = call.query.get('filter') === 'all' ? fit : [...newest.values()];
  return paged(call, {
    items: [...items.toReversed(), ...(isAsked ? jobsOn(repo, sha) : [])],
    render: (run) =>
      'run' in run ? jobCheckJson(call.world, repo, run) : checkRunJson(call.world, repo, run),
    wrap: (runs, total) => ({ total_count: total, check_runs: runs }),
  });
}

/** Every job of a workflow is a check run of the app `github-actions`. */
function jobsOn(repo: RepoRecord, sha: string): readonly RunJob[] {
  const runs = repo.runs.filter((run) => run.headSha === sha);
  return runs.flatMap((run) => run.jobs.map((job) => ({ run, job })));
}

const worst = ['error', 'failure', 'pending', 'success'] as const;

async function combinedStatus(call: Call): Promise<Reply> {
  const repo = repoOf(call, [['statuses', 'read']]);
  const sha = await commitOf(call, repo, param(call, 'ref'));
  const mine = repo.statuses.filter((one) => one.sha === sha);
  const latest = [...new Map(mine.map((one) => [one.context, one])).values()];
  const found = worst.find((state) => latest.some((one) => one.state === state)) ?? 'pending';
  const url = `${repoUrl(call.world, repo)}/commits/${sha}`;
  return paged(call, {
    items: latest,
    render: (one) => statusJson(call.world, repo, one),
    wrap: (list, total) => ({
      state: found === 'error' ? 'failure' : found,
      statuses: list,
      sha,
      total_count: total,
      repository: repoJson(call.world, repo),
      commit_url: url,
      url: `${url}/status`,
    }),
  });
}

function createStatus(call: Call): Reply {
  const repo = repoOf(call, [['statuses', 'write']]);
  const state = text(call, 'state');
  if (!worst.some((one) => one === state)) throw invalid(`${state} is not a state.`);
  const description = textOr(call, 'description', null);
  if ((description ?? '').length > 140) throw invalid('description is too long.');
  const sha = param(call, 'sha');
  const context = textOr(call, 'context', 'default');
  const same = repo.statuses.filter((one) => one.sha === sha && one.context === context);
  if (same.length >= 1000) throw invalid('This SHA and context has reached 1000 statuses.');
  const one: CommitStatus = {
    id: call.world.nextId('status'),
    sha,
    state,
    context,
    description,
    targetUrl: textOr(call, 'target_url', null),
    creator: actor(call),
    createdAtMs: call.world.now(),
  };
  repo.statuses.push(one);
  return ok(creatorStatusJson(call.world, repo, one), 201);
}

const root = '/repos/{owner}/{repo}';

export const checkRoutes: readonly Route[] = [
  {
    method: 'POST',
    path: `${root}/check-runs`,
    operationId: 'checks/create',
    need: write,
    handle: createCheck,
  },
  {
    method: 'PATCH',
    path: `${root}/check-runs/{check_run_id}`,
    operationId: 'checks/update',
    need: write,
    handle: updateCheck,
  },
  {
    method: 'GET',
    path: `${root}/commits/{ref}/check-runs`,
    operationId: 'checks/list-for-ref',
    need: [['checks', 'read']],
    handle: listChecks,
  },
  {
    method: 'GET',
    path: `${root}/commits/{ref}/status`,
    operationId: 'repos/get-combined-status-for-ref',
    need: [['statuses', 'read']],
    handle: combinedStatus,
  },
  {
    method: 'POST',
    path: `${root}/statuses/{sha}`,
    operationId: 'repos/create-commit-status',
    need: [['statuses', 'write']],
    handle: createStatus,
  },
];
