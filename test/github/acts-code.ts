/** What happens in repositories and pull requests: each changes the state and tells the apps. */
import type { GitCommit, Person } from './git.ts';
import { commitJson, fullPullJson, reviewJson, commentJson, issueJson } from './shapes-code.ts';
import { accountJson, htmlUrl, iso } from './shapes.ts';
import type {
  Account,
  AppRecord,
  Comment,
  IssueRecord,
  Json,
  PullRecord,
  RepoRecord,
  Review,
  TimelineEvent,
} from './state.ts';
import { emit } from './webhooks.ts';
import type { World } from './world.ts';

const noCommit: string = '0'.repeat(40);

/** What GitHub would refuse with this status and message. */
export class GitHubRefusal extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

function addTimeline(
  world: World,
  issue: IssueRecord,
  event: Omit<TimelineEvent, 'id' | 'atMs' | 'commitId' | 'viaApp'> & Partial<TimelineEvent>,
): void {
  const id = world.nextId('event');
  issue.timeline.push({ commitId: null, viaApp: null, id, atMs: world.now(), ...event });
  issue.updatedAtMs = world.now();
}

export async function emitPull(
  world: World,
  at: { readonly repo: RepoRecord; readonly pull: PullRecord; readonly sender: Account },
  action: string,
  extra: Json = {},
): Promise<void> {
  const { repo, pull, sender } = at;
  const body = {
    number: pull.number,
    pull_request: await fullPullJson(world, repo, pull),
    ...extra,
  };
  emit(world, { event: 'pull_request', action, repo, sender, body });
}

function pushedCommit(world: World, repo: RepoRecord, commit: GitCommit): Json {
  const person = (one: Person): Json => {
    const username = world.byEmail(one.email)?.login;
    const known = username === undefined ? {} : { username };
    return { name: one.name, email: one.email, date: iso(one.atMs), ...known };
  };
  return {
    id: commit.sha,
    tree_id: commit.tree,
    distinct: true,
    message: commit.message,
    timestamp: iso(commit.committer.atMs),
    url: `${htmlUrl(world, repo)}/commit/${commit.sha}`,
    author: person(commit.author),
    committer: person(commit.committer),
    added: [],
    removed: [],
    modified: [],
  };
}

export interface RefMove {
  readonly repo: RepoRecord;
  readonly branch: string;
  /** Null deletes the branch. */
  readonly sha: string | null;
  readonly by: Account;
  /** GitHub's own word for the activity list; found out when absent. */
  readonly type?: string;
}

/** Moves a branch, keeps the activity, synchronises pull requests and tells the apps. */
export async function moveRef(world: World, move: RefMove): Promise<void> {
  const { repo, branch, sha, by } = move;
  const before = repo.branches.get(branch) ?? null;
  if (before === sha) return;
  const base = before === null || sha === null ? null : await repo.git.mergeBase(before, sha);
  const forced = before !== null && sha !== null && base !== before;
  if (sha === null) repo.branches.delete(branch);
  else repo.branches.set(branch, sha);
  repo.git.writeRef(`${repo.refPrefix}/heads/${branch}`, sha);
  repo.pushedAtMs = world.now();
  const type = forced ? 'force_push' : 'push';
  const kind = sha === null ? 'branch_deletion' : before === null ? 'branch_creation' : type;
  const ref = `refs/heads/${branch}`;
  const ends = { before: before ?? noCommit, after: sha ?? noCommit };
  const id = world.nextId('activity');
  repo.activity.unshift({
    id,
    ...ends,
    ref,
    atMs: world.now(),
    type: move.type ?? kind,
    actor: by,
  });
  await emitPush(world, move, { ...ends, forced });
  if (sha !== null) await synchronize(world, move, { before: ends.before, forced });
}

async function emitPush(
  world: World,
  move: RefMove,
  ends: { readonly before: string; readonly after: string; readonly forced: boolean },
): Promise<void> {
  const { repo, branch, sha, by } = move;
  if (!world.apps.some((app) => app.events.includes('push'))) return;
  const news = sha === null ? [] : await repo.git.range(await stableStart(repo, ends.before), sha);
  const commits = await Promise.all(news.map((name) => repo.git.mustCommit(name)));
  const head = sha === null ? null : await repo.git.mustCommit(sha);
  const shown = commits.slice(-2048).map((commit) => pushedCommit(world, repo, commit));
  const person = world.person(by);
  const span = [ends.before, ends.after].map((one) => one.slice(0, 12)).join('...');
  const body = {
    ref: `refs/heads/${branch}`,
    before: ends.before,
    after: ends.after,
    created: ends.before === noCommit,
    deleted: sha === null,
    forced: ends.forced,
    base_ref: null,
    compare: `${htmlUrl(world, repo)}/compare/${span}`,
    commits: shown,
    head_commit: head === null ? null : pushedCommit(world, repo, head),
    pusher: { name: by.login, email: person.email },
  };
  emit(world, { event: 'push', action: null, repo, sender: by, body });
}

/** What a push is counted from: the old tip, or the default branch for a new branch. */
async function stableStart(repo: RepoRecord, before: string): Promise<string> {
  if (before !== noCommit) return before;
  const root = repo.activity.at(-1);
  const known = repo.branches.get(repo.defaultBranch);
  return known ?? root?.after ?? before;
}

async function synchronize(
  world: World,
  move: RefMove,
  was: { readonly before: string; readonly forced: boolean },
): Promise<void> {
  const { repo, branch, sha, by } = move;
  if (sha === null) return;
  for (const holder of world.repos.values()) {
    for (const pull of holder.pulls.values()) {
      const open = pull.issue.state === 'open';
      if (!open || pull.headRepo !== repo || pull.headRef !== branch) continue;
      const before = pull.headSha;
      pull.headSha = sha;
      pull.baseSha = holder.branches.get(pull.baseRef) ?? pull.baseSha;
      holder.git.writeRef(`${holder.refPrefix}/pull/${pull.number}/head`, sha);
      pull.issue.updatedAtMs = world.now();
      if (was.forced) {
        const detail = { before, after: sha };
        const event = 'head_ref_force_pushed';
        addTimeline(world, pull.issue, { event, actor: by, commitId: sha, detail });
      }
      const ends = { before, after: sha };
      await emitPull(world, { repo: holder, pull, sender: by }, 'synchronize', ends);
    }
  }
}

export interface PullOptions {
  readonly repo: RepoRecord;
  readonly author: Account;
  readonly title: string;
  readonly body: string | null;
  readonly base: string;
  readonly head: string;
  readonly headRepo: RepoRecord;
  readonly draft: boolean;
  readonly viaApp: AppRecord | string | null;
}

export function newIssue(
  world: World,
  options: Pick<PullOptions, 'repo' | 'author' | 'title' | 'body' | 'viaApp'>,
): IssueRecord {
  const { repo, author, title, body, viaApp } = options;
  const number = repo.issues.size + 1;
  const issue: IssueRecord = {
    id: world.nextId('issue'),
    number,
    user: author,
    title,
    body,
    state: 'open',
    labels: [],
    assignees: [],
    comments: [],
    timeline: [],
    viaApp,
    createdAtMs: world.now(),
    updatedAtMs: world.now(),
    closedAtMs: null,
    closedBy: null,
  };
  repo.issues.set(number, issue);
  return issue;
}

export async function openPull(world: World, options: PullOptions): Promise<PullRecord> {
  const { repo, author, base, head, headRepo, draft } = options;
  const baseSha = repo.branches.get(base);
  const headSha = headRepo.branches.get(head);
  if (baseSha === undefined) throw new GitHubRefusal(422, `base branch ${base} does not exist`);
  if (headSha === undefined) throw new GitHubRefusal(422, `head branch ${head} does not exist`);
  const issue = newIssue(world, options);
  const pull: PullRecord = {
    issue,
    id: world.nextId('pull'),
    number: issue.number,
    baseRef: base,
    baseSha,
    headRef: head,
    headSha,
    headRepo,
    headLabelOwner: headRepo.owner.login,
    draft,
    mergedAtMs: null,
    mergedBy: null,
    mergeCommitSha: null,
    reviews: [],
    requestedReviewers: [],
    requestedTeams: [],
  };
  repo.pulls.set(pull.number, pull);
  repo.git.writeRef(`${repo.refPrefix}/pull/${pull.number}/head`, headSha);
  await emitPull(world, { repo, pull, sender: author }, 'opened');
  return pull;
}

export interface ReviewOptions {
  readonly repo: RepoRecord;
  readonly pull: PullRecord;
  readonly by: Account;
  readonly state: 'APPROVED' | 'CHANGES_REQUESTED' | 'COMMENTED';
  readonly body: string;
  readonly commit: string | null;
  readonly viaEmail: boolean;
}

export async function submitReview(world: World, options: ReviewOptions): Promise<Review> {
  const { repo, pull, by, state, body } = options;
  if (by.id === pull.issue.user.id && state !== 'COMMENTED') {
    const word = state === 'APPROVED' ? 'approve' : 'request changes on';
    throw new GitHubRefusal(422, `Review Can not ${word} your own pull request`);
  }
  const review: Review = {
    id: world.nextId('review'),
    user: by,
    state,
    body,
    commitId: options.commit ?? pull.headSha,
    submittedAtMs: world.now(),
    editedAtMs: null,
    viaEmail: options.viaEmail,
  };
  pull.reviews.push(review);
  await emitReview(world, { repo, pull, review, sender: by }, 'submitted');
  return review;
}

export interface ReviewPlace {
  readonly repo: RepoRecord;
  readonly pull: PullRecord;
  readonly review: Review;
  readonly sender: Account;
}

async function emitReview(
  world: World,
  { repo, pull, review, sender }: ReviewPlace,
  action: string,
  extra: Json = {},
): Promise<void> {
  // Webhooks write a review's state in small letters, the API in capitals.
  const state = review.state.toLowerCase();
  const shown = { ...reviewJson(world, repo, pull, review), state };
  const whole = await fullPullJson(world, repo, pull);
  const body = { review: shown, pull_request: whole, ...extra };
  emit(world, { event: 'pull_request_review', action, repo, sender, body });
}

export async function dismissReview(
  world: World,
  place: ReviewPlace,
  message: string,
): Promise<void> {
  const { pull, review, sender } = place;
  const was = review.state.toLowerCase();
  review.state = 'DISMISSED';
  const dismissed = { review_id: review.id, state: was, dismissal_message: message };
  const detail = { dismissed_review: dismissed };
  addTimeline(world, pull.issue, { event: 'review_dismissed', actor: sender, detail });
  await emitReview(world, place, 'dismissed');
}

export async function editReview(world: World, place: ReviewPlace, body: string): Promise<void> {
  const from = place.review.body;
  place.review.body = body;
  place.review.editedAtMs = world.now();
  await emitReview(world, place, 'edited', { changes: { body: { from } } });
}

export interface CommentOptions {
  readonly repo: RepoRecord;
  readonly issue: IssueRecord;
  readonly by: Account;
  readonly body: string;
  readonly viaApp: AppRecord | string | null;
}

export function addComment(world: World, options: CommentOptions): Comment {
  const { repo, issue, by, body, viaApp } = options;
  const atMs = world.now();
  const id = world.nextId('comment');
  const comment = { id, user: by, viaApp, body, createdAtMs: atMs, updatedAtMs: atMs };
  issue.comments.push(comment);
  issue.updatedAtMs = atMs;
  const shown = commentJson(world, repo, issue.number, comment);
  const whole = { issue: issueJson(world, repo, issue), comment: shown };
  emit(world, { event: 'issue_comment', action: 'created', repo, sender: by, body: whole });
  return comment;
}

export interface IssuePlace {
  readonly repo: RepoRecord;
  readonly issue: IssueRecord;
  readonly sender: Account;
}

export async function assign(world: World, place: IssuePlace, who: Account): Promise<void> {
  const { repo, issue, sender } = place;
  if (!issue.assignees.includes(who)) issue.assignees.push(who);
  const detail = { assignee: who };
  addTimeline(world, issue, { event: 'assigned', actor: sender, detail });
  const pull = repo.pulls.get(issue.number);
  if (pull === undefined) return;
  const assignee = accountJson(world, who);
  await emitPull(world, { repo, pull, sender }, 'assigned', { assignee });
}

export async function changeBase(
  world: World,
  at: { readonly repo: RepoRecord; readonly pull: PullRecord; readonly sender: Account },
  branch: string,
): Promise<void> {
  const { repo, pull, sender } = at;
  const sha = repo.branches.get(branch);
  if (sha === undefined) throw new GitHubRefusal(422, `base branch ${branch} does not exist`);
  const from = { ref: { from: pull.baseRef }, sha: { from: pull.baseSha } };
  const detail = { before: pull.baseRef, after: branch };
  addTimeline(world, pull.issue, { event: 'base_ref_changed', actor: sender, detail });
  pull.baseRef = branch;
  pull.baseSha = sha;
  await emitPull(world, at, 'edited', { changes: { base: from } });
}

export { addTimeline, commitJson, noCommit };
