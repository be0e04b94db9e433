/**
 * How two policies become one so that the second can only tighten the first (the table of
 * POLICY.md). `tighten` serves the organisation's floor under a repository's file, and the
 * effective policy under the base branch's file.
 */
import { atLeast, radii } from './blast-radius.ts';
import { canonicalText } from './canonical.ts';
import type { BlastRadius } from './findings.ts';
import type { AgentRow, EnvironmentRule, Policy } from './policy.ts';
import type { EnvironmentPart, Named, PolicyPart } from './policy-part.ts';
import { tightenReview } from './policy-teams.ts';

/** Distinct values, in order of first appearance. */
export function union<T>(...lists: readonly (readonly T[] | undefined)[]): readonly T[] {
  const seen = new Map<string, T>();
  for (const value of lists.flatMap((list) => list ?? [])) {
    const key = canonicalText(value);
    if (!seen.has(key)) seen.set(key, value);
  }
  return [...seen.values()];
}

function unionIfNamed<T>(
  one: readonly T[] | undefined,
  other: readonly T[] | undefined,
): readonly T[] | undefined {
  return one === undefined && other === undefined ? undefined : union(one, other);
}

/** What both say when both speak, else what one says. */
function both<T>(one: T | undefined, other: T | undefined, join: (a: T, b: T) => T): T | undefined {
  if (one === undefined) return other;
  return other === undefined ? one : join(one, other);
}

const least = (one: number | null, other: number | null): number | null => {
  if (one === null) return other;
  return other === null ? one : Math.min(one, other);
};

/** Rows of the same name become one row. */
export function mergeAgents(
  ...lists: readonly (readonly AgentRow[] | undefined)[]
): readonly AgentRow[] {
  const rows = new Map<string, AgentRow>();
  for (const row of lists.flatMap((list) => list ?? [])) {
    const known = rows.get(row.name);
    rows.set(row.name, {
      name: row.name,
      ids: union(known?.ids, row.ids),
      apps: union(known?.apps, row.apps),
      branches: union(known?.branches, row.branches),
      emails: union(known?.emails, row.emails),
      operators: union(known?.operators, row.operators),
    });
  }
  return [...rows.values()];
}

type People = Policy['people'];

/** Both lists together; an e-mail that both name belongs to whom the floor says. */
function mergePeople(floor: People | undefined, other: People | undefined): People | undefined {
  if (floor === undefined || other === undefined) return floor ?? other;
  const taken = new Set(floor.flatMap((row) => row.emails.map((email) => email.toLowerCase())));
  const free = other.map((row) => ({
    id: row.id,
    emails: row.emails.filter((email) => !taken.has(email.toLowerCase())),
  }));
  return [...floor, ...free.filter((row) => row.emails.length > 0)];
}

/** Collects what a reader should know about a merge. */
export class Notes {
  readonly texts: string[] = [];
  readonly #who: string;
  constructor(who: string) {
    this.#who = who;
  }
  undone(key: string, why: string): void {
    this.texts.push(`What ${this.#who} says under \`${key}\` has no effect: ${why}.`);
  }
}

type Backup = NonNullable<EnvironmentRule['backup']>;
type BreakGlass = NonNullable<EnvironmentRule['breakGlass']>;

function tightenBackup(one: Backup, other: Backup): Backup {
  return {
    from: atLeast(one.from, other.from) ? other.from : one.from,
    maxAgeMs: Math.min(one.maxAgeMs, other.maxAgeMs),
    restoreWithinMs: Math.min(one.restoreWithinMs, other.restoreWithinMs),
  };
}

/** Null when no team is in both lists, as then nobody may do it. */
function tightenBreakGlass(one: BreakGlass, other: BreakGlass): BreakGlass | null {
  const teams =
    one.teams.length === 0 || other.teams.length === 0
      ? union(one.teams, other.teams)
      : one.teams.filter((team) => other.teams.includes(team));
  if (teams.length === 0 && one.teams.length > 0) return null;
  return {
    teams,
    count: Math.max(one.count, other.count),
    lastsMs: Math.min(one.lastsMs, other.lastsMs),
    reviewWithinMs: Math.min(one.reviewWithinMs, other.reviewWithinMs),
  };
}

interface Place {
  readonly notes: Notes;
  readonly key: string;
}

function breakGlassOf(
  floor: EnvironmentPart | null,
  other: EnvironmentPart,
  { notes, key }: Place,
): EnvironmentPart['breakGlass'] {
  const asked = other.breakGlass;
  const allowed = floor?.breakGlass;
  if (asked === undefined || asked === null) return asked === null ? null : allowed;
  if (allowed === undefined || allowed === null) {
    notes.undone(`${key}.breakGlass`, 'the floor does not allow it');
    return null;
  }
  const joined = tightenBreakGlass(allowed, asked);
  if (joined === null) notes.undone(`${key}.breakGlass`, 'none of its teams is one of the floor');
  return joined;
}

function rollbackOf(
  floor: EnvironmentPart | null,
  other: EnvironmentPart,
  { notes, key }: Place,
): EnvironmentPart['rollback'] {
  if (other.rollback !== 'allow') return other.rollback ?? floor?.rollback;
  if (floor?.rollback === 'allow') return 'allow';
  notes.undone(`${key}.rollback`, 'the floor does not allow it');
  return 'review';
}

function scopeOf(
  floor: EnvironmentPart | null,
  other: EnvironmentPart,
  { notes, key }: Place,
): EnvironmentPart['scope'] {
  if (floor === null || floor.scope === undefined) return other.scope;
  if (other.scope !== undefined && canonicalText(other.scope) !== canonicalText(floor.scope)) {
    notes.undone(`${key}.scope`, 'the floor names one');
  }
  return floor.scope;
}

function reviewsOf(
  floor: EnvironmentPart | null,
  other: EnvironmentPart,
): EnvironmentPart['reviews'] {
  return both(floor?.reviews, other.reviews, (one, two) =>
    Object.fromEntries(
      radii.flatMap((level) => {
        const joined = both(one[level], two[level], tightenReview);
        return joined === undefined ? [] : [[level, joined] as const];
      }),
    ),
  );
}

/** One rule out of two, the stricter value of each key; `floor` null: the floor has no such rule. */
export function tightenEnvironment(
  floor: EnvironmentPart | null,
  other: EnvironmentPart,
  place: Place,
): EnvironmentPart {
  return {
    match: union(floor?.match, other.match),
    after: unionIfNamed(floor?.after, other.after),
    scope: scopeOf(floor, other, place),
    notDeployer: both(floor?.notDeployer, other.notDeployer, (one, two) => one || two),
    reviews: reviewsOf(floor, other),
    rollback: rollbackOf(floor, other, place),
    backup: both(floor?.backup ?? undefined, other.backup ?? undefined, tightenBackup),
    freeze: unionIfNamed(floor?.freeze, other.freeze),
    breakGlass: breakGlassOf(floor, other, place),
  };
}

function environmentsOf(
  floor: PolicyPart,
  other: PolicyPart,
  notes: Notes,
): PolicyPart['environments'] {
  const names = union(Object.keys(floor.environments ?? {}), Object.keys(other.environments ?? {}));
  if (names.length === 0) return undefined;
  return Object.fromEntries(
    names.map((name): readonly [string, EnvironmentPart] => {
      const below = floor.environments?.[name];
      const above = other.environments?.[name];
      const place = { notes, key: `environments.${name}` };
      if (above !== undefined) return [name, tightenEnvironment(below ?? null, above, place)];
      return [name, below ?? { match: [name] }];
    }),
  );
}

function soloOf(floor: PolicyPart, other: PolicyPart, notes: Notes): boolean | undefined {
  if (other.solo !== true) return other.solo ?? floor.solo;
  if (floor.solo === true) return true;
  notes.undone('solo', 'the floor does not allow it');
  return false;
}

function pathsOf(floor: PolicyPart, other: PolicyPart): PolicyPart['paths'] {
  return both(floor.paths, other.paths, (one, two) => {
    const joined: Partial<Record<BlastRadius, readonly string[]>> = {};
    for (const level of radii) {
      const globs = unionIfNamed(one[level], two[level]);
      if (globs !== undefined) joined[level] = globs;
    }
    return joined;
  });
}

type LimitsPart = NonNullable<PolicyPart['limits']>;

function limitsOf(one: LimitsPart, two: LimitsPart): LimitsPart {
  return {
    openPullRequests: both(one.openPullRequests, two.openPullRequests, least),
    evaluationsPerHour: both(one.evaluationsPerHour, two.evaluationsPerHour, least),
    productionDeploymentsPerHour: both(
      one.productionDeploymentsPerHour,
      two.productionDeploymentsPerHour,
      least,
    ),
    productionDeploymentsPerDay: both(
      one.productionDeploymentsPerDay,
      two.productionDeploymentsPerDay,
      least,
    ),
    highOrCriticalPerDay: both(one.highOrCriticalPerDay, two.highOrCriticalPerDay, least),
  };
}

/**
 * Whose accepted rows and whose migration keys speak: those of the repository, which stands above
 * the organisation's floor and below a base branch's file.
 */
export type Speaker = 'floor' | 'other';

type MigrationsPart = Named<Policy['migrations']>;

function migrationsOf(floor: PolicyPart, other: PolicyPart, speaker: Speaker): MigrationsPart {
  const first = (speaker === 'other' ? other : floor).migrations;
  // The effective policy names every key, so a base branch's file has nothing left to fill in.
  const second = speaker === 'other' ? floor.migrations : undefined;
  const rows = both(floor.migrations?.rows, other.migrations?.rows, Math.max);
  const timeoutMs = both(floor.migrations?.timeoutMs, other.migrations?.timeoutMs, Math.min);
  return {
    folders: first?.folders ?? second?.folders,
    postgres: first?.postgres ?? second?.postgres,
    baseline: first?.baseline ?? second?.baseline,
    seed: first?.seed ?? second?.seed,
    statistics: first?.statistics ?? second?.statistics,
    rows,
    timeoutMs,
  };
}

function acceptedOf(
  floor: PolicyPart,
  other: PolicyPart,
  { speaker, notes }: { readonly speaker: Speaker; readonly notes: Notes },
): PolicyPart['accepted'] {
  const rows = speaker === 'other' ? other.accepted : floor.accepted;
  const forbids = floor.accepted === 'never' || other.accepted === 'never';
  if (forbids && rows !== undefined && rows !== 'never' && rows.length > 0) {
    notes.undone('accepted', 'the floor says `never`');
  }
  return forbids ? 'never' : rows;
}

/**
 * Agents and people. A name for an e-mail takes the further approval away that an unknown
 * contributor asks for, so that a base branch, which anybody may push to, names none.
 */
function namesOf(
  floor: PolicyPart,
  other: PolicyPart,
  { speaker, notes }: { readonly speaker: Speaker; readonly notes: Notes },
): Pick<PolicyPart, 'agents' | 'people'> {
  if (speaker === 'other') {
    const agents = unionIfNamed(floor.agents, other.agents);
    return {
      agents: agents && mergeAgents(floor.agents, other.agents),
      people: mergePeople(floor.people, other.people),
    };
  }
  const why = 'a base branch cannot say whose an e-mail is';
  for (const key of ['people', 'agents'] as const) {
    const known = new Set((floor[key] ?? []).flatMap((row) => row.emails));
    const isNew = (other[key] ?? []).some((row) => row.emails.some((one) => !known.has(one)));
    if (isNew) notes.undone(key, why);
  }
  const bare = other.agents?.map((row) => ({ ...row, emails: [] }));
  const agents = unionIfNamed(floor.agents, bare);
  return { agents: agents && mergeAgents(floor.agents, bare), people: floor.people };
}

/** One policy out of two; nothing that `other` says can loosen what `floor` says. */
export function tighten(
  floor: PolicyPart,
  other: PolicyPart,
  options: { readonly speaker: Speaker; readonly notes: Notes },
): PolicyPart {
  const { speaker, notes } = options;
  return {
    ...namesOf(floor, other, options),
    suspended: unionIfNamed(floor.suspended, other.suspended),
    undeclared: both(floor.undeclared, other.undeclared, (one, two) =>
      one === 'agent' ? one : two,
    ),
    solo: soloOf(floor, other, notes),
    accepted: acceptedOf(floor, other, options),
    environments: environmentsOf(floor, other, notes),
    migrations: migrationsOf(floor, other, speaker),
    paths: pathsOf(floor, other),
    limits: both(floor.limits, other.limits, limitsOf),
    audit: floor.audit,
  };
}
