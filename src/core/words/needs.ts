/** Who is asked for, in words. */
import type { BlastRadius } from '../findings.ts';
import type { TeamRule } from '../policy.ts';
import { counted, list, name, some } from './text.ts';

/** `dba or data`; an empty slot is anyone with write access. */
export function slotWords(teams: readonly string[] | null): string {
  return teams === null
    ? 'anyone with write access'
    : list(
        teams.map((team) => name(team)),
        'or',
      );
}

/** All teams that a rule names, each once. */
export function teamsOf(rule: TeamRule): readonly string[] {
  const nested = [...(rule.allOf ?? []), ...(rule.anyOf ?? [])].flatMap(teamsOf);
  return [...new Set([...(rule.teams ?? []), ...nested])];
}

function teamWords(missingTeams: readonly string[]): string {
  return missingTeams.length === 0 ? '' : ` from ${list([...missingTeams])}`;
}

/** Why one approval more is needed; `unknown` names commits and pushes without an account. */
export function raisedWords(unknown: readonly string[]): string {
  return `because no GitHub account is known for ${some(
    unknown.map((who) => name(who)),
    3,
  )}`;
}

/** `2 independent approvals: 1 for blast radius medium, and 1 more because …`. */
export function countReason(facts: {
  readonly count: number;
  readonly radius: BlastRadius;
  readonly unknown: readonly string[];
}): string {
  const { count, radius, unknown } = facts;
  const all = counted(count, 'independent approval');
  if (unknown.length === 0) return `${all} (blast radius ${radius})`;
  return `${all}: ${count - 1} for blast radius ${radius}, and 1 more ${raisedWords(unknown)}`;
}

/** `1 independent approval`, `2 independent approvals from dba or data`. */
export function needWords(missing: number, missingTeams: readonly string[]): string {
  const n = Math.max(missing, missingTeams.length);
  return `${counted(n, 'independent approval')}${teamWords(missingTeams)}`;
}

/** Who can give what is missing: `1 person with write access who had no hand in it opens`. */
export function whoWords(missing: number, missingTeams: readonly string[]): string {
  const n = Math.max(missing, missingTeams.length);
  return (
    `${counted(n, 'person', 'people')} with write access${teamWords(missingTeams)} who had no ` +
    `hand in it ${n === 1 ? 'opens' : 'each open'}`
  );
}
