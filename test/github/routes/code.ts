/** Contents, the git database, commits and comparisons. */
import {
  commitOf,
  found,
  HttpError,
  isRecord,
  ok,
  paged,
  param,
  repoOf,
  text,
  textOr,
  byCursor,
  type Call,
  type Need,
  type Reply,
  type Route,
} from '../http.ts';
import { emptyTree, type GitCommit, type Person, type TreeItem } from '../git.ts';
import { commitJson, fileJson, gitCommitJson } from '../shapes-code.ts';
import { accountOrNull, htmlUrl, iso, nodeId, repoUrl } from '../shapes.ts';
import type { Json, RepoRecord } from '../state.ts';
import { listing, treeRoutes } from './trees.ts';

const read: Need = [['contents', 'read']];

function pathUrl(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/');
}

/** Contents up to 1 MB carry their text, up to 100 MB only with the raw media type. */
const inlineBytes = 1_048_576;
const contentBytes = 100 * 1_048_576;

interface Found {
  readonly repo: RepoRecord;
  readonly ref: string;
  readonly path: string;
}

function contentBase(call: Call, at: Found, item: TreeItem): Json {
  const url = `${repoUrl(call.world, at.repo)}/contents/${pathUrl(at.path)}?ref=${at.ref}`;
  const kind = item.type === 'tree' ? 'trees' : 'blobs';
  const git = `${repoUrl(call.world, at.repo)}/git/${kind}/${item.sha}`;
  const view = item.type === 'tree' ? 'tree' : 'blob';
  const html = `${htmlUrl(call.world, at.repo)}/${view}/${at.ref}/${pathUrl(at.path)}`;
  const raw = `${htmlUrl(call.world, at.repo)}/raw/${at.ref}/${pathUrl(at.path)}`;
  return {
    name: item.name,
    path: at.path,
    sha: item.sha,
    size: 0,
    url,
    html_url: html,
    git_url: git,
    download_url: item.type === 'blob' ? raw : null,
    _links: { self: url, git, html },
  };
}

function typeOf(item: TreeItem): string {
  if (item.mode === '120000') return 'symlink';
  if (item.type === 'commit') return 'submodule';
  return item.type === 'tree' ? 'dir' : 'file';
}

async function getContent(call: Call): Promise<Reply> {
  const { world } = call;
  const repo = repoOf(call, read);
  const ref = call.query.get('ref') ?? repo.defaultBranch;
  const sha = found(await world.resolve(repo, ref));
  const path = (call.params['path'] ?? '').replace(/^\/+|\/+$/g, '');
  const at = { repo, ref, path };
  const item = found(await repo.git.entry(sha, path));
  if (item.type === 'tree') {
    const items = found(await repo.git.tree(item.sha));
    const shown = items.slice(0, 1000).map(async (one) => {
      const inside = { ...at, path: path === '' ? one.name : `${path}/${one.name}` };
      const size = one.type === 'blob' ? (await repo.git.object(one.sha))?.bytes.length : 0;
      return { ...contentBase(call, inside, one), type: typeOf(one), size };
    });
    return ok(await Promise.all(shown));
  }
  const base = contentBase(call, at, item);
  if (item.type === 'commit') return ok({ ...base, type: 'submodule', submodule_git_url: null });
  const { bytes } = found(await repo.git.object(item.sha));
  if (call.accept.includes('raw')) {
    if (bytes.length > contentBytes) throw new HttpError(403, 'too_large');
    return { status: 200, text: bytes.toString('utf8'), type: 'application/vnd.github.raw+json' };
  }
  const size = bytes.length;
  if (item.mode === '120000')
    return ok({ ...base, type: 'symlink', size, target: bytes.toString() });
  const inline = size <= inlineBytes;
  const content = inline ? wrapBase64(bytes) : '';
  return ok({ ...base, type: 'file', size, content, encoding: inline ? 'base64' : 'none' });
}

/** GitHub breaks base64 into lines of 60 characters. */
function wrapBase64(bytes: Buffer): string {
  return bytes.toString('base64').replace(/.{1,60}/g, '$&\n');
}

async function getBlob(call: Call): Promise<Reply> {
  const repo = repoOf(call, read);
  const sha = param(call, 'file_sha');
  const object = await repo.git.object(sha);
  if (object?.type !== 'blob') throw new HttpError(404, 'Not Found');
  if (object.bytes.length > contentBytes) throw new HttpError(403, 'too_large');
  if (call.accept.includes('raw')) {
    return { status: 200, text: object.bytes.toString('utf8'), type: 'application/octet-stream' };
  }
  return ok({
    sha,
    node_id: nodeId('B', 1),
    size: object.bytes.length,
    url: `${repoUrl(call.world, repo)}/git/blobs/${sha}`,
    content: wrapBase64(object.bytes),
    encoding: 'base64',
  });
}

async function getTree(call: Call): Promise<Reply> {
  const repo = repoOf(call, read);
  const asked = param(call, 'tree_sha');
  const root = (await call.world.resolve(repo, asked)) ?? asked;
  const commit = await repo.git.commit(root);
  const sha = commit?.tree ?? root;
  if (sha !== emptyTree) found(await repo.git.tree(sha));
  const list = await listing(repo, sha, call.query.has('recursive'));
  const url = `${repoUrl(call.world, repo)}/git`;
  const tree = list.items.map((item) => ({
    path: item.path,
    mode: item.mode,
    type: item.type,
    sha: item.sha,
    ...(item.size === null ? {} : { size: item.size }),
    ...(item.type === 'commit' ? {} : { url: `${url}/${item.type}s/${item.sha}` }),
  }));
  return ok({ sha, url: `${url}/trees/${sha}`, tree, truncated: list.truncated });
}

async function getGitCommit(call: Call): Promise<Reply> {
  const repo = repoOf(call, read);
  const commit = found(await repo.git.commit(param(call, 'commit_sha')));
  return ok(gitCommitJson(call.world, repo, commit));
}

async function listCommits(call: Call): Promise<Reply> {
  const repo = repoOf(call, read);
  const sha = await commitOf(call, repo, call.query.get('sha') ?? repo.defaultBranch);
  const since = Date.parse(call.query.get('since') ?? '1970-01-01');
  const until = Date.parse(call.query.get('until') ?? '9999-01-01');
  const names = await repo.git.history(sha, call.query.get('path') ?? '');
  const commits = await Promise.all(names.map((name) => repo.git.mustCommit(name)));
  const kept = commits.filter(({ committer: { atMs } }) => atMs >= since && atMs <= until);
  return paged(call, { items: kept, render: (one) => commitJson(call.world, repo, one) });
}

async function getCommit(call: Call): Promise<Reply> {
  const repo = repoOf(call, read);
  const sha = await commitOf(call, repo, param(call, 'ref'));
  const commit = await repo.git.mustCommit(sha);
  const files = await repo.git.diff(commit.parents[0] ?? emptyTree, sha);
  const additions = files.reduce((sum, file) => sum + file.additions, 0);
  const deletions = files.reduce((sum, file) => sum + file.deletions, 0);
  const page = await paged(call, {
    items: files.slice(0, 3000),
    render: (file) => fileJson(call.world, repo, sha, file),
    perPageDefault: 300,
    wrap: (shown) => ({
      ...commitJson(call.world, repo, commit),
      stats: { total: additions + deletions, additions, deletions },
      files: shown,
    }),
  });
  return page;
}

/** A side of a comparison: `branch`, `owner:branch` or a commit. */
async function sideOf(call: Call, repo: RepoRecord, side: string): Promise<string> {
  const [owner, ref] = side.includes(':') ? side.split(':') : [null, side];
  const fork = [...call.world.repos.values()].find(
    (one) => one.git === repo.git && one.owner.login.toLowerCase() === owner?.toLowerCase(),
  );
  return found(await call.world.resolve(fork ?? repo, ref ?? ''));
}

const compareFiles = 300;

async function compare(call: Call): Promise<Reply> {
  const { world } = call;
  const repo = repoOf(call, read);
  const basehead = param(call, 'basehead');
  const [left = '', right = ''] = basehead.split('...');
  if (!basehead.includes('...')) throw new HttpError(404, 'Not Found');
  const [base, head] = await Promise.all([sideOf(call, repo, left), sideOf(call, repo, right)]);
  const merge = found(await repo.git.mergeBase(base, head));
  const [ahead, behind, files] = await Promise.all([
    repo.git.range(base, head),
    repo.git.range(head, base),
    repo.git.diff(merge, head),
  ]);
  const [baseCommit, mergeCommit] = await Promise.all([
    repo.git.mustCommit(base),
    repo.git.mustCommit(merge),
  ]);
  const two = ahead.length > 0 ? 'ahead' : behind.length > 0 ? 'behind' : 'identical';
  const status = ahead.length > 0 && behind.length > 0 ? 'diverged' : two;
  const html = `${htmlUrl(world, repo)}/compare/${basehead}`;
  const first = Number(call.query.get('page') ?? 1) <= 1;
  return paged(call, {
    items: ahead,
    // Unpaged comparisons give up to 250 commits.
    perPageDefault: 250,
    render: async (sha) => commitJson(world, repo, await repo.git.mustCommit(sha)),
    wrap: (commits) => ({
      url: `${repoUrl(world, repo)}/compare/${basehead}`,
      html_url: html,
      permalink_url: html,
      diff_url: `${html}.diff`,
      patch_url: `${html}.patch`,
      base_commit: commitJson(world, repo, baseCommit),
      merge_base_commit: commitJson(world, repo, mergeCommit),
      status,
      ahead_by: ahead.length,
      behind_by: behind.length,
      total_commits: ahead.length,
      commits,
      files: first
        ? files.slice(0, compareFiles).map((file) => fileJson(world, repo, head, file))
        : [],
    }),
  });
}

function listActivity(call: Call): Promise<Reply> {
  const repo = repoOf(call, read);
  const ref = call.query.get('ref');
  const wanted = ref === null ? null : `refs/heads/${ref.replace(/^refs\/heads\//, '')}`;
  const kind = call.query.get('activity_type');
  const by = call.query.get('actor')?.toLowerCase();
  const items = repo.activity.filter(
    (one) =>
      (wanted === null || one.ref === wanted) &&
      (kind === null || one.type === kind) &&
      (by === undefined || one.actor?.login.toLowerCase() === by),
  );
  const ordered = call.query.get('direction') === 'asc' ? items.reverse() : items;
  const render = (one: (typeof items)[number]): Json => ({
    id: one.id,
    node_id: nodeId('PSH', one.id),
    before: one.before,
    after: one.after,
    ref: one.ref,
    timestamp: iso(one.atMs),
    activity_type: one.type,
    actor: accountOrNull(call.world, one.actor),
  });
  return byCursor(call, { items: ordered, render }, 'after');
}

function personOf(call: Call, value: unknown, otherwise: Person): Person {
  if (!isRecord(value)) return otherwise;
  const { name, email, date } = value;
  return {
    name: typeof name === 'string' ? name : otherwise.name,
    email: typeof email === 'string' ? email : otherwise.email,
    atMs: typeof date === 'string' ? Date.parse(date) : call.world.now(),
  };
}

async function createCommit(call: Call): Promise<Reply> {
  const repo = repoOf(call, [['contents', 'write']]);
  const { token } = call.auth.kind === 'token' ? call.auth : { token: null };
  const account = found(token?.user ?? token?.app?.bot);
  const author = personOf(call, call.body['author'], call.world.person(account));
  const committer = personOf(call, call.body['committer'], author);
  const given: unknown = call.body['parents'];
  const parents = Array.isArray(given) ? given.map(String) : [];
  const made = { parents, author, committer, message: text(call, 'message') };
  const sha = await repo.git.commitTree(text(call, 'tree'), made);
  // GitHub signs what an app commits without naming an author itself.
  if (token?.app !== null && call.body['author'] === undefined) repo.verified.set(sha, 'web-flow');
  const commit: GitCommit = await repo.git.mustCommit(sha);
  return ok(gitCommitJson(call.world, repo, commit), 201);
}

async function createBlob(call: Call): Promise<Reply> {
  const repo = repoOf(call, [['contents', 'write']]);
  const encoding = textOr(call, 'encoding', 'utf-8') === 'base64' ? 'base64' : 'utf8';
  const sha = await repo.git.blob(Buffer.from(text(call, 'content'), encoding));
  return ok({ url: `${repoUrl(call.world, repo)}/git/blobs/${sha}`, sha }, 201);
}

function route(path: string, operationId: string, handle: Route['handle']): Route {
  return { method: 'GET', path: `/repos/{owner}/{repo}${path}`, operationId, need: read, handle };
}

export const codeRoutes: readonly Route[] = [
  route('/contents/{path}', 'repos/get-content', getContent),
  route('/git/trees/{tree_sha}', 'git/get-tree', getTree),
  route('/git/blobs/{file_sha}', 'git/get-blob', getBlob),
  route('/git/commits/{commit_sha}', 'git/get-commit', getGitCommit),
  route('/commits', 'repos/list-commits', listCommits),
  route('/commits/{ref}', 'repos/get-commit', getCommit),
  route('/compare/{basehead}', 'repos/compare-commits-with-basehead', compare),
  route('/activity', 'repos/list-activities', listActivity),
  { ...route('/git/blobs', 'git/create-blob', createBlob), method: 'POST' },
  { ...route('/git/commits', 'git/create-commit', createCommit), method: 'POST' },
  ...treeRoutes,
];
