/**
 * Merges past the gate, noticed when they happen: by the merge's own event, by the sweep when that
 * was lost, and again by every review afterwards, which ends the incident.
 */
import { decide } from './core/decide.ts';
import type { Effect } from './core/effect.ts';
import { mergedCheck } from './core/effects.ts';
import { effectivePolicy } from './core/effective-policy.ts';
import { caseOf } from './core/rules/case.ts';
import { isOpen, type PastMerge, pastMerges } from './core/rules/merged-past.ts';
import type { Locator, Trigger } from './core/subject.ts';
import type { MergeAsked, SeenMerge } from './github/gather-merge.ts';
import type { Sql } from './store/connect.ts';
import { keepMerge } from './store/merges.ts';

export interface MergeWatchParts {
  readonly readMerge: (asked: MergeAsked) => Promise<SeenMerge | null>;
  readonly sql: Sql;
  readonly now: () => number;
}

/** GitHub sends it to an App that is installed when the merge happens. */
const MERGE_EVENT = 'pull_request.closed';

/**
 * Looks whether a pull request that is not open any more was merged past the gate; if so, the
 * record says so and people are told. Throws TagoutError when it could not be read: the caller
 * tries again.
 */
export function createMergeWatch(
  parts: MergeWatchParts,
): (trigger: Trigger, locator: Locator) => Promise<void> {
  return async (trigger, locator) => {
    if (locator.kind !== 'pull-request') return;
    const { repo, number } = locator;
    const installed = trigger.because === MERGE_EVENT;
    const seen = await parts.readMerge({ repo, number, installed });
    if (seen === null) return;
    const about = { trigger, locator, readAtMs: seen.readAtMs, nowMs: parts.now() };
    const merge = judged(seen);
    const shows = isOpen(merge) ? shownBy(trigger, locator, seen) : [];
    await keepMerge(parts.sql, about, { merge, shows });
  };
}

function judged({ merge, evidence }: SeenMerge): PastMerge {
  if (evidence === null) return merge;
  const [found] = pastMerges(caseOf(effectivePolicy(evidence.policy), evidence));
  return found ?? merge;
}

/** What a late review has to see before it can count, when no check has shown it. */
function shownBy(trigger: Trigger, locator: Locator, { evidence }: SeenMerge): readonly Effect[] {
  if (evidence === null) return [];
  const policy = effectivePolicy(evidence.policy);
  const decision = decide(policy, evidence);
  return mergedCheck({ trigger, locator, evidence, policy, decision });
}
