/** The three ways GitHub merges a pull request, and "Update branch"; made with git. */
import { addTimeline, emitPull, GitHubRefusal, moveRef } from './acts-code.ts';
import { emptyTree, type Person } from './git.ts';
import type { Account, PullRecord, RepoRecord } from './state.ts';
import type { World } from './world.ts';

export type MergeMethod = 'merge' | 'squash' | 'rebase';

export interface MergeOptions {
  readonly repo: RepoRecord;
  readonly pull: PullRecord;
  readonly by: Account;
  readonly method: MergeMethod;
  /** Deletes the head branch afterwards, as the button does. */
  readonly deleteBranch: boolean;
}

/** The committer of everything that GitHub writes itself. */
export const webFlowId = 19_864_447;

export function webFlow(world: World): Person {
  return { name: 'GitHub', email: 'noreply@github.com', atMs: world.now() };
}

function markMerged(repo: RepoRecord, sha: string, number: number): void {
  const known = repo.mergedWith.get(sha);
  if (known === undefined) repo.mergedWith.set(sha, new Set([number]));
  else known.add(number);
}

async function mergeCommit(world: World, { repo, pull, by }: MergeOptions): Promise<string> {
  const tip = repo.branches.get(pull.baseRef) ?? pull.baseSha;
  const tree = await repo.git.mergeTree(tip, pull.headSha);
  if (tree === null) throw new GitHubRefusal(405, 'Pull Request is not mergeable');
  const from = `${pull.headLabelOwner}/${pull.headRef}`;
  const sha = await repo.git.commitTree(tree, {
    parents: [tip, pull.headSha],
    author: world.person(by),
    committer: webFlow(world),
    message: `Merge pull request #${pull.number} from ${from}\n\n${pull.issue.title}`,
  });
  repo.verified.set(sha, 'web-flow');
  return sha;
}

async function squashCommit(world: World, { repo, pull }: MergeOptions): Promise<string> {
  const tip = repo.branches.get(pull.baseRef) ?? pull.baseSha;
  const tree = await repo.git.mergeTree(tip, pull.headSha);
  if (tree === null) throw new GitHubRefusal(405, 'Pull Request is not mergeable');
  const commits = await world.pullCommits(repo, pull);
  const author = commits[0]?.author ?? world.person(pull.issue.user);
  const single = commits.length === 1 ? commits[0] : undefined;
  const list = commits.map((one) => `* ${one.message}`).join('\n\n');
  const body = single === undefined ? list : single.message.split('\n').slice(2).join('\n');
  const subject = single === undefined ? pull.issue.title : single.message.split('\n')[0];
  const others = new Map(
    commits
      .map((one) => one.author)
      .filter((one) => one.email !== author.email)
      .map((one) => [one.email, one]),
  );
  const named = [...others.values()].map((one) => `Co-authored-by: ${one.name} <${one.email}>`);
  const message = [`${subject} (#${pull.number})`, body, named.join('\n')];
  const sha = await repo.git.commitTree(tree, {
    parents: [tip],
    author: { ...author, atMs: world.now() },
    committer: webFlow(world),
    message: message.filter((part) => part !== '').join('\n\n'),
  });
  repo.verified.set(sha, 'web-flow');
  return sha;
}

/**
 * Replays each commit on the base branch. `git merge-tree` of this age takes its own merge base, so
 * parents are made up from trees: the commit's parent as base, the new tip and the commit on it.
 */
async function rebaseCommits(world: World, { repo, pull, by }: MergeOptions): Promise<string> {
  let tip = repo.branches.get(pull.baseRef) ?? pull.baseSha;
  const committer = world.person(by);
  for (const commit of await world.pullCommits(repo, pull)) {
    if (commit.parents.length > 1) continue;
    const parent = commit.parents[0];
    const baseTree = parent === undefined ? emptyTree : (await repo.git.mustCommit(parent)).tree;
    const plain = { author: committer, committer, message: 'base' };
    const base = await repo.git.commitTree(baseTree, { ...plain, parents: [] });
    const on = { ...plain, parents: [base] };
    const ours = await repo.git.commitTree((await repo.git.mustCommit(tip)).tree, on);
    const theirs = await repo.git.commitTree(commit.tree, { ...on, message: 'theirs' });
    const tree = await repo.git.mergeTree(ours, theirs);
    if (tree === null) throw new GitHubRefusal(405, 'Pull Request cannot be rebased');
    const { author, message } = commit;
    tip = await repo.git.commitTree(tree, { parents: [tip], author, committer, message });
    markMerged(repo, tip, pull.number);
  }
  return tip;
}

export async function mergePull(world: World, options: MergeOptions): Promise<string> {
  const { repo, pull, by, method } = options;
  if (pull.issue.state !== 'open' || pull.draft) {
    throw new GitHubRefusal(405, 'Pull Request is not mergeable');
  }
  const tip = repo.branches.get(pull.baseRef) ?? pull.baseSha;
  pull.baseSha = tip;
  const make = { merge: mergeCommit, squash: squashCommit, rebase: rebaseCommits }[method];
  const sha = await make(world, options);
  markMerged(repo, sha, pull.number);
  if (method === 'merge') {
    for (const one of await repo.git.range(tip, pull.headSha)) markMerged(repo, one, pull.number);
  }
  pull.mergedAtMs = world.now();
  pull.mergedBy = by;
  pull.mergeCommitSha = sha;
  closeIssue(world, pull, by);
  addTimeline(world, pull.issue, { event: 'merged', actor: by, commitId: sha, detail: {} });
  addTimeline(world, pull.issue, { event: 'closed', actor: by, detail: {} });
  await moveRef(world, { repo, branch: pull.baseRef, sha, by, type: 'pr_merge' });
  await emitPull(world, { repo, pull, sender: by }, 'closed');
  if (options.deleteBranch && pull.headRepo !== null) {
    const gone = { repo: pull.headRepo, branch: pull.headRef, sha: null, by };
    addTimeline(world, pull.issue, { event: 'head_ref_deleted', actor: by, detail: {} });
    await moveRef(world, gone);
  }
  return sha;
}

function closeIssue(world: World, pull: PullRecord, by: Account): void {
  pull.issue.state = 'closed';
  pull.issue.closedAtMs = world.now();
  pull.issue.closedBy = by;
}

export interface PullPlace {
  readonly repo: RepoRecord;
  readonly pull: PullRecord;
  readonly sender: Account;
}

export async function closePull(world: World, place: PullPlace): Promise<void> {
  closeIssue(world, place.pull, place.sender);
  addTimeline(world, place.pull.issue, { event: 'closed', actor: place.sender, detail: {} });
  await emitPull(world, place, 'closed');
}

export async function reopenPull(world: World, place: PullPlace): Promise<void> {
  const { issue } = place.pull;
  if (place.pull.mergedAtMs !== null) throw new GitHubRefusal(422, 'a merged pull stays closed');
  issue.state = 'open';
  issue.closedAtMs = null;
  issue.closedBy = null;
  addTimeline(world, issue, { event: 'reopened', actor: place.sender, detail: {} });
  await emitPull(world, place, 'reopened');
}

/** "Update branch": GitHub merges the base into the head and signs the commit itself. */
export async function updateBranch(world: World, place: PullPlace): Promise<string> {
  const { repo, pull, sender } = place;
  const head = pull.headRepo;
  if (head === null) throw new GitHubRefusal(422, 'the head repository is gone');
  const tip = repo.branches.get(pull.baseRef) ?? pull.baseSha;
  const tree = await repo.git.mergeTree(pull.headSha, tip);
  if (tree === null) throw new GitHubRefusal(422, 'merge conflict between base and head');
  const sha = await repo.git.commitTree(tree, {
    parents: [pull.headSha, tip],
    author: world.person(sender),
    committer: webFlow(world),
    message: `Merge branch '${pull.baseRef}' into ${pull.headRef}`,
  });
  head.verified.set(sha, 'web-flow');
  repo.verified.set(sha, 'web-flow');
  await moveRef(world, { repo: head, branch: pull.headRef, sha, by: sender });
  return sha;
}
