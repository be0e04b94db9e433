/** A deployment that started although we never released it: nothing is left to hold but the next. */
import { SAY_BYPASS } from '../words/bypass.ts';
import type { Rule } from './case.ts';

export const bypassDetected: Rule = {
  name: 'bypass',
  judge: ({ evidence }) => {
    const bypass = evidence.deployment?.bypass ?? null;
    return bypass === null ? [] : [{ ...SAY_BYPASS.deployment(bypass), verdict: 'hold' }];
  },
};
