/** What the agents of a subject did lately; read only when the policy limits it. */
import { originOf, isAgentAccount } from '../core/origin.ts';
import type { Account, AgentActivity, Change } from '../core/evidence.ts';
import type { Policy } from '../core/policy.ts';
import type { RecordedActivity } from '../core/ports.ts';
import type { Reading } from './reading.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

/** The open pull requests with their authors, and whether that is all of them. */
export interface OpenAuthors {
  readonly complete: boolean;
  readonly authors: readonly (Account | null)[];
}

export interface ActivityAsked {
  readonly policy: Policy;
  readonly changes: readonly Change[];
  /** Null for a deployment, which no number of open pull requests holds. */
  readonly open: OpenAuthors | null;
  readonly exceptKey: string;
  readonly nowMs: number;
}

/** Counts with this subject included; nothing when the policy sets no limit. */
export async function readActivity(
  { memory, repo }: Reading,
  asked: ActivityAsked,
): Promise<{ readonly activity?: readonly AgentActivity[] }> {
  const { policy, exceptKey, nowMs } = asked;
  const isLimited = Object.values(policy.limits).some((limit) => limit !== null);
  if (!isLimited || memory.activity === undefined) return {};
  const agents = [...new Set(asked.changes.flatMap((change) => agentsOf(change, policy)))];
  const recorded = await memory.activity(repo, { agents, nowMs, exceptKey });
  return { activity: recorded.map((row) => withThis(row, asked)) };
}

/** As the rule names them: agents, or `undeclared:` and the id of the account. */
function agentsOf(change: Change, policy: Policy): readonly string[] {
  const { kind, agents } = originOf(change, policy);
  if (kind === 'human') return [];
  return agents.length > 0 ? agents : [`undeclared:${change.author?.id ?? 0}`];
}

function withThis(row: RecordedActivity, { open, policy }: ActivityAsked): AgentActivity {
  const deploys = open === null ? 1 : 0;
  return {
    agent: row.agent,
    openPullRequests: open === null ? null : openBy(row.agent, open, policy),
    evaluationsLastHour: row.evaluationsLastHour + 1 - deploys,
    productionDeploymentsLastHour: row.productionDeploymentsLastHour + deploys,
    productionDeploymentsLastDay: row.productionDeploymentsLastDay + deploys,
    highOrCriticalLastDay: row.highOrCriticalLastDay + deploys,
    sinksAtMs: {
      ...sinks('evaluationsLastHour', row.oldestEvaluationAtMs, HOUR_MS),
      ...sinks('productionDeploymentsLastHour', row.oldestDeploymentLastHourAtMs, HOUR_MS),
      ...sinks('productionDeploymentsLastDay', row.oldestDeploymentLastDayAtMs, DAY_MS),
      ...sinks('highOrCriticalLastDay', row.oldestGraveAtMs, DAY_MS),
    },
  };
}

function sinks(key: string, oldestAtMs: number | null, spanMs: number): Record<string, number> {
  return oldestAtMs === null ? {} : { [key]: oldestAtMs + spanMs };
}

/** Null when there are more open pull requests than were read: unknown holds. */
function openBy(agent: string, open: OpenAuthors, policy: Policy): number | null {
  if (!open.complete) return null;
  return open.authors.filter((author) => {
    if (author === null) return false;
    if (agent === `undeclared:${author.id}`) return true;
    return isAgentAccount(author, policy) === agent;
  }).length;
}
