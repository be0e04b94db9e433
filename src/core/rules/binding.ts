/**
 * What an approval was given for. It binds to the head commit, the base branch and the digest of
 * what the check showed (`shown`); the times are GitHub's own, in whole seconds.
 */
import type { Change, Posting, Review } from '../evidence.ts';
import { WEB_FLOW_ID } from './contributors.ts';

export interface Binding {
  readonly ok: boolean;
  /** `head`, `shown` (R02), `base` (R11) or `posting` (R10). */
  readonly broken: 'head' | 'shown' | 'base' | 'posting' | null;
}

export interface BindingContext {
  readonly change: Change;
  readonly shown: string;
  /** Whether an approval that came before the first posting is worthless (R10). */
  readonly mustBeShownFirst: boolean;
  /** Digests of other things that this check showed beside the change: a range, accepted commits. */
  readonly besides: ReadonlySet<string>;
}

const OK: Binding = { ok: true, broken: null };

/** Judges to what a review binds. */
export function bindingOf(review: Review, context: BindingContext): Binding {
  const { change } = context;
  const changed = change.baseChangedAtMs ?? null;
  if (changed !== null && review.submittedAtMs <= changed) return { ok: false, broken: 'base' };
  const carried = review.commitSha !== change.headSha;
  if (carried && !isCarried(review, context)) return { ok: false, broken: 'head' };
  const inView = inViewAt(review, context);
  if (inView.length === 0) {
    // Nothing was posted yet: the diff itself was reviewed, which is enough for a harmless change.
    const late = context.mustBeShownFirst || carried;
    return late ? { ok: false, broken: 'posting' } : OK;
  }
  const same = inView.some(
    (posting) => posting.shown === context.shown && posting.baseRef === change.baseRef,
  );
  return same ? OK : { ok: false, broken: 'shown' };
}

/** What the check showed for that commit when the review came; the same second counts as before. */
function inViewAt(review: Review, context: BindingContext): readonly Posting[] {
  const at = second(review.submittedAtMs);
  const before = context.change.postings.filter(
    (posting) =>
      posting.headSha === review.commitSha &&
      second(posting.atMs) <= at &&
      (posting.shown === context.shown || !context.besides.has(posting.shown)),
  );
  const latest = before.reduce((most, posting) => Math.max(most, second(posting.atMs)), 0);
  return before.filter((posting) => second(posting.atMs) === latest);
}

/**
 * "Update branch" carries an approval over: every commit since is GitHub's own verified merge of
 * the base branch, and the difference by content is the same, which the posting proves.
 */
function isCarried(review: Review, context: BindingContext): boolean {
  const { change } = context;
  const bySha = new Map(change.commits.map((commit) => [commit.sha, commit]));
  let sha = change.headSha;
  for (let steps = 0; steps <= change.commits.length; steps += 1) {
    if (sha === review.commitSha) {
      return change.postings.some(
        (posting) => posting.headSha === sha && posting.shown === context.shown,
      );
    }
    const commit = bySha.get(sha);
    const [first, second_] = commit?.parents ?? [];
    if (commit === undefined || first === undefined || second_ === undefined) return false;
    if (commit.parents.length !== 2 || commit.verified !== true) return false;
    if (commit.committer.account?.id !== WEB_FLOW_ID) return false;
    sha = first;
  }
  return false;
}

function second(atMs: number): number {
  return Math.floor(atMs / 1000);
}
