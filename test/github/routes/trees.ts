/** Tree listings with GitHub's limits, new trees, and refs. */
import { moveRef } from '../acts-code.ts';
import {
  actor,
  found,
  HttpError,
  isRecord,
  ok,
  param,
  repoOf,
  text,
  textOr,
  type Call,
  type Reply,
  type Route,
} from '../http.ts';
import { nodeId, repoUrl } from '../shapes.ts';
import type { Json, RepoRecord } from '../state.ts';
import { join } from 'node:path';

interface Listed {
  readonly path: string;
  readonly mode: string;
  readonly type: string;
  readonly sha: string;
  readonly size: number | null;
}

/** A recursive listing ends at 100,000 entries or 7 MB, with `truncated: true`. */
const limits = { entries: 100_000, bytes: 7 * 1_048_576 };
const perEntryBytes = 180;

export async function listing(
  repo: RepoRecord,
  sha: string,
  recursive: boolean,
): Promise<{ readonly items: Listed[]; readonly truncated: boolean }> {
  const args = ['ls-tree', '-z', '-l', ...(recursive ? ['-r', '-t'] : []), sha];
  const out = await repo.git.cached(args.join(' '), () => repo.git.git(args));
  const items = out
    .split('\0')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const tab = line.indexOf('\t');
      const [mode = '', type = '', name = '', size = '-'] = line.slice(0, tab).split(/ +/);
      const path = line.slice(tab + 1);
      return { path, mode, type, sha: name, size: size === '-' ? null : Number(size) };
    });
  let bytes = 0;
  const cut = items.findIndex((item, index) => {
    bytes += perEntryBytes + item.path.length;
    return index >= limits.entries || bytes > limits.bytes;
  });
  return cut < 0 ? { items, truncated: false } : { items: items.slice(0, cut), truncated: true };
}

async function indexLine(repo: RepoRecord, entry: Json): Promise<string> {
  const { path, mode, sha, content } = entry;
  if (sha === null) return `0 ${'0'.repeat(40)}\t${String(path)}\0`;
  const name =
    typeof content === 'string'
      ? await repo.git.blob(Buffer.from(content))
      : typeof sha === 'string'
        ? sha
        : '';
  return `${String(mode)} ${name}\t${String(path)}\0`;
}

async function createTree(call: Call): Promise<Reply> {
  const repo = repoOf(call, [['contents', 'write']]);
  const given: unknown = call.body['tree'];
  const entries = Array.isArray(given) ? given.filter(isRecord) : [];
  const file = join(repo.git.dir, `index-${call.world.nextId('index')}`);
  const env = { GIT_INDEX_FILE: file };
  const base = textOr(call, 'base_tree', null);
  if (base !== null) await repo.git.git(['read-tree', base], { env });
  const lines = await Promise.all(entries.map((entry) => indexLine(repo, entry)));
  await repo.git.git(['update-index', '-z', '--index-info'], { env, input: lines.join('') });
  const sha = await repo.git.git(['write-tree'], { env });
  const { items } = await listing(repo, sha, false);
  const tree = items.map(({ size, ...rest }) => (size === null ? rest : { ...rest, size }));
  const url = `${repoUrl(call.world, repo)}/git/trees/${sha}`;
  return ok({ sha, url, tree, truncated: false }, 201);
}

function refJson(call: Call, repo: RepoRecord, branch: string): Json {
  const sha = found(repo.branches.get(branch));
  const url = `${repoUrl(call.world, repo)}/git`;
  return {
    ref: `refs/heads/${branch}`,
    node_id: nodeId('REF', repo.id),
    url: `${url}/refs/heads/${branch}`,
    object: { sha, type: 'commit', url: `${url}/commits/${sha}` },
  };
}

function getRef(call: Call): Reply {
  const repo = repoOf(call, [['contents', 'read']]);
  const ref = param(call, 'ref');
  if (!ref.startsWith('heads/')) throw new HttpError(404, 'Not Found');
  return ok(refJson(call, repo, ref.slice('heads/'.length)));
}

async function createRef(call: Call): Promise<Reply> {
  const repo = repoOf(call, [['contents', 'write']]);
  const branch = text(call, 'ref').replace(/^refs\/heads\//, '');
  const sha = text(call, 'sha');
  if (repo.branches.has(branch)) throw new HttpError(422, 'Reference already exists');
  if ((await repo.git.commit(sha)) === null) throw new HttpError(422, 'Object does not exist');
  await moveRef(call.world, { repo, branch, sha, by: actor(call) });
  return ok(refJson(call, repo, branch), 201);
}

async function updateRef(call: Call): Promise<Reply> {
  const repo = repoOf(call, [['contents', 'write']]);
  const branch = param(call, 'ref').replace(/^heads\//, '');
  const sha = text(call, 'sha');
  const before = repo.branches.get(branch);
  if (before === undefined) throw new HttpError(422, 'Reference does not exist');
  const straight = (await repo.git.mergeBase(before, sha)) === before;
  if (!straight && call.body['force'] !== true) {
    throw new HttpError(422, 'Update is not a fast forward');
  }
  await moveRef(call.world, { repo, branch, sha, by: actor(call) });
  return ok(refJson(call, repo, branch));
}

const root = '/repos/{owner}/{repo}/git';
const need = [['contents', 'write']] as const;

export const treeRoutes: readonly Route[] = [
  {
    method: 'POST',
    path: `${root}/trees`,
    operationId: 'git/create-tree',
    need,
    handle: createTree,
  },
  {
    method: 'GET',
    path: `${root}/ref/{ref}`,
    operationId: 'git/get-ref',
    need: [['contents', 'read']],
    handle: getRef,
  },
  { method: 'POST', path: `${root}/refs`, operationId: 'git/create-ref', need, handle: createRef },
  {
    method: 'PATCH',
    path: `${root}/refs/{ref}`,
    operationId: 'git/update-ref',
    need,
    handle: updateRef,
  },
];
