import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { effectivePolicy } from '../../src/core/effective-policy.ts';
import { environmentRule, lookAlike } from '../../src/core/environments.ts';
import { defaultPolicy } from '../../src/core/policy-default.ts';
import { policyJsonSchema } from '../../src/core/policy-schema.ts';
import problems from './cases/policy-problems.json' with { type: 'json' };

const file = (text: string | null, repo = 'acme/shop') => ({
  repo,
  path: '.github/tagout.yml',
  commitSha: 'a'.repeat(40),
  blob: null,
  text,
});

/** The effective policy of a repository's file, perhaps over a floor and under a base branch's. */
function policyOf(repository: string | null, floor?: string | null, base?: string | null) {
  return effectivePolicy({
    repository: file(repository),
    floor: floor === undefined ? null : file(floor, 'acme/.github'),
    base: base === undefined ? null : file(base),
  });
}

const production = (repository: string | null, floor?: string | null, base?: string | null) => {
  const { policy } = policyOf(repository, floor, base);
  const rule = policy.environments['production'];
  assert.ok(rule !== undefined);
  return rule;
};

test('no file, an empty file and a comment are the built-in default', () => {
  for (const text of [null, '', '# nothing yet\n', '---\n']) {
    const { policy, problems: found } = policyOf(text);
    assert.deepEqual(policy, defaultPolicy);
    assert.deepEqual(found, []);
  }
});

test('the example of the contract is a right policy, with every key of it', () => {
  const text = readFileSync(resolve(import.meta.dirname, 'cases/policy-example.yml'), 'utf8');
  const { policy, problems: found } = policyOf(null, text);
  assert.deepEqual(found, []);
  const rule = policy.environments['production'];
  assert.deepEqual(rule?.reviews.critical, {
    count: 2,
    maxAgeMs: 86_400_000,
    allOf: [{ teams: ['platform'] }, { teams: ['dba', 'data'] }],
  });
  assert.deepEqual(rule.breakGlass, {
    teams: ['sre'],
    count: 2,
    lastsMs: 3_600_000,
    reviewWithinMs: 86_400_000,
  });
  assert.equal(rule.freeze.length, 2);
  assert.equal(policy.migrations.timeoutMs, 60_000);
  assert.deepEqual(policy.audit.readers, { teams: ['compliance'] });
});

for (const { name, text, line, key, says } of problems) {
  test(`policy problem: ${name}`, () => {
    const { problems: found, policy } = policyOf(text);
    const problem = found.find((one) => one.key === key && one.message.includes(says));
    assert.ok(problem, JSON.stringify(found));
    assert.equal(problem.line, line);
    assert.ok(problem.message.startsWith(`acme/shop: .github/tagout.yml, line ${line}`));
    assert.deepEqual(policy, defaultPolicy);
  });
}

test('a file of more than 64 KiB is a problem, one of 64 KiB is not', () => {
  const comment = (bytes: number) => `#${'é'.repeat((bytes - 2) / 2)}\n`;
  assert.deepEqual(policyOf(comment(65_536)).problems, []);
  assert.match(policyOf(comment(65_538)).problems[0]?.message ?? '', /65538 bytes/);
});

test('half a surrogate pair, written as an escape, is a problem and no fault', () => {
  const { problems: found } = policyOf('suspended:\n  - "\\uD800"\n');
  assert.match(found[0]?.message ?? '', /line 2: an escape .* stands for half a character/);
});

test('what could be understood of a broken floor still speaks', () => {
  const { policy, problems: found } = policyOf('solo: true', 'suspended: [cursor]\nsolos: true');
  assert.equal(found.length, 1);
  assert.deepEqual(policy.suspended, ['cursor']);
  assert.equal(policy.solo, false);
});

test('a broken base branch file is a problem as well', () => {
  assert.equal(policyOf('version: 1', undefined, 'versoin: 1').problems.length, 1);
});

test('a level left out takes the next higher one that is given, then the default', () => {
  const { reviews } = production(
    'environments: { production: { reviews: { medium: { count: 2, teams: [a] } } } }',
  );
  assert.deepEqual(reviews.low, { count: 2, maxAgeMs: 14 * 86_400_000, teams: ['a'] });
  assert.deepEqual(reviews.medium, { count: 2, maxAgeMs: 7 * 86_400_000, teams: ['a'] });
  assert.equal(reviews.high.teams, undefined);
});

test('a higher radius never asks for less than a lower one', () => {
  const { reviews } = production(
    'environments: { production: { reviews: { low: { count: 3, maxAge: 1h }, high: { count: 1, maxAge: 9d } } } }',
  );
  assert.deepEqual([reviews.high.count, reviews.high.maxAgeMs], [3, 3_600_000]);
  assert.equal(reviews.critical.count, 3);
});

test('the default fills a rule that a file begins, and keeps production guarded', () => {
  const { environments } = policyOf('environments: { staging: { after: [dev] } }').policy;
  assert.deepEqual(environments['production'], defaultPolicy.environments['production']);
  assert.deepEqual(environments['staging']?.match, ['staging']);
});

test('the same words in another order are the same policy with the same digest', () => {
  const one = policyOf('solo: true\nundeclared: human');
  const other = policyOf('undeclared: human\n\n# why\nsolo: true');
  assert.equal(one.digest, other.digest);
  assert.notEqual(one.digest, policyOf('solo: true').digest);
});

test('which files and commits spoke, and that there is no floor', () => {
  const { spoke, notes } = policyOf('version: 1', null);
  assert.deepEqual(spoke, [{ file: 'acme/shop: .github/tagout.yml', commitSha: 'a'.repeat(40) }]);
  assert.deepEqual(notes, [
    'The organisation has no floor: acme/.github: .github/tagout.yml was not found.',
  ]);
});

const loose =
  'solo: true\nenvironments: { production: { rollback: allow, ' +
  'breakGlass: { teams: [dev], count: 1, lasts: 2h, reviewWithin: 48h } } }';

test('with no floor the loosenings of a repository stand; a floor that is silent undoes them', () => {
  assert.equal(policyOf(loose, null).policy.solo, true);
  assert.equal(production(loose, null).rollback, 'allow');
  const under = policyOf(loose, 'version: 1');
  assert.equal(under.policy.solo, false);
  assert.equal(under.policy.environments['production']?.rollback, 'review');
  assert.equal(under.policy.environments['production']?.breakGlass, null);
  assert.equal(under.notes.length, 3);
});

test('break glass under a floor that allows it: larger count, shorter times, teams of both', () => {
  const floor =
    'environments: { production: { breakGlass: { teams: [sre, dev], count: 2, lasts: 1h, reviewWithin: 72h } } }';
  assert.deepEqual(production(loose, floor).breakGlass, {
    teams: ['dev'],
    count: 2,
    lastsMs: 3_600_000,
    reviewWithinMs: 48 * 3_600_000,
  });
  assert.equal(production(loose, floor.replace('sre, dev', 'sre')).breakGlass, null);
});

test('teams of the floor and of the repository must both be met', () => {
  const rule = (teams: string, count = 1) =>
    `environments: { production: { reviews: { low: { count: ${count}, teams: [${teams}] } } } }`;
  assert.deepEqual(production(rule('a'), rule('a, b')).reviews.low.teams, ['a']);
  const both = production(rule('a'), rule('b', 2)).reviews.low;
  assert.deepEqual(both.allOf, [{ teams: ['b'] }, { teams: ['b'] }, { teams: ['a'] }]);
  assert.equal(both.count, 3);
});

test("only the repository's accepted rows count, and the floor may forbid them", () => {
  const rows = 'accepted: [{ through: abc1234, reason: import }]';
  assert.deepEqual(policyOf(null, rows).policy.accepted, []);
  assert.deepEqual(policyOf(rows, 'version: 1').policy.accepted, [
    { from: null, through: 'abc1234', reason: 'import' },
  ]);
  assert.equal(policyOf(rows, 'accepted: never').policy.accepted, 'never');
  assert.deepEqual(policyOf(null, undefined, rows).policy.accepted, []);
});

test('the base branch only tightens: no scope, no rows, no looser ages', () => {
  const base =
    'environments: { production: { scope: [api/**], match: [eu], reviews: { high: { maxAge: 30d, count: 2 } } } }\n' +
    'migrations: { rows: 900, timeout: 90s, folders: [] }';
  const rule = production(null, undefined, base);
  assert.equal(rule.scope, null);
  assert.deepEqual(rule.match, ['production', 'prod', 'prod-*', 'live', 'eu']);
  assert.deepEqual([rule.reviews.high.count, rule.reviews.high.maxAgeMs], [2, 3 * 86_400_000]);
  const { migrations } = policyOf(null, undefined, base).policy;
  assert.deepEqual(
    [migrations.rows, migrations.timeoutMs, migrations.folders],
    [900, 60_000, null],
  );
});

test('the base branch names nobody: a name would take away an approval that an unknown one asks for', () => {
  const own = 'people: [{ id: 1, emails: [a@acme.dev] }]\nagents: [{ name: x, ids: [7] }]';
  const base =
    'people: [{ id: 2, emails: [ghost@x.dev] }]\n' +
    'agents: [{ name: x, ids: [8], emails: [ghost@x.dev] }]';
  const { policy, notes } = policyOf(own, undefined, base);
  assert.deepEqual(policy.people, [{ id: 1, emails: ['a@acme.dev'] }]);
  const row = policy.agents.find(({ name }) => name === 'x');
  assert.deepEqual([row?.ids, row?.emails], [[7, 8], []]);
  assert.match(notes.join(' '), /`people` has no effect: a base branch cannot say whose/);
});

test('environments: normalised names, several rules become the strictest, strangers have none', () => {
  const { policy } = policyOf(
    'environments:\n  production: { match: [production, "prod-*"], scope: [a/**] }\n' +
      '  europe: { match: ["*-eu"], notDeployer: true, reviews: { low: { count: 2 } } }',
  );
  assert.equal(environmentRule(policy, 'Production ')?.name, 'production');
  assert.equal(environmentRule(policy, 'ＰＲＯＤ-1')?.name, 'production');
  assert.equal(environmentRule(policy, 'staging'), null);
  const joined = environmentRule(policy, 'prod-eu');
  assert.equal(joined?.name, 'europe+production');
  assert.equal(joined.rule.notDeployer, true);
  assert.equal(joined.rule.reviews.low.count, 2);
  assert.equal(joined.rule.scope, null);
});

test('names that only look like a guarded one', () => {
  const { policy } = policyOf('environments: { production: { match: [production, "prod-*"] } }');
  for (const name of [
    'productlon',
    'Production ',
    'prοduction',
    'prod\u200buction',
    'pr0d-eu',
    'prodution',
  ]) {
    assert.notEqual(lookAlike(policy, name), null, name);
  }
  for (const name of [
    'production',
    'PRODUCTION',
    'prod-eu',
    'staging',
    'preview',
    'pre-production',
    'dev',
  ]) {
    assert.equal(lookAlike(policy, name), null, name);
  }
});

test('the JSON Schema for editors refuses unknown keys and knows every key', () => {
  const schema = policyJsonSchema();
  assert.equal(schema['additionalProperties'], false);
  assert.ok(JSON.stringify(schema).includes('"breakGlass"'));
});
