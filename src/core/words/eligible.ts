/** What is said when too few people could approve. */
import type { BlastRadius } from '../findings.ts';
import type { Said } from './holds.ts';
import { pullWords } from './holds.ts';
import { countReason } from './needs.ts';
import { capital, counted, list, name, some } from './text.ts';

export interface TooFewFacts {
  readonly pull: number | null;
  readonly count: number;
  readonly radius: BlastRadius;
  readonly unknown: readonly string[];
  /** Logins of those who could approve. */
  readonly able: readonly string[];
  readonly missingTeams: readonly string[];
}

export const SAY_ELIGIBLE = {
  tooFew: ({ pull, able, missingTeams, ...facts }: TooFewFacts): Said => ({
    code: 'too-few-eligible',
    reason:
      `${capital(pullWords(pull))} needs ${countReason(facts)}; ` +
      `${ableWords(able)}${missingTeams.length === 0 ? '' : `, none for ${list(missingTeams)}`}.`,
    cure:
      `An administrator gives another person write access${
        missingTeams.length === 0 ? '' : ` and a place in ${list(missingTeams)}`
      }, or a reviewed change of the policy lowers ${name('count')} or, for an organisation of ` +
      `one person, sets ${name('solo: true')}.`,
  }),
} as const;

function ableWords(able: readonly string[]): string {
  if (able.length === 0) return 'nobody with write access could give one';
  const who = some(
    able.map((login) => name(login)),
    5,
  );
  return `only ${counted(able.length, 'person', 'people')} could give one: ${who}`;
}
