/**
 * Break glass: the people whom the policy names each review the newest pull request of the range
 * with the body `break glass: REASON`. It overrides what a review could have cured, never what
 * cannot be read or what is denied, and it is never silent.
 */
import { type ReviewContext, judgeReviews } from '../approvals.ts';
import type { Review } from '../evidence.ts';
import { SAY } from '../words/holds.ts';
import type { Case, Thought } from './case.ts';
import { newestOf } from './range-level.ts';

const GLASS = /^break glass: *(\S[^\r\n]*)$/i;

export interface BrokenGlass {
  readonly who: readonly string[];
  readonly thought: Thought;
}

/** Whether the glass is broken now; null when it is not or the policy has none. */
export function brokenGlass(it: Case): BrokenGlass | null {
  const rule = it.environment?.rule.breakGlass ?? null;
  const newest = newestOf(it);
  if (rule === null || newest === null || it.environment === null) return null;
  const reviews = newest.change.reviews.filter((review) => glassReason(review) !== null);
  const context: ReviewContext = {
    ...newest.context,
    change: {
      ...newest.change,
      postings: [],
      reviews: reviews.map((review) => ({ ...review, state: 'APPROVED' })),
    },
    // Emergencies do not wait for a posting; the head must still be the one that was merged.
    mustBeShownFirst: false,
    notBeforeMs: it.evidence.readAtMs - rule.lastsMs - 1,
    demands: [
      {
        environment: it.environment.name,
        radius: 'low',
        rule: {
          count: rule.count,
          maxAgeMs: Number.MAX_SAFE_INTEGER,
          ...(rule.teams.length > 0 ? { teams: rule.teams } : {}),
        },
      },
    ],
  };
  const result = judgeReviews(context);
  if (!result.met.every((met) => met.ok)) return null;
  const who = result.counted.map((approval) => approval.person.login);
  const ids = new Set(result.counted.map((approval) => approval.reviewId));
  const why = reviews.find((review) => ids.has(review.id));
  const said = SAY.breakGlass({
    who,
    why: (why === undefined ? null : glassReason(why)) ?? '',
    reviewWithinMs: rule.reviewWithinMs,
  });
  return { who, thought: { ...said, verdict: 'allow' } };
}

/** The reason that a review breaks the glass with; null when it does not. */
export function glassReason(review: Review): string | null {
  if (review.state !== 'APPROVED' && review.state !== 'COMMENTED') return null;
  return GLASS.exec(review.body.trim())?.[1] ?? null;
}
