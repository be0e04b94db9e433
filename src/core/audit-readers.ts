/** Who reads the audit record beside an organisation's owners: `audit.readers` of its floor. */
import type { PolicyFile } from './evidence.ts';
import type { TeamRule } from './policy.ts';
import { parsePolicyFile } from './policy-file.ts';

/**
 * The rule of a floor; null: it names nobody. A floor with a problem anywhere names nobody either,
 * as a rule that was understood in part could open more than its author meant.
 */
export function readersOf(floor: PolicyFile): TeamRule | null {
  const { part, problems } = parsePolicyFile(floor);
  return problems.length > 0 ? null : (part.audit?.readers ?? null);
}

/** Asks whether one person is in a team, by its slug. */
export type InTeam = (slug: string) => Promise<boolean>;

async function some(tries: readonly (() => Promise<boolean>)[]): Promise<boolean> {
  // One after the other: the first team that fits is enough.
  for (const holds of tries) if (await holds()) return true;
  return false;
}

/**
 * Whether one person is meant by a rule: in one of `teams`, by one entry of `anyOf`, and by every
 * entry of `allOf`; each key that is there must hold. What `isIn` throws goes through.
 */
export async function isReader(rule: TeamRule, isIn: InTeam): Promise<boolean> {
  const { teams, anyOf, allOf } = rule;
  if (teams === undefined && anyOf === undefined && allOf === undefined) return false;
  if (teams !== undefined && !(await some(teams.map((slug) => () => isIn(slug))))) return false;
  if (anyOf !== undefined && !(await some(anyOf.map((one) => () => isReader(one, isIn))))) {
    return false;
  }
  for (const one of allOf ?? []) if (!(await isReader(one, isIn))) return false;
  return true;
}
