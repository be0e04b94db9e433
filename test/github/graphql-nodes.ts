/** What all GraphQL nodes share: connections with GitHub's limits, actors, commits and blobs. */
import type { GitCommit, Person, TreeItem } from './git.ts';
import { checkNeed, repoOf, type Call, type Need } from './http.ts';
import { iso, nodeId } from './shapes.ts';
import type { Account, Json, RepoRecord } from './state.ts';
import type { World } from './world.ts';

export interface Asking {
  readonly call: Call;
  readonly world: World;
}

/** An error of one field, as GitHub types them: NOT_FOUND, FORBIDDEN, … */
export class Refused extends Error {
  readonly type: string;
  constructor(type: string, message: string) {
    super(message);
    this.type = type;
  }
}

/** Whether the token may do this in a repository; GraphQL says it as a FORBIDDEN field. */
export function allowed(asking: Asking, repo: RepoRecord, need: Need): void {
  const params = { owner: repo.owner.login, repo: repo.name };
  try {
    repoOf({ ...asking.call, method: 'GET', params }, need);
  } catch {
    throw new Refused('FORBIDDEN', 'Resource not accessible by integration');
  }
}

export function allowedAnywhere(asking: Asking, need: Need): void {
  try {
    checkNeed(asking.call, need);
  } catch {
    throw new Refused('FORBIDDEN', 'Resource not accessible by integration');
  }
}

export interface PageArgs {
  readonly first?: number | null;
  readonly last?: number | null;
  readonly after?: string | null;
  readonly before?: string | null;
}

function cursor(index: number): string {
  return Buffer.from(`cursor:${index + 1}`).toString('base64');
}

function indexOf(text: string | null | undefined): number | null {
  if (text === null || text === undefined) return null;
  const found = /^cursor:(\d+)$/.exec(Buffer.from(text, 'base64').toString());
  if (found === null) {
    throw new Refused(
      'INVALID_CURSOR_ARGUMENTS',
      `\`${text}\` does not appear to be a valid cursor.`,
    );
  }
  return Number(found[1]) - 1;
}

/**
 * A connection with pageInfo, nodes, edges and totalCount, and GitHub's rules for its bounds. A
 * promise only when a node is one: thousands of them would make a large answer slow.
 */
export function connection<T>(
  name: string,
  args: PageArgs,
  items: readonly T[],
  node: (item: T) => Json | null | Promise<Json | null>,
): Json | Promise<Json> {
  const size = args.first ?? args.last ?? null;
  if (size === null) {
    const wanted = 'You must provide a `first` or `last` value to properly paginate';
    const message = `${wanted} the \`${name}\` connection.`;
    throw new Refused('MISSING_PAGINATION_BOUNDARIES', message);
  }
  if (size < 0 || size > 100) {
    const asked = `Requesting ${size} records on the \`${name}\` connection`;
    const message = `${asked} exceeds the \`first\` limit of 100 records.`;
    throw new Refused('EXCESSIVE_PAGINATION', message);
  }
  const from = (indexOf(args.after) ?? -1) + 1;
  const to = indexOf(args.before) ?? items.length;
  const forward = args.first !== null && args.first !== undefined;
  const start = forward ? from : Math.max(from, to - size);
  const end = forward ? Math.min(to, from + size) : to;
  const page = (nodes: readonly (Json | null)[]): Json => ({
    totalCount: items.length,
    nodes,
    edges: nodes.map((one, index) => ({ node: one, cursor: cursor(start + index) })),
    pageInfo: {
      hasNextPage: end < items.length,
      hasPreviousPage: start > 0,
      startCursor: nodes.length === 0 ? null : cursor(start),
      endCursor: nodes.length === 0 ? null : cursor(end - 1),
    },
  });
  const made = items.slice(start, end).map(node);
  const ready = made.flatMap((one) => (one instanceof Promise ? [] : [one]));
  if (ready.length === made.length) return page(ready);
  return Promise.all(made.map((one) => Promise.resolve(one))).then(page);
}

/** An account where it acts: GraphQL writes a bot's login without `[bot]`. */
export function actorNode(account: Account | null): Json | null {
  if (account === null) return null;
  const login = account.type === 'Bot' ? account.login.replace(/\[bot\]$/, '') : account.login;
  return { ...accountNode(account), login };
}

/** An account where GraphQL's type is User; there a bot keeps its whole login. */
export function accountNode(account: Account): Json {
  const { id, login, name, type } = account;
  return { __typename: type, id: nodeId('U', id), databaseId: id, login, name, url: login };
}

function gitActorNode(asking: Asking, person: Person): Json {
  const account = asking.world.byEmail(person.email);
  const shown = account !== null && (account.type !== 'Bot' || asking.world.botsInCommits);
  return {
    name: person.name,
    email: person.email,
    date: iso(person.atMs),
    user: shown ? { ...accountNode(account), __typename: 'User' } : null,
  };
}

const trailer = /^co-authored-by:[ \t]*([^<\n]*?)[ \t]*<([^>\n]+)>[ \t]*$/gim;

/** The author and GitHub's own reading of `Co-authored-by`, each address once. */
function authorsOf(commit: GitCommit): Person[] {
  const { author, message } = commit;
  const people = new Map([[author.email.toLowerCase(), author]]);
  for (const [, name = '', email = ''] of message.matchAll(trailer)) {
    const key = email.toLowerCase();
    if (!people.has(key)) people.set(key, { name, email, atMs: author.atMs });
  }
  return [...people.values()];
}

function signatureNode(repo: RepoRecord, sha: string): Json | null {
  const verified = repo.verified.get(sha);
  if (verified === undefined) return null;
  const common = { email: 'noreply@github.com', payload: '', signature: '', state: 'VALID' };
  return {
    __typename: 'GpgSignature',
    ...common,
    isValid: true,
    signer: null,
    verifiedAt: null,
    wasSignedByGitHub: verified === 'web-flow',
  };
}

export type PullsOf = (sha: string) => Promise<readonly Json[]>;

export function commitNode(
  asking: Asking,
  repo: RepoRecord,
  commit: GitCommit,
  pullsOf: PullsOf,
): Json {
  const [headline = '', ...rest] = commit.message.split('\n');
  return {
    __typename: 'Commit',
    id: nodeId('C', Number.parseInt(commit.sha.slice(0, 8), 16)),
    oid: commit.sha,
    abbreviatedOid: commit.sha.slice(0, 7),
    message: commit.message,
    messageHeadline: headline,
    messageBody: rest.join('\n').trim(),
    committedDate: iso(commit.committer.atMs),
    authoredDate: iso(commit.author.atMs),
    author: gitActorNode(asking, commit.author),
    committer: gitActorNode(asking, commit.committer),
    committedViaWeb: repo.verified.get(commit.sha) === 'web-flow',
    authoredByCommitter: commit.author.email === commit.committer.email,
    signature: signatureNode(repo, commit.sha),
    tree: () => treeNode(asking, repo, commit.tree),
    parents: (args: PageArgs) =>
      connection('parents', args, commit.parents, async (sha) =>
        commitNode(asking, repo, await repo.git.mustCommit(sha), pullsOf),
      ),
    authors: (args: PageArgs) =>
      connection('authors', args, authorsOf(commit), (one) => gitActorNode(asking, one)),
    associatedPullRequests: async (args: PageArgs) =>
      connection('associatedPullRequests', args, await pullsOf(commit.sha), (one) => one),
  };
}

/** GraphQL gives at most this much of a blob's text, and says so. */
const textLimitBytes = 512_000;

export function blobNode(sha: string, bytes: Buffer): Json {
  const isBinary = bytes.subarray(0, 8000).includes(0);
  const isTruncated = !isBinary && bytes.length > textLimitBytes;
  return {
    __typename: 'Blob',
    id: nodeId('B', bytes.length),
    oid: sha,
    abbreviatedOid: sha.slice(0, 7),
    byteSize: bytes.length,
    isBinary,
    isTruncated,
    text: isBinary ? null : bytes.subarray(0, textLimitBytes).toString('utf8'),
  };
}

function entryNode(asking: Asking, repo: RepoRecord, base: string, item: TreeItem): Json {
  const path = base === '' ? item.name : `${base}/${item.name}`;
  return {
    __typename: 'TreeEntry',
    name: item.name,
    path,
    mode: Number.parseInt(item.mode, 8),
    type: item.type,
    oid: item.sha,
    size: async () =>
      item.type === 'blob' ? ((await repo.git.object(item.sha))?.bytes.length ?? 0) : 0,
    object: () => objectNode(asking, repo, item.sha),
  };
}

export async function treeNode(
  asking: Asking,
  repo: RepoRecord,
  sha: string,
  base: string = '',
): Promise<Json> {
  const items = (await repo.git.tree(sha)) ?? [];
  return {
    __typename: 'Tree',
    id: nodeId('T', items.length),
    oid: sha,
    abbreviatedOid: sha.slice(0, 7),
    entries: items.map((item) => entryNode(asking, repo, base, item)),
  };
}

/** A blob or tree by its name; commits are made where pull requests are known. */
export async function objectNode(
  asking: Asking,
  repo: RepoRecord,
  sha: string,
  base: string = '',
): Promise<Json | null> {
  const object = await repo.git.object(sha);
  if (object?.type === 'blob') return blobNode(sha, object.bytes);
  if (object?.type === 'tree') return treeNode(asking, repo, sha, base);
  return null;
}
