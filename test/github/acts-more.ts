/** Rarer events: merge groups, buttons of a check run, people and installations that change. */
import { webFlow } from './acts-merge.ts';
import { checkRunJson } from './shapes-deploy.ts';
import { accountJson, fullRepoJson, installationJson, iso, nodeId, teamJson } from './shapes.ts';
import type {
  Account,
  AppRecord,
  CheckRun,
  Installation,
  Json,
  Org,
  PullRecord,
  RepoRecord,
  Team,
} from './state.ts';
import { emit } from './webhooks.ts';
import type { World } from './world.ts';

export interface MergeGroup {
  readonly headSha: string;
  readonly headRef: string;
  readonly baseSha: string;
  readonly baseRef: string;
}

function groupJson(world: World, group: MergeGroup, message: string): Json {
  const person = webFlow(world);
  const at = iso(world.now());
  const who = { name: person.name, email: person.email };
  return {
    head_sha: group.headSha,
    head_ref: group.headRef,
    base_sha: group.baseSha,
    base_ref: group.baseRef,
    head_commit: {
      id: group.headSha,
      tree_id: group.headSha,
      message,
      timestamp: at,
      author: who,
      committer: who,
    },
  };
}

/** A pull request in a merge queue, with the commit that the queue made for it. */
export interface Queued {
  readonly pull: PullRecord;
  readonly headSha: string;
  readonly baseRef: string;
}

const queues = new WeakMap<RepoRecord, Queued[]>();

/** The pull requests that wait in the queue of a branch. */
export function queueOf(repo: RepoRecord, branch: string): readonly Queued[] {
  const all = queues.get(repo) ?? [];
  return all.filter((one) => one.baseRef === branch && one.pull.issue.state === 'open');
}

/** Puts pull requests into a merge group on a branch of its own, and asks for its checks. */
export async function mergeGroup(
  world: World,
  repo: RepoRecord,
  pulls: readonly PullRecord[],
): Promise<MergeGroup> {
  const baseRef = pulls[0]?.baseRef ?? repo.defaultBranch;
  const baseSha = repo.branches.get(baseRef) ?? '';
  let headSha = baseSha;
  for (const pull of pulls) {
    const tree = await repo.git.mergeTree(headSha, pull.headSha);
    if (tree === null) throw new Error(`pull request ${pull.number} conflicts`);
    const message = `Merge pull request #${pull.number}`;
    const person = webFlow(world);
    const made = { parents: [headSha, pull.headSha], author: person, committer: person, message };
    headSha = await repo.git.commitTree(tree, made);
    repo.verified.set(headSha, 'web-flow');
    queues.set(repo, [...(queues.get(repo) ?? []), { pull, headSha, baseRef }]);
  }
  const last = pulls.at(-1)?.number ?? 0;
  const branch = `gh-readonly-queue/${baseRef}/pr-${last}-${baseSha}`;
  repo.branches.set(branch, headSha);
  repo.git.writeRef(`${repo.refPrefix}/heads/${branch}`, headSha);
  const headRef = `refs/heads/${branch}`;
  const group = { headSha, headRef, baseSha, baseRef: `refs/heads/${baseRef}` };
  const body = { merge_group: groupJson(world, group, `Merge pull request #${last}`) };
  const sender = world.account('web-flow');
  emit(world, { event: 'merge_group', action: 'checks_requested', repo, sender, body });
  return group;
}

export function destroyGroup(
  world: World,
  repo: RepoRecord,
  group: MergeGroup,
  reason: 'merged' | 'invalidated' | 'dequeued',
): void {
  queues.delete(repo);
  repo.branches.delete(group.headRef.replace('refs/heads/', ''));
  const body = { merge_group: groupJson(world, group, 'Merge'), reason };
  const sender = world.account('web-flow');
  emit(world, { event: 'merge_group', action: 'destroyed', repo, sender, body });
}

export interface CheckPlace {
  readonly repo: RepoRecord;
  readonly run: CheckRun;
  readonly by: Account;
}

/** A person presses a button of our check run (`identifier`), or "Re-run". */
export function pressCheck(world: World, at: CheckPlace, identifier: string | null): void {
  const { repo, run, by } = at;
  const suite = checkSuiteJson(world, repo, run);
  const shown = { ...checkRunJson(world, repo, run), check_suite: suite, deployment: undefined };
  const action = identifier === null ? 'rerequested' : 'requested_action';
  const asked = identifier === null ? {} : { requested_action: { identifier } };
  const body = { check_run: shown, ...asked };
  emit(world, { event: 'check_run', action, repo, sender: by, body, onlyApp: run.app });
}

function checkSuiteJson(world: World, repo: RepoRecord, run: CheckRun): Json {
  const url = `${world.url}/repos/${repo.owner.login}/${repo.name}/check-suites/${run.suiteId}`;
  const { app } = checkRunJson(world, repo, run);
  return {
    id: run.suiteId,
    node_id: nodeId('CS', run.suiteId),
    head_branch: null,
    head_sha: run.headSha,
    status: run.status,
    conclusion: run.conclusion,
    url,
    before: null,
    after: run.headSha,
    pull_requests: [],
    app,
    created_at: iso(run.startedAtMs),
    updated_at: iso(run.startedAtMs),
    repository: fullRepoJson(world, repo),
  };
}

export interface TeamChange {
  readonly org: Org;
  readonly team: Team;
  readonly member: Account;
  readonly sender: Account;
}

/** A person joins or leaves a team: heard by apps with the event `membership`. */
export function changeTeam(world: World, change: TeamChange, action: 'added' | 'removed'): void {
  const { org, team, member, sender } = change;
  if (action === 'added') team.members.add(member.login.toLowerCase());
  else team.members.delete(member.login.toLowerCase());
  const { login, id } = org.account;
  const base = `${world.url}/orgs/${login}`;
  const organization = {
    login,
    id,
    node_id: nodeId('O', id),
    url: base,
    repos_url: `${base}/repos`,
    events_url: `${base}/events`,
    hooks_url: `${base}/hooks`,
    issues_url: `${base}/issues`,
    members_url: `${base}/members{/member}`,
    public_members_url: `${base}/public_members{/member}`,
    avatar_url: `${world.url}/avatars/u/${id}?v=4`,
    description: '',
  };
  const shown = { member: accountJson(world, member), team: teamJson(world, org, team) };
  const body = { scope: 'team', ...shown, organization };
  for (const app of world.apps) {
    const installation = app.installations.find((one) => one.account.id === org.account.id);
    if (installation === undefined) continue;
    const notice = { event: 'membership', action, repo: null, sender, body };
    emit(world, { ...notice, installation, onlyApp: app });
  }
}

/** Suspends or wakes an installation; a suspended one is refused everything. */
export function suspend(
  world: World,
  at: { readonly app: AppRecord; readonly installation: Installation; readonly by: Account },
  suspended: boolean,
): void {
  const { app, installation, by } = at;
  // The notice itself goes out while the installation is awake.
  installation.suspendedAtMs = null;
  const shown = installationJson(world, app, installation);
  const state = suspended
    ? { suspended_at: iso(world.now()), suspended_by: accountJson(world, by) }
    : { suspended_at: null, suspended_by: null };
  const body = { installation: { ...shown, ...state }, repositories: [] };
  const action = suspended ? 'suspend' : 'unsuspend';
  const notice = { event: 'installation', action, repo: null, sender: by, body };
  emit(world, { ...notice, installation, onlyApp: app });
  if (suspended) installation.suspendedAtMs = world.now();
}
