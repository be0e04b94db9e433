/** Accounts, repositories, apps and other small things as GitHub's REST API writes them. */
import type {
  Account,
  AppRecord,
  Environment,
  Installation,
  Json,
  Label,
  Org,
  RepoRecord,
  Team,
} from './state.ts';
import { fullName } from './state.ts';
import type { World } from './world.ts';

const seconds = new Map<number, string>();

export function iso(atMs: number): string {
  const second = Math.floor(atMs / 1000);
  const known = seconds.get(second);
  if (known !== undefined) return known;
  const text = new Date(second * 1000).toISOString().replace('.000Z', 'Z');
  if (seconds.size > 10_000) seconds.clear();
  seconds.set(second, text);
  return text;
}

export function isoOrNull(atMs: number | null): string | null {
  return atMs === null ? null : iso(atMs);
}

export function nodeId(kind: string, id: number): string {
  return `${kind}_${Buffer.from(String(id)).toString('base64url')}`;
}

export function accountJson(world: World, account: Account): Json {
  const base = `${world.url}/users/${encodeURIComponent(account.login)}`;
  const kind = account.type === 'Bot' ? 'BOT' : account.type === 'User' ? 'U' : 'O';
  return {
    login: account.login,
    id: account.id,
    node_id: nodeId(kind, account.id),
    avatar_url: `${world.url}/avatars/u/${account.id}?v=4`,
    gravatar_id: '',
    url: base,
    html_url: `${world.url}/${encodeURIComponent(account.login)}`,
    followers_url: `${base}/followers`,
    following_url: `${base}/following{/other_user}`,
    gists_url: `${base}/gists{/gist_id}`,
    starred_url: `${base}/starred{/owner}{/repo}`,
    subscriptions_url: `${base}/subscriptions`,
    organizations_url: `${base}/orgs`,
    repos_url: `${base}/repos`,
    events_url: `${base}/events{/privacy}`,
    received_events_url: `${base}/received_events`,
    type: account.type,
    user_view_type: 'public',
    site_admin: false,
  };
}

export function accountOrNull(world: World, account: Account | null): Json | null {
  return account === null ? null : accountJson(world, account);
}

export function publicUserJson(world: World, account: Account, createdAtMs: number): Json {
  return {
    ...accountJson(world, account),
    name: account.name,
    company: null,
    blog: '',
    location: null,
    email: null,
    hireable: null,
    bio: null,
    public_repos: 0,
    public_gists: 0,
    followers: 0,
    following: 0,
    created_at: iso(createdAtMs),
    updated_at: iso(createdAtMs),
  };
}

export function orgJson(world: World, org: Org): Json {
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

export function teamJson(world: World, org: Org, team: Team): Json {
  const url = `${world.url}/organizations/${org.account.id}/team/${team.id}`;
  return {
    id: team.id,
    node_id: nodeId('T', team.id),
    url,
    html_url: `${world.url}/orgs/${org.account.login}/teams/${team.slug}`,
    members_url: `${url}/members{/member}`,
    repositories_url: `${url}/repos`,
    name: team.name,
    slug: team.slug,
    description: '',
    privacy: 'closed',
    notification_setting: 'notifications_enabled',
    permission: 'pull',
    type: 'organization',
    organization_id: org.account.id,
    parent: null,
  };
}

const templates = [
  ['archive_url', '/{archive_format}{/ref}'],
  ['assignees_url', '/assignees{/user}'],
  ['blobs_url', '/git/blobs{/sha}'],
  ['branches_url', '/branches{/branch}'],
  ['collaborators_url', '/collaborators{/collaborator}'],
  ['comments_url', '/comments{/number}'],
  ['commits_url', '/commits{/sha}'],
  ['compare_url', '/compare/{base}...{head}'],
  ['contents_url', '/contents/{+path}'],
  ['contributors_url', '/contributors'],
  ['deployments_url', '/deployments'],
  ['downloads_url', '/downloads'],
  ['events_url', '/events'],
  ['forks_url', '/forks'],
  ['git_commits_url', '/git/commits{/sha}'],
  ['git_refs_url', '/git/refs{/sha}'],
  ['git_tags_url', '/git/tags{/sha}'],
  ['hooks_url', '/hooks'],
  ['issue_comment_url', '/issues/comments{/number}'],
  ['issue_events_url', '/issues/events{/number}'],
  ['issues_url', '/issues{/number}'],
  ['keys_url', '/keys{/key_id}'],
  ['labels_url', '/labels{/name}'],
  ['languages_url', '/languages'],
  ['merges_url', '/merges'],
  ['milestones_url', '/milestones{/number}'],
  ['notifications_url', '/notifications{?since,all,participating}'],
  ['pulls_url', '/pulls{/number}'],
  ['releases_url', '/releases{/id}'],
  ['stargazers_url', '/stargazers'],
  ['statuses_url', '/statuses/{sha}'],
  ['subscribers_url', '/subscribers'],
  ['subscription_url', '/subscription'],
  ['tags_url', '/tags'],
  ['teams_url', '/teams'],
  ['trees_url', '/git/trees{/sha}'],
] as const;

export function repoUrl(world: World, repo: RepoRecord): string {
  return `${world.url}/repos/${fullName(repo)}`;
}

export function htmlUrl(world: World, repo: RepoRecord): string {
  return `${world.webUrl ?? world.url}/${fullName(repo)}`;
}

/** The short form: `minimal-repository`. */
export function repoJson(world: World, repo: RepoRecord): Json {
  const url = repoUrl(world, repo);
  const html = htmlUrl(world, repo);
  return {
    id: repo.id,
    node_id: nodeId('R', repo.id),
    name: repo.name,
    full_name: fullName(repo),
    private: repo.private,
    owner: accountJson(world, repo.owner),
    html_url: html,
    description: null,
    fork: repo.parent !== null,
    url,
    ...Object.fromEntries(templates.map(([name, tail]) => [name, url + tail])),
  };
}

/** The long form: `full-repository`, also used in webhooks. */
export function fullRepoJson(world: World, repo: RepoRecord): Json {
  const html = htmlUrl(world, repo);
  const open = [...repo.issues.values()].filter((issue) => issue.state === 'open').length;
  return {
    ...repoJson(world, repo),
    git_url: `${html.replace(/^https?/, 'git')}.git`,
    ssh_url: `git@github.com:${fullName(repo)}.git`,
    clone_url: `${html}.git`,
    svn_url: html,
    mirror_url: null,
    homepage: null,
    language: null,
    forks_count: 0,
    forks: 0,
    stargazers_count: 0,
    watchers_count: 0,
    watchers: 0,
    size: 1,
    default_branch: repo.defaultBranch,
    open_issues_count: open,
    open_issues: open,
    is_template: false,
    topics: [],
    has_issues: true,
    has_projects: true,
    has_wiki: true,
    has_pages: false,
    has_downloads: true,
    has_discussions: false,
    archived: repo.archived,
    disabled: false,
    visibility: repo.private ? 'private' : 'public',
    pushed_at: iso(repo.pushedAtMs),
    created_at: iso(repo.createdAtMs),
    updated_at: iso(repo.pushedAtMs),
    license: null,
    allow_forking: true,
    web_commit_signoff_required: false,
    allow_rebase_merge: true,
    allow_squash_merge: true,
    allow_merge_commit: true,
    allow_auto_merge: false,
    delete_branch_on_merge: false,
    subscribers_count: 0,
    network_count: 0,
  };
}

export function labelJson(world: World, repo: RepoRecord, label: Label): Json {
  return {
    id: label.id,
    node_id: nodeId('LA', label.id),
    url: `${repoUrl(world, repo)}/labels/${encodeURIComponent(label.name)}`,
    name: label.name,
    color: label.color,
    default: false,
    description: label.description,
  };
}

export function labelsJson(world: World, repo: RepoRecord, names: readonly string[]): Json[] {
  return names.flatMap((name) => {
    const label = repo.labels.get(name.toLowerCase());
    return label === undefined ? [] : [labelJson(world, repo, label)];
  });
}

/** `integration`: an app as others see it. */
export function appJson(world: World, app: AppRecord): Json {
  return {
    id: app.id,
    client_id: app.clientId,
    slug: app.slug,
    node_id: nodeId('A', app.id),
    owner: accountJson(world, app.owner),
    name: app.name,
    description: '',
    external_url: `${world.url}/apps/${app.slug}`,
    html_url: `${world.url}/apps/${app.slug}`,
    created_at: iso(app.createdAtMs),
    updated_at: iso(app.createdAtMs),
    permissions: app.permissions,
    events: app.events,
  };
}

export function viaAppJson(world: World, via: AppRecord | string | null): Json | null {
  if (via === null) return null;
  if (typeof via !== 'string') return appJson(world, via);
  const known = world.apps.find((app) => app.slug === via);
  if (known !== undefined) return appJson(world, known);
  const bot = world.accounts.get(`${via}[bot]`) ?? world.account('ghost');
  const html = `${world.url}/apps/${via}`;
  const created = iso(0);
  const dates = { created_at: created, updated_at: created };
  const owner = accountJson(world, bot);
  const shown = { name: via, description: '', external_url: html, html_url: html };
  return {
    id: bot.id,
    slug: via,
    node_id: nodeId('A', bot.id),
    owner,
    ...shown,
    ...dates,
    permissions: { metadata: 'read' },
    events: [],
  };
}

export function installationJson(world: World, app: AppRecord, one: Installation): Json {
  const url = `${world.url}/app/installations/${one.id}`;
  return {
    id: one.id,
    client_id: app.clientId,
    account: accountJson(world, one.account),
    repository_selection: one.selected === null ? 'all' : 'selected',
    access_tokens_url: `${url}/access_tokens`,
    repositories_url: `${world.url}/installation/repositories`,
    html_url: `${world.url}/organizations/${one.account.login}/settings/installations/${one.id}`,
    app_id: app.id,
    app_slug: app.slug,
    target_id: one.account.id,
    target_type: one.account.type,
    permissions: app.permissions,
    events: app.events,
    created_at: iso(one.createdAtMs),
    updated_at: iso(one.createdAtMs),
    single_file_name: null,
    has_multiple_single_files: false,
    single_file_paths: [],
    suspended_by: null,
    suspended_at: isoOrNull(one.suspendedAtMs),
  };
}

export function ruleAppJson(world: World, app: AppRecord): Json {
  return {
    id: app.id,
    slug: app.slug,
    integration_url: `${world.url}/apps/${app.slug}`,
    node_id: nodeId('GA', app.id),
  };
}

export function environmentJson(world: World, repo: RepoRecord, one: Environment): Json {
  const name = encodeURIComponent(one.name);
  return {
    id: one.id,
    node_id: nodeId('EN', one.id),
    name: one.name,
    url: `${repoUrl(world, repo)}/environments/${name}`,
    html_url: `${htmlUrl(world, repo)}/deployments/activity_log?environments_filter=${name}`,
    created_at: iso(one.createdAtMs),
    updated_at: iso(one.createdAtMs),
    can_admins_bypass: one.canAdminsBypass,
    protection_rules: one.rules.map((rule) => ({
      id: rule.id,
      node_id: nodeId('GA', rule.id),
      type: 'custom_deployment_protection_rule',
      enabled: true,
      app: ruleAppJson(world, rule.app),
    })),
    deployment_branch_policy: one.branchPolicy ?? null,
  };
}
