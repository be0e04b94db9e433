/** Why one approval does not count, and what would. One sentence per code. */
import type { RefusalCode } from '../decision.ts';
import { duration, list, name } from './text.ts';

export interface RefusalFacts {
  readonly login: string | null;
  readonly codes: readonly RefusalCode[];
  readonly reviewedSha: string | null;
  readonly headSha: string;
  readonly permission: string;
  /** Teams that are asked for, when the person is in none of them. */
  readonly teams: readonly string[];
  readonly maxAgeMs: number;
  readonly stalePart: 'head' | 'shown' | null;
  readonly timePart: 'age' | 'early' | 'posting' | null;
  readonly state: 'dismissed' | 'superseded' | null;
}

/** One sentence: why it does not count, and what would. */
export function refusalWords(facts: RefusalFacts): string {
  const why = list(facts.codes.map((code) => `${because(code, facts)} (${code})`));
  const [first] = facts.codes;
  const cure = first === undefined ? '' : remedy(first);
  return `The approval of ${name(facts.login)} does not count: ${why}. ${cure}`;
}

function because(code: RefusalCode, facts: RefusalFacts): string {
  switch (code) {
    case 'R01':
      return facts.state === 'dismissed'
        ? 'it was dismissed'
        : 'a later review of the same person took it back';
    case 'R02':
      return facts.stalePart === 'head'
        ? `it was given for ${name(facts.reviewedSha?.slice(0, 7) ?? null)} and not for the head ` +
            name(facts.headSha.slice(0, 7))
        : 'what the check showed then is not what it shows now';
    case 'R03':
      return 'this person opened the pull request';
    case 'R04':
      return 'this person is author, committer or co-author of one of its commits';
    case 'R05':
      return 'this person pushed to the branch';
    case 'R06':
      return 'it comes from a bot, an app or a known agent and not from a person';
    case 'R07':
      return 'this person set the agent to work or operates it';
    case 'R08':
      return facts.teams.length > 0
        ? `this person is in none of the teams ${list(facts.teams.map((t) => name(t)))}`
        : `this person has no write access now (${name(facts.permission)})`;
    case 'R09':
      return 'the review was edited afterwards or sent by e-mail';
    case 'R10':
      if (facts.timePart === 'age') return `it is older than ${duration(facts.maxAgeMs)}`;
      return facts.timePart === 'early'
        ? 'it was given before this was asked for'
        : 'it was given before the check had shown what the change does';
    case 'R11':
      return 'it was given for another base branch, environment or repository';
    case 'R12':
      return 'the presence of the person was not confirmed';
    case 'R13':
      return 'the pull request was merged past the rules after it';
    case 'R14':
      return 'the evidence about it is incomplete';
    case 'R15':
      return 'this person asks for changes';
  }
}

function remedy(code: RefusalCode): string {
  switch (code) {
    case 'R01':
    case 'R02':
    case 'R09':
    case 'R10':
    case 'R11':
      return 'The same person can approve again after reading what the check shows now.';
    case 'R03':
    case 'R04':
    case 'R05':
    case 'R06':
    case 'R07':
      return 'Somebody who had no hand in the change has to approve it.';
    case 'R08':
      return 'Somebody with the access and team that the policy asks for has to approve it.';
    case 'R12':
      return 'The same person has to confirm it with a passkey.';
    case 'R13':
      return 'A person has to review it afterwards.';
    case 'R14':
      return 'It is read again by itself; if this stays, split the pull request.';
    case 'R15':
      return (
        'That person approves or dismisses the review, or an administrator who had no hand in ' +
        'the change dismisses it.'
      );
  }
}
