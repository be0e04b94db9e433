/** The built-in default of POLICY.md: it fills the keys that no file names and is not a floor. */
import type { EnvironmentRule, Policy } from './policy.ts';

const dayMs = 86_400_000;

/** The rule that holds for an environment about which no file says anything. */
export const defaultEnvironmentRule: EnvironmentRule = {
  match: ['production', 'prod', 'prod-*', 'live'],
  after: [],
  scope: null,
  notDeployer: false,
  reviews: {
    low: { count: 1, maxAgeMs: 14 * dayMs },
    medium: { count: 1, maxAgeMs: 7 * dayMs },
    high: { count: 1, maxAgeMs: 3 * dayMs },
    critical: { count: 2, maxAgeMs: dayMs },
  },
  rollback: 'review',
  backup: null,
  freeze: [],
  breakGlass: null,
};

/** What holds in a repository with no policy file in an organisation with no floor. */
export const defaultPolicy: Policy = {
  agents: [],
  people: [],
  suspended: [],
  undeclared: 'agent',
  solo: false,
  accepted: [],
  environments: { production: defaultEnvironmentRule },
  migrations: {
    folders: null,
    postgres: null,
    baseline: 'replay',
    seed: [],
    rows: 200,
    statistics: null,
    timeoutMs: 60_000,
  },
  paths: {},
  limits: {
    openPullRequests: null,
    evaluationsPerHour: null,
    productionDeploymentsPerHour: null,
    productionDeploymentsPerDay: null,
    highOrCriticalPerDay: null,
  },
  audit: { readers: null },
};
