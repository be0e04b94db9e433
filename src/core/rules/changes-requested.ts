/** An open change request of a person with write access holds (R15). */
import { SAY } from '../words/holds.ts';
import type { Rule } from './case.ts';

export const changesRequested: Rule = {
  name: 'changes-requested',
  judge: ({ changes }) =>
    changes
      .filter(({ reviews }) => reviews.changesRequested.length > 0)
      .map(({ change, reviews }) => ({
        ...SAY.changesRequested(
          change.pull,
          reviews.changesRequested.map((person) => person.login),
        ),
        verdict: 'hold',
        breakable: true,
      })),
};
