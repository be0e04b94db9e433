/** Pull requests, their files, commits and reviews. */
import { emitPull } from '../acts-code.ts';
import {
  actor,
  found,
  HttpError,
  number,
  ok,
  paged,
  param,
  repoOf,
  type Call,
  type Need,
  type Reply,
  type Route,
} from '../http.ts';
import { commitJson, fileJson, fullPullJson, pullJson, reviewJson } from '../shapes-code.ts';
import { accountJson, teamJson } from '../shapes.ts';
import type { Json, PullRecord, RepoRecord } from '../state.ts';
import type { World } from '../world.ts';

const read: Need = [['pull_requests', 'read']];

interface Place {
  readonly repo: RepoRecord;
  readonly pull: PullRecord;
}

function place(call: Call, need: Need = read): Place {
  const repo = repoOf(call, need);
  return { repo, pull: found(repo.pulls.get(number(call, 'pull_number'))) };
}

function listPulls(call: Call): Promise<Reply> {
  const repo = repoOf(call, read);
  const state = call.query.get('state') ?? 'open';
  const head = call.query.get('head')?.toLowerCase();
  const base = call.query.get('base');
  const items = [...repo.pulls.values()].filter(
    (pull) =>
      (state === 'all' || pull.issue.state === state) &&
      (base === null || pull.baseRef === base) &&
      (head === undefined || `${pull.headLabelOwner}:${pull.headRef}`.toLowerCase() === head),
  );
  const updated = call.query.get('sort') === 'updated';
  const key = (pull: PullRecord): number => (updated ? pull.issue.updatedAtMs : pull.number);
  const up = (call.query.get('direction') ?? (updated ? 'desc' : 'desc')) === 'asc';
  items.sort((a, b) => (up ? key(a) - key(b) : key(b) - key(a)));
  return paged(call, { items, render: (pull) => pullJson(call.world, repo, pull) });
}

/** Pull request files end at 3,000, commits at 250. */
const filesLimit = 3000;
const commitsLimit = 250;

async function listFiles(call: Call): Promise<Reply> {
  const { repo, pull } = place(call);
  const base = (await repo.git.mergeBase(pull.baseSha, pull.headSha)) ?? pull.baseSha;
  const files = await repo.git.diff(base, pull.headSha);
  return paged(call, {
    items: files.slice(0, filesLimit),
    render: (file) => fileJson(call.world, repo, pull.headSha, file),
  });
}

async function listCommits(call: Call): Promise<Reply> {
  const { repo, pull } = place(call);
  const commits = await call.world.pullCommits(repo, pull);
  return paged(call, {
    items: commits.slice(0, commitsLimit),
    render: (one) => commitJson(call.world, repo, one),
  });
}

function listReviews(call: Call): Promise<Reply> {
  const { repo, pull } = place(call);
  return paged(call, {
    items: pull.reviews,
    render: (one) => reviewJson(call.world, repo, pull, one),
  });
}

/** Pull requests that brought a commit to the default branch, else open ones that hold it. */
export async function pullsOf(world: World, repo: RepoRecord, sha: string): Promise<PullRecord[]> {
  const merged = [...(repo.mergedWith.get(sha) ?? [])].map((one) => repo.pulls.get(one));
  const known = merged.filter((pull) => pull !== undefined);
  if (known.length > 0) return known;
  const holds = await Promise.all(
    [...repo.pulls.values()].map(async (pull) => {
      const commits = await world.pullCommits(repo, pull);
      return commits.some((one) => one.sha === sha) ? [pull] : [];
    }),
  );
  return holds.flat();
}

async function pullsOfCommit(call: Call): Promise<Reply> {
  const repo = repoOf(call, [
    ['pull_requests', 'read'],
    ['contents', 'read'],
  ]);
  const sha = found(await call.world.resolve(repo, param(call, 'commit_sha')));
  const fault = call.world.lagging.has(sha);
  const items = fault ? [] : await pullsOf(call.world, repo, sha);
  return paged(call, { items, render: (pull) => pullJson(call.world, repo, pull) });
}

function requested(call: Call, { repo, pull }: Place): Json {
  const org = call.world.orgs.get(repo.owner.login.toLowerCase());
  const teams =
    org === undefined ? [] : pull.requestedTeams.map((t) => teamJson(call.world, org, t));
  return { users: pull.requestedReviewers.map((one) => accountJson(call.world, one)), teams };
}

async function requestReviewers(call: Call): Promise<Reply> {
  const { repo, pull } = place(call, [['pull_requests', 'write']]);
  const names: unknown = call.body['reviewers'];
  const sender = actor(call);
  for (const name of Array.isArray(names) ? names.map(String) : []) {
    const who = call.world.account(name);
    if (who === pull.issue.user) {
      throw new HttpError(422, 'Review cannot be requested from pull request author.');
    }
    if (!pull.requestedReviewers.includes(who)) pull.requestedReviewers.push(who);
    const extra = { requested_reviewer: accountJson(call.world, who) };
    await emitPull(call.world, { repo, pull, sender }, 'review_requested', extra);
  }
  const slugs: unknown = call.body['team_reviewers'];
  const org = call.world.orgs.get(repo.owner.login.toLowerCase());
  for (const slug of Array.isArray(slugs) ? slugs.map(String) : []) {
    const team = org?.teams.get(slug.toLowerCase());
    if (team !== undefined) pull.requestedTeams.push(team);
  }
  return ok(await fullPullJson(call.world, repo, pull), 201);
}

function route(path: string, operationId: string, handle: Route['handle']): Route {
  return { method: 'GET', path: `/repos/{owner}/{repo}${path}`, operationId, need: read, handle };
}

const one = '/pulls/{pull_number}';

export const pullRoutes: readonly Route[] = [
  route('/pulls', 'pulls/list', listPulls),
  route(one, 'pulls/get', async (call) => {
    const { repo, pull } = place(call);
    return ok(await fullPullJson(call.world, repo, pull));
  }),
  route(`${one}/files`, 'pulls/list-files', listFiles),
  route(`${one}/commits`, 'pulls/list-commits', listCommits),
  route(`${one}/reviews`, 'pulls/list-reviews', listReviews),
  route(`${one}/requested_reviewers`, 'pulls/list-requested-reviewers', (call) =>
    ok(requested(call, place(call))),
  ),
  {
    ...route(`${one}/requested_reviewers`, 'pulls/request-reviewers', requestReviewers),
    method: 'POST',
  },
  route(
    '/commits/{commit_sha}/pulls',
    'repos/list-pull-requests-associated-with-commit',
    pullsOfCommit,
  ),
];
