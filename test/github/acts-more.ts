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

function organizationJson(world: World, org: Org): Json {
  const { login, id } = org.account;
  const base = `${world.url}/orgs/${login}`;
  return {
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
}

/** A person joins or leaves a team: heard by apps with the event `membership`. */
export function changeTeam(world: World, change: TeamChange, action: 'added' | 'removed'): void {
  const { org, team, member, sender } = change;
  if (action === 'added') team.members.add(member.login.toLowerCase());
  else team.members.delete(member.login.toLowerCase());
  const organization = organizationJson(world, org);
  const shown = { member: accountJson(world, member), team: teamJson(world, org, team) };
  const body = { scope: 'team', ...shown, organization };
  tellOrg(world, { org, sender, event: 'membership', action, body });
}

export interface OrgNews {
  readonly org: Org;
  readonly sender: Account;
  readonly event: string;
  readonly action: string;
  readonly body: Json;
}

/** News of an organisation goes to every app that is installed there. */
export function tellOrg(world: World, { org, ...news }: OrgNews): void {
  for (const app of world.apps) {
    const installation = app.installations.find((one) => one.account.id === org.account.id);
    if (installation === undefined) continue;
    emit(world, { ...news, repo: null, installation, onlyApp: app });
  }
}

/** A person leaves the organisation, and with it every team and repository of it. */
export function removeMember(world: World, change: Omit<TeamChange, 'team'>): void {
  const { org, member, sender } = change;
  const login = member.login.toLowerCase();
  org.members.delete(login);
  for (const team of org.teams.values()) team.members.delete(login);
  for (const repo of world.repos.values()) {
    if (repo.owner.id === org.account.id) repo.collaborators.delete(login);
  }
  const url = `${world.url}/orgs/${org.account.login}`;
  const membership = {
    url: `${url}/memberships/${member.login}`,
    state: 'inactive',
    role: 'unaffiliated',
    organization_url: url,
    user: accountJson(world, member),
  };
  const body = { membership, organization: organizationJson(world, org) };
  tellOrg(world, { org, sender, event: 'organization', action: 'member_removed', body });
}

/** A team is taken away with all that it gave. */
export function deleteTeam(world: World, change: Omit<TeamChange, 'member'>): void {
  const { org, team, sender } = change;
  const body = { team: teamJson(world, org, team), organization: organizationJson(world, org) };
  org.teams.delete(team.slug);
  tellOrg(world, { org, sender, event: 'team', action: 'deleted', body });
}

/** The owner accepts what the app asks for now, or takes the app away. */
export function changeInstallation(
  world: World,
  at: { readonly app: AppRecord; readonly installation: Installation; readonly by: Account },
  action: 'new_permissions_accepted' | 'deleted',
): void {
  const { app, installation, by } = at;
  const body = { installation: installationJson(world, app, installation), repositories: [] };
  const notice = { event: 'installation', action, repo: null, sender: by, body };
  emit(world, { ...notice, installation, onlyApp: app });
  if (action === 'deleted') app.installations.splice(app.installations.indexOf(installation), 1);
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

/** An administrator makes, changes or takes away a ruleset. */
export function changeRuleset(
  world: World,
  at: { readonly repo: RepoRecord; readonly by: Account; readonly ruleset: Json },
  action: 'created' | 'edited' | 'deleted',
): void {
  const { repo, by, ruleset } = at;
  const { rulesets } = repo;
  const place = rulesets.findIndex((one) => one['id'] === ruleset['id']);
  if (place >= 0) rulesets.splice(place, 1);
  if (action !== 'deleted') rulesets.push(ruleset);
  const { bypassActors: _hidden, rules, ...told } = ruleset;
  const body = {
    repository_ruleset: { ...told, source: `${repo.owner.login}/${repo.name}`, rules },
  };
  emit(world, { event: 'repository_ruleset', action, repo, sender: by, body });
}
