/** What the policy lets one agent do in an hour or a day. Counts that are not known hold. */
import { atLeast } from '../blast-radius.ts';
import type { AgentActivity } from '../evidence.ts';
import type { Limits } from '../policy.ts';
import { SAY_LIMITS } from '../words/limits.ts';
import type { Case, ChangeCase, Rule, Thought } from './case.ts';
import { AGAIN_MS } from './look-again.ts';

type Counter = Exclude<keyof AgentActivity, 'agent' | 'sinksAtMs'>;

interface LimitRow {
  readonly key: keyof Limits;
  readonly counter: Counter;
  readonly speaksFor: 'pull-request' | 'deployment' | 'grave deployment';
}

/** Each key of `limits` with what it counts and which subjects it can hold. */
export const limitRows: readonly LimitRow[] = [
  { key: 'openPullRequests', counter: 'openPullRequests', speaksFor: 'pull-request' },
  { key: 'evaluationsPerHour', counter: 'evaluationsLastHour', speaksFor: 'pull-request' },
  {
    key: 'productionDeploymentsPerHour',
    counter: 'productionDeploymentsLastHour',
    speaksFor: 'deployment',
  },
  {
    key: 'productionDeploymentsPerDay',
    counter: 'productionDeploymentsLastDay',
    speaksFor: 'deployment',
  },
  { key: 'highOrCriticalPerDay', counter: 'highOrCriticalLastDay', speaksFor: 'grave deployment' },
];

export const limits: Rule = {
  name: 'limits',
  judge: (it) => {
    const rows = limitRows.filter((row) => it.policy.limits[row.key] !== null && speaks(row, it));
    if (rows.length === 0) return [];
    const agents = [...new Set(it.changes.flatMap(agentsOf))];
    return agents.flatMap((agent) => rows.flatMap((row) => judge(it, agent, row)));
  },
};

function speaks({ speaksFor }: LimitRow, { evidence, changes, together }: Case): boolean {
  const { kind } = evidence.subject;
  if (speaksFor === 'pull-request') return kind === 'pull-request';
  if (kind !== 'deployment' || speaksFor === 'deployment') return kind === 'deployment';
  return [...changes, ...(together === null ? [] : [together])].some(({ radius }) =>
    atLeast(radius, 'high'),
  );
}

/** Whose counts speak; a change without any sign is counted by the account that opened it. */
function agentsOf({ origin, change }: ChangeCase): readonly string[] {
  if (origin.kind === 'human') return [];
  if (origin.agents.length > 0) return origin.agents;
  return [`undeclared:${change.author?.id ?? 'unknown'}`];
}

function judge(it: Case, agent: string, { key, counter }: LimitRow): readonly Thought[] {
  const limit = it.policy.limits[key];
  if (limit === null) return [];
  const activity = it.evidence.activity?.find((one) => one.agent === agent);
  const count = activity?.[counter] ?? null;
  const base = { verdict: 'hold', breakable: true } as const;
  if (count === null) {
    return [{ ...SAY_LIMITS.unknown(agent, key), ...base, lookAgainMs: AGAIN_MS }];
  }
  if (count <= limit) return [];
  const endsAtMs = activity?.sinksAtMs?.[counter] ?? null;
  const leftMs = endsAtMs === null ? null : Math.max(AGAIN_MS, endsAtMs - it.evidence.readAtMs);
  const said = SAY_LIMITS.reached({ agent, key, count, limit, endsAtMs });
  return [{ ...said, ...base, ...(leftMs === null ? {} : { lookAgainMs: leftMs }) }];
}
