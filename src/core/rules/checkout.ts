/** A checkout has no approvals: the change alone is judged. */
import { SAY } from '../words/holds.ts';
import { prose } from '../words/text.ts';
import type { Rule, Thought } from './case.ts';

/** Allows what gives no reason to hold: no danger, and a dry run that could be compared. */
export const checkoutAlone: Rule = {
  name: 'change-alone',
  judge: ({ evidence, changes }) => {
    if (evidence.subject.kind !== 'checkout') return [];
    const thoughts: Thought[] = changes.flatMap(({ change, findings }) => {
      const dangers = findings.filter((finding) => finding.level === 'danger');
      const held: Thought[] = dangers.map((finding) => ({
        ...SAY.changeMatters(prose(finding.message)),
        verdict: 'hold',
      }));
      const { status, reason } = change.dryRun;
      if (status !== 'ok' && status !== 'none') {
        const why = reason === null ? '' : `: ${prose(reason)}`;
        const what = status === 'failed' ? 'failed' : 'could not be compared';
        held.push({ ...SAY.changeMatters(`The dry run ${what}${why}`), verdict: 'hold' });
      }
      return held;
    });
    if (thoughts.length > 0 || changes.length === 0) return thoughts;
    return [{ ...SAY.changeHarmless(), verdict: 'allow' }];
  },
};
