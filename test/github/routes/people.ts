/** Repositories themselves, people, teams, branch rules and the rate limit. */
import { protectionOf } from '../protection.ts';
import {
  actor,
  checkNeed,
  found,
  HttpError,
  ok,
  paged,
  param,
  repoOf,
  type Call,
  type Need,
  type Reply,
  type Route,
} from '../http.ts';
import { rateJson } from '../rate.ts';
import { commitJson } from '../shapes-code.ts';
import {
  accountJson,
  fullRepoJson,
  htmlUrl,
  orgJson,
  publicUserJson,
  repoJson,
  repoUrl,
} from '../shapes.ts';
import type { Account, Json, Org, Permission, Team } from '../state.ts';

const metadata: Need = [['metadata', 'read']];
const members: Need = [['members', 'read']];
const administration: Need = [['administration', 'read']];

/** The old four words; `maintain` shows as write and `triage` as read. */
const oldWord: Readonly<Record<Permission, string>> = {
  admin: 'admin',
  maintain: 'write',
  write: 'write',
  triage: 'read',
  read: 'read',
  none: 'none',
};

function permissionOf(call: Call): Reply {
  const repo = repoOf(call, metadata);
  const account = found(call.world.accounts.get(param(call, 'username').toLowerCase()));
  const role = call.world.permission(repo, account);
  const rank = ['none', 'read', 'triage', 'write', 'maintain', 'admin'].indexOf(role);
  const permissions = {
    pull: rank >= 1,
    triage: rank >= 2,
    push: rank >= 3,
    maintain: rank >= 4,
    admin: rank >= 5,
  };
  const user = { ...accountJson(call.world, account), permissions, role_name: role };
  return ok({ permission: oldWord[role], role_name: role, user });
}

function orgOf(call: Call): Org {
  return found(call.world.orgs.get(param(call, 'org').toLowerCase()));
}

function teamOf(call: Call): { readonly org: Org; readonly team: Team } {
  const org = orgOf(call);
  return { org, team: found(org.teams.get(param(call, 'team_slug').toLowerCase())) };
}

function membership(call: Call): Reply {
  checkNeed(call, members);
  const { org, team } = teamOf(call);
  const login = param(call, 'username').toLowerCase();
  if (!team.members.has(login)) throw new HttpError(404, 'Not Found');
  const base = `${call.world.url}/organizations/${org.account.id}`;
  const url = `${base}/team/${team.id}/memberships/${login}`;
  return ok({ url, role: 'member', state: 'active' });
}

function listMembers(call: Call): Promise<Reply> {
  checkNeed(call, members);
  const { team } = teamOf(call);
  const items = [...team.members].map((login) => call.world.account(login));
  return paged(call, { items, render: (one) => accountJson(call.world, one) });
}

function isMember(call: Call): Reply {
  checkNeed(call, members);
  const known = orgOf(call).members.has(param(call, 'username').toLowerCase());
  if (!known) throw new HttpError(404, 'Not Found');
  return { status: 204 };
}

function orgMembership(call: Call): Reply {
  checkNeed(call, members);
  const org = orgOf(call);
  const login = param(call, 'username').toLowerCase();
  const role = org.members.get(login);
  if (role === undefined) throw new HttpError(404, 'Not Found');
  const { world } = call;
  const base = `${world.url}/orgs/${org.account.login}`;
  return ok({
    url: `${base}/memberships/${login}`,
    state: 'active',
    role,
    organization_url: base,
    organization: orgJson(world, org),
    user: accountJson(world, world.account(login)),
  });
}

function orgRepos(call: Call): Promise<Reply> {
  checkNeed(call, metadata);
  const { account } = orgOf(call);
  const { auth, world } = call;
  const visible = [...world.repos.values()].filter((repo) => {
    if (repo.deleted || repo.owner.id !== account.id) return false;
    if (!repo.private || auth.kind !== 'token') return !repo.private;
    const { app, user } = auth.token;
    if (app !== null) return world.installed(app, repo) !== null;
    return user !== null && world.permission(repo, user) !== 'none';
  });
  return paged(call, { items: visible, render: (repo) => repoJson(world, repo) });
}

async function getBranch(call: Call): Promise<Reply> {
  const repo = repoOf(call, [['contents', 'read']]);
  const name = param(call, 'branch');
  const sha = found(repo.branches.get(name));
  const commit = commitJson(call.world, repo, await repo.git.mustCommit(sha));
  const url = `${repoUrl(call.world, repo)}/branches/${name}`;
  const isProtected = repo.branchProtection.has(name);
  return ok({
    name,
    commit,
    _links: { self: url, html: `${htmlUrl(call.world, repo)}/tree/${name}` },
    protected: isProtected,
    protection: protectionOf(call.world, repo, name),
    protection_url: `${url}/protection`,
  });
}

function getProtection(call: Call): Reply {
  const repo = repoOf(call, administration);
  const name = param(call, 'branch');
  if (!repo.branchProtection.has(name)) throw new HttpError(404, 'Branch not protected');
  return ok(protectionOf(call.world, repo, name));
}

function getUser(call: Call): Reply {
  const account = found(call.world.accounts.get(param(call, 'username').toLowerCase()));
  return ok(publicUserJson(call.world, account, 0));
}

function whoAmI(call: Call): Reply {
  if (call.auth.kind !== 'token' || call.auth.token.user === null) {
    throw new HttpError(403, 'Resource not accessible by integration');
  }
  const user: Account = actor(call);
  return ok(publicUserJson(call.world, user, 0));
}

function list(call: Call, need: Need, pick: 'rulesets' | 'ruleSuites'): Promise<Reply> {
  const repo = repoOf(call, need);
  return paged(call, { items: repo[pick], render: (one): Json => one });
}

function rules(call: Call): Promise<Reply> {
  const repo = repoOf(call, metadata);
  const items = repo.rulesets.flatMap((one) => (Array.isArray(one['rules']) ? one['rules'] : []));
  return paged(call, { items, render: (one: Json): Json => one });
}

interface Verb {
  readonly path: string;
  readonly id: string;
  readonly need: Need;
  readonly handle: Route['handle'];
}

const repoPath = '/repos/{owner}/{repo}';
const team = '/orgs/{org}/teams/{team_slug}';

const verbs: readonly Verb[] = [
  {
    path: repoPath,
    id: 'repos/get',
    need: metadata,
    handle: (call) => ok(fullRepoJson(call.world, repoOf(call, metadata))),
  },
  {
    path: `${repoPath}/collaborators/{username}/permission`,
    id: 'repos/get-collaborator-permission-level',
    need: metadata,
    handle: permissionOf,
  },
  {
    path: `${repoPath}/branches/{branch}`,
    id: 'repos/get-branch',
    need: metadata,
    handle: getBranch,
  },
  {
    path: `${repoPath}/branches/{branch}/protection`,
    id: 'repos/get-branch-protection',
    need: administration,
    handle: getProtection,
  },
  {
    path: `${repoPath}/rules/branches/{branch}`,
    id: 'repos/get-branch-rules',
    need: metadata,
    handle: rules,
  },
  {
    path: `${repoPath}/rulesets`,
    id: 'repos/get-repo-rulesets',
    need: metadata,
    handle: (call) => list(call, metadata, 'rulesets'),
  },
  {
    path: `${repoPath}/rulesets/rule-suites`,
    id: 'repos/get-repo-rule-suites',
    need: administration,
    handle: (call) => list(call, administration, 'ruleSuites'),
  },
  {
    path: `${team}/memberships/{username}`,
    id: 'teams/get-membership-for-user-in-org',
    need: members,
    handle: membership,
  },
  { path: `${team}/members`, id: 'teams/list-members-in-org', need: members, handle: listMembers },
  {
    path: '/orgs/{org}/members/{username}',
    id: 'orgs/check-membership-for-user',
    need: members,
    handle: isMember,
  },
  {
    path: '/orgs/{org}/memberships/{username}',
    id: 'orgs/get-membership-for-user',
    need: members,
    handle: orgMembership,
  },
  { path: '/orgs/{org}/repos', id: 'repos/list-for-org', need: metadata, handle: orgRepos },
  { path: '/users/{username}', id: 'users/get-by-username', need: 'any', handle: getUser },
  { path: '/user', id: 'users/get-authenticated', need: 'token', handle: whoAmI },
  {
    path: '/rate_limit',
    id: 'rate-limit/get',
    need: 'any',
    handle: (call) => ok(rateJson(call.world, call.auth)),
  },
];

export const peopleRoutes: readonly Route[] = verbs.map(({ path, id, need, handle }) => ({
  method: 'GET',
  path,
  operationId: id,
  need,
  handle,
}));
