/**
 * Which approvals count. Persons are counted, not reviews: the latest decisive review of each
 * person speaks, and every refusal is named by its code (facts: R01 to R15).
 */
import type { CountedApproval, RefusalCode, RefusedApproval } from './decision.ts';
import type { Account, Change, Involvement, Review, Standing } from './evidence.ts';
import type { BlastRadius } from './findings.ts';
import { isAgentAccount } from './origin.ts';
import type { Policy, ReviewRule } from './policy.ts';
import { bindingOf } from './rules/binding.ts';
import type { Contributors } from './rules/contributors.ts';
import { type Approver, fits, inTeams, missingSlots, type Slot } from './rules/teams.ts';
import { teamsOf } from './words/needs.ts';
import { refusalWords } from './words/refusals.ts';

/** What one environment's rule asks of one change. */
export interface Demand {
  readonly environment: string;
  readonly radius: BlastRadius;
  readonly rule: ReviewRule;
}

export interface ReviewContext {
  readonly change: Change;
  readonly shown: string;
  /** Danger, nothing comparable, or radius high or critical: approvals must come after the posting. */
  readonly mustBeShownFirst: boolean;
  /** Digests of a range or of accepted commits that the same check showed beside the change. */
  readonly besides: ReadonlySet<string>;
  readonly contributors: Contributors;
  readonly operators: readonly Involvement[];
  /** Ids of people who may not approve besides (`notDeployer`, contributors of accepted commits). */
  readonly barred: ReadonlySet<number>;
  readonly policy: Policy;
  readonly people: ReadonlyMap<number, Standing>;
  readonly demands: readonly Demand[];
  readonly nowMs: number;
  /** The first request to release; ages approvals of high and critical changes. */
  readonly firstRequestMs: number | null;
  /** Approvals given at or before this moment do not count (rollback, accepted commits). */
  readonly notBeforeMs: number | null;
}

/** How one demand is met by the counted approvals. */
export interface Met {
  readonly demand: Demand;
  readonly count: number;
  readonly counted: number;
  readonly missing: readonly Slot[];
  readonly ok: boolean;
}

export interface ReviewResult {
  readonly counted: readonly CountedApproval[];
  readonly refused: readonly RefusedApproval[];
  readonly met: readonly Met[];
  /** People with write access whose open review asks for changes (R15). */
  readonly changesRequested: readonly Account[];
}

/** What all demands together ask of every review, worked out once for all of them. */
interface Asked extends ReviewContext {
  readonly pools: readonly Slot[];
  readonly maxAgeMs: number;
  /** Until when an approval ages: the merge or now; for high and critical also the first request. */
  readonly agesUntilMs: number;
}

function askedBy(context: ReviewContext): Asked {
  const { change, demands, nowMs, firstRequestMs } = context;
  const endMs = change.mergedAtMs ?? nowMs;
  const isGrave = demands.some(({ radius }) => radius === 'high' || radius === 'critical');
  return {
    ...context,
    pools: poolsOf(demands),
    maxAgeMs: Math.min(...demands.map(({ rule }) => rule.maxAgeMs)),
    agesUntilMs: isGrave && firstRequestMs !== null ? Math.max(endMs, firstRequestMs) : endMs,
  };
}

/** Judges all reviews of one change. */
export function judgeReviews(given: ReviewContext): ReviewResult {
  const context = askedBy(given);
  const counted: CountedApproval[] = [];
  const refused: RefusedApproval[] = [];
  const changesRequested: Account[] = [];
  for (const reviews of byPerson(context)) {
    const latest = reviews.at(-1);
    if (latest === undefined) continue;
    if (isOpenRequest(latest, context) && mayObject(latest.author, context)) {
      changesRequested.push(latest.author);
    }
    const verdict = judgePerson(reviews, latest, context);
    if (verdict === null) continue;
    if ('codes' in verdict) refused.push(verdict);
    else counted.push(verdict);
  }
  const sorted = counted.toSorted((a, b) => a.person.id - b.person.id);
  return {
    counted: sorted,
    refused: refused.toSorted((a, b) => a.reviewId - b.reviewId),
    met: context.demands.map((demand) => metBy(demand, sorted.map(approverOf), context)),
    changesRequested: changesRequested.toSorted((a, b) => a.id - b.id),
  };
}

function approverOf({ person, teams }: CountedApproval): Approver {
  return { id: person.id, teams };
}

/** The decisive reviews of each person, oldest first; a deleted account's reviews stand alone. */
function byPerson(context: ReviewContext): readonly (readonly Review[])[] {
  const groups = new Map<string, Review[]>();
  const inOrder = context.change.reviews.toSorted(
    (a, b) => a.submittedAtMs - b.submittedAtMs || a.id - b.id || rank(a) - rank(b),
  );
  for (const review of inOrder) {
    if (!isDecisive(review, context)) continue;
    const key = review.author === null ? `review ${review.id}` : `person ${review.author.id}`;
    groups.set(key, [...(groups.get(key) ?? []), review]);
  }
  return [...groups.values()];
}

/** Of two readings of one review the stricter speaks: it is put last. */
function rank(review: Review): number {
  return review.state === 'APPROVED' || review.state === 'COMMENTED' ? 0 : 1;
}

function isDecisive(review: Review, context: ReviewContext): boolean {
  return (
    review.state === 'APPROVED' ||
    review.state === 'CHANGES_REQUESTED' ||
    review.state === 'DISMISSED' ||
    isSoloRelease(review, context)
  );
}

/** Under `solo`, GitHub's refusal of self-approval is met by a comment of exactly this text. */
function isSoloRelease(review: Review, context: ReviewContext): boolean {
  const { policy, change } = context;
  return (
    policy.solo &&
    review.state === 'COMMENTED' &&
    review.author !== null &&
    review.author.id === change.author?.id &&
    review.body === `release ${change.headSha.slice(0, 12)}`
  );
}

/**
 * Whether a review asks for changes still. One that was dismissed does, unless its author or an
 * administrator who had no hand in the change dismissed it: everybody with write access can.
 */
function isOpenRequest({ state, author, dismissed }: Review, context: ReviewContext): boolean {
  if (state === 'CHANGES_REQUESTED') return true;
  if (state !== 'DISMISSED' || dismissed?.was === 'APPROVED') return false;
  const by = dismissed?.by ?? null;
  if (by === null) return true;
  const isAdministrator =
    context.people.get(by.id)?.permission === 'admin' && involvementCodes(by, context).length === 0;
  return by.id !== author?.id && !isAdministrator;
}

/** A change request speaks when a person with write access made it, whatever hand they had in it. */
function mayObject(author: Account | null, context: ReviewContext): author is Account {
  return (
    author !== null && !isMachine(author, context.policy) && hasWrite(context.people.get(author.id))
  );
}

function judgePerson(
  reviews: readonly Review[],
  latest: Review,
  context: Asked,
): CountedApproval | RefusedApproval | null {
  if (isTakenBack(latest)) {
    const wasApproved = reviews.findLast((review) => review.state === 'APPROVED');
    // Someone who never approved and asks for changes is no refused approval.
    if (latest.state === 'CHANGES_REQUESTED' && wasApproved === undefined) return null;
    return refusal(wasApproved ?? latest, context, {
      codes: ['R01'],
      state: latest.state === 'DISMISSED' ? 'dismissed' : 'superseded',
    });
  }
  // Approving again takes nothing back: the newest valid one of the approvals in a row counts.
  let newest: Faults | null = null;
  for (const review of reviews.slice(reviews.findLastIndex(isTakenBack) + 1).reverse()) {
    const verdict = judgeApproval(review, context);
    if (!('codes' in verdict)) return verdict;
    newest ??= verdict;
  }
  return newest && refusal(latest, context, newest);
}

function isTakenBack(review: Review): boolean {
  return review.state === 'CHANGES_REQUESTED' || review.state === 'DISMISSED';
}

/** Why an approval does not count, with what the sentence about it needs. */
interface Faults {
  readonly codes: readonly RefusalCode[];
  readonly state?: 'dismissed' | 'superseded';
  readonly stalePart?: 'head' | 'shown';
  readonly timePart?: 'age' | 'early' | 'posting';
  readonly teams?: readonly string[];
}

function judgeApproval(review: Review, context: Asked): CountedApproval | Faults {
  const { author } = review;
  if (author === null) return { codes: ['R08'] };
  const standing = context.people.get(author.id);
  const codes: RefusalCode[] = [];
  const { broken } = bindingOf(review, context);
  if (broken === 'head' || broken === 'shown') codes.push('R02');
  codes.push(...involvementCodes(author, context));
  const isAble = hasWrite(standing);
  if (!isAble || !context.pools.some((pool) => fits(pool, standing))) codes.push('R08');
  if (review.viaEmail || isEdited(review)) codes.push('R09');
  const tooOld = Math.max(0, context.agesUntilMs - review.submittedAtMs) > context.maxAgeMs;
  const early = context.notBeforeMs !== null && review.submittedAtMs <= context.notBeforeMs;
  if (tooOld || early || broken === 'posting') codes.push('R10');
  if (broken === 'base') codes.push('R11');
  if (isBypassed(review, context)) codes.push('R13');
  if (codes.length === 0 && isAble) return count(review, standing, author, context);
  return {
    codes,
    stalePart: broken === 'head' ? 'head' : 'shown',
    timePart: tooOld ? 'age' : early ? 'early' : 'posting',
    teams: isAble ? context.pools.flatMap((pool) => pool ?? []) : [],
  };
}

function isEdited(review: Review): boolean {
  return review.editedAtMs !== null && review.editedAtMs > review.submittedAtMs;
}

function isBypassed(review: Review, context: ReviewContext): boolean {
  const bypassed = context.change.bypassedAtMs ?? null;
  return bypassed !== null && review.submittedAtMs <= bypassed;
}

/** R03 to R07: what hand this account had in the change. Under `solo` only R06 is left. */
function involvementCodes(author: Account, context: ReviewContext): readonly RefusalCode[] {
  const { change, contributors, policy } = context;
  if (isMachine(author, policy)) return ['R06'];
  if (policy.solo) return [];
  const codes: RefusalCode[] = [];
  if (author.id === change.author?.id) codes.push('R03');
  if (contributors.commits.has(author.id)) codes.push('R04');
  if (contributors.pushers.has(author.id)) codes.push('R05');
  if (isOperator(author, context.operators) || context.barred.has(author.id)) codes.push('R07');
  return codes;
}

/** Whether a person could give an approval that counts, were it given now. */
export function mayApprove(person: Standing, context: ReviewContext): boolean {
  const account: Account = { id: person.id, login: person.login, type: 'User' };
  const pools = poolsOf(context.demands);
  return (
    hasWrite(person) &&
    pools.some((pool) => fits(pool, person)) &&
    involvementCodes(account, context).length === 0
  );
}

/** How a demand would be met if exactly these people had approved. */
export function metBy(
  demand: Demand,
  people: readonly Approver[],
  context: Pick<ReviewContext, 'policy' | 'contributors'>,
): Met {
  const [pool = null] = poolsOf([demand]);
  const inPool = people.filter((person) => pool === null || inTeams(pool, person));
  const { solo } = context.policy;
  const more = !solo && context.contributors.unknown.length > 0 ? 1 : 0;
  const needed = solo ? 1 : Math.max(1, demand.rule.count) + more;
  const missing = solo ? [] : missingSlots(demand.rule, inPool);
  const ok = inPool.length >= needed && missing.length === 0;
  return { demand, count: needed, counted: inPool.length, missing, ok };
}

function isMachine(account: Account, policy: Policy): boolean {
  return (
    account.type !== 'User' ||
    account.login.toLowerCase().endsWith('[bot]') ||
    isAgentAccount(account, policy) !== null
  );
}

function isOperator(account: Account, operators: readonly Involvement[]): boolean {
  const login = account.login.toLowerCase();
  return operators.some(
    (operator) => operator.id === account.id || operator.login.toLowerCase() === login,
  );
}

function hasWrite(standing: Standing | undefined): standing is Standing {
  if (standing === undefined) return false;
  return ['admin', 'maintain', 'write'].includes(standing.permission);
}

/** Who may count at all for each demand: the teams it names when it names some for everybody. */
function poolsOf(demands: readonly Demand[]): readonly Slot[] {
  return demands.map(({ rule }) => (rule.teams === undefined ? null : teamsOf(rule)));
}

function count(
  review: Review,
  standing: Standing,
  author: Account,
  context: ReviewContext,
): CountedApproval {
  const { policy } = context;
  const isAlone =
    !policy.solo ||
    involvementCodes(author, { ...context, policy: { ...policy, solo: false } }).length === 0;
  return {
    reviewId: review.id,
    person: { id: author.id, login: author.login },
    pull: context.change.pull,
    reviewedSha: review.commitSha ?? context.change.headSha,
    submittedAtMs: review.submittedAtMs,
    permission: standing.permission,
    teams: standing.teams,
    assurance: 'account',
    independent: isAlone,
  };
}

function refusal(review: Review, context: Asked, faults: Faults): RefusedApproval {
  const { author } = review;
  const reason = refusalWords({
    login: author?.login ?? null,
    codes: faults.codes,
    reviewedSha: review.commitSha,
    headSha: context.change.headSha,
    permission: (author && context.people.get(author.id)?.permission) ?? 'none',
    teams: faults.teams ?? [],
    maxAgeMs: context.maxAgeMs,
    stalePart: faults.stalePart ?? null,
    timePart: faults.timePart ?? null,
    state: faults.state ?? null,
  });
  return {
    reviewId: review.id,
    person: author === null ? null : { id: author.id, login: author.login },
    pull: context.change.pull,
    codes: faults.codes,
    reason,
  };
}
