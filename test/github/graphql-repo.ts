/** Repositories, refs, organisations and teams in GraphQL. */
import {
  accountNode,
  actorNode,
  allowed,
  allowedAnywhere,
  commitNode,
  connection,
  objectNode,
  Refused,
  type Asking,
  type PageArgs,
} from './graphql-nodes.ts';
import { pullNode } from './graphql-pull.ts';
import { queueOf, type Queued } from './acts-more.ts';
import { repoOf } from './http.ts';
import { pullsOf } from './routes/pulls.ts';
import { htmlUrl, iso, nodeId } from './shapes.ts';
import { fullName, type Account, type Json, type RepoRecord } from './state.ts';

/** The repository, or GitHub's NOT_FOUND for what is not there or not to be seen. */
export function repositoryNode(asking: Asking, args: { owner: string; name: string }): Json {
  const params = { owner: args.owner, repo: args.name };
  const name = `${args.owner}/${args.name}`;
  const message = `Could not resolve to a Repository with the name '${name}'.`;
  let repo: RepoRecord;
  try {
    repo = repoOf({ ...asking.call, method: 'GET', params }, [['metadata', 'read']]);
  } catch {
    throw new Refused('NOT_FOUND', message);
  }
  return repoNode(asking, repo);
}

async function commitObject(asking: Asking, repo: RepoRecord, sha: string): Promise<Json | null> {
  const commit = await repo.git.commit(sha);
  if (commit === null) return objectNode(asking, repo, sha);
  return commitNode(asking, repo, commit, async (one) => {
    allowed(asking, repo, [['pull_requests', 'read']]);
    if (asking.world.lagging.has(one)) return [];
    const pulls = await pullsOf(asking.world, repo, one);
    return pulls.map((pull) => pullNode(asking, repo, pull, nodes));
  });
}

/** `HEAD:path`, a branch, a commit or an object's name, as `git rev-parse` takes it. */
async function byExpression(asking: Asking, repo: RepoRecord, text: string): Promise<Json | null> {
  allowed(asking, repo, [['contents', 'read']]);
  const colon = text.indexOf(':');
  const rev = colon < 0 ? text : text.slice(0, colon);
  const sha = await asking.world.resolve(repo, rev);
  if (colon < 0) return commitObject(asking, repo, sha ?? rev);
  if (sha === null) return null;
  const path = text.slice(colon + 1);
  const item = await repo.git.entry(sha, path);
  return item === null ? null : objectNode(asking, repo, item.sha, path.replace(/\/$/, ''));
}

function refNode(asking: Asking, repo: RepoRecord, branch: string): Json | null {
  const sha = repo.branches.get(branch);
  if (sha === undefined) return null;
  return {
    __typename: 'Ref',
    id: nodeId('REF', repo.id),
    name: branch,
    prefix: 'refs/heads/',
    target: () => commitObject(asking, repo, sha),
  };
}

function ownerNode(asking: Asking, account: Account): Json {
  return asking.world.isOrg(account)
    ? { ...accountNode(account), __typename: 'Organization' }
    : accountNode(account);
}

interface PullArgs extends PageArgs {
  readonly states?: readonly string[] | null;
  readonly baseRefName?: string | null;
  readonly headRefName?: string | null;
  readonly orderBy?: { readonly field: string; readonly direction: string } | null;
}

function stateOf(pull: {
  readonly mergedAtMs: number | null;
  readonly issue: { state: string };
}): string {
  return pull.mergedAtMs === null ? pull.issue.state.toUpperCase() : 'MERGED';
}

function pulls(asking: Asking, repo: RepoRecord, args: PullArgs): Json | Promise<Json> {
  allowed(asking, repo, [['pull_requests', 'read']]);
  const items = [...repo.pulls.values()].filter(
    (pull) =>
      (args.states?.includes(stateOf(pull)) ?? true) &&
      (args.baseRefName ?? pull.baseRef) === pull.baseRef &&
      (args.headRefName ?? pull.headRef) === pull.headRef,
  );
  if (args.orderBy?.direction === 'DESC') items.reverse();
  return connection('pullRequests', args, items, (pull) => pullNode(asking, repo, pull, nodes));
}

function mergeQueue(asking: Asking, repo: RepoRecord, branch?: string | null): Json {
  allowed(asking, repo, [['merge_queues', 'read']]);
  const waiting = queueOf(repo, (branch ?? repo.defaultBranch).replace(/^refs\/heads\//, ''));
  const entry = ({ pull, headSha }: Queued): Json => ({
    __typename: 'MergeQueueEntry',
    id: nodeId('MQE', pull.id),
    headCommit: () => commitObject(asking, repo, headSha),
    pullRequest: () => pullNode(asking, repo, pull, nodes),
  });
  return {
    __typename: 'MergeQueue',
    id: nodeId('MQ', repo.id),
    entries: (args: PageArgs) => connection('mergeQueueEntries', args, [...waiting], entry),
  };
}

interface CollaboratorArgs extends PageArgs {
  readonly login?: string | null;
  readonly query?: string | null;
}

async function collaborators(
  asking: Asking,
  repo: RepoRecord,
  args: CollaboratorArgs,
): Promise<Json> {
  const org = asking.world.orgs.get(repo.owner.login.toLowerCase());
  const admins = [...(org?.members ?? [])].filter(([, role]) => role === 'admin');
  const logins = new Set([...repo.collaborators.keys(), ...admins.map(([login]) => login)]);
  if (org === undefined) logins.add(repo.owner.login.toLowerCase());
  const wanted = args.login?.toLowerCase() ?? null;
  const people = [...logins]
    .filter((login) => wanted === null || login === wanted)
    .filter((login) => login.includes(args.query?.toLowerCase() ?? ''))
    .map((login) => asking.world.account(login))
    .filter((account) => asking.world.permission(repo, account) !== 'none');
  const page = await connection('collaborators', args, people, accountNode);
  const edges = people.map((account) => ({
    cursor: account.login,
    node: accountNode(account),
    permission: asking.world.permission(repo, account).toUpperCase(),
  }));
  return { ...page, edges: edges.slice(0, args.first ?? edges.length) };
}

/** A ruleset with the actors that may bypass it; `withheld`: an app is not told them. */
function rulesetNode({ call }: Asking, one: Json): Json {
  const asks = call.auth.kind === 'token' ? call.auth.token.user : null;
  const maySee = one['withheld'] !== true || asks !== null;
  const actors = Array.isArray(one['bypassActors']) ? one['bypassActors'] : [];
  const none = { deployKey: false, enterpriseOwner: false, organizationAdmin: false };
  const nodes = actors.map((actor: Json) => ({ id: 'RBA', ...none, ...actor }));
  return {
    __typename: 'RepositoryRuleset',
    id: 'RRS',
    databaseId: one['id'],
    name: one['name'],
    bypassActors: maySee ? { nodes, totalCount: nodes.length } : null,
  };
}

function repoNode(asking: Asking, repo: RepoRecord): Json {
  return {
    __typename: 'Repository',
    id: nodeId('R', repo.id),
    databaseId: repo.id,
    name: repo.name,
    nameWithOwner: fullName(repo),
    url: htmlUrl(asking.world, repo),
    owner: ownerNode(asking, repo.owner),
    isPrivate: repo.private,
    isArchived: repo.archived,
    isFork: repo.parent !== null,
    visibility: repo.private ? 'PRIVATE' : 'PUBLIC',
    createdAt: iso(repo.createdAtMs),
    pushedAt: iso(repo.pushedAtMs),
    parent: () => (repo.parent === null ? null : repoNode(asking, repo.parent)),
    defaultBranchRef: () => refNode(asking, repo, repo.defaultBranch),
    ref: ({ qualifiedName }: { qualifiedName: string }) =>
      refNode(asking, repo, qualifiedName.replace(/^refs\/heads\//, '')),
    object: async (args: { expression?: string | null; oid?: string | null }) => {
      if (typeof args.expression === 'string') return byExpression(asking, repo, args.expression);
      allowed(asking, repo, [['contents', 'read']]);
      return commitObject(asking, repo, args.oid ?? '');
    },
    pullRequest: ({ number }: { number: number }) => {
      allowed(asking, repo, [['pull_requests', 'read']]);
      const pull = repo.pulls.get(number);
      if (pull !== undefined) return pullNode(asking, repo, pull, nodes);
      const message = `Could not resolve to a PullRequest with the number of ${number}.`;
      throw new Refused('NOT_FOUND', message);
    },
    mergeQueue: ({ branch }: { branch?: string | null }) => mergeQueue(asking, repo, branch),
    pullRequests: (args: PullArgs) => pulls(asking, repo, args),
    rulesets: (args: PageArgs) =>
      connection('rulesets', args, repo.rulesets, (one) => rulesetNode(asking, one)),
    collaborators: (args: CollaboratorArgs) => collaborators(asking, repo, args),
  };
}

/** How pull requests reach repositories and commits, without the two files importing each other. */
const nodes = { repo: repoNode, commit: commitObject };

export function organizationNode(asking: Asking, login: string): Json {
  const org = asking.world.orgs.get(login.toLowerCase());
  if (org === undefined) {
    const message = `Could not resolve to an Organization with the login of '${login}'.`;
    throw new Refused('NOT_FOUND', message);
  }
  return {
    ...accountNode(org.account),
    __typename: 'Organization',
    team: ({ slug }: { slug: string }) => {
      allowedAnywhere(asking, [['members', 'read']]);
      const team = org.teams.get(slug.toLowerCase());
      if (team === undefined) return null;
      return {
        __typename: 'Team',
        id: nodeId('T', team.id),
        databaseId: team.id,
        name: team.name,
        slug: team.slug,
        members: (args: PageArgs & { query?: string | null }) => {
          const wanted = args.query?.toLowerCase() ?? '';
          const people = [...team.members]
            .filter((member) => member.includes(wanted))
            .map((member) => asking.world.account(member));
          return connection('members', args, people, accountNode);
        },
      };
    },
    repository: ({ name }: { name: string }) => repositoryNode(asking, { owner: login, name }),
  };
}

export { actorNode };
