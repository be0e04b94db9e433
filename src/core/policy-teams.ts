/** How two review rules become one that asks for all that either asks. */
import { canonicalText } from './canonical.ts';
import type { TeamRule } from './policy.ts';
import type { ReviewPart } from './policy-part.ts';

function asksTeams(rule: TeamRule): boolean {
  return rule.teams !== undefined || rule.allOf !== undefined || rule.anyOf !== undefined;
}

/** A rule without the count and the age. */
export function teamsOf(rule: TeamRule): TeamRule {
  return {
    ...(rule.teams === undefined ? {} : { teams: rule.teams }),
    ...(rule.allOf === undefined ? {} : { allOf: rule.allOf }),
    ...(rule.anyOf === undefined ? {} : { anyOf: rule.anyOf }),
  };
}

/** Only a list of teams, any of which will do. */
function plainTeams(rule: TeamRule): readonly string[] | null {
  return rule.allOf === undefined && rule.anyOf === undefined ? (rule.teams ?? null) : null;
}

/**
 * The persons that a rule asks for, one entry each: its `allOf` as they are, its `teams` and
 * `anyOf` once for each person counted. Never asks for less than the rule itself does.
 */
function entriesOf(rule: TeamRule, count: number): readonly TeamRule[] {
  const { teams, allOf, anyOf } = rule;
  const each: TeamRule[] = [];
  if (teams !== undefined) each.push({ teams });
  if (anyOf !== undefined) each.push({ anyOf });
  return [...(allOf ?? []), ...Array.from({ length: count }, () => each).flat()];
}

/** What both rules ask for. `count` is how many persons the joined rule counts before teams. */
function joinTeams(one: ReviewPart, other: ReviewPart): TeamRule {
  const a = teamsOf(one);
  const b = teamsOf(other);
  if (!asksTeams(a)) return b;
  if (!asksTeams(b) || canonicalText(a) === canonicalText(b)) return a;
  const aTeams = plainTeams(a);
  const bTeams = plainTeams(b);
  if (aTeams !== null && bTeams !== null) {
    if (aTeams.every((team) => bTeams.includes(team))) return a;
    if (bTeams.every((team) => aTeams.includes(team))) return b;
  }
  return {
    allOf: [...entriesOf(a, one.count ?? 1), ...entriesOf(b, other.count ?? 1)],
  };
}

/** One level's rule out of two: the larger count, the shorter age, the teams of both. */
export function tightenReview(one: ReviewPart, other: ReviewPart): ReviewPart {
  const teams = joinTeams(one, other);
  const counts = [one.count, other.count].filter((count) => count !== undefined);
  const ages = [one.maxAgeMs, other.maxAgeMs].filter((age) => age !== undefined);
  return {
    ...teams,
    count:
      counts.length === 0 && teams.allOf === undefined
        ? undefined
        : Math.max(1, ...counts, teams.allOf?.length ?? 0),
    maxAgeMs: ages.length === 0 ? undefined : Math.min(...ages),
  };
}
