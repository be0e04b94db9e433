/** "What if this person approved?" over recorded evidence. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulatedApprovals, standingOf } from '../../src/core/simulate.ts';
import { play } from './stories.ts';

const carol = { id: 1003, login: 'carol', permission: 'write', teams: [] } as const;

test('an independent person would release it, its author would not', () => {
  const { policy, evidence } = play({ change: { does: 'drops a column' } });
  const told = simulatedApprovals(policy, evidence, [carol]);
  assert.equal(told.before.verdict, 'hold');
  assert.equal(told.after.verdict, 'allow');
  const alice = { id: 1001, login: 'alice', permission: 'admin', teams: [] } as const;
  const author = simulatedApprovals(policy, evidence, [alice]).after;
  assert.equal(author.verdict, 'hold');
  assert.deepEqual(
    author.refused.map(({ codes }) => codes),
    [['R03', 'R04', 'R05']],
  );
});

test('a second person is still needed where two are asked for, and a reader does not count', () => {
  const { policy, evidence } = play({ change: { does: 'drops a table' } });
  const [need] = simulatedApprovals(policy, evidence, [carol]).after.needed;
  assert.deepEqual([need?.count, need?.counted], [2, 1]);
  const reader = { ...carol, permission: 'read' } as const;
  assert.deepEqual(
    simulatedApprovals(policy, evidence, [reader]).after.refused.map(({ codes }) => codes),
    [['R08']],
  );
});

test('a login is found where the evidence knows it, so that an author is no stranger', () => {
  const { policy, evidence } = play({ change: { does: 'drops a column' } });
  const told = (login: string) =>
    simulatedApprovals(policy, evidence, [standingOf(evidence, { login, teams: [] })]).after;
  assert.equal(told('ALICE').verdict, 'hold');
  assert.equal(told('somebody-new').verdict, 'allow');
});
