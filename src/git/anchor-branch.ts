/**
 * Checkpoints on a branch of a git repository of the organisation's choice: one file per log, one
 * commit per round, fast-forward only. The credential is that repository's own and never the app's.
 */
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { TagoutError } from '../core/errors.ts';
import { type Git, gitIn } from './program.ts';

export interface AnchorRepository {
  /** `https://…`, `ssh://…`, `git@host:owner/name`, or a folder. */
  readonly url: string;
  readonly branch: string;
  /** Of a deploy key with write access; only for ssh. */
  readonly keyPath: string | null;
  /** Of a token for this one repository; only for https. */
  readonly token: string | null;
}

/** What stands on the branch: its newest commit and the file of every log. */
export interface AnchorTip {
  readonly commit: string;
  /** Checkpoint notes by installation. */
  readonly notes: ReadonlyMap<number, string>;
}

export interface AnchorBranch {
  /** Fetches; null when there is no such branch. Throws TagoutError('git'). */
  tip(): Promise<AnchorTip | null>;
  /** Whether a commit that we once left is still part of what was fetched. */
  holds(commit: string): Promise<boolean>;
  /**
   * Adds one commit on the tip and pushes it without force; answers its SHA. Null: somebody else
   * pushed meanwhile. Throws TagoutError('git').
   */
  push(
    tip: AnchorTip | null,
    notes: ReadonlyMap<number, string>,
    atMs: number,
  ): Promise<string | null>;
}

const LIMIT_MS = 20_000;
const MAX_BYTES = 64 * 1024 * 1024;
const LOCAL_REF = 'refs/tagout/anchors';
const FILE = /^(\d{1,15})\.checkpoint$/;
const SHA = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;

const README = `# Checkpoints of the audit log of Tagout

Each commit holds signed tree heads, one file per installation. Whoever has one of them can show
that the record was changed or shortened since: \`npx tagout verify BUNDLE --key VKEY --anchor
git:THIS-REPOSITORY\`. Protect this branch: no force pushes, no deletion.
`;

function quoted(path: string): string {
  return `'${path.replaceAll("'", String.raw`'\''`)}'`;
}

/** Settings of git that reach this one repository: no credential helper, no other key. */
function reach(repository: AnchorRepository, folder: string): Readonly<Record<string, string>> {
  const { keyPath, token } = repository;
  const known = join(folder, 'known_hosts');
  const ssh =
    `ssh -F /dev/null -o BatchMode=yes -o IdentitiesOnly=yes -o StrictHostKeyChecking=accept-new ` +
    `-o UserKnownHostsFile=${quoted(known)}${keyPath === null ? '' : ` -i ${quoted(keyPath)}`}`;
  const basic = Buffer.from(`x-access-token:${token ?? ''}`).toString('base64');
  const config = [
    ['credential.helper', ''],
    ['gc.auto', '0'],
    ...(token === null ? [] : [['http.extraHeader', `Authorization: Basic ${basic}`]]),
  ];
  return {
    GIT_ALLOW_PROTOCOL: 'https:ssh:file',
    GIT_SSH_COMMAND: ssh,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_COUNT: String(config.length),
    ...Object.fromEntries(
      config.flatMap(([key, value], at) => [
        [`GIT_CONFIG_KEY_${at}`, key ?? ''],
        [`GIT_CONFIG_VALUE_${at}`, value ?? ''],
      ]),
    ),
  };
}

/** The repository's address as it may be shown: without a name or a password in it. */
export function shownUrl(url: string): string {
  return url.replace(/(?<=:\/\/)[^@/]*@/, '');
}

/** Where the mirror lies, and the environment that git finds its programs in. */
export interface MirrorPlace {
  readonly folder: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

async function openMirror(
  repository: AnchorRepository,
  { folder, env }: MirrorPlace,
  more: Readonly<Record<string, string>> = {},
): Promise<Git> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const mirror = join(folder, 'mirror.git');
  if (!existsSync(join(mirror, 'HEAD'))) {
    await gitIn(folder, env).must(['init', '--quiet', '--bare', 'mirror.git']);
  }
  return gitIn(mirror, env, { ...reach(repository, folder), ...more });
}

/** Fetches the branch to our own name; false when the repository has none of that name. */
async function fetchBranch(git: Git, { url, branch }: AnchorRepository): Promise<boolean> {
  const asked = ['ls-remote', '--heads', '--', url, `refs/heads/${branch}`];
  const found = await git.must(asked, { timeoutMs: LIMIT_MS, maxBytes: MAX_BYTES });
  if (found.length === 0) return false;
  const refs = `+refs/heads/${branch}:${LOCAL_REF}`;
  const args = ['fetch', '--quiet', '--no-tags', '--no-write-fetch-head', '--', url, refs];
  await git.must(args, { timeoutMs: LIMIT_MS });
  return true;
}

async function text(git: Git, args: readonly string[], input?: string): Promise<string> {
  const options = { maxBytes: MAX_BYTES, ...(input === undefined ? {} : { input }) };
  return (await git.must(args, options)).toString('utf8').trimEnd();
}

/** Names of files and their objects in the tree of a commit, at its top only. */
async function filesOf(git: Git, commit: string): Promise<ReadonlyMap<string, string>> {
  const rows = (await text(git, ['ls-tree', '-z', commit])).split('\0');
  return new Map(
    rows.flatMap((row) => {
      const [, sha, name] = /^100644 blob ([0-9a-f]+)\t(.+)$/s.exec(row) ?? [];
      return sha === undefined || name === undefined ? [] : [[name, sha] as const];
    }),
  );
}

async function readTip(git: Git): Promise<AnchorTip> {
  const commit = await text(git, ['rev-parse', '--verify', LOCAL_REF]);
  const notes = new Map<number, string>();
  for (const [name, sha] of await filesOf(git, commit)) {
    const digits = FILE.exec(name)?.[1];
    if (digits === undefined) continue;
    const note = await git.must(['cat-file', 'blob', sha], { maxBytes: MAX_BYTES });
    notes.set(Number(digits), note.toString('utf8'));
  }
  return { commit, notes };
}

async function commitOn(
  git: Git,
  tip: AnchorTip | null,
  notes: ReadonlyMap<number, string>,
): Promise<string> {
  const files = new Map(tip === null ? [] : await filesOf(git, tip.commit));
  const store = (content: string): Promise<string> =>
    text(git, ['hash-object', '-w', '--stdin'], content);
  if (tip === null) files.set('README.md', await store(README));
  for (const [logId, note] of notes) files.set(`${logId}.checkpoint`, await store(note));
  const rows = [...files].map(([name, sha]) => `100644 blob ${sha}\t${name}\0`).join('');
  const tree = await text(git, ['mktree', '-z'], rows);
  const parent = tip === null ? [] : ['-p', tip.commit];
  return text(git, ['commit-tree', tree, ...parent], `Checkpoints of ${notes.size} logs\n`);
}

/** Who the commits are by; times are the server's. */
function author(atMs: number): Readonly<Record<string, string>> {
  const date = `${Math.floor(atMs / 1000)} +0000`;
  const [name, email] = ['Tagout', 'tagout@localhost'];
  return {
    GIT_AUTHOR_NAME: name,
    GIT_AUTHOR_EMAIL: email,
    GIT_AUTHOR_DATE: date,
    GIT_COMMITTER_NAME: name,
    GIT_COMMITTER_EMAIL: email,
    GIT_COMMITTER_DATE: date,
  };
}

/** The branch, with a mirror of it that may be lost at any time. */
export function createAnchorBranch(
  repository: AnchorRepository,
  mirror: MirrorPlace,
): AnchorBranch {
  const { url, branch } = repository;
  return {
    async tip() {
      const git = await openMirror(repository, mirror);
      return (await fetchBranch(git, repository)) ? readTip(git) : null;
    },
    async holds(commit) {
      if (!SHA.test(commit)) return false;
      const git = await openMirror(repository, mirror);
      const asked = await git.run(['merge-base', '--is-ancestor', commit, LOCAL_REF]);
      return asked.code === 0;
    },
    async push(tip, notes, atMs) {
      const git = await openMirror(repository, mirror, author(atMs));
      const commit = await commitOn(git, tip, notes);
      // Without force, and only when the branch is still where it was read.
      const lease = `--force-with-lease=refs/heads/${branch}:${tip?.commit ?? ''}`;
      const args = ['push', '--porcelain', '--quiet', lease, '--', url];
      const sent = await git.run([...args, `${commit}:refs/heads/${branch}`], {
        timeoutMs: LIMIT_MS,
      });
      if (sent.code === 0) return commit;
      const said = `${sent.stdout.toString('utf8')}\n${sent.stderr}`;
      if (/stale info|non-fast-forward|fetch first|cannot lock ref/.test(said)) return null;
      const why = said.replaceAll(url, shownUrl(url)).trim().split('\n').at(-1)?.slice(0, 200);
      throw new TagoutError('git', `${shownUrl(url)} did not take the checkpoints: ${why}`);
    },
  };
}

/**
 * Every checkpoint of a log that ever stood on a branch, the newest first, for who verifies. Throws
 * TagoutError('git').
 */
export async function readAnchored(
  repository: AnchorRepository,
  logId: number,
  mirror: MirrorPlace,
): Promise<readonly string[]> {
  const git = await openMirror(repository, mirror);
  if (!(await fetchBranch(git, repository))) {
    const { url, branch } = repository;
    throw new TagoutError('git', `${shownUrl(url)} has no branch ${branch}.`);
  }
  const file = `${logId}.checkpoint`;
  const commits = await text(git, ['rev-list', LOCAL_REF, '--', file]);
  const input = commits
    .split('\n')
    .filter((sha) => sha !== '')
    .map((sha) => `${sha}:${file}\n`)
    .join('');
  const out = await git.must(['cat-file', '--batch'], { input, maxBytes: MAX_BYTES });
  return blobsOf(out);
}

/** The contents in the answer of `cat-file --batch`. */
function blobsOf(out: Buffer): readonly string[] {
  const found: string[] = [];
  for (let at = 0; at < out.length; ) {
    const end = out.indexOf(0x0a, at);
    const size = Number(/ blob (\d+)$/.exec(out.toString('utf8', at, end))?.[1]);
    at = end + 1;
    if (!Number.isSafeInteger(size)) continue;
    found.push(out.toString('utf8', at, at + size));
    at += size + 1;
  }
  return found;
}
