/** The commits of a change, parsed from git's own objects, so that no mailmap or format lies. */
import { TagoutError } from '../core/errors.ts';
import type { Account, Commit, CommitPerson } from '../core/evidence.ts';
import { readObjects } from './objects.ts';
import type { Git } from './program.ts';

const MAX_COMMITS = 10_000;

/** The commits in base..head, the oldest first. */
export async function readCommits(
  git: Git,
  base: string,
  head: string,
): Promise<{ readonly commits: readonly Commit[]; readonly truncated: boolean }> {
  const args = ['rev-list', '--reverse', '--topo-order', `--max-count=${MAX_COMMITS + 1}`];
  const listed = await git.must([...args, '--end-of-options', head, `^${base}`]);
  const shas = listed
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '');
  const kept = shas.slice(-MAX_COMMITS);
  const objects = await readObjects(git, kept);
  const commits = kept.flatMap((sha) => {
    const bytes = objects.get(sha);
    return bytes === undefined ? [] : [parseCommit(sha, Buffer.from(bytes).toString('utf8'))];
  });
  return { commits, truncated: shas.length > kept.length };
}

/** One commit object. Throws TagoutError('git') when it names no author or committer. */
export function parseCommit(sha: string, text: string): Commit {
  const end = text.indexOf('\n\n');
  const head = end < 0 ? text : text.slice(0, end);
  const message = end < 0 ? '' : text.slice(end + 2).replace(/\n$/, '');
  const lines = head.split('\n');
  const value = (key: string): string[] =>
    lines.flatMap((line) => (line.startsWith(`${key} `) ? [line.slice(key.length + 1)] : []));
  const author = person(value('author')[0]);
  const committer = person(value('committer')[0]);
  if (author === null || committer === null) {
    throw new TagoutError(
      'git',
      `Commit ${sha} names no author or committer: check with git fsck.`,
    );
  }
  return {
    sha,
    parents: value('parent'),
    authors: [author, ...coAuthors(message)],
    committer,
    message,
    verified: null,
  };
}

function person(line: string | undefined): CommitPerson | null {
  const match = /^(.*?) ?<([^<>]*)>(?: -?\d+ [+-]\d+)?$/.exec(line ?? '');
  if (match === null) return null;
  const email = match[2] ?? '';
  return { account: accountOf(email), name: match[1] ?? '', email };
}

/** `Co-authored-by:` lines of the last paragraph, as GitHub reads them. */
function coAuthors(message: string): readonly CommitPerson[] {
  return message.split('\n').flatMap((line) => {
    const match = /^co-authored-by:\s*(.+)$/i.exec(line.trim());
    const found = match?.[1] === undefined ? null : person(match[1].trim());
    return found === null ? [] : [found];
  });
}

/**
 * The account behind `id+login@users.noreply.github.com`, the only address that names one by
 * itself. The address is the committer's own word, as everything in a local commit is.
 */
function accountOf(email: string): Account | null {
  const match = /^(\d{1,15})\+([\w-]+(?:\[bot\])?)@users\.noreply\.github\.com$/i.exec(email);
  if (match?.[1] === undefined || match[2] === undefined) return null;
  const login = match[2];
  return { id: Number(match[1]), login, type: login.endsWith('[bot]') ? 'Bot' : 'Unknown' };
}
