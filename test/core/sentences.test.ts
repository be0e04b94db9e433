/** Sentences that the golden files do not hold: who is too few, and what a range asks for besides. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { titleOf } from '../../src/core/words/check.ts';
import { play, type Story } from './stories.ts';

const nobody = 'nobody@nowhere.example';

function said(story: Story, code: string): readonly string[] {
  const { decision } = play(story);
  const one = decision.opinions.find((opinion) => opinion.code === code);
  return [titleOf(decision), one?.reason ?? '', one?.cure ?? ''];
}

test('too few people could approve, and a contributor whom nobody knows raises the count', () => {
  const commits = [{ by: 'alice' }, { by: nobody }];
  const change = { does: 'drops a column', commits } as const;
  assert.deepEqual(said({ change, eligible: ['alice', 'carol'] }, 'too-few-eligible'), [
    'Held: 1,000 values lost in users.email – 2 independent approvals needed',
    'Pull request 7 needs 2 independent approvals: 1 for blast radius high, and 1 more because no ' +
      'GitHub account is known for `nobody@nowhere.example`; only 1 person could give one: `carol`.',
    'An administrator gives another person write access, or a reviewed change of the policy lowers ' +
      '`count` or, for an organisation of one person, sets `solo: true`.',
  ]);
});

test('a range that is worse than its parts, with a contributor whom nobody knows', () => {
  const commits = [{ by: 'alice' }, { by: nobody }];
  const changes = [
    { pull: 7, does: 'adds a column', reviews: [{ by: 'carol' }], mergedMinute: 80 },
    { pull: 8, does: 'adds a column', commits, reviews: [{ by: 'carol' }, { by: 'dave' }] },
  ] as const;
  const deployment = { together: 'drops a column' } as const;
  assert.deepEqual(said({ changes, deployment }, 'range-level'), [
    'Held: All commits of this deployment together have blast radius high, more than any pull ' +
      'request alone',
    'All commits of this deployment together have blast radius high, more than any pull request ' +
      'alone. For pull request 8 as the newest that needs 2 independent approvals: 1 for blast ' +
      'radius high, and 1 more because no GitHub account is known for `nobody@nowhere.example`; ' +
      'none counts yet.',
    '2 people with write access who had no hand in it each open the Files tab → Review changes → ' +
      'Approve, on pull request 8, after its check has shown the whole range.',
  ]);
});
