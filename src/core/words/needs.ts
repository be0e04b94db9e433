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

/** `2 more approvals of independent people with write access, among them: dba or data`. */
export function needWords(missing: number, missingTeams: readonly string[]): string {
  const n = Math.max(missing, missingTeams.length);
  const who = n === 1 ? 'an independent person' : 'independent people';
  const teams =
    missingTeams.length === 0
      ? 'with write access'
      : `with write access from ${list([...missingTeams])}`;
  return `${counted(n, 'approval')} of ${who} ${teams}`;
}
