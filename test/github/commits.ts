/** Commits and pushes, as the driver's handles make them. */
import { moveRef } from './acts-code.ts';
import type { FileContent, Person } from './git.ts';
import type { Account, RepoRecord } from './state.ts';
import type { World } from './world.ts';

export type Who = Account | string;

export interface CommitOptions {
  /** The branch that moves; the default branch when absent. It is made when it is not there. */
  readonly branch?: string;
  /** Where a new branch starts; the default branch when absent. */
  readonly from?: string;
  readonly files?: Readonly<Record<string, FileContent>>;
  readonly message?: string;
  /** An account, or a person as git names them, who may belong to no account. */
  readonly author?: Who | Person;
  readonly committer?: Who | Person;
  /** Who pushes; the author's account when absent. */
  readonly pusher?: Who;
  readonly parents?: readonly string[];
  /** Signed by a key that GitHub knows. */
  readonly verified?: boolean;
  /** Writes the commit without moving a branch. */
  readonly detached?: boolean;
}

function isPerson(who: Who | Person): who is Person {
  return typeof who !== 'string' && 'email' in who;
}

/** Writes a commit on a branch and moves the branch to it; answers the new commit. */
export async function commitTo(
  world: World,
  repo: RepoRecord,
  options: CommitOptions,
): Promise<string> {
  const account = (who: Who): Account => (typeof who === 'string' ? world.account(who) : who);
  const person = (who: Who | Person): Person => (isPerson(who) ? who : world.person(account(who)));
  const branch = options.branch ?? repo.defaultBranch;
  const author = options.author ?? repo.owner;
  const tip = repo.branches.get(branch) ?? repo.branches.get(options.from ?? repo.defaultBranch);
  const sha = await repo.git.write({
    parents: options.parents ?? (tip === undefined ? [] : [tip]),
    files: options.files ?? {},
    author: person(author),
    committer: person(options.committer ?? author),
    message: options.message ?? 'Change',
  });
  if (options.verified === true) repo.verified.set(sha, 'user');
  if (options.detached === true) return sha;
  const known = isPerson(author) ? world.byEmail(author.email) : account(author);
  const by = options.pusher === undefined ? (known ?? repo.owner) : account(options.pusher);
  await moveRef(world, { repo, branch, sha, by });
  return sha;
}
