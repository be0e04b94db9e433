/** Replaying: the recorded evidence, judged again, must give the recorded decision. */
import { decide } from './decide.ts';
import type { Decision } from './decision.ts';
import { effectivePolicy } from './effective-policy.ts';
import type { Evidence } from './evidence.ts';

/** The decision that this evidence gives now, under the policy files that it holds. */
export function replay(evidence: Evidence): Decision {
  return decide(effectivePolicy(evidence.policy), evidence);
}
