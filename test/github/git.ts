/**
 * Bare git repositories made with the git program: objects are written by `git fast-import` and
 * `git commit-tree`, read through one long-lived `git cat-file --batch`, and kept in memory, as an
 * object never changes under its name.
 */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseDiff, type FileDiff } from './git-diff.ts';

export interface Person {
  readonly name: string;
  readonly email: string;
  /** Milliseconds since 1970. */
  readonly atMs: number;
}

export interface GitObject {
  readonly sha: string;
  readonly type: string;
  readonly bytes: Buffer;
}

export interface GitCommit {
  readonly sha: string;
  readonly tree: string;
  readonly parents: readonly string[];
  readonly author: Person;
  readonly committer: Person;
  readonly message: string;
}

export interface TreeItem {
  readonly mode: string;
  readonly name: string;
  readonly sha: string;
  readonly type: 'blob' | 'tree' | 'commit';
}

/** What a path becomes: text or bytes, null when it goes, or content with an own git mode. */
export type FileContent =
  | string
  | Uint8Array
  | null
  | { readonly mode: string; readonly content: string | Uint8Array };

export interface NewCommit {
  readonly parents: readonly string[];
  readonly files: Readonly<Record<string, FileContent>>;
  readonly author: Person;
  readonly committer: Person;
  readonly message: string;
}

const environment = {
  PATH: process.env['PATH'] ?? '/usr/bin:/bin',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  HOME: '/nonexistent',
  TZ: 'UTC',
};

interface GitResult {
  readonly code: number;
  readonly out: Buffer;
  readonly err: string;
}

interface GitOptions {
  readonly input?: string | Uint8Array;
  readonly env?: Readonly<Record<string, string>>;
}

function runGit(dir: string, args: readonly string[], options: GitOptions): Promise<GitResult> {
  return new Promise((resolve, reject) => {
    const child = spawn('git', ['-C', dir, ...args], { env: { ...environment, ...options.env } });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    child.on('error', reject);
    child.stdin.on('error', () => undefined);
    child.on('close', (code) =>
      resolve({ code: code ?? -1, out: Buffer.concat(out), err: Buffer.concat(err).toString() }),
    );
    child.stdin.end(options.input ?? '');
  });
}

/** A path as fast-import wants it: quoted when it holds a quote, a backslash or a line break. */
function quotePath(path: string): string {
  if (!/["\\\n]/.test(path) && path !== '') return path;
  return `"${path.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`;
}

function stamp(person: Person): string {
  const name = person.name.replace(/[<>\n]/g, '');
  return `${name} <${person.email}> ${Math.floor(person.atMs / 1000)} +0000`;
}

function parsePerson(line: string): Person {
  const match = /^(.*?) ?<([^>]*)> (\d+)/.exec(line);
  const [, name = '', email = '', seconds = '0'] = match ?? [];
  return { name, email, atMs: Number(seconds) * 1000 };
}

function parseCommit(object: GitObject): GitCommit {
  const text = object.bytes.toString('utf8');
  const end = text.indexOf('\n\n');
  const lines = text.slice(0, end).split('\n');
  const find = (key: string): string[] =>
    lines.filter((line) => line.startsWith(`${key} `)).map((line) => line.slice(key.length + 1));
  return {
    sha: object.sha,
    tree: find('tree')[0] ?? '',
    parents: find('parent'),
    author: parsePerson(find('author')[0] ?? ''),
    committer: parsePerson(find('committer')[0] ?? ''),
    message: text.slice(end + 2).replace(/\n$/, ''),
  };
}

function parseTree(bytes: Buffer): TreeItem[] {
  const items: TreeItem[] = [];
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(32, at);
    const nul = bytes.indexOf(0, space);
    const mode = bytes.toString('latin1', at, space).padStart(6, '0');
    const type = mode === '040000' ? 'tree' : mode === '160000' ? 'commit' : 'blob';
    const name = bytes.toString('utf8', space + 1, nul);
    items.push({ mode, name, type, sha: bytes.toString('hex', nul + 1, nul + 21) });
    at = nul + 21;
  }
  return items;
}

export class GitStore {
  readonly dir: string;
  private readonly objects = new Map<string, Promise<GitObject | null>>();
  private readonly known = new Map<string, Promise<unknown>>();
  private readonly commits = new Map<string, GitCommit>();
  private reader: ChildProcessWithoutNullStreams | null = null;
  private waiting: ((object: GitObject | null) => void)[] = [];
  private rest: Buffer = Buffer.alloc(0);
  private writing: Promise<unknown> = Promise.resolve();

  private constructor(dir: string) {
    this.dir = dir;
  }

  /** Makes an empty bare repository in `dir`. */
  static async create(dir: string): Promise<GitStore> {
    mkdirSync(dir, { recursive: true });
    const made = await runGit(dir, ['init', '-q', '--bare', '--template=', '-b', 'main'], {});
    if (made.code !== 0) throw new Error(`git init failed: ${made.err}`);
    return new GitStore(dir);
  }

  /** Runs git and answers its output; throws when it fails. */
  async git(args: readonly string[], options: GitOptions = {}): Promise<string> {
    const result = await runGit(this.dir, args, options);
    if (result.code !== 0) throw new Error(`git ${args.join(' ')} failed: ${result.err}`);
    return result.out.toString('utf8').replace(/\n$/, '');
  }

  close(): void {
    this.reader?.kill();
    this.reader = null;
  }

  /** Writes a ref into the bare repository, so that it can be cloned; null deletes it. */
  writeRef(ref: string, sha: string | null): void {
    const file = join(this.dir, ref);
    if (sha === null) return rmSync(file, { force: true });
    mkdirSync(dirname(file), { recursive: true });
    return writeFileSync(file, `${sha}\n`);
  }

  /** Any object by its full name; null when the store does not have it. */
  object(sha: string): Promise<GitObject | null> {
    const cached = this.objects.get(sha);
    if (cached !== undefined) return cached;
    const promise = this.read(sha);
    this.objects.set(sha, promise);
    void promise.then((object) => object === null && this.objects.delete(sha));
    return promise;
  }

  async commit(sha: string): Promise<GitCommit | null> {
    const known = this.commits.get(sha);
    if (known !== undefined) return known;
    const object = await this.object(sha);
    if (object?.type !== 'commit') return null;
    const commit = parseCommit(object);
    this.commits.set(sha, commit);
    return commit;
  }

  async mustCommit(sha: string): Promise<GitCommit> {
    const commit = await this.commit(sha);
    if (commit === null) throw new Error(`commit ${sha} is not in ${this.dir}`);
    return commit;
  }

  async tree(sha: string): Promise<TreeItem[] | null> {
    const object = await this.object(sha);
    if (object === null) return null;
    if (object.type === 'commit') return this.tree(parseCommit(object).tree);
    return object.type === 'tree' ? parseTree(object.bytes) : null;
  }

  /** The entry at a path of a commit or tree; the empty path is the root tree. */
  async entry(root: string, path: string): Promise<TreeItem | null> {
    const commit = await this.commit(root);
    let found: TreeItem = { mode: '040000', name: '', type: 'tree', sha: commit?.tree ?? root };
    for (const name of path.split('/').filter((part) => part !== '')) {
      const items: TreeItem[] | null = found.type === 'tree' ? await this.tree(found.sha) : null;
      const next: TreeItem | undefined = items?.find((item) => item.name === name);
      if (next === undefined) return null;
      found = next;
    }
    return found;
  }

  private read(sha: string): Promise<GitObject | null> {
    const reader = this.reader ?? this.startReader();
    return new Promise((resolve) => {
      this.waiting.push(resolve);
      reader.stdin.write(`${sha}\n`);
    });
  }

  private startReader(): ChildProcessWithoutNullStreams {
    const reader = spawn('git', ['-C', this.dir, 'cat-file', '--batch'], { env: environment });
    reader.stdout.on('data', (chunk: Buffer) => {
      this.rest = Buffer.concat([this.rest, chunk]);
      while (this.takeObject());
    });
    reader.stdin.on('error', () => undefined);
    reader.unref();
    this.reader = reader;
    return reader;
  }

  /** Takes one answer of `cat-file --batch` off the buffer; false when it is not complete. */
  private takeObject(): boolean {
    const line = this.rest.indexOf(10);
    if (line < 0) return false;
    const [sha = '', type = '', size] = this.rest.toString('latin1', 0, line).split(' ');
    if (size === undefined) {
      this.rest = this.rest.subarray(line + 1);
      this.waiting.shift()?.(null);
      return true;
    }
    const end = line + 1 + Number(size);
    if (this.rest.length < end + 1) return false;
    const bytes = Buffer.from(this.rest.subarray(line + 1, end));
    this.rest = this.rest.subarray(end + 1);
    this.waiting.shift()?.({ sha, type, bytes });
    return true;
  }

  /** Writes one commit with `git fast-import` and answers its name. */
  async write(commit: NewCommit): Promise<string> {
    const parts: (string | Uint8Array)[] = ['commit refs/local/new\nmark :1\n'];
    parts.push(`author ${stamp(commit.author)}\ncommitter ${stamp(commit.committer)}\n`);
    parts.push(`data ${Buffer.byteLength(commit.message)}\n${commit.message}\n`);
    commit.parents.forEach((sha, index) =>
      parts.push(`${index === 0 ? 'from' : 'merge'} ${sha}\n`),
    );
    if (commit.parents.length === 0) parts.unshift('reset refs/local/new\n');
    for (const [path, file] of Object.entries(commit.files)) {
      if (file === null) {
        parts.push(`D ${quotePath(path)}\n`);
        continue;
      }
      const plain = typeof file === 'string' || file instanceof Uint8Array;
      const content = plain ? file : file.content;
      const mode = plain ? '100644' : file.mode;
      if (mode === '160000') {
        parts.push(`M 160000 ${String(content)} ${quotePath(path)}\n`);
        continue;
      }
      const bytes = typeof content === 'string' ? Buffer.from(content, 'utf8') : content;
      parts.push(`M ${mode} inline ${quotePath(path)}\ndata ${bytes.length}\n`, bytes, '\n');
    }
    parts.push('\nget-mark :1\n');
    const input = Buffer.concat(parts.map((part) => Buffer.from(part)));
    return this.inTurn(() => this.git(['fast-import', '--quiet', '--force'], { input }));
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const next = this.writing.then(work, work);
    this.writing = next;
    return next;
  }

  /** A commit of an existing tree. */
  commitTree(tree: string, commit: Omit<NewCommit, 'files'>): Promise<string> {
    const { author, committer, parents, message } = commit;
    const env = {
      GIT_AUTHOR_NAME: author.name,
      GIT_AUTHOR_EMAIL: author.email,
      GIT_AUTHOR_DATE: `${Math.floor(author.atMs / 1000)} +0000`,
      GIT_COMMITTER_NAME: committer.name,
      GIT_COMMITTER_EMAIL: committer.email,
      GIT_COMMITTER_DATE: `${Math.floor(committer.atMs / 1000)} +0000`,
    };
    const args = ['commit-tree', tree, ...parents.flatMap((sha) => ['-p', sha])];
    return this.git(args, { input: message, env });
  }

  /** The tree of merging `theirs` into `ours`; null when they conflict. */
  async mergeTree(ours: string, theirs: string): Promise<string | null> {
    return this.cached(`merge ${ours} ${theirs}`, async () => {
      const args = ['merge-tree', '--write-tree', '--name-only', ours, theirs];
      const result = await runGit(this.dir, args, {});
      if (result.code === 0) return result.out.toString('latin1').slice(0, 40);
      if (result.code === 1) return null;
      throw new Error(`git merge-tree failed: ${result.err}`);
    });
  }

  mergeBase(a: string, b: string): Promise<string | null> {
    return this.cached(`base ${a} ${b}`, async () => {
      const result = await runGit(this.dir, ['merge-base', a, b], {});
      return result.code === 0 ? result.out.toString('latin1').slice(0, 40) : null;
    });
  }

  /** The commits in `to` that are not in `from`, oldest first. */
  range(from: string, to: string): Promise<readonly string[]> {
    return this.cached(`range ${from} ${to}`, async () => {
      const text = await this.git(['rev-list', '--topo-order', '--reverse', `${from}..${to}`]);
      return text === '' ? [] : text.split('\n');
    });
  }

  /** The history of a commit, newest first, narrowed to a path when one is given. */
  history(sha: string, path: string): Promise<readonly string[]> {
    return this.cached(`log ${sha} ${path}`, async () => {
      const only = path === '' ? [] : ['--', path];
      const text = await this.git(['rev-list', sha, ...only]);
      return text === '' ? [] : text.split('\n');
    });
  }

  /** The files that differ between two trees or commits, renames found as git finds them. */
  diff(from: string, to: string): Promise<readonly FileDiff[]> {
    return this.cached(`diff ${from} ${to}`, async () => {
      const args = ['-c', 'core.quotePath=false', '-c', 'diff.renameLimit=3000', 'diff-tree'];
      const show = ['-r', '-M', '--raw', '--numstat', '-p', '--full-index', '--no-abbrev'];
      return parseDiff(await this.git([...args, ...show, from, to]));
    });
  }

  /** Writes a blob. */
  blob(bytes: Uint8Array): Promise<string> {
    return this.git(['hash-object', '-w', '--stdin'], { input: bytes });
  }

  /** The result of work that never changes, done once per key. */
  cached<T>(key: string, work: () => Promise<T>): Promise<T> {
    const found = this.known.get(key);
    // Every key is made by one method only, so the stored promise has that method's type.
    if (found !== undefined) return found as Promise<T>;
    const promise = work();
    this.known.set(key, promise);
    promise.catch(() => this.known.delete(key));
    return promise;
  }
}

/** The tree that every repository has without storing it. */
export const emptyTree = '4b825dc642cb6eb9a060e54bf8d69288fbee4904';
