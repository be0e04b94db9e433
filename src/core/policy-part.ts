/**
 * What one policy file says, in the units that the effective policy uses. A key that the file does
 * not name is undefined, so that merging can tell "named" from "filled in". The effective policy
 * itself is such a part, one that names every key.
 */
import type { BlastRadius } from './findings.ts';
import { radii } from './blast-radius.ts';
import type {
  AcceptedRow,
  AgentRow,
  EnvironmentRule,
  FreezeWindow,
  Limits,
  MigrationSettings,
  Policy,
  TeamRule,
} from './policy.ts';
import { defaultEnvironmentRule } from './policy-default.ts';
import { durationMs } from './policy-schema.ts';
import type {
  EnvironmentText,
  MigrationsText,
  PolicyText,
  ReviewText,
  TeamRuleText,
} from './policy-text.ts';

/** The same keys, each perhaps not named. */
export type Named<T> = { readonly [K in keyof T]?: T[K] | undefined };

export interface ReviewPart extends TeamRule {
  readonly count?: number | undefined;
  readonly maxAgeMs?: number | undefined;
}

export interface EnvironmentPart {
  readonly match: readonly string[];
  readonly after?: readonly string[] | undefined;
  readonly scope?: readonly string[] | null | undefined;
  readonly notDeployer?: boolean | undefined;
  readonly reviews?: Readonly<Partial<Record<BlastRadius, ReviewPart | undefined>>> | undefined;
  readonly rollback?: 'review' | 'allow' | undefined;
  readonly backup?: EnvironmentRule['backup'] | undefined;
  readonly freeze?: readonly FreezeWindow[] | undefined;
  readonly breakGlass?: EnvironmentRule['breakGlass'] | undefined;
}

export interface PolicyPart {
  readonly agents?: readonly AgentRow[] | undefined;
  readonly people?: Policy['people'] | undefined;
  readonly suspended?: readonly string[] | undefined;
  readonly undeclared?: 'agent' | 'human' | undefined;
  readonly solo?: boolean | undefined;
  readonly accepted?: readonly AcceptedRow[] | 'never' | undefined;
  readonly environments?: Readonly<Record<string, EnvironmentPart>> | undefined;
  readonly migrations?: Named<MigrationSettings> | undefined;
  readonly paths?:
    | Readonly<Partial<Record<BlastRadius, readonly string[] | undefined>>>
    | undefined;
  readonly limits?: Named<Limits> | undefined;
  readonly audit?: { readonly readers: TeamRule | null } | undefined;
}

/** A team rule with only the keys that say something. */
export function teamRuleOf(text: TeamRuleText): TeamRule {
  return {
    ...(text.teams === undefined ? {} : { teams: text.teams }),
    ...(text.allOf === undefined ? {} : { allOf: text.allOf.map(teamRuleOf) }),
    ...(text.anyOf === undefined ? {} : { anyOf: text.anyOf.map(teamRuleOf) }),
  };
}

function reviewPart(text: ReviewText): ReviewPart {
  return {
    ...teamRuleOf(text),
    count: text.count,
    maxAgeMs: text.maxAge === undefined ? undefined : durationMs(text.maxAge),
  };
}

/** A level that the file leaves out takes the next higher one that the file gives. */
function reviewParts(texts: NonNullable<EnvironmentText['reviews']>): EnvironmentPart['reviews'] {
  const parts: Partial<Record<BlastRadius, ReviewPart>> = {};
  let higher: ReviewPart | undefined;
  for (const level of radii.toReversed()) {
    const text = texts[level];
    if (text !== undefined) higher = reviewPart(text);
    if (higher !== undefined) parts[level] = higher;
  }
  return parts;
}

function backupPart(text: EnvironmentText['backup']): EnvironmentPart['backup'] {
  if (text === undefined) return undefined;
  const { from, maxAge, restoreWithin } = text;
  return { from, maxAgeMs: durationMs(maxAge), restoreWithinMs: durationMs(restoreWithin) };
}

function breakGlassPart(text: EnvironmentText['breakGlass']): EnvironmentPart['breakGlass'] {
  if (text === undefined) return undefined;
  return {
    teams: text.teams ?? [],
    count: text.count,
    lastsMs: durationMs(text.lasts),
    reviewWithinMs: durationMs(text.reviewWithin),
  };
}

function environmentPart(name: string, text: EnvironmentText): EnvironmentPart {
  return {
    // A rule without `match` speaks for the environments of its own name, so a file that only
    // changes the reviews of `production` still guards what the default guards.
    match: text.match ?? (name === 'production' ? defaultEnvironmentRule.match : [name]),
    after: text.after,
    scope: text.scope,
    notDeployer: text.notDeployer,
    reviews: text.reviews === undefined ? undefined : reviewParts(text.reviews),
    rollback: text.rollback,
    backup: backupPart(text.backup),
    freeze: text.freeze,
    breakGlass: breakGlassPart(text.breakGlass),
  };
}

function migrationsPart(text: MigrationsText): PolicyPart['migrations'] {
  const { timeout, ...rest } = text;
  return { ...rest, timeoutMs: timeout === undefined ? undefined : durationMs(timeout) };
}

function agentRows(text: PolicyText['agents']): readonly AgentRow[] | undefined {
  return text?.map((row) => ({
    name: row.name,
    ids: row.ids ?? [],
    apps: row.apps ?? [],
    branches: row.branches ?? [],
    emails: row.emails ?? [],
    operators: (row.operators ?? []).map((login) => login.replace(/^@/, '')),
  }));
}

function acceptedRows(text: PolicyText['accepted']): PolicyPart['accepted'] {
  if (text === undefined || text === 'never') return text;
  return text.map(({ from, through, reason }) => ({ from: from ?? null, through, reason }));
}

/** What a file that the schema has let through says. */
export function policyPart(text: PolicyText): PolicyPart {
  const { environments, migrations, audit } = text;
  return {
    agents: agentRows(text.agents),
    people: text.people,
    suspended: text.suspended,
    undeclared: text.undeclared,
    solo: text.solo,
    accepted: acceptedRows(text.accepted),
    environments:
      environments === undefined
        ? undefined
        : Object.fromEntries(
            Object.entries(environments).map(([name, rule]) => [name, environmentPart(name, rule)]),
          ),
    migrations: migrations === undefined ? undefined : migrationsPart(migrations),
    paths: text.paths,
    limits: text.limits,
    audit:
      audit === undefined
        ? undefined
        : { readers: audit.readers === undefined ? null : teamRuleOf(audit.readers) },
  };
}
