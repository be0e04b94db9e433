/** The parts of the approvals that the stories do not reach: teams, and the look-again delays. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { effectivePolicy } from '../../src/core/effective-policy.ts';
import type { Evidence, Involvement } from '../../src/core/evidence.ts';
import type { TeamRule } from '../../src/core/policy.ts';
import { minutesLeft } from '../../src/core/rules/freeze.ts';
import { lookAgainAfter } from '../../src/core/rules/look-again.ts';
import { type Approver, missingSlots } from '../../src/core/rules/teams.ts';
import { simulatedApprovals } from '../../src/core/simulate.ts';
import { play } from './stories.ts';

const person = (id: number, ...teams: string[]): Approver => ({ id, teams });

describe('teams', () => {
  const cases: readonly [string, TeamRule, readonly Approver[], number][] = [
    ['no team asks for nobody in particular', {}, [], 0],
    ['one of several teams', { teams: ['a', 'b'] }, [person(1, 'b')], 0],
    ['a team that nobody is in', { teams: ['a'] }, [person(1, 'b')], 1],
    ['team slugs compare without case', { teams: ['Platform'] }, [person(1, 'platform')], 0],
    [
      'one person cannot take two entries',
      { allOf: [{ teams: ['a'] }, { teams: ['b'] }] },
      [person(1, 'a', 'b')],
      1,
    ],
    [
      'the first entry gives way when only that person fits the second',
      { allOf: [{ teams: ['a'] }, { teams: ['b'] }] },
      [person(1, 'a', 'b'), person(2, 'a')],
      0,
    ],
    [
      'a chain of three gives way',
      { allOf: [{ teams: ['a'] }, { teams: ['b'] }, { teams: ['c'] }] },
      [person(1, 'a', 'b'), person(2, 'a'), person(3, 'b', 'c')],
      0,
    ],
    [
      'anyOf takes the entry that is satisfied',
      { anyOf: [{ teams: ['a'] }, { allOf: [{ teams: ['b'] }, { teams: ['c'] }] }] },
      [person(1, 'b'), person(2, 'c')],
      0,
    ],
    ['an entry without teams is anybody', { allOf: [{}, { teams: ['a'] }] }, [person(1, 'a')], 1],
  ];
  for (const [name, rule, people, missing] of cases) {
    test(name, () => assert.equal(missingSlots(rule, people).length, missing));
  }

  test('a rule with too many alternatives is refused', () => {
    const any: TeamRule = { anyOf: [{ teams: ['a'] }, { teams: ['b'] }, { teams: ['c'] }] };
    assert.throws(() => missingSlots({ allOf: [any, any, any, any, any] }, []), RangeError);
  });
});

describe('accounts', () => {
  const carol = { id: 1003, login: 'carol', permission: 'write', teams: [] } as const;
  const codesOf = (evidence: Evidence, login: string) => {
    const policy = effectivePolicy(evidence.policy);
    const { after } = simulatedApprovals(policy, evidence, [{ ...carol, login }]);
    return after.refused.map(({ codes }) => codes);
  };

  test('an operator who has another name by now is known by the id', () => {
    const { evidence } = play({ change: { does: 'code' } });
    const operator: Involvement = {
      id: carol.id,
      login: 'carol-before',
      signal: 'assigned-agent',
      source: 'timeline',
      forgeable: false,
    };
    const changes = evidence.changes.map((one) => ({ ...one, involved: [operator] }));
    assert.deepEqual(codesOf({ ...evidence, changes }, 'carol'), [['R07']]);
    assert.deepEqual(codesOf(evidence, 'carol'), []);
  });

  test('a login of a bot is a machine, whatever type the account is said to have', () => {
    const { evidence } = play({ change: { does: 'code' } });
    assert.deepEqual(codesOf(evidence, 'Release-Train[bot]'), [['R06']]);
  });
});

describe('looking again', () => {
  test('2, 5, 15 and 60 seconds, then every five minutes', () => {
    const seconds = [0, 1, 2, 3, 4, 5, 1000].map((attempt) => lookAgainAfter(attempt) / 1000);
    assert.deepEqual(seconds, [2, 5, 15, 60, 300, 300, 300]);
  });
});

describe('freeze windows', () => {
  const weekly = {
    name: 'weekends',
    timeZone: 'America/New_York',
    weekly: { from: 'Fri 18:00', to: 'Mon 07:00' },
  };
  test('a window over the end of the week is open on Sunday, on the clock of its time zone', () => {
    // 1 November 2026 is a Sunday; New York leaves daylight saving time that night.
    assert.equal(minutesLeft(weekly, Date.UTC(2026, 10, 1, 17)), 19 * 60);
  });
  test('it opens and closes on the minute', () => {
    assert.equal(minutesLeft(weekly, Date.UTC(2026, 10, 6, 22, 59)), null);
    assert.equal(minutesLeft(weekly, Date.UTC(2026, 10, 6, 23, 0)), 61 * 60);
    assert.equal(minutesLeft(weekly, Date.UTC(2026, 10, 9, 11, 59)), 1);
    assert.equal(minutesLeft(weekly, Date.UTC(2026, 10, 9, 12, 0)), null);
  });
  test('a window between two moments', () => {
    const window = {
      name: 'year end',
      timeZone: 'Europe/Berlin',
      from: '2026-12-20T00:00',
      to: '2027-01-04T00:00',
    };
    assert.equal(minutesLeft(window, Date.UTC(2026, 11, 19, 22, 59)), null);
    assert.equal(minutesLeft(window, Date.UTC(2026, 11, 19, 23, 0)), 15 * 1440);
    assert.equal(minutesLeft(window, Date.UTC(2027, 0, 3, 22, 59)), 1);
    assert.equal(minutesLeft(window, Date.UTC(2027, 0, 3, 23, 0)), null);
  });
  test('an unreadable time throws, which the decision turns into a hold', () => {
    const broken = { name: 'x', timeZone: 'Europe/Berlin', from: 'soon', to: 'later' };
    assert.throws(() => minutesLeft(broken, 0), RangeError);
    assert.throws(() => minutesLeft({ ...weekly, timeZone: 'Mars/Base' }, 0), RangeError);
  });
});
