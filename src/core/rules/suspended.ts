/** All work of a suspended agent holds at once. */
import { SAY } from '../words/holds.ts';
import type { Rule } from './case.ts';

export const suspendedAgent: Rule = {
  name: 'suspended-agent',
  judge: ({ evidence, policy, changes }) => {
    const suspended = new Set([...policy.suspended, ...evidence.suspended].map(key));
    const agents = changes.flatMap(({ origin }) => origin.agents);
    const hit = [...new Set(agents)].filter((agent) => suspended.has(key(agent)));
    return hit.length === 0 ? [] : [{ ...SAY.suspended(hit), verdict: 'hold' }];
  },
};

function key(agent: string): string {
  return agent.normalize('NFKC').trim().toLowerCase();
}
