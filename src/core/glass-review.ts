/**
 * The review afterwards of what broken glass released: whether the ordinary rules about reviews
 * would release it now, by people who had no hand in breaking the glass.
 */
import { decideBy } from './decide.ts';
import { effectivePolicy } from './effective-policy.ts';
import type { Account, Evidence, Gap, Posting, Review, Standing } from './evidence.ts';
import type { EffectivePolicy } from './policy.ts';
import { approvals } from './rules/approvals.ts';
import { glassReason } from './rules/break-glass.ts';
import { caseOf } from './rules/case.ts';
import { changesRequested } from './rules/changes-requested.ts';
import { evidenceComplete } from './rules/complete.ts';
import { rangeLevel } from './rules/range-level.ts';
import { deploymentRange } from './rules/range.ts';
import { rollback } from './rules/rollback.ts';

/** The reviews of one pull request, and when its checks showed what. */
export interface SaidOf {
  readonly reviews: readonly Review[];
  readonly postings: readonly Posting[];
}

/** What GitHub and our own memory say now about the pull requests of the range. */
export interface SaidSince {
  readonly readAtMs: number;
  readonly pulls: ReadonlyMap<number, SaidOf>;
  readonly people: readonly Standing[];
  readonly gaps: readonly Gap[];
}

/** A review that closes, or speaks against, a release by break glass. */
export interface GlassVerdict {
  readonly outcome: 'approved' | 'changes-requested';
  readonly reviewId: number;
  readonly pull: number;
  readonly reviewedSha: string;
  readonly submittedAtMs: number;
  readonly person: Pick<Account, 'id' | 'login'>;
}

/** What a review afterwards has to satisfy; freezes, limits and incidents are over by then. */
const RULES = [
  evidenceComplete,
  deploymentRange,
  rollback,
  rangeLevel,
  changesRequested,
  approvals,
] as const;

/**
 * The reviews given since the release that speak: every objection of somebody who may object, and
 * the approval with which everything that was released is reviewed. `evidence` is what the glass was
 * broken over; `releasedAtMs` is GitHub's time of the release, or ours.
 */
export function reviewsAfterGlass(
  evidence: Evidence,
  releasedAtMs: number,
  since: SaidSince,
): readonly GlassVerdict[] {
  const now = withWhatWasSaid(evidence, since);
  const policy = withoutGlass(effectivePolicy(evidence.policy));
  // GitHub's times are whole seconds: a review of the same second counts as after.
  const fromMs = Math.floor(releasedAtMs / 1000) * 1000;
  const { changes } = caseOf(policy, now);
  const objections = changes.flatMap(({ change, reviews }) =>
    reviews.changesRequested.flatMap((person) =>
      objectionOf(person, change.reviews, { pull: change.pull, fromMs, head: change.headSha }),
    ),
  );
  if (decideBy(RULES, policy, now).verdict !== 'allow') return objections;
  const [last] = changes
    .flatMap(({ reviews }) => reviews.counted)
    .filter(({ submittedAtMs, independent }) => submittedAtMs >= fromMs && independent)
    .toSorted((a, b) => b.submittedAtMs - a.submittedAtMs || b.reviewId - a.reviewId);
  if (last === undefined || last.pull === null) return objections;
  const { reviewId, pull, reviewedSha, submittedAtMs, person } = last;
  const approved = { reviewId, pull, reviewedSha, submittedAtMs, person } as const;
  return [...objections, { outcome: 'approved', ...approved }];
}

/** The evidence with today's reviews, without those of the people who broke the glass. */
function withWhatWasSaid(evidence: Evidence, since: SaidSince): Evidence {
  const said = [
    ...evidence.changes.flatMap(({ reviews }) => reviews),
    ...[...since.pulls.values()].flatMap(({ reviews }) => reviews),
  ];
  const breakers = new Set(
    said.flatMap((one) => (glassReason(one) === null ? [] : [one.author?.id ?? null])),
  );
  const changes = evidence.changes.map((change) => {
    const { reviews, postings } = since.pulls.get(change.pull ?? 0) ?? {
      reviews: [],
      postings: [],
    };
    const others = reviews.filter(({ author }) => !breakers.has(author?.id ?? null));
    return { ...change, reviews: others, postings };
  });
  const { readAtMs, people, gaps } = since;
  return { ...evidence, changes, readAtMs, people, gaps: [...evidence.gaps, ...gaps] };
}

function withoutGlass(effective: EffectivePolicy): EffectivePolicy {
  const environments = Object.fromEntries(
    Object.entries(effective.policy.environments).map(([name, rule]) => [
      name,
      { ...rule, breakGlass: null },
    ]),
  );
  return { ...effective, policy: { ...effective.policy, environments } };
}

function objectionOf(
  { id, login }: Account,
  reviews: readonly Review[],
  at: { readonly pull: number | null; readonly fromMs: number; readonly head: string },
): readonly GlassVerdict[] {
  const { pull, fromMs, head } = at;
  const last = reviews.findLast(
    ({ author, state, submittedAtMs }) =>
      author?.id === id && state === 'CHANGES_REQUESTED' && submittedAtMs >= fromMs,
  );
  if (last === undefined || pull === null) return [];
  const { id: reviewId, commitSha, submittedAtMs } = last;
  const reviewedSha = commitSha ?? head;
  const outcome = 'changes-requested';
  return [{ outcome, reviewId, pull, reviewedSha, submittedAtMs, person: { id, login } }];
}
