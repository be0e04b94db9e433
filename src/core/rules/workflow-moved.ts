/**
 * A reusable workflow of another repository, named by a branch or tag, is code of the release that
 * no pull request here shows. Where it moved since the last release, approvals from before do not
 * speak for it.
 */
import type { ReferencedWorkflow } from '../evidence.ts';
import { workflowMovedSaid } from '../words/workflow-moved.ts';
import { isRollback } from './approvals.ts';
import type { Case, Rule } from './case.ts';
import { newestOf } from './newest.ts';

export const workflowMoved: Rule = {
  name: 'workflow-moved',
  judge: (it) => {
    const moved = (it.evidence.deployment?.referenced ?? []).filter(hasMoved);
    if (moved.length === 0 || isApprovedSince(it)) return [];
    const pull = newestOf(it.evidence.changes)?.pull ?? null;
    return [{ ...workflowMovedSaid(moved, pull), verdict: 'hold', breakable: true }];
  },
};

/** What is not known to have stood there before counts as moved. */
function hasMoved({ sha, before }: ReferencedWorkflow): boolean {
  return sha !== before;
}

/** Whether an approval that counts was given once this release had been asked for. */
function isApprovedSince(it: Case): boolean {
  const { deployment } = it.evidence;
  if (deployment === null || isRollback(it)) return false;
  const { requestedAtMs } = deployment;
  return it.changes.some(({ reviews }) =>
    reviews.counted.some(({ submittedAtMs }) => submittedAtMs > requestedAtMs),
  );
}
