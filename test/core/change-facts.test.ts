/** What the register tells of a change: reason, tickets, way back, commits, and the policy's terms. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  commitsOf,
  reasonOf,
  rollbackOf,
  termsOf,
  ticketsOf,
  weakened,
} from '../../src/core/audit/change-facts.ts';
import type { Change, CommitPerson } from '../../src/core/evidence.ts';
import { defaultPolicy } from '../../src/core/policy-default.ts';
import { judged, repoOf } from '../store/judged.ts';

const [CHANGE] = judged({ repo: repoOf(1) }).evidence.changes;
const change = (over: Partial<Change>): Change => {
  assert.ok(CHANGE !== undefined);
  return { ...CHANGE, ...over };
};

describe('facts of a change', () => {
  const reasons: readonly (readonly [string, string | null])[] = [
    ['', null],
    ['<!-- template -->\n## Why\n\n', null],
    ['## Why\nOrders are slow\nfor big customers.\n\nMore.', 'Orders are slow for big customers.'],
    ['\r\n\r\nFirst.\r\n\r\nSecond.', 'First.'],
  ];
  for (const [body, reason] of reasons) {
    test(`the reason in ${JSON.stringify(body)}`, () => assert.equal(reasonOf(body), reason));
  }

  test('tickets stand in title, branch and description; other words of that form do not', () => {
    const found = ticketsOf({
      title: 'SHOP-12: store UTF-8',
      headRef: 'copilot/ops-7-drop',
      body: 'Fixes #45, closes acme/shop#6. <!-- SHOP-99 --> #46 is something else.',
    });
    assert.deepEqual(found, ['SHOP-12', 'OPS-7', '#45', 'acme/shop#6']);
  });

  test('a way back is a down part that restores, or a line of the description', () => {
    const folder = (downRestores: boolean | null) => {
      const observation = { objects: [], data: [], tables: [], unfilled: [], downRestores };
      const rest = {
        framework: 'x',
        folder: 'm',
        scope: 'file',
        steps: [],
        statements: [],
      } as const;
      return { ...rest, observation: { ...observation, downDifference: [] }, error: null };
    };
    const run = (...restores: (boolean | null)[]) => ({
      ...change({}).dryRun,
      folders: restores.map(folder),
    });
    assert.equal(rollbackOf(change({ dryRun: run(true, true) })), 'down-migration');
    assert.equal(rollbackOf(change({ dryRun: run(true, false) })), null);
    assert.equal(rollbackOf(change({ dryRun: run() })), null);
    assert.equal(rollbackOf(change({ body: '## Rollback\nRun the down part.' })), 'described');
    assert.equal(rollbackOf(change({ body: '- Rollback: redeploy v1' })), 'described');
    assert.equal(rollbackOf(change({ body: 'We rolled out.' })), null);
  });

  test('contributors are authors, co-authors and committers; unread signatures are not signed', () => {
    const person = (id: number): CommitPerson => ({
      account: { id, login: `p${id}`, type: 'User' },
      name: '',
      email: '',
    });
    const nobody: CommitPerson = { account: null, name: '', email: '' };
    const base = { parents: [], message: '' };
    const commits = [
      { ...base, sha: 'a', authors: [person(9), person(4)], committer: nobody, verified: true },
      { ...base, sha: 'b', authors: [nobody], committer: person(4), verified: null },
    ];
    assert.deepEqual(commitsOf(change({ commits })), { contributors: [4, 9], signed: 1 });
  });
});

describe('terms of a policy', () => {
  const rule = defaultPolicy.environments['production'] ?? null;
  assert.ok(rule !== null);
  const before = termsOf(defaultPolicy, rule);
  const weaker: readonly (readonly [string, Readonly<Record<string, number>>])[] = [
    ['solo', termsOf({ ...defaultPolicy, solo: true }, rule)],
    ['an undeclared author is human', termsOf({ ...defaultPolicy, undeclared: 'human' }, rule)],
    ['no rule at all', termsOf(defaultPolicy, null)],
    ['rollback', termsOf(defaultPolicy, { ...rule, rollback: 'allow' })],
    [
      'one approval for critical changes',
      termsOf(defaultPolicy, {
        ...rule,
        reviews: { ...rule.reviews, critical: { count: 1, maxAgeMs: 86_400_000 } },
      }),
    ],
    [
      'older approvals',
      termsOf(defaultPolicy, {
        ...rule,
        reviews: { ...rule.reviews, low: { count: 1, maxAgeMs: 90 * 86_400_000 } },
      }),
    ],
  ];
  for (const [name, after] of weaker) {
    test(`${name} is weaker, and the way back is not`, () => {
      assert.notDeepEqual(weakened(before, after), []);
      assert.deepEqual(weakened(after, before), []);
      assert.deepEqual(weakened(before, before), []);
    });
  }
});
