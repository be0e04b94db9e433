/** Whether the subject itself is in a state that can be released. */
import { SAY } from '../words/holds.ts';
import type { Rule, Thought } from './case.ts';

/** Drafts and closed pull requests hold; merged ones are judged like open ones (late review). */
export const subjectOpen: Rule = {
  name: 'subject-open',
  judge: ({ evidence, changes }) => {
    if (evidence.subject.kind === 'checkout') return [];
    const thoughts: Thought[] = [];
    if (changes.length === 0 && evidence.deployment === null) {
      thoughts.push({ ...SAY.noChange(), verdict: 'hold' });
    }
    for (const { change } of changes) {
      if (change.state === 'closed') thoughts.push({ ...SAY.closed(change.pull), verdict: 'hold' });
      if (change.draft && change.state === 'open') {
        thoughts.push({ ...SAY.draft(change.pull), verdict: 'hold' });
      }
    }
    return thoughts;
  },
};

/** A head whose fork was deleted cannot be read again; once merged, its content is here. */
export const forkGone: Rule = {
  name: 'fork-gone',
  judge: ({ evidence, changes }) =>
    evidence.subject.kind === 'checkout'
      ? []
      : changes
          .filter(({ change }) => change.headRepoId === null && change.state !== 'merged')
          .map(({ change }) => ({ ...SAY.forkGone(change.pull), verdict: 'hold' })),
};
