/** Commits, files, pull requests, reviews, issues and comments as GitHub's REST API writes them. */
import type { FileDiff } from './git-diff.ts';
import type { GitCommit, Person } from './git.ts';
import {
  accountJson,
  accountOrNull,
  fullRepoJson,
  htmlUrl,
  iso,
  isoOrNull,
  labelsJson,
  nodeId,
  orgJson,
  repoJson,
  repoUrl,
  teamJson,
  viaAppJson,
} from './shapes.ts';
import type {
  Account,
  Comment,
  IssueRecord,
  Json,
  PullRecord,
  RepoRecord,
  Review,
} from './state.ts';
import type { World } from './world.ts';

function gitPerson(person: Person): Json {
  return { name: person.name, email: person.email, date: iso(person.atMs) };
}

export function verificationJson(repo: RepoRecord, sha: string): Json {
  const verified = repo.verified.get(sha);
  if (verified === undefined) {
    const none = { signature: null, payload: null, verified_at: null };
    return { verified: false, reason: 'unsigned', ...none };
  }
  const signature = '-----BEGIN PGP SIGNATURE-----\n\n-----END PGP SIGNATURE-----\n';
  const at = iso(repo.createdAtMs);
  return { verified: true, reason: 'valid', signature, payload: sha, verified_at: at };
}

function parentsJson(world: World, repo: RepoRecord, commit: GitCommit): Json[] {
  return commit.parents.map((sha) => ({
    sha,
    url: `${repoUrl(world, repo)}/commits/${sha}`,
    html_url: `${htmlUrl(world, repo)}/commit/${sha}`,
  }));
}

/** `commit` of the commits API, without files. */
export function commitJson(world: World, repo: RepoRecord, commit: GitCommit): Json {
  const url = `${repoUrl(world, repo)}/commits/${commit.sha}`;
  const tree = commit.tree;
  return {
    sha: commit.sha,
    node_id: nodeId('C', Number.parseInt(commit.sha.slice(0, 8), 16)),
    commit: {
      author: gitPerson(commit.author),
      committer: gitPerson(commit.committer),
      message: commit.message,
      tree: { sha: tree, url: `${repoUrl(world, repo)}/git/trees/${tree}` },
      url: `${repoUrl(world, repo)}/git/commits/${commit.sha}`,
      comment_count: 0,
      verification: verificationJson(repo, commit.sha),
    },
    url,
    html_url: `${htmlUrl(world, repo)}/commit/${commit.sha}`,
    comments_url: `${url}/comments`,
    author: accountOrNull(world, world.byEmail(commit.author.email)),
    committer: accountOrNull(world, world.byEmail(commit.committer.email)),
    parents: parentsJson(world, repo, commit),
  };
}

/** `git-commit` of the git database API. */
export function gitCommitJson(world: World, repo: RepoRecord, commit: GitCommit): Json {
  const url = repoUrl(world, repo);
  return {
    sha: commit.sha,
    node_id: nodeId('C', Number.parseInt(commit.sha.slice(0, 8), 16)),
    url: `${url}/git/commits/${commit.sha}`,
    html_url: `${htmlUrl(world, repo)}/commit/${commit.sha}`,
    author: gitPerson(commit.author),
    committer: gitPerson(commit.committer),
    message: commit.message,
    tree: { sha: commit.tree, url: `${url}/git/trees/${commit.tree}` },
    parents: parentsJson(world, repo, commit),
    verification: verificationJson(repo, commit.sha),
  };
}

/** A patch beyond this many bytes is left out, as GitHub does with large files. */
const patchLimitBytes = 500_000;

export function fileJson(world: World, repo: RepoRecord, sha: string, file: FileDiff): Json {
  const path = file.path.split('/').map(encodeURIComponent).join('/');
  const url = repoUrl(world, repo);
  const html = htmlUrl(world, repo);
  const small = file.patch !== null && Buffer.byteLength(file.patch) <= patchLimitBytes;
  const submodule = file.mode === '160000';
  return {
    sha: file.blob ?? file.previousBlob ?? '',
    filename: file.path,
    status: file.status,
    additions: file.additions,
    deletions: file.deletions,
    changes: file.additions + file.deletions,
    blob_url: `${html}/blob/${sha}/${path}`,
    raw_url: `${html}/raw/${sha}/${path}`,
    contents_url: `${url}/contents/${path}?ref=${sha}`,
    ...(small && !submodule ? { patch: file.patch } : {}),
    ...(file.previousPath === null ? {} : { previous_filename: file.previousPath }),
  };
}

export function association(world: World, repo: RepoRecord, account: Account): string {
  if (repo.owner.id === account.id) return 'OWNER';
  const org = world.orgs.get(repo.owner.login.toLowerCase());
  if (org?.members.has(account.login.toLowerCase()) === true) return 'MEMBER';
  if (repo.collaborators.has(account.login.toLowerCase())) return 'COLLABORATOR';
  return account.type === 'User' ? 'CONTRIBUTOR' : 'NONE';
}

function sideJson(world: World, pull: PullRecord, repo: RepoRecord, side: 'head' | 'base'): Json {
  const ref = side === 'head' ? pull.headRef : pull.baseRef;
  const held = side === 'head' ? pull.headRepo : repo;
  const gone = held === null || held.deleted;
  const owner = side === 'head' ? pull.headLabelOwner : repo.owner.login;
  return {
    label: `${owner}:${ref}`,
    ref,
    sha: side === 'head' ? pull.headSha : pull.baseSha,
    user: gone ? null : accountJson(world, held.owner),
    repo: gone ? null : fullRepoJson(world, held),
  };
}

/** The fields that every form of a pull request has. */
export function pullJson(world: World, repo: RepoRecord, pull: PullRecord): Json {
  const { issue } = pull;
  const url = `${repoUrl(world, repo)}/pulls/${pull.number}`;
  const html = `${htmlUrl(world, repo)}/pull/${pull.number}`;
  const issueUrl = `${repoUrl(world, repo)}/issues/${pull.number}`;
  const statuses = `${repoUrl(world, repo)}/statuses/${pull.headSha}`;
  const org = world.orgs.get(repo.owner.login.toLowerCase());
  const urls = {
    html_url: html,
    issue_url: issueUrl,
    commits_url: `${url}/commits`,
    review_comments_url: `${url}/comments`,
    review_comment_url: `${repoUrl(world, repo)}/pulls/comments{/number}`,
    comments_url: `${issueUrl}/comments`,
    statuses_url: statuses,
  };
  return {
    url,
    id: pull.id,
    node_id: nodeId('PR', pull.id),
    diff_url: `${html}.diff`,
    patch_url: `${html}.patch`,
    ...urls,
    number: pull.number,
    state: issue.state,
    locked: false,
    active_lock_reason: null,
    title: issue.title,
    user: accountJson(world, issue.user),
    body: issue.body,
    created_at: iso(issue.createdAtMs),
    updated_at: iso(issue.updatedAtMs),
    closed_at: isoOrNull(issue.closedAtMs),
    merged_at: isoOrNull(pull.mergedAtMs),
    merge_commit_sha: pull.mergeCommitSha,
    assignee: accountOrNull(world, issue.assignees[0] ?? null),
    assignees: issue.assignees.map((one) => accountJson(world, one)),
    requested_reviewers: pull.requestedReviewers.map((one) => accountJson(world, one)),
    requested_teams:
      org === undefined ? [] : pull.requestedTeams.map((team) => teamJson(world, org, team)),
    // The short form of a pull request has no null here.
    labels: labelsJson(world, repo, issue.labels).map((label) => ({
      ...label,
      description: label['description'] ?? '',
    })),
    milestone: null,
    draft: pull.draft,
    head: sideJson(world, pull, repo, 'head'),
    base: sideJson(world, pull, repo, 'base'),
    _links: {
      self: { href: url },
      html: { href: html },
      issue: { href: issueUrl },
      comments: { href: urls.comments_url },
      review_comments: { href: urls.review_comments_url },
      review_comment: { href: urls.review_comment_url },
      commits: { href: urls.commits_url },
      statuses: { href: statuses },
    },
    author_association: association(world, repo, issue.user),
    auto_merge: null,
  };
}

/**
 * The test merge that GitHub keeps for an open pull request without conflicts: `merge_commit_sha`
 * names it although nothing was merged.
 */
async function testMerge(repo: RepoRecord, pull: PullRecord, tree: string): Promise<string> {
  const tip = repo.branches.get(pull.baseRef) ?? pull.baseSha;
  const person = {
    name: 'GitHub',
    email: 'noreply@github.com',
    atMs: (await repo.git.mustCommit(pull.headSha)).committer.atMs,
  };
  const message = `Merge ${pull.headSha} into ${tip}`;
  const made = { parents: [tip, pull.headSha], author: person, committer: person, message };
  return repo.git.cached(`test merge ${tip} ${pull.headSha}`, () =>
    repo.git.commitTree(tree, made),
  );
}

/** `pull-request`: the long form, with its counts. */
export async function fullPullJson(
  world: World,
  repo: RepoRecord,
  pull: PullRecord,
): Promise<Json> {
  const base = (await repo.git.mergeBase(pull.baseSha, pull.headSha)) ?? pull.baseSha;
  const [files, commits] = await Promise.all([
    repo.git.diff(base, pull.headSha),
    repo.git.range(pull.baseSha, pull.headSha),
  ]);
  const open = pull.issue.state === 'open';
  const tip = repo.branches.get(pull.baseRef);
  const tree = open && tip !== undefined ? await repo.git.mergeTree(tip, pull.headSha) : null;
  return {
    ...pullJson(world, repo, pull),
    merge_commit_sha: tree === null ? pull.mergeCommitSha : await testMerge(repo, pull, tree),
    merged: pull.mergedAtMs !== null,
    mergeable: open ? tree !== null : null,
    rebaseable: open ? tree !== null : null,
    mergeable_state: !open ? 'unknown' : tree === null ? 'dirty' : pull.draft ? 'draft' : 'clean',
    merged_by: accountOrNull(world, pull.mergedBy),
    comments: pull.issue.comments.length,
    review_comments: 0,
    maintainer_can_modify: false,
    commits: commits.length,
    additions: files.reduce((sum, file) => sum + file.additions, 0),
    deletions: files.reduce((sum, file) => sum + file.deletions, 0),
    changed_files: files.length,
  };
}

export function reviewJson(world: World, repo: RepoRecord, pull: PullRecord, one: Review): Json {
  const html = `${htmlUrl(world, repo)}/pull/${pull.number}#pullrequestreview-${one.id}`;
  const url = `${repoUrl(world, repo)}/pulls/${pull.number}`;
  return {
    id: one.id,
    node_id: nodeId('PRR', one.id),
    user: accountJson(world, one.user),
    body: one.body,
    state: one.state,
    html_url: html,
    pull_request_url: url,
    author_association: association(world, repo, one.user),
    _links: { html: { href: html }, pull_request: { href: url } },
    submitted_at: iso(one.submittedAtMs),
    commit_id: one.commitId,
  };
}

const noReactions = {
  total_count: 0,
  '+1': 0,
  '-1': 0,
  laugh: 0,
  hooray: 0,
  confused: 0,
  heart: 0,
  rocket: 0,
  eyes: 0,
};

export function commentJson(world: World, repo: RepoRecord, number: number, one: Comment): Json {
  return {
    id: one.id,
    node_id: nodeId('IC', one.id),
    url: `${repoUrl(world, repo)}/issues/comments/${one.id}`,
    html_url: `${htmlUrl(world, repo)}/pull/${number}#issuecomment-${one.id}`,
    issue_url: `${repoUrl(world, repo)}/issues/${number}`,
    body: one.body,
    user: accountJson(world, one.user),
    created_at: iso(one.createdAtMs),
    updated_at: iso(one.updatedAtMs),
    author_association: association(world, repo, one.user),
    reactions: {
      url: `${repoUrl(world, repo)}/issues/comments/${one.id}/reactions`,
      ...noReactions,
    },
    performed_via_github_app: viaAppJson(world, one.viaApp),
  };
}

export function issueJson(world: World, repo: RepoRecord, issue: IssueRecord): Json {
  const url = `${repoUrl(world, repo)}/issues/${issue.number}`;
  const pull = repo.pulls.get(issue.number);
  const html = `${htmlUrl(world, repo)}/${pull === undefined ? 'issues' : 'pull'}/${issue.number}`;
  return {
    url,
    repository_url: repoUrl(world, repo),
    labels_url: `${url}/labels{/name}`,
    comments_url: `${url}/comments`,
    events_url: `${url}/events`,
    timeline_url: `${url}/timeline`,
    html_url: html,
    id: issue.id,
    node_id: nodeId(pull === undefined ? 'I' : 'PR', issue.id),
    number: issue.number,
    title: issue.title,
    user: accountJson(world, issue.user),
    labels: labelsJson(world, repo, issue.labels),
    state: issue.state,
    state_reason: issue.state === 'closed' ? 'completed' : null,
    locked: false,
    assignee: accountOrNull(world, issue.assignees[0] ?? null),
    assignees: issue.assignees.map((one) => accountJson(world, one)),
    milestone: null,
    comments: issue.comments.length,
    created_at: iso(issue.createdAtMs),
    updated_at: iso(issue.updatedAtMs),
    closed_at: isoOrNull(issue.closedAtMs),
    closed_by: accountOrNull(world, issue.closedBy),
    author_association: association(world, repo, issue.user),
    active_lock_reason: null,
    body: issue.body,
    reactions: { url: `${url}/reactions`, ...noReactions },
    performed_via_github_app: viaAppJson(world, issue.viaApp),
    ...(pull === undefined
      ? {}
      : {
          draft: pull.draft,
          pull_request: {
            url: `${repoUrl(world, repo)}/pulls/${issue.number}`,
            html_url: html,
            diff_url: `${html}.diff`,
            patch_url: `${html}.patch`,
            merged_at: isoOrNull(pull.mergedAtMs),
          },
        }),
  };
}

/** Repository and organisation as every webhook carries them. */
export function repositoryPart(world: World, repo: RepoRecord): Json {
  const org = world.orgs.get(repo.owner.login.toLowerCase());
  return {
    repository: fullRepoJson(world, repo),
    ...(org === undefined ? {} : { organization: orgJson(world, org) }),
  };
}

export { repoJson };
