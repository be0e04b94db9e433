/** Who is asked for, in words. */
import type { TeamRule } from '../policy.ts';
import { counted, list, name } from './text.ts';

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
