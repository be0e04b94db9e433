/** Environments that must have run this very commit before (staging before production). */
import { environmentKey } from '../subject.ts';
import { SAY } from '../words/holds.ts';
import type { Rule } from './case.ts';
import { AGAIN_MS } from './look-again.ts';

export const after: Rule = {
  name: 'after',
  judge: ({ evidence, environment }) => {
    if (evidence.deployment === null || environment === null) return [];
    const done = new Set((evidence.deployment.succeededIn ?? []).map(environmentKey));
    const pending = environment.rule.after.filter((name) => !done.has(environmentKey(name)));
    if (pending.length === 0) return [];
    return [
      {
        ...SAY.afterPending(pending),
        verdict: 'hold',
        breakable: true,
        lookAgainMs: AGAIN_MS,
      },
    ];
  },
};
