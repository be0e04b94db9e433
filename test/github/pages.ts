/** Pages that a person can click: what is there, a pull request, a run. */
import { GitHubRefusal, submitReview } from './acts-code.ts';
import { mergePull, type MergeMethod } from './acts-merge.ts';
import { bypassGates, rerun, startRun } from './acts-run.ts';
import type { Reply } from './http.ts';
import { html, layout, notice } from './page-parts.ts';
import { signIn } from './sign-in.ts';
import { homePage, pullPage, runPage } from './page-views.ts';
import type { Account, PullRecord, RepoRecord, RunRecord } from './state.ts';
import { fullName } from './state.ts';
import type { World } from './world.ts';

export interface PageRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly raw: string;
  readonly accept: string;
}

interface Click {
  readonly world: World;
  readonly repo: RepoRecord;
  readonly form: URLSearchParams;
  readonly by: Account;
}

type Act = (click: Click, subject: string) => Promise<string | null>;

function pullOf({ repo }: Click, number: string): PullRecord {
  const pull = repo.pulls.get(Number(number));
  if (pull === undefined) throw new GitHubRefusal(404, `there is no pull request ${number}`);
  return pull;
}

function runOf({ repo }: Click, id: string): RunRecord {
  const run = repo.runs.find((one) => one.id === Number(id));
  if (run === undefined) throw new GitHubRefusal(404, `there is no run ${id}`);
  return run;
}

const states = ['APPROVED', 'CHANGES_REQUESTED', 'COMMENTED'] as const;

const review: Act = async (click, subject) => {
  const { world, repo, form, by } = click;
  const pull = pullOf(click, subject);
  const state = states.find((one) => one === form.get('state')) ?? 'COMMENTED';
  const body = form.get('body') ?? '';
  const at = { repo, pull, by, state, body, commit: null, viaEmail: false };
  await submitReview(world, at);
  return null;
};

const merge: Act = async (click, subject) => {
  const { world, repo, form, by } = click;
  const asked = form.get('method');
  const methods: readonly MergeMethod[] = ['squash', 'merge', 'rebase'];
  const method = methods.find((one) => one === asked) ?? 'squash';
  const pull = pullOf(click, subject);
  await mergePull(world, { repo, pull, by, method, deleteBranch: false });
  return null;
};

const deploy: Act = async (click) => {
  const { world, repo, form, by } = click;
  const sha = form.get('sha') ?? repo.branches.get(repo.defaultBranch) ?? '';
  const run = await startRun(world, {
    repo,
    sha,
    branch: repo.defaultBranch,
    environment: form.get('environment') ?? 'production',
    event: 'workflow_dispatch',
    actor: by,
    path: '.github/workflows/deploy.yml',
    name: 'Deploy',
    autoComplete: true,
    deploymentSha: null,
    deployment: true,
  });
  return `/${fullName(repo)}/actions/runs/${run.id}`;
};

const again: Act = async (click, subject) => {
  const run = runOf(click, subject);
  await rerun(click.world, { repo: click.repo, run }, click.by);
  return null;
};

const bypass: Act = async (click, subject) => {
  const run = runOf(click, subject);
  await bypassGates(click.world, { repo: click.repo, run }, click.by);
  return null;
};

const acts: Readonly<Record<string, Act>> = {
  'pull/review': review,
  'pull/merge': merge,
  'pull/deploy': deploy,
  'actions/runs/rerun': again,
  'actions/runs/bypass': bypass,
};

const pattern = /^\/([^/]+)\/([^/]+)\/(pull|actions\/runs)\/(\d+)(?:\/([a-z]+))?$/;

function failed(error: unknown): Reply {
  const known = error instanceof GitHubRefusal ? error : null;
  const message = known?.message ?? String(error);
  const body = notice(`GitHub refused: ${message}`, 'bad');
  return { ...html(layout('Refused', body)), status: known?.status ?? 500 };
}

async function click(world: World, request: PageRequest, parts: RegExpExecArray): Promise<Reply> {
  const [, owner = '', name = '', kind = '', subject = '', verb = ''] = parts;
  const repo = world.repo(`${owner}/${name}`);
  const act = acts[`${kind}/${verb}`];
  if (repo === null || act === undefined) return html(layout('Not found', ''), 404);
  const form = new URLSearchParams(request.raw);
  try {
    const by = world.account(form.get('by') ?? '');
    const to = await act({ world, repo, form, by }, subject);
    const location = to ?? `/${fullName(repo)}/${kind}/${subject}`;
    return { status: 303, headers: { location }, text: '', type: 'text/html; charset=utf-8' };
  } catch (error) {
    return failed(error);
  }
}

/** The page of a path, or null when the path is not one of a page. */
export async function page(world: World, request: PageRequest): Promise<Reply | null> {
  const { method, path } = request;
  if (path === '/' && method === 'GET') return html(homePage(world));
  if (path.startsWith('/login/oauth/')) return signIn(world, request);
  let decoded: string;
  try {
    decoded = decodeURIComponent(path);
  } catch {
    return null;
  }
  const parts = pattern.exec(decoded);
  if (parts === null) return null;
  if (method === 'POST') return click(world, request, parts);
  const [, owner = '', name = '', kind = '', subject = ''] = parts;
  const repo = world.repo(`${owner}/${name}`);
  const view = kind === 'pull' ? pullPage : runPage;
  const body = repo === null ? null : await view(world, repo, Number(subject));
  return body === null ? html(layout('Not found', ''), 404) : html(body);
}
