/** From the names that a person gives to the commits that are judged. */
import { TagoutError } from '../core/errors.ts';
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { explain } from './program.ts';
import type { Git } from './program.ts';

export interface ResolvedRef {
  readonly given: string;
  readonly sha: string;
  /** The branch's or tag's short name; the given text when it is neither. */
  readonly name: string;
}

/** The commit that a branch, tag or SHA names. Throws TagoutError('git') with the remedy. */
export async function resolveRef(git: Git, given: string, role: string): Promise<ResolvedRef> {
  if (given.trim() === '' || given.startsWith('-') || /\p{Cc}/u.test(given)) {
    throw new TagoutError('git', `The ${role} ${JSON.stringify(given)} is not a name of a commit.`);
  }
  const args = ['rev-parse', '--verify', '--quiet', '--end-of-options', `${given}^{commit}`];
  const answer = await git.run(args);
  const sha = answer.stdout.toString('utf8').trim();
  if (answer.code !== 0 || !/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(sha)) {
    throw new TagoutError('git', await unknownRef(git, given, role, answer.stderr));
  }
  return { given, sha, name: await shortName(git, given) };
}

async function unknownRef(git: Git, given: string, role: string, stderr: string): Promise<string> {
  const trouble = /dubious ownership|not a git repository|cannot change to/i;
  if (trouble.test(stderr)) return explain(git.folder, 'rev-parse', stderr);
  const shallow = await isShallow(git);
  const cure = shallow
    ? 'The clone is shallow: run git fetch --unshallow (in a workflow: fetch-depth: 0).'
    : 'Fetch it (git fetch origin) or name an existing branch, tag or full SHA.';
  return `${git.folder} has no commit ${JSON.stringify(given)} for the ${role}. ${cure}`;
}

async function shortName(git: Git, given: string): Promise<string> {
  const args = ['rev-parse', '--symbolic-full-name', '--end-of-options', given];
  const answer = await git.run(args);
  const full = answer.stdout.toString('utf8').trim().split('\n').at(-1) ?? '';
  const match = /^refs\/(?:heads|tags|remotes\/[^/]+)\/(.+)$/.exec(full);
  return answer.code === 0 && match?.[1] !== undefined ? match[1] : given;
}

/** The folder whose repository it is: the top of the working tree, or the bare repository. */
export async function repositoryFolder(git: Git): Promise<string> {
  const bare = (await git.must(['rev-parse', '--is-bare-repository'])).toString('utf8').trim();
  const wanted = bare === 'true' ? '--absolute-git-dir' : '--show-toplevel';
  return (await git.must(['rev-parse', wanted])).toString('utf8').replace(/\n$/, '');
}

async function isShallow(git: Git): Promise<boolean> {
  const answer = await git.run(['rev-parse', '--is-shallow-repository']);
  return answer.stdout.toString('utf8').trim() === 'true';
}

/**
 * The commit that both sides come from. A shallow clone whose cut lies between the two is refused:
 * the true common commit may be beyond the cut.
 */
export async function mergeBase(git: Git, base: ResolvedRef, head: ResolvedRef): Promise<string> {
  const answer = await git.run(['merge-base', '--end-of-options', base.sha, head.sha]);
  const sha = answer.stdout.toString('utf8').trim();
  const cut = await shallowCommits(git);
  if (answer.code === 0 && sha !== '') {
    if (cut.size > 0) await refuseCut(git, [base, head], cut);
    return sha;
  }
  if (answer.code !== 1) {
    throw new TagoutError('git', explain(git.folder, 'merge-base', answer.stderr));
  }
  throw new TagoutError('git', cut.size > 0 ? shallowText(git, base, head) : unrelated(base, head));
}

function unrelated(base: ResolvedRef, head: ResolvedRef): string {
  return (
    `${base.given} and ${head.given} have no commit in common, so there is no change to judge: ` +
    'name two branches of the same history.'
  );
}

function shallowText(git: Git, base: ResolvedRef, head: ResolvedRef): string {
  return (
    `${git.folder} is a shallow clone that is cut between ${base.given} and ${head.given}: ` +
    'run git fetch --unshallow (in a workflow: fetch-depth: 0).'
  );
}

async function shallowCommits(git: Git): Promise<ReadonlySet<string>> {
  if (!(await isShallow(git))) return new Set();
  const path = (await git.must(['rev-parse', '--git-path', 'shallow'])).toString('utf8').trim();
  const file = resolve(git.folder, path);
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  return new Set(text.split('\n').filter((line) => line !== ''));
}

async function refuseCut(
  git: Git,
  [base, head]: readonly [ResolvedRef, ResolvedRef],
  cut: ReadonlySet<string>,
): Promise<void> {
  const range = `${base.sha}...${head.sha}`;
  const listed = await git.must(['rev-list', '--end-of-options', range]);
  const found = listed
    .toString('utf8')
    .split('\n')
    .some((sha) => cut.has(sha));
  if (found) throw new TagoutError('git', shallowText(git, base, head));
}
