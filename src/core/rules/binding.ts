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
  const here = ownPostings(review, context);
  const inView = inViewAt(review, here);
  if (inView.length === 0) {
    // Nothing was posted yet: the diff itself was reviewed, which is enough for a harmless change.
    if (context.mustBeShownFirst || carried) return { ok: false, broken: 'posting' };
    // It was of what the check then showed first, and of nothing that came later.
    return here.length === 0 || isNow(here[0], context) ? OK : { ok: false, broken: 'shown' };
  }
  const same = inView.some((posting) => isNow(posting, context));
  return same ? OK : { ok: false, broken: 'shown' };
}

function isNow(posting: Posting | undefined, { change, shown }: BindingContext): boolean {
  return posting?.shown === shown && posting.baseRef === change.baseRef;
}

/** What was shown for the commit of a review, without the other things that a check shows beside. */
function ownPostings(review: Review, context: BindingContext): readonly Posting[] {
  return context.change.postings.filter(
    ({ headSha, shown }) =>
      headSha === review.commitSha && (shown === context.shown || !context.besides.has(shown)),
  );
}

/**
 * What each check showed last when the review came; the same second counts as before. Whatever it
 * had shown earlier was out of view.
 */
function inViewAt(review: Review, postings: readonly Posting[]): readonly Posting[] {
  const at = second(review.submittedAtMs);
  return lastOfEach(postings.filter((posting) => second(posting.atMs) <= at));
}

/** The last posting of each check for each commit; postings come in the order of the writes. */
function lastOfEach(postings: readonly Posting[]): readonly Posting[] {
  const last = new Map<string, Posting>();
  for (const one of postings) last.set(`${one.headSha} ${one.check ?? 'tagout'}`, one);
  return [...last.values()];
}

/** Since when a check has shown this without a break; null when none shows it now. */
export function shownSinceMs(postings: readonly Posting[], shown: string): number | null {
  const times = lastOfEach(postings)
    .filter((posting) => posting.shown === shown)
    .map((posting) => posting.atMs);
  return times.length === 0 ? null : Math.min(...times);
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
