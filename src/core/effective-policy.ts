/** What speaks for a subject: the floor, the default branch's file, the base branch's, the default. */
import { radii } from './blast-radius.ts';
import { digestOf } from './canonical.ts';
import type { PolicyFile, PolicySources } from './evidence.ts';
import type { BlastRadius } from './findings.ts';
import type { EffectivePolicy, EnvironmentRule, Policy, ReviewRule } from './policy.ts';
import { defaultEnvironmentRule, defaultPolicy } from './policy-default.ts';
import { type ParsedPolicy, parsePolicyFile, policyFileName } from './policy-file.ts';
import { Notes, tighten } from './policy-merge.ts';
import type { EnvironmentPart, PolicyPart, ReviewPart } from './policy-part.ts';
import { teamsOf } from './policy-teams.ts';

function fillReview(part: ReviewPart | undefined, level: BlastRadius): ReviewRule {
  const fallback = defaultEnvironmentRule.reviews[level];
  if (part === undefined) return fallback;
  // `allOf` asks for a different person each, so fewer than that can never be enough.
  const count = Math.max(part.count ?? fallback.count, part.allOf?.length ?? 0, 1);
  return { ...teamsOf(part), count, maxAgeMs: part.maxAgeMs ?? fallback.maxAgeMs };
}

/** A higher radius never asks for fewer persons, nor takes older approvals, than a lower one. */
function fillReviews(parts: EnvironmentPart['reviews']): EnvironmentRule['reviews'] {
  const rise = (below: ReviewRule, level: BlastRadius): ReviewRule => {
    const rule = fillReview(parts?.[level], level);
    return {
      ...rule,
      count: Math.max(below.count, rule.count),
      maxAgeMs: Math.min(below.maxAgeMs, rule.maxAgeMs),
    };
  };
  const low = fillReview(parts?.low, 'low');
  const medium = rise(low, 'medium');
  const high = rise(medium, 'high');
  return { low, medium, high, critical: rise(high, 'critical') };
}

/** A rule with every key, unnamed ones from the built-in default. */
export function fillEnvironment(part: EnvironmentPart): EnvironmentRule {
  return {
    match: part.match,
    after: part.after ?? defaultEnvironmentRule.after,
    scope: part.scope ?? defaultEnvironmentRule.scope,
    notDeployer: part.notDeployer ?? defaultEnvironmentRule.notDeployer,
    reviews: fillReviews(part.reviews),
    rollback: part.rollback ?? defaultEnvironmentRule.rollback,
    backup: part.backup ?? defaultEnvironmentRule.backup,
    freeze: part.freeze ?? defaultEnvironmentRule.freeze,
    breakGlass: part.breakGlass ?? defaultEnvironmentRule.breakGlass,
  };
}

function fillPaths(paths: PolicyPart['paths']): Policy['paths'] {
  const filled: Partial<Record<BlastRadius, readonly string[]>> = {};
  for (const level of radii) {
    const globs = paths?.[level];
    if (globs !== undefined) filled[level] = globs;
  }
  return filled;
}

function fillMigrations(part: PolicyPart['migrations']): Policy['migrations'] {
  const fallback = defaultPolicy.migrations;
  return {
    folders: part?.folders ?? fallback.folders,
    postgres: part?.postgres ?? fallback.postgres,
    baseline: part?.baseline ?? fallback.baseline,
    seed: part?.seed ?? fallback.seed,
    rows: part?.rows ?? fallback.rows,
    statistics: part?.statistics ?? fallback.statistics,
    timeoutMs: part?.timeoutMs ?? fallback.timeoutMs,
  };
}

function fillLimits(part: PolicyPart['limits']): Policy['limits'] {
  return {
    openPullRequests: part?.openPullRequests ?? null,
    evaluationsPerHour: part?.evaluationsPerHour ?? null,
    productionDeploymentsPerHour: part?.productionDeploymentsPerHour ?? null,
    productionDeploymentsPerDay: part?.productionDeploymentsPerDay ?? null,
    highOrCriticalPerDay: part?.highOrCriticalPerDay ?? null,
  };
}

/** A policy with every key; the default's rule `production` stays unless a file has one. */
function fill(part: PolicyPart): Policy {
  const environments = { ...defaultPolicy.environments, ...part.environments };
  return {
    agents: part.agents ?? defaultPolicy.agents,
    people: part.people ?? defaultPolicy.people,
    suspended: part.suspended ?? defaultPolicy.suspended,
    undeclared: part.undeclared ?? defaultPolicy.undeclared,
    solo: part.solo ?? defaultPolicy.solo,
    accepted: part.accepted ?? defaultPolicy.accepted,
    environments: Object.fromEntries(
      Object.entries(environments).map(([name, rule]) => [name, fillEnvironment(rule)]),
    ),
    migrations: fillMigrations(part.migrations),
    paths: fillPaths(part.paths),
    limits: fillLimits(part.limits),
    audit: part.audit ?? defaultPolicy.audit,
  };
}

/** The repository's file over the floor; a floor that is there denies what it does not allow. */
function overFloor(floor: PolicyPart | null, own: PolicyPart, notes: Notes): PolicyPart {
  if (own.audit !== undefined) notes.undone('audit', 'only the floor names who reads the audit');
  if (floor === null) return { ...own, audit: undefined };
  return tighten(floor, own, { speaker: 'other', notes });
}

/** A file that was looked for and not found says nothing, as does one that was not looked for. */
function parsed(file: PolicyFile | null): ParsedPolicy | null {
  return file === null || file.text === null ? null : parsePolicyFile(file);
}

function joined(files: Readonly<Record<keyof PolicySources, ParsedPolicy | null>>): {
  readonly policy: Policy;
  readonly undone: readonly string[];
} {
  const notes = new Notes('the repository');
  const own = overFloor(files.floor?.part ?? null, files.repository?.part ?? {}, notes);
  const policy = fill(own);
  if (files.base === null) return { policy, undone: notes.texts };
  const baseNotes = new Notes('the base branch');
  const both = tighten(policy, files.base.part, { speaker: 'floor', notes: baseNotes });
  return { policy: fill(both), undone: [...notes.texts, ...baseNotes.texts] };
}

function floorNote(floor: PolicyFile | null): readonly string[] {
  if (floor === null || floor.text !== null) return [];
  return [`The organisation has no floor: ${policyFileName(floor)} was not found.`];
}

/**
 * The policy that speaks for a subject, every key present. With a file that cannot be read in full
 * `problems` is not empty, everything that the file would speak for holds, and the policy is the
 * built-in default with what could be understood of the organisation's floor.
 */
export function effectivePolicy(sources: PolicySources): EffectivePolicy {
  const known = effective.get(sources);
  if (known !== undefined) return known;
  const made = effectiveAnew(sources);
  effective.set(sources, made);
  return made;
}

/** Gathering, deciding and recording ask for the policy of the same sources, which never change. */
const effective = new WeakMap<PolicySources, EffectivePolicy>();

function effectiveAnew(sources: PolicySources): EffectivePolicy {
  const files = {
    floor: parsed(sources.floor),
    repository: parsed(sources.repository),
    base: parsed(sources.base),
  };
  const problems = Object.values(files).flatMap((file) => file?.problems ?? []);
  const { policy, undone } =
    problems.length > 0 ? { policy: fill(files.floor?.part ?? {}), undone: [] } : joined(files);
  const spoke = [sources.floor, sources.repository, sources.base]
    .filter((file) => file !== null)
    .filter((file) => file.text !== null);
  return {
    policy,
    problems,
    digest: digestOf(policy),
    spoke: spoke.map((file) => ({ file: policyFileName(file), commitSha: file.commitSha })),
    notes: [...floorNote(sources.floor), ...undone],
  };
}
