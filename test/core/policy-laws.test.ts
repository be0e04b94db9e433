/** Laws of merging: whatever the other file says, nothing gets looser than the floor says. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { stringify } from 'yaml';
import { effectivePolicy } from '../../src/core/effective-policy.ts';
import { environmentRule } from '../../src/core/environments.ts';
import type { EnvironmentRule, Policy, ReviewRule, TeamRule } from '../../src/core/policy.ts';
import { runsOf, SEED } from './law.ts';

const seed = SEED;
const runs = { seed, numRuns: runsOf(400) };
const levels = ['low', 'medium', 'high', 'critical'] as const;

const team = fc.constantFrom('a', 'b', 'c');
const teams = fc.uniqueArray(team, { minLength: 1, maxLength: 2 });
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 2 });
const compact = <T extends object>(value: T) => JSON.parse(JSON.stringify(value)) as T;
const duration = fc.integer({ min: 1, max: 20 }).map((hours) => `${hours}h`);
const count = fc.integer({ min: 1, max: 3 });
const review = fc.record({
  count: maybe(count),
  maxAge: maybe(duration),
  teams: maybe(teams),
  allOf: maybe(fc.array(fc.record({ teams }), { minLength: 1, maxLength: 2 })),
});
const environment = fc.record({
  match: maybe(
    fc.uniqueArray(fc.constantFrom('production', 'live', 'prod-*', 'eu'), { minLength: 1 }),
  ),
  after: maybe(fc.uniqueArray(fc.constantFrom('staging', 'qa'))),
  scope: maybe(fc.uniqueArray(fc.constantFrom('api/**', 'web/**'), { minLength: 1 })),
  notDeployer: maybe(fc.boolean()),
  reviews: maybe(
    fc.record({
      low: maybe(review),
      medium: maybe(review),
      high: maybe(review),
      critical: maybe(review),
    }),
  ),
  rollback: maybe(fc.constantFrom('review', 'allow')),
  backup: maybe(
    fc.record({ from: fc.constantFrom(...levels), maxAge: duration, restoreWithin: duration }),
  ),
  breakGlass: maybe(
    fc.record({ teams: maybe(teams), count, lasts: duration, reviewWithin: duration }),
  ),
});
const policyText = fc
  .record({
    suspended: maybe(fc.uniqueArray(fc.constantFrom('copilot', 'cursor'))),
    undeclared: maybe(fc.constantFrom('agent', 'human')),
    solo: maybe(fc.boolean()),
    accepted: maybe(
      fc.oneof(fc.constant('never'), fc.constant([{ through: 'abc1234', reason: 'import' }])),
    ),
    environments: maybe(fc.record({ production: maybe(environment), eu: maybe(environment) })),
    migrations: maybe(
      fc.record({ rows: maybe(fc.integer({ min: 0, max: 900 })), timeout: maybe(duration) }),
    ),
    paths: maybe(fc.record({ high: maybe(fc.constant(['infra/**'])) })),
    limits: maybe(fc.record({ openPullRequests: maybe(fc.integer({ min: 0, max: 9 })) })),
  })
  .map((value) => stringify(compact(value)));

const file = (text: string | null) => ({ repo: 'r', path: 'p', commitSha: null, blob: null, text });
const merged = (floor: string | null, repository: string | null, base: string | null = null) => {
  const effective = effectivePolicy({
    repository: file(repository),
    floor: file(floor),
    base: base === null ? null : file(base),
  });
  assert.deepEqual(effective.problems, []);
  return effective.policy;
};

/** Persons, each with teams, can be matched to the entries, a different one each. */
function matchAll(entries: readonly TeamRule[], people: readonly (readonly string[])[]): boolean {
  const [first, ...rest] = entries;
  if (first === undefined) return true;
  return people.some(
    (person, at) => alone(first, person) && matchAll(rest, people.toSpliced(at, 1)),
  );
}

function alone(rule: TeamRule, person: readonly string[]): boolean {
  if (rule.teams !== undefined && !rule.teams.some((one) => person.includes(one))) return false;
  if (rule.allOf !== undefined && rule.allOf.length > 1) return false;
  return rule.allOf === undefined || rule.allOf.every((one) => alone(one, person));
}

/** Enough persons, `count` of them in the teams, and a different one for each entry of `allOf`. */
function satisfies(rule: ReviewRule, people: readonly (readonly string[])[]): boolean {
  const { teams: any, allOf = [] } = rule;
  const inTeams = people.filter((person) => any === undefined || alone({ teams: any }, person));
  return people.length >= rule.count && inTeams.length >= rule.count && matchAll(allOf, people);
}

const persons = fc.array(fc.subarray(['a', 'b', 'c']), { maxLength: 7 });

function assertReviews(rule: EnvironmentRule, floor: EnvironmentRule, people: readonly string[][]) {
  for (const level of levels) {
    assert.ok(rule.reviews[level].count >= floor.reviews[level].count, `count ${level}`);
    if (satisfies(rule.reviews[level], people)) {
      assert.ok(satisfies(floor.reviews[level], people), `teams ${level}`);
    }
  }
}

/** Everything in which `policy` must be at least as strict as `floor`, default values included. */
function assertTighter(policy: Policy, floor: Policy, people: readonly string[][]) {
  assert.ok(!policy.solo || floor.solo);
  assert.ok(policy.undeclared === 'agent' || floor.undeclared === 'human');
  assert.ok(floor.suspended.every((name) => policy.suspended.includes(name)));
  assert.ok(floor.accepted !== 'never' || policy.accepted === 'never');
  assert.ok(policy.migrations.rows >= floor.migrations.rows);
  assert.ok(policy.migrations.timeoutMs <= floor.migrations.timeoutMs);
  const { openPullRequests } = floor.limits;
  assert.ok(
    openPullRequests === null || (policy.limits.openPullRequests ?? Infinity) <= openPullRequests,
  );
  for (const name of ['production', 'live', 'prod-x', 'eu']) {
    const below = environmentRule(floor, name)?.rule;
    const above = environmentRule(policy, name)?.rule;
    if (below === undefined) continue;
    assert.ok(above !== undefined, `${name} is still guarded`);
    assertReviews(above, below, people);
    assertEnvironment(above, below);
  }
}

function assertEnvironment(rule: EnvironmentRule, floor: EnvironmentRule) {
  for (const level of levels) {
    assert.ok(rule.reviews[level].maxAgeMs <= floor.reviews[level].maxAgeMs, `maxAge ${level}`);
  }
  assert.ok(rule.rollback === 'review' || floor.rollback === 'allow');
  assert.ok(rule.notDeployer || !floor.notDeployer);
  assert.ok(floor.after.every((one) => rule.after.includes(one)));
  assert.ok(floor.scope !== null || rule.scope === null, 'scope');
  assert.ok(floor.backup === null || (rule.backup?.maxAgeMs ?? Infinity) <= floor.backup.maxAgeMs);
  if (rule.breakGlass === null) return;
  assert.ok(floor.breakGlass !== null, 'break glass');
  assert.ok(rule.breakGlass.count >= floor.breakGlass.count);
  assert.ok(rule.breakGlass.lastsMs <= floor.breakGlass.lastsMs);
}

test(`a base branch's file never loosens the effective policy (seed ${seed})`, () => {
  fc.assert(
    fc.property(policyText, policyText, policyText, persons, (floor, own, base, people) => {
      assertTighter(merged(floor, own, base), merged(floor, own), people);
    }),
    { ...runs, numRuns: runsOf(150) },
  );
});

test(`a repository's file never loosens what the floor names (seed ${seed})`, () => {
  fc.assert(
    fc.property(policyText, policyText, persons, (floor, own, people) => {
      const policy = merged(floor, own);
      const named = merged(own, floor);
      for (const level of levels) {
        for (const name of ['production', 'eu']) {
          const one = policy.environments[name]?.reviews[level];
          const other = named.environments[name]?.reviews[level];
          assert.equal(one?.count, other?.count);
          assert.equal(one?.maxAgeMs, other?.maxAgeMs);
          if (one === undefined || other === undefined) continue;
          assert.equal(satisfies(one, people), satisfies(other, people));
        }
      }
    }),
    runs,
  );
});

test(`a floor that names all its keys is never loosened (seed ${seed})`, () => {
  const full = effectivePolicy({ repository: file(null), floor: null, base: null }).policy;
  const reviews = Object.fromEntries(
    levels.map((level) => {
      const { count: least, maxAgeMs } = full.environments['production']?.reviews[level] ?? {
        count: 1,
        maxAgeMs: 1,
      };
      return [level, { count: least, maxAge: `${maxAgeMs / 3_600_000}h` }];
    }),
  );
  const floor = stringify({
    solo: false,
    undeclared: 'agent',
    accepted: 'never',
    migrations: { rows: 200, timeout: '60s' },
    environments: { production: { reviews, rollback: 'review', notDeployer: true, after: ['qa'] } },
  });
  fc.assert(
    fc.property(policyText, persons, (own, people) => {
      const policy = merged(floor, own);
      const withoutScope = { ...policy.environments['production'], scope: null };
      const environments = {
        ...policy.environments,
        production: withoutScope,
      } as Policy['environments'];
      assertTighter({ ...policy, environments }, merged(floor, null), people);
    }),
    runs,
  );
});

test(`merging a policy with itself changes nothing (seed ${seed})`, () => {
  fc.assert(
    fc.property(policyText, (text) => {
      const once = merged(text, text);
      assert.deepEqual(merged(text, text, text), once);
    }),
    { ...runs, numRuns: runsOf(120) },
  );
});
