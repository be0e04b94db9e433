/** The Evidence of a checkout: what goes into the dry run and what the decision says of it. */
import assert from 'node:assert/strict';
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { decide } from '../../src/core/decide.ts';
import { NO_DRY_RUN } from '../../src/core/dry-run.ts';
import type { DryRun, DryRunRequest } from '../../src/core/dry-run.ts';
import { effectivePolicy } from '../../src/core/effective-policy.ts';
import type { Evidence } from '../../src/core/evidence.ts';
import { readCheckout } from '../../src/git/checkout.ts';
import { planMigrations } from '../../src/migrations/plan.ts';
import { newRepository } from './repository.ts';
import type { Repository } from './repository.ts';

let repo: Repository;
let requests: DryRunRequest[];
let answer: DryRun;

beforeEach(() => {
  repo = newRepository();
  requests = [];
  answer = { ...NO_DRY_RUN, status: 'ok' };
});
afterEach(() => repo.remove());

const read = (base = 'main', head = 'copilot/change'): Promise<Evidence> =>
  readCheckout({
    repo: repo.folder,
    base,
    head,
    planMigrations,
    runDry: async (request) => {
      requests.push(request);
      return answer;
    },
    now: () => 1_767_225_600_000,
    env: { PATH: process.env['PATH'], HOME: repo.folder },
  });

const verdict = (evidence: Evidence): string =>
  decide(effectivePolicy(evidence.policy), evidence).verdict;

const ONE = 'CREATE TABLE users (id int PRIMARY KEY, email text);\n';
const TWO = 'ALTER TABLE users DROP COLUMN email;\n';

function branch(): void {
  repo.git('checkout', '-q', '-b', 'copilot/change');
}

test('an empty change has no dry run and gives no reason to hold', async () => {
  repo.commit('one', { 'README.md': 'hello\n' });
  branch();
  const evidence = await read();
  assert.deepEqual(evidence.changes[0]?.files, []);
  assert.deepEqual(evidence.changes[0]?.dryRun, NO_DRY_RUN);
  assert.equal(requests.length, 0);
  assert.equal(verdict(evidence), 'allow');
});

test('a documentation change is allowed by itself', async () => {
  repo.commit('one', { 'README.md': 'hello\n' });
  branch();
  const head = repo.commit('more', { 'README.md': 'hello world\n' });
  const evidence = await read();
  const change = evidence.changes[0];
  assert.equal(change?.pull, null);
  assert.equal(change.headRef, 'copilot/change');
  assert.equal(change.baseRef, 'main');
  assert.deepEqual(evidence.subject, {
    kind: 'checkout',
    path: repo.folder,
    baseSha: repo.git('rev-parse', 'main'),
    headSha: head,
  });
  assert.equal(evidence.deployment, null);
  assert.equal(verdict(evidence), 'allow');
});

test('a migration is run on the base as it is now, with the seed of the base', async () => {
  repo.commit('one', {
    'migrations/0001_users.sql': ONE,
    'db/seed.sql': 'INSERT INTO users VALUES (1);\n',
    '.github/tagout.yml': 'version: 1\nmigrations:\n  seed: [db/seed.sql]\n  rows: 7\n',
  });
  branch();
  repo.commit('two', { 'migrations/0003_drop.sql': TWO, 'db/seed.sql': '-- nothing to lose\n' });
  repo.git('checkout', '-q', 'main');
  repo.commit('base goes on', { 'migrations/0002_more.sql': 'CREATE TABLE more (id int);\n' });
  const evidence = await read();
  assert.equal(requests.length, 1);
  const { plans, settings, owner } = requests[0] ?? assert.fail();
  assert.equal(owner, repo.folder);
  assert.equal(plans.length, 1);
  assert.deepEqual(
    plans[0]?.applied.map((step) => step.path),
    ['migrations/0001_users.sql', 'migrations/0002_more.sql'],
  );
  assert.deepEqual(
    plans[0]?.pending.map((step) => [step.path, step.sql]),
    [['migrations/0003_drop.sql', TWO]],
  );
  assert.deepEqual(settings.seed, [
    { path: 'db/seed.sql', sql: 'INSERT INTO users VALUES (1);\n' },
  ]);
  assert.equal(settings.rows, 7);
  assert.deepEqual(evidence.gaps, []);
});

test('a dry run that failed or is not comparable holds', async () => {
  repo.commit('one', { 'migrations/0001_users.sql': ONE });
  branch();
  repo.commit('two', { 'migrations/0002_drop.sql': TWO });
  for (const status of ['failed', 'not-comparable'] as const) {
    answer = { ...NO_DRY_RUN, status, reason: 'It did not work out.' };
    assert.equal(verdict(await read()), 'hold');
  }
});

test("a policy that the change itself weakens does not speak; the base's does", async () => {
  repo.commit('one', { '.github/tagout.yml': 'version: 1\nundeclared: agent\n' });
  branch();
  repo.commit('weaker', { '.github/tagout.yml': 'version: 1\nsolo: true\n' });
  const evidence = await read();
  assert.equal(evidence.policy.repository.text, 'version: 1\nundeclared: agent\n');
  assert.equal(evidence.policy.repository.commitSha, repo.git('rev-parse', 'main'));
  const decision = decide(effectivePolicy(evidence.policy), evidence);
  assert.equal(decision.verdict, 'hold');
  assert.equal(decision.radius, 'critical');
});

const unreadable: readonly [string, string | Buffer][] = [
  ['not YAML', 'version: [1\n'],
  ['not UTF-8', Buffer.from([0x76, 0xff, 0xfe])],
  ['too large', `version: 1\n# ${'x'.repeat(70_000)}\n`],
  ['far too large', `version: 1\n# ${'x'.repeat(2_000_000)}\n`],
  ['with an unknown key', 'version: 1\nsolow: true\n'],
];
for (const [name, content] of unreadable) {
  test(`a policy that is ${name} holds`, async () => {
    repo.commit('one', { '.github/tagout.yml': content });
    branch();
    repo.commit('two', { 'README.md': 'x\n' });
    assert.equal(verdict(await read()), 'hold');
  });
}

test('a policy that is a symlink holds', async () => {
  repo.commit('one', { 'policy.yml': 'version: 1\n', '.github/keep': '' });
  symlinkSync('../policy.yml', join(repo.folder, '.github/tagout.yml'));
  repo.commit('link', {});
  branch();
  repo.commit('two', { 'README.md': 'x\n' });
  assert.equal(verdict(await read()), 'hold');
});

test('a seed that the policy names and nobody can read holds', async () => {
  repo.commit('one', {
    'migrations/0001_users.sql': ONE,
    '.github/tagout.yml': 'version: 1\nmigrations:\n  seed: [db/none.sql]\n',
  });
  branch();
  repo.commit('two', { 'migrations/0002_drop.sql': TWO });
  const evidence = await read();
  assert.match(evidence.gaps[0]?.detail ?? '', /db\/none\.sql/);
  assert.equal(verdict(evidence), 'hold');
});

test('the same evidence twice, byte for byte', async () => {
  repo.commit('one', { 'migrations/0001_users.sql': ONE });
  branch();
  repo.commit('two', { 'migrations/0002_drop.sql': TWO, 'a.txt': 'a\n' });
  assert.deepEqual(await read(), await read());
});
