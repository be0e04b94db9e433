/** Every rule, in the order in which its opinion is told. Adding one is one file and one line here. */
import { after } from './after.ts';
import { approvals } from './approvals.ts';
import { backup } from './backup.ts';
import { bypassDetected } from './bypass.ts';
import type { Rule } from './case.ts';
import { changesRequested } from './changes-requested.ts';
import { checkoutAlone } from './checkout.ts';
import { evidenceComplete, policyReadable } from './complete.ts';
import { deploymentSha, environmentKnown } from './deployment.ts';
import { eligible } from './eligible.ts';
import { freeze } from './freeze.ts';
import { limits } from './limits.ts';
import { mergedPast } from './merged-past.ts';
import { deploymentRange } from './range.ts';
import { rangeLevel } from './range-level.ts';
import { rollback } from './rollback.ts';
import { forkGone, subjectOpen } from './subject.ts';
import { suspendedAgent } from './suspended.ts';
import { workflowMoved } from './workflow-moved.ts';

export const RULES: readonly Rule[] = [
  deploymentSha,
  policyReadable,
  evidenceComplete,
  subjectOpen,
  forkGone,
  environmentKnown,
  bypassDetected,
  mergedPast,
  suspendedAgent,
  limits,
  freeze,
  after,
  workflowMoved,
  deploymentRange,
  rollback,
  rangeLevel,
  backup,
  changesRequested,
  checkoutAlone,
  approvals,
  eligible,
];
