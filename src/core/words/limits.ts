/** What is said when an agent has reached a limit of the policy. */
import type { Limits } from '../policy.ts';
import type { Said } from './holds.ts';
import { counted, name, time } from './text.ts';

export interface LimitFacts {
  readonly agent: string;
  readonly key: keyof Limits;
  readonly count: number;
  readonly limit: number;
  /** When the count sinks by itself; null when nobody knows. */
  readonly endsAtMs: number | null;
}

interface LimitWords {
  readonly code: string;
  readonly one: string;
  readonly many: string;
  readonly span: string;
  readonly end: string;
}

const WORDS: Readonly<Record<keyof Limits, LimitWords>> = {
  openPullRequests: {
    code: 'limit-open-pull-requests',
    one: 'open pull request',
    many: 'open pull requests',
    span: '',
    end: 'Close or merge others of its pull requests',
  },
  evaluationsPerHour: {
    code: 'limit-evaluations',
    one: 'evaluation',
    many: 'evaluations',
    span: ' in the last hour',
    end: 'It ends by itself within the hour',
  },
  productionDeploymentsPerHour: {
    code: 'limit-deployments-hour',
    one: 'production deployment',
    many: 'production deployments',
    span: ' in the last hour',
    end: 'It ends by itself within the hour',
  },
  productionDeploymentsPerDay: {
    code: 'limit-deployments-day',
    one: 'production deployment',
    many: 'production deployments',
    span: ' in the last 24 hours',
    end: 'It ends by itself within the day',
  },
  highOrCriticalPerDay: {
    code: 'limit-high-or-critical',
    one: 'deployment of high or critical blast radius',
    many: 'deployments of high or critical blast radius',
    span: ' in the last 24 hours',
    end: 'It ends by itself within the day',
  },
};

export const SAY_LIMITS = {
  reached: ({ agent, key, count, limit, endsAtMs }: LimitFacts): Said => {
    const { code, one, many, span, end } = WORDS[key];
    const when = endsAtMs === null ? end : `It ends by itself at ${time(endsAtMs)}`;
    return {
      code,
      reason:
        `${name(agent)} has ${counted(count, one, many)}${span}, this one included, and the policy ` +
        `allows ${limit}.`,
      cure: `${when}; or a reviewed change of the policy raises ${name(`limits.${key}`)}.`,
    };
  },
  unknown: (agent: string, key: keyof Limits): Said => ({
    code: 'limit-unknown',
    reason: `How much ${name(agent)} has done is not known, and the policy sets ${name(`limits.${key}`)}.`,
    cure: 'It is counted again by itself; if this stays, the operator of Tagout looks at its log.',
  }),
} as const;
