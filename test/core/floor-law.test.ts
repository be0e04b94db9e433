/**
 * The direct law of the floor: whoever satisfies the joined rule satisfies what the floor names. The
 * rules are made as values, so that thousands of pairs take seconds; the oracle below knows only the
 * words of the policy and none of the code under test.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { metBy } from '../../src/core/approvals.ts';
import { fillEnvironment } from '../../src/core/effective-policy.ts';
import type { BlastRadius } from '../../src/core/findings.ts';
import type { ReviewRule, TeamRule } from '../../src/core/policy.ts';
import { defaultPolicy } from '../../src/core/policy-default.ts';
import { Notes, tightenEnvironment } from '../../src/core/policy-merge.ts';
import type { EnvironmentPart, ReviewPart } from '../../src/core/policy-part.ts';
import { law } from './law.ts';

const levels: readonly BlastRadius[] = ['low', 'medium', 'high', 'critical'];
const team = fc.constantFrom('a', 'b', 'c');
const teams = fc.uniqueArray(team, { minLength: 1, maxLength: 2 });
const entry: fc.Arbitrary<TeamRule> = fc.record({ teams });
const entries = fc.array(entry, { minLength: 1, maxLength: 2 });

const review: fc.Arbitrary<ReviewPart> = fc.record(
  {
    count: fc.integer({ min: 1, max: 3 }),
    maxAgeMs: fc.integer({ min: 1, max: 1_000_000_000 }),
    teams,
    allOf: entries,
    anyOf: entries,
  },
  { requiredKeys: [] },
);

const part: fc.Arbitrary<EnvironmentPart> = fc.record(
  {
    match: fc.constant(['production']),
    after: fc.uniqueArray(fc.constantFrom('staging', 'qa')),
    notDeployer: fc.boolean(),
    reviews: fc.record(
      { low: review, medium: review, high: review, critical: review },
      { requiredKeys: [] },
    ),
    rollback: fc.constantFrom('review', 'allow'),
    backup: fc.record({
      from: fc.constantFrom(...levels),
      maxAgeMs: fc.integer({ min: 1, max: 9 }),
      restoreWithinMs: fc.integer({ min: 1, max: 9 }),
    }),
    breakGlass: fc.record({
      teams: fc.uniqueArray(team, { maxLength: 2 }),
      count: fc.integer({ min: 1, max: 3 }),
      lastsMs: fc.integer({ min: 1, max: 9 }),
      reviewWithinMs: fc.integer({ min: 1, max: 9 }),
    }),
  },
  { requiredKeys: ['match'] },
);

type Person = readonly string[];
const persons: fc.Arbitrary<readonly Person[]> = fc.array(fc.subarray(['a', 'b', 'c']), {
  maxLength: 6,
});

function teamsIn(rule: TeamRule): readonly string[] {
  const nested = [...(rule.allOf ?? []), ...(rule.anyOf ?? [])].flatMap(teamsIn);
  return [...(rule.teams ?? []), ...nested];
}

/** Every way in which a rule can be read as a list of persons, each of one of some teams. */
function readings(rule: TeamRule): readonly (readonly (readonly string[])[])[] {
  const own = rule.teams === undefined ? [[]] : [[rule.teams]];
  const all = (rule.allOf ?? []).reduce<readonly (readonly (readonly string[])[])[]>(
    (ways, one) => ways.flatMap((way) => readings(one).map((more) => [...way, ...more])),
    own,
  );
  if (rule.anyOf === undefined) return all;
  const any = rule.anyOf.flatMap(readings);
  return all.flatMap((way) => any.map((more) => [...way, ...more]));
}

/** Each asked-for person can be a different one of those who are there. */
function seats(asked: readonly (readonly string[])[], people: readonly Person[]): boolean {
  const [first, ...rest] = asked;
  if (first === undefined) return true;
  return people.some(
    (person, at) =>
      first.some((one) => person.includes(one)) && seats(rest, people.toSpliced(at, 1)),
  );
}

/** The oracle: enough persons, of the named teams where `teams` limits who counts, each seat taken. */
function satisfies(rule: ReviewPart, people: readonly Person[]): boolean {
  const pool = rule.teams === undefined ? null : teamsIn(rule);
  const counting = people.filter((one) => pool === null || pool.some((name) => one.includes(name)));
  return counting.length >= (rule.count ?? 1) && readings(rule).some((way) => seats(way, counting));
}

const context = {
  policy: defaultPolicy,
  contributors: { commits: new Set<number>(), pushers: new Set<number>(), unknown: [] },
};

function engineSays(rule: ReviewRule, people: readonly Person[]): boolean {
  const approvers = people.map((own, at) => ({ id: at + 1, teams: own }));
  return metBy({ environment: 'production', radius: 'low', rule }, approvers, context).ok;
}

function joined(floor: EnvironmentPart, own: EnvironmentPart) {
  const place = { notes: new Notes('the repository'), key: 'environments.production' };
  return fillEnvironment(tightenEnvironment(floor, own, place));
}

law('the engine counts as the words of a rule say', fc.tuple(review, persons), ([rule, people]) => {
  const count = Math.max(rule.count ?? 1, rule.allOf?.length ?? 0, 1);
  const full = { ...rule, count, maxAgeMs: 1 };
  assert.equal(engineSays(full, people), satisfies(full, people));
});

law('no looser than the floor: reviews', fc.tuple(part, part, persons), ([floor, own, people]) => {
  const rule = joined(floor, own);
  for (const level of levels) {
    const named = floor.reviews?.[level];
    if (named === undefined) continue;
    if (engineSays(rule.reviews[level], people)) {
      assert.ok(satisfies(named, people), `${level}: ${JSON.stringify(rule.reviews[level])}`);
    }
    assert.ok(rule.reviews[level].count >= (named.count ?? 1), `${level}: count`);
    assert.ok(rule.reviews[level].maxAgeMs <= (named.maxAgeMs ?? Infinity), `${level}: maxAge`);
  }
});

law('no looser than the repository either: reviews', fc.tuple(part, part, persons), (drawn) => {
  const [floor, own, people] = drawn;
  const rule = joined(floor, own);
  for (const level of levels) {
    const named = own.reviews?.[level];
    if (named === undefined || !engineSays(rule.reviews[level], people)) continue;
    assert.ok(satisfies(named, people), level);
  }
});

law('no looser than the floor: everything else', fc.tuple(part, part), ([floor, own]) => {
  const rule = joined(floor, own);
  assert.ok(
    (floor.after ?? []).every((one) => rule.after.includes(one)),
    'after',
  );
  assert.ok(rule.notDeployer || floor.notDeployer !== true, 'notDeployer');
  assert.ok(rule.rollback === 'review' || floor.rollback === 'allow', 'rollback');
  const { backup } = floor;
  if (backup !== undefined && backup !== null) {
    assert.ok(levels.indexOf(rule.backup?.from ?? 'critical') <= levels.indexOf(backup.from));
    assert.ok((rule.backup?.maxAgeMs ?? Infinity) <= backup.maxAgeMs, 'backup age');
    assert.ok((rule.backup?.restoreWithinMs ?? Infinity) <= backup.restoreWithinMs, 'restore');
  }
  if (rule.breakGlass === null) return;
  const glass = floor.breakGlass;
  assert.ok(glass !== undefined && glass !== null, 'break glass only where the floor has it');
  assert.ok(rule.breakGlass.count >= glass.count, 'break glass count');
  assert.ok(rule.breakGlass.lastsMs <= glass.lastsMs, 'break glass lasts');
  assert.ok(rule.breakGlass.reviewWithinMs <= glass.reviewWithinMs, 'break glass review');
  const outside = rule.breakGlass.teams.filter((one) => !glass.teams.includes(one));
  assert.ok(glass.teams.length === 0 || outside.length === 0, 'break glass teams');
  assert.ok(glass.teams.length === 0 || rule.breakGlass.teams.length > 0, 'break glass by anyone');
});

test('the rules that are drawn are sometimes satisfied and sometimes not', () => {
  const seen = { yes: 0, no: 0 };
  fc.assert(
    fc.property(part, part, persons, (floor, own, people) => {
      for (const level of levels) {
        if (engineSays(joined(floor, own).reviews[level], people)) seen.yes += 1;
        else seen.no += 1;
      }
    }),
    { seed: 1, numRuns: 300 },
  );
  assert.ok(seen.yes > 100 && seen.no > 100, JSON.stringify(seen));
});
