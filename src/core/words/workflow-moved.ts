/** What is said of a release whose reusable workflow came from elsewhere and moved. */
import type { ReferencedWorkflow } from '../evidence.ts';
import { pullWords, type Said } from './holds.ts';
import { commit, name } from './text.ts';

/** Workflows that are told one by one. */
const SHOWN = 5;

function movedWords({ path, sha, before }: ReferencedWorkflow): string {
  const from =
    before === null
      ? 'where it stood at the last release is not known'
      : `at the last release ${commit(before)}`;
  return `${name(path)} at ${commit(sha)} (${from})`;
}

export function workflowMovedSaid(moved: readonly ReferencedWorkflow[], pull: number | null): Said {
  const rest = moved.length > SHOWN ? `; and ${moved.length - SHOWN} more` : '';
  const told = moved.slice(0, SHOWN).map(movedWords).join('; ');
  return {
    code: 'workflow-moved',
    reason: `The run takes workflows of other repositories that no review here has seen: ${told}${rest}.`,
    cure:
      `An independent person reads what changed there and approves ${pullWords(pull)} now; or the ` +
      'workflow file here names them by their full commit, so that they cannot move.',
  };
}
