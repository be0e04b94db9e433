/** What must be readable before anything else can speak: the policy and the evidence (R14). */
import { SAY } from '../words/holds.ts';
import type { Rule, Thought } from './case.ts';
import { AGAIN_MS } from './look-again.ts';

/** A policy file that cannot be parsed holds everything it would speak for. */
export const policyReadable: Rule = {
  name: 'policy-readable',
  judge: ({ effective }) => {
    if (effective.problems.length === 0) return [{ ...SAY.policyReadable(), verdict: 'allow' }];
    return effective.problems.map((problem) => ({
      ...SAY.policyUnreadable(problem),
      verdict: 'hold',
    }));
  },
};

/** Every list must have been read to its end; what is truncated or unknown holds (R14). */
export const evidenceComplete: Rule = {
  name: 'evidence-complete',
  judge: ({ evidence, rules }) => {
    const thoughts: Thought[] = evidence.gaps.map((gap) => ({
      ...SAY.evidenceIncomplete(gap),
      verdict: 'hold',
      lookAgainMs: AGAIN_MS,
    }));
    for (const change of evidence.changes) {
      if (change.reviews.some((review) => review.state === 'UNKNOWN')) {
        thoughts.push({ ...SAY.unknownReviewState(change.pull), verdict: 'hold' });
      }
    }
    if (rules.length === 0) thoughts.push({ ...SAY.noEnvironments(), verdict: 'hold' });
    return thoughts.length > 0 ? thoughts : [{ ...SAY.evidenceComplete(), verdict: 'allow' }];
  },
};
