/** The driver's handle of a pull request. */
import {
  addComment,
  assign,
  changeBase,
  dismissReview,
  editReview,
  emitPull,
  moveRef,
  submitReview,
} from './acts-code.ts';
import { closePull, mergePull, reopenPull, updateBranch, type MergeMethod } from './acts-merge.ts';
import { commitTo, type CommitOptions, type Who } from './commits.ts';
import type { Account, AppRecord, Comment, PullRecord, RepoRecord, Review } from './state.ts';
import type { World } from './world.ts';

export interface ReviewInput {
  readonly by: Who;
  /** Approves when absent. */
  readonly state?: 'APPROVED' | 'CHANGES_REQUESTED' | 'COMMENTED';
  readonly body?: string;
  /** The head when absent. */
  readonly commit?: string;
  readonly viaEmail?: boolean;
}

export class Pull {
  readonly world: World;
  readonly repo: RepoRecord;
  readonly record: PullRecord;

  constructor(world: World, repo: RepoRecord, record: PullRecord) {
    this.world = world;
    this.repo = repo;
    this.record = record;
  }

  get number(): number {
    return this.record.number;
  }

  get headSha(): string {
    return this.record.headSha;
  }

  get labels(): readonly string[] {
    return this.record.issue.labels;
  }

  get comments(): readonly Comment[] {
    return this.record.issue.comments;
  }

  get reviews(): readonly Review[] {
    return this.record.reviews;
  }

  get state(): 'open' | 'closed' | 'merged' {
    return this.record.mergedAtMs === null ? this.record.issue.state : 'merged';
  }

  get mergeCommitSha(): string | null {
    return this.record.mergeCommitSha;
  }

  private who(who: Who): Account {
    return typeof who === 'string' ? this.world.account(who) : who;
  }

  private at(by: Who): { repo: RepoRecord; pull: PullRecord; sender: Account } {
    return { repo: this.repo, pull: this.record, sender: this.who(by) };
  }

  /** Submits a review; GitHub refuses an author's approval of their own pull request (422). */
  review(input: ReviewInput): Promise<Review> {
    return submitReview(this.world, {
      repo: this.repo,
      pull: this.record,
      by: this.who(input.by),
      state: input.state ?? 'APPROVED',
      body: input.body ?? '',
      commit: input.commit ?? null,
      viaEmail: input.viaEmail ?? false,
    });
  }

  dismiss(review: Review, by: Who, message: string = 'dismissed'): Promise<void> {
    return dismissReview(this.world, { ...this.at(by), review }, message);
  }

  editReview(review: Review, by: Who, body: string): Promise<void> {
    return editReview(this.world, { ...this.at(by), review }, body);
  }

  private headRepo(): RepoRecord {
    const { headRepo } = this.record;
    if (headRepo === null) throw new Error('the head repository of this pull request is gone');
    return headRepo;
  }

  /** Commits to the head branch and pushes; answers the new head. */
  push(options: Omit<CommitOptions, 'branch'>): Promise<string> {
    return commitTo(this.world, this.headRepo(), { ...options, branch: this.record.headRef });
  }

  /** Points the head branch at another commit. */
  async forcePush(sha: string, by: Who): Promise<void> {
    const repo = this.headRepo();
    const branch = this.record.headRef;
    await moveRef(this.world, { repo, branch, sha, by: this.who(by) });
  }

  /** The "Update branch" button. */
  updateBranch(by: Who): Promise<string> {
    return updateBranch(this.world, this.at(by));
  }

  merge(options: {
    readonly by: Who;
    readonly method?: MergeMethod;
    readonly deleteBranch?: boolean;
  }): Promise<string> {
    return mergePull(this.world, {
      repo: this.repo,
      pull: this.record,
      by: this.who(options.by),
      method: options.method ?? 'squash',
      deleteBranch: options.deleteBranch ?? false,
    });
  }

  close(by: Who): Promise<void> {
    return closePull(this.world, this.at(by));
  }

  reopen(by: Who): Promise<void> {
    return reopenPull(this.world, this.at(by));
  }

  /** Changes the base branch. */
  retarget(base: string, by: Who): Promise<void> {
    return changeBase(this.world, this.at(by), base);
  }

  async edit(by: Who, change: { readonly title?: string; readonly body?: string }): Promise<void> {
    const { issue } = this.record;
    const changes: Record<string, unknown> = {};
    if (change.title !== undefined) changes['title'] = { from: issue.title };
    if (change.body !== undefined) changes['body'] = { from: issue.body ?? '' };
    issue.title = change.title ?? issue.title;
    issue.body = change.body ?? issue.body;
    issue.updatedAtMs = this.world.now();
    await emitPull(this.world, this.at(by), 'edited', { changes });
  }

  /** Draft or ready for review. */
  async draft(draft: boolean, by: Who): Promise<void> {
    this.record.draft = draft;
    const action = draft ? 'converted_to_draft' : 'ready_for_review';
    await emitPull(this.world, this.at(by), action);
  }

  comment(by: Who, body: string, viaApp: AppRecord | string | null = null): Comment {
    const { issue } = this.record;
    return addComment(this.world, { repo: this.repo, issue, by: this.who(by), body, viaApp });
  }

  assign(who: Who, by: Who): Promise<void> {
    const { issue } = this.record;
    const place = { repo: this.repo, issue, sender: this.who(by) };
    return assign(this.world, place, this.who(who));
  }
}
