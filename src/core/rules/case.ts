/** What a rule sees: the evidence with everything that more than one rule needs worked out once. */
import { type Demand, judgeReviews, type ReviewContext, type ReviewResult } from '../approvals.ts';
import { atLeast, maxRadius, radii, radiusOf } from '../blast-radius.ts';
import type { Origin, Verdict } from '../decision.ts';
import { environmentRule } from '../environments.ts';
import type { Change, Evidence, Standing } from '../evidence.ts';
import { findingsOf } from '../findings-of.ts';
import type { BlastRadius, Finding } from '../findings.ts';
import { matchesPath } from '../glob.ts';
import { operatorsOf, originOf } from '../origin.ts';
import type { EffectivePolicy, EnvironmentRule, Policy } from '../policy.ts';
import { shownDigest } from '../shown.ts';
import type { Said } from '../words/holds.ts';
import { contributorsOf } from './contributors.ts';

/** One opinion on its way: the words, the verdict, and when a hold may have healed by itself. */
export interface Thought extends Said {
  readonly verdict: Verdict;
  readonly lookAgainMs?: number;
  /** Whether people who break the glass may override this hold; left out: they may not. */
  readonly breakable?: boolean;
}

export interface Rule {
  /** Stable kebab-case name, the key of its row in the documentation. */
  readonly name: string;
  /** No thoughts: the rule does not apply. Silence never allows. */
  judge(it: Case): readonly Thought[];
}

export interface ChangeCase {
  readonly change: Change;
  readonly findings: readonly Finding[];
  readonly radius: BlastRadius;
  readonly shown: string;
  readonly origin: Origin;
  readonly context: ReviewContext;
  readonly reviews: ReviewResult;
}

export interface NamedRule {
  readonly name: string;
  readonly rule: EnvironmentRule;
}

export interface Case {
  readonly effective: EffectivePolicy;
  readonly policy: Policy;
  readonly evidence: Evidence;
  /** The rules that speak: the environment's own, or all of them for a pull request. */
  readonly rules: readonly NamedRule[];
  /** The rule of the deployment's environment; null when there is none or no deployment. */
  readonly environment: NamedRule | null;
  readonly changes: readonly ChangeCase[];
  /** The range's changes run together, when there is such evidence. */
  readonly together: Judged | null;
  readonly around: Surroundings;
}

/** What a change is, before anybody's review. */
export interface Judged {
  readonly change: Change;
  readonly findings: readonly Finding[];
  readonly radius: BlastRadius;
  readonly shown: string;
}

/** Works out everything once. Throws when the evidence cannot be worked on; `decide` then holds. */
export function caseOf(effective: EffectivePolicy, evidence: Evidence): Case {
  const { policy } = effective;
  const environment =
    evidence.deployment === null ? null : environmentRule(policy, evidence.deployment.environment);
  const all = Object.entries(policy.environments).map(([name, rule]) => ({ name, rule }));
  const rules = environment === null ? all : [environment];
  const people = peopleOf(evidence);
  const together = judgedOrNull(evidence.deployment?.together ?? null, policy);
  const accepted = (evidence.deployment?.accepted ?? []).map(({ change }) =>
    judgedOrNull(change, policy),
  );
  const besides = new Set([together, ...accepted].flatMap((one) => one?.shown ?? []));
  const scoped = environment !== null;
  const around = { policy, evidence, rules, people, besides, scoped };
  return {
    effective,
    policy,
    evidence,
    rules,
    environment,
    around,
    changes: evidence.changes.map((change) => changeCase(change, around)),
    together,
  };
}

function judgedOrNull(change: Change | null, policy: Policy): Judged | null {
  return change === null ? null : judgeChange(change, policy);
}

const judgedChanges = new WeakMap<Change, { readonly policy: Policy; readonly judged: Judged }>();

/** Findings, radius and digest of one change, worked out once however many rules ask. */
export function judgeChange(change: Change, policy: Policy): Judged {
  const known = judgedChanges.get(change);
  if (known?.policy === policy) return known.judged;
  const judged = judgedAnew(change, policy);
  judgedChanges.set(change, { policy, judged });
  return judged;
}

function judgedAnew(change: Change, policy: Policy): Judged {
  const findings = findingsOf(change, policy);
  const { status } = change.dryRun;
  // What could not be run or compared is high even if no finding says so.
  const floor = status === 'failed' || status === 'not-comparable' ? 'high' : 'low';
  const radius = maxRadius(radiusOf(findings), floor);
  return { change, findings, radius, shown: shownDigest(change, findings, radius) };
}

/** Whether an approval must have come after the check had shown what the change does (R10). */
export function mustBeShownFirst({ change, findings, radius }: Judged): boolean {
  return (
    atLeast(radius, 'high') ||
    findings.some((finding) => finding.level === 'danger') ||
    change.dryRun.status === 'not-comparable' ||
    change.dryRun.status === 'failed'
  );
}

/** What the judgement of every change has in common. */
export interface Surroundings {
  readonly policy: Policy;
  readonly evidence: Evidence;
  readonly rules: readonly NamedRule[];
  readonly people: ReadonlyMap<number, Standing>;
  readonly besides: ReadonlySet<string>;
  /** Whether the rules' `scope` speaks: only for a deployment. */
  readonly scoped: boolean;
}

function changeCase(change: Change, around: Surroundings): ChangeCase {
  const judged = judgeChange(change, around.policy);
  const context = reviewContext(judged, around, judged.radius);
  return {
    ...judged,
    origin: originOf(change, around.policy),
    context,
    reviews: judgeReviews(context),
  };
}

/** What the reviews of a change are judged against, with the approvals that a radius asks for. */
export function reviewContext(
  judged: Judged,
  around: Surroundings,
  radius: BlastRadius,
): ReviewContext {
  const { change } = judged;
  const { policy, evidence } = around;
  const { deployment } = evidence;
  return {
    change,
    shown: judged.shown,
    mustBeShownFirst: mustBeShownFirst(judged),
    besides: around.besides,
    contributors: contributorsOf(change, policy),
    operators: operatorsOf(change, policy),
    barred: barredOf(evidence, around.rules),
    policy,
    people: around.people,
    demands: around.rules.flatMap((named) => {
      const outside = around.scoped && isOutOfScope(named.rule, change);
      return demandsOf(named, outside ? 'low' : radius);
    }),
    nowMs: evidence.readAtMs,
    firstRequestMs:
      deployment === null ? null : (deployment.firstRequestedAtMs ?? deployment.requestedAtMs),
    notBeforeMs: null,
  };
}

/**
 * What a rule asks for at a radius: its own level, and the teams of every lower one. A graver change
 * never passes with people who would not have been enough for a lesser one.
 */
export function demandsOf({ name, rule }: NamedRule, radius: BlastRadius): readonly Demand[] {
  const lower = radii.slice(0, radii.indexOf(radius)).map((level) => rule.reviews[level]);
  const named = lower.filter(({ teams, allOf, anyOf }) => (teams ?? allOf ?? anyOf) !== undefined);
  return [rule.reviews[radius], ...named].map((one) => ({ environment: name, radius, rule: one }));
}

/**
 * Whether a change touches only paths outside the scope. The repository's own settings reach into
 * every environment, so that `.github`, CODEOWNERS and attributes are always in scope.
 */
export function isOutOfScope(rule: EnvironmentRule, change: Change): boolean {
  const { scope } = rule;
  if (scope === null || change.files.length === 0) return false;
  const paths = change.files.flatMap((file) => [file.path, file.previousPath ?? file.path]);
  return !paths.some((path) => isEverywhere(path) || scope.some((glob) => matchesPath(glob, path)));
}

function isEverywhere(path: string): boolean {
  return /^\.github(?:\/|$)|(?:^|\/)(?:CODEOWNERS|\.gitattributes|\.gitmodules)$/i.test(path);
}

/** With `notDeployer`, who started the run cannot be the approver. */
function barredOf(evidence: Evidence, rules: readonly NamedRule[]): ReadonlySet<number> {
  const { deployment } = evidence;
  if (deployment === null || !rules.some(({ rule }) => rule.notDeployer)) return new Set();
  const actors = [deployment.actor, deployment.triggeringActor];
  return new Set(actors.flatMap((actor) => (actor === null ? [] : [actor.id])));
}

/** Reviewers by id; of two readings of one person the one with fewer rights speaks. */
export function peopleOf(evidence: Evidence): ReadonlyMap<number, Standing> {
  const map = new Map<number, Standing>();
  for (const person of evidence.people) {
    const known = map.get(person.id);
    map.set(person.id, known === undefined ? person : weaker(known, person));
  }
  return map;
}

const ORDER = ['none', 'read', 'triage', 'write', 'maintain', 'admin'] as const;

function weaker(one: Standing, other: Standing): Standing {
  const low = ORDER.indexOf(one.permission) <= ORDER.indexOf(other.permission) ? one : other;
  return { ...low, teams: one.teams.filter((team) => other.teams.includes(team)) };
}
