/** Code of the base branch that still names what a change drops or renames. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ObjectChange } from '../../src/core/dry-run.ts';
import type { Mention } from '../../src/core/evidence.ts';
import { findingsOf } from '../../src/core/findings-of.ts';
import { mentionsIn, namesToLookFor } from '../../src/core/mentions.ts';
import { defaultPolicy } from '../../src/core/policy-default.ts';
import { shownDigest } from '../../src/core/shown.ts';
import { aChange, aFile, aFolder, aRun } from './change.ts';

function run(...objects: readonly ObjectChange[]) {
  const folder = aFolder();
  const observation = folder.observation === null ? null : { ...folder.observation, objects };
  return aRun({ ...folder, observation });
}

const column: ObjectChange = {
  kind: 'column',
  object: 'users.email',
  change: 'removed',
  before: 'text',
  after: null,
};
const renamed: ObjectChange = {
  kind: 'table',
  object: 'orders',
  change: 'changed',
  before: 'orders',
  after: 'renamed to purchases',
};

test('names: dropped and renamed tables and columns, not what comes back or goes with its table', () => {
  assert.deepEqual(namesToLookFor(run(column, renamed)), ['orders', 'users.email']);
  const table: ObjectChange = { ...column, kind: 'table', object: 'users', before: 'table' };
  assert.deepEqual(namesToLookFor(run(column, table)), ['users']);
  assert.deepEqual(namesToLookFor(run({ ...column, kind: 'index', object: 'users_email' })), []);
  const again: ObjectChange = { ...column, change: 'added', before: null, after: 'citext' };
  assert.deepEqual(namesToLookFor(run(column, again)), []);
  assert.deepEqual(namesToLookFor(run({ ...column, change: 'changed', after: 'citext' })), []);
});

for (const [what, text, names, lines] of [
  ['SQL', 'SELECT 1;\nSELECT email FROM users', ['users.email'], [2]],
  ['another table', 'SELECT email FROM staff', ['users.email'], []],
  ['part of a word', 'users.email_address', ['users.email'], []],
  ['a qualified name', 'where(users.email, x)', ['users.email'], [1]],
  ['camel case', 'userAccounts.map((one) =>\n  one.lastLogin)', ['user_accounts.last_login'], [2]],
  ['a model', 'class UserAccounts\n  field lastLogin', ['user_accounts.last_login'], [2]],
  ['a table', "pgTable('orders', {})", ['orders'], [1]],
  ['a table in a word', 'reorders(borders)', ['orders'], []],
] as const) {
  test(`mentions: ${what}`, () => {
    assert.deepEqual(
      mentionsIn(text, names).map(({ line }) => line),
      lines,
    );
  });
}

test('a hostile name and a long text are read in time that grows with their length', () => {
  const started = performance.now();
  const names = Array.from({ length: 50 }, (_, n) => `t_${'a_'.repeat(30)}${n}.(c+)+$`);
  mentionsIn('a_'.repeat(200_000), names);
  assert.ok(performance.now() - started < 2000);
});

function found(mentions: readonly Mention[]) {
  const change = aChange({
    dryRun: run(column),
    files: [aFile('src/gone.ts', { status: 'removed', blob: null })],
    mentions,
  });
  return { change, findings: findingsOf(change, defaultPolicy) };
}

test('a mention is high, names its places, and binds no approval to where the code stands', () => {
  const at = (line: number): Mention => ({ object: 'users.email', path: 'src/a.ts', line });
  const { change, findings } = found([at(3), at(9)]);
  const [finding] = findings.filter(({ id }) => id === 'still-named');
  assert.equal(finding?.radius, 'high');
  assert.equal(finding.level, 'danger');
  assert.equal(
    finding.message,
    'Code that runs now still names users.email: src/a.ts:3, src/a.ts:9',
  );
  const moved = found([at(30), at(90), at(91)]);
  assert.equal(
    shownDigest(moved.change, moved.findings, 'high'),
    shownDigest(change, findings, 'high'),
  );
});

test('what the change removes, and what the dry run did not drop, is not told', () => {
  for (const mention of [
    { object: 'users.email', path: 'src/gone.ts', line: 1 },
    { object: 'users.name', path: 'src/a.ts', line: 1 },
  ]) {
    assert.ok(found([mention]).findings.every(({ id }) => id !== 'still-named'));
  }
});
