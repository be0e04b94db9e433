/**
 * Laws of the decision over thousands of made-up stories. The seed is printed with a failure and
 * can be set with TAGOUT_SEED.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decide, decideBy } from '../../src/core/decide.ts';
import type { Decision, Verdict } from '../../src/core/decision.ts';
import { effects } from '../../src/core/effects.ts';
import type { Change, Evidence, Review } from '../../src/core/evidence.ts';
import { replay } from '../../src/core/replay.ts';
import type { Rule } from '../../src/core/rules/case.ts';
import { RULES } from '../../src/core/rules/index.ts';
import { runsOf, SEED } from './law.ts';
import {
  type ChangeStory,
  type DeploymentStory,
  play,
  REPO,
  type ReviewStory,
  type Story,
} from './stories.ts';

function law<T>(arbitrary: fc.Arbitrary<T>, holds: (value: T) => void): void {
  fc.assert(fc.property(arbitrary, holds), { seed: SEED, numRuns: runsOf(300) });
}

const people = ['alice', 'bob', 'carol', 'dave', 'erin', 'frank'] as const;
const anyone = [...people, 'Copilot', 'claude', 'github-actions[bot]', 'stamphog[bot]', 'ghost'];

const review: fc.Arbitrary<ReviewStory> = fc.record(
  {
    by: fc.oneof({ arbitrary: fc.constantFrom(...people), weight: 5 }, fc.constantFrom(...anyone)),
    says: fc.oneof(
      { arbitrary: fc.constant('approve' as const), weight: 6 },
      fc.constantFrom('changes' as const, 'comment' as const, 'dismissed' as const),
    ),
    of: fc.oneof(
      { arbitrary: fc.constant('head' as const), weight: 6 },
      fc.constant('old' as const),
    ),
    minute: fc.oneof({ arbitrary: fc.integer({ min: 1, max: 119 }), weight: 6 }, fc.constant(-30)),
    editedMinutesLater: fc.oneof({ arbitrary: fc.constant(0), weight: 8 }, fc.constant(1)),
    viaEmail: fc.oneof({ arbitrary: fc.constant(false), weight: 8 }, fc.constant(true)),
  },
  { requiredKeys: ['by', 'says', 'minute'] },
);

const change: fc.Arbitrary<ChangeStory> = fc
  .record({
    does: fc.constantFrom(
      'docs' as const,
      'code' as const,
      'drops a column' as const,
      'drops a table' as const,
      'weakens the policy' as const,
      'fails to run' as const,
      'nothing' as const,
    ),
    author: fc.constantFrom('alice', 'bob', 'Copilot'),
    commits: fc.array(
      fc.record({ by: fc.constantFrom('alice', 'Copilot', 'frank', 'x@y.example') }),
      {
        maxLength: 3,
      },
    ),
    pushedBy: fc.array(fc.constantFrom('alice', 'Copilot', 'erin', null), { maxLength: 2 }),
    involved: fc.array(
      fc.record({
        who: fc.constantFrom('bob', 'erin'),
        signal: fc.constantFrom('assigned-agent' as const, 'agent-comment' as const),
      }),
      { maxLength: 1 },
    ),
    reviews: fc.array(review, { maxLength: 6 }),
    draft: fc.oneof({ arbitrary: fc.constant(false), weight: 9 }, fc.constant(true)),
    shownMinute: fc.oneof(
      { arbitrary: fc.constant(0 as const), weight: 9 },
      fc.constantFrom(null, 'otherwise' as const),
    ),
  })
  .map((one) => ({
    ...one,
    reviews: one.reviews.map((story, index) => ({ ...story, id: 100 + index })),
  }));

const deployment: fc.Arbitrary<DeploymentStory> = fc.record(
  {
    runEvent: fc.constantFrom('push', 'schedule', 'workflow_dispatch', 'pull_request_target'),
    forkRun: fc.oneof({ arbitrary: fc.constant(false), weight: 9 }, fc.constant(true)),
    succeededIn: fc.constantFrom([], ['staging']),
  },
  { requiredKeys: [] },
);

const policy = fc.constantFrom<unknown>(
  undefined,
  { version: 1, solo: true },
  { version: 1, suspended: ['claude-code'] },
  { version: 1, environments: { production: { match: ['production'], after: ['staging'] } } },
  {
    version: 1,
    environments: {
      production: {
        match: ['production'],
        reviews: { low: { count: 1, teams: ['platform'] }, critical: { count: 2 } },
      },
    },
  },
  'version: [',
);

const story: fc.Arbitrary<Story> = fc
  .record({
    changes: fc.array(change, { minLength: 1, maxLength: 2 }),
    deployment: fc.option(deployment, { nil: undefined }),
    policy,
    permissions: fc.dictionary(
      fc.constantFrom(...people),
      fc.constantFrom('read', 'write', 'admin'),
      {
        maxKeys: 2,
      },
    ),
    teams: fc.dictionary(fc.constantFrom(...people), fc.constant(['platform']), { maxKeys: 3 }),
  })
  .map(({ deployment: asked, permissions, ...rest }) => ({
    ...rest,
    permissions: permissions as NonNullable<Story['permissions']>,
    ...(asked === undefined ? {} : { deployment: asked }),
  }));

/** Most made-up stories hold; these are made to be allowed, so that a loosening would show. */
const shipping: fc.Arbitrary<Story> = story.map((one) => ({
  ...one,
  permissions: {},
  changes: (one.changes ?? []).map((c) => ({
    ...c,
    draft: false,
    shownMinute: 0,
    reviews: [
      ...(c.reviews ?? []).filter((r) => r.says === 'approve'),
      { by: 'carol', minute: 60, id: 1 },
      { by: 'dave', minute: 61, id: 2 },
    ],
  })),
}));

const either: fc.Arbitrary<Story> = fc.oneof(story, shipping);

const ORDER: readonly Verdict[] = ['allow', 'hold', 'deny'];

function assertNotLooser(before: Decision, after: Decision): void {
  const strictness = (decision: Decision): number => ORDER.indexOf(decision.verdict);
  assert.ok(
    strictness(after) >= strictness(before),
    `${before.verdict} became ${after.verdict}: ${JSON.stringify(after.opinions)}`,
  );
}

function mapChanges(evidence: Evidence, map: (change: Change) => Change): Evidence {
  return { ...evidence, changes: evidence.changes.map(map) };
}

/** Everything but the digest of the evidence, which names the order in which things were read. */
function essence(decision: Decision): unknown {
  return { ...decision, evidenceDigest: '', origin: decision.origin.kind, findings: [] };
}

test('some of the made-up stories are allowed, held and denied, or the laws would say nothing', () => {
  const seen = new Map<string, number>();
  law(either, (one) => {
    const { verdict } = play(one).decision;
    seen.set(verdict, (seen.get(verdict) ?? 0) + 1);
  });
  assert.ok((seen.get('allow') ?? 0) > 50, JSON.stringify([...seen]));
  assert.ok((seen.get('hold') ?? 0) > 50, JSON.stringify([...seen]));
  assert.ok((seen.get('deny') ?? 0) > 20, JSON.stringify([...seen]));
});

test('no allow without enough independent human approvals of exactly this content', () => {
  law(either, (one) => {
    const { evidence, policy: effective, decision } = play(one);
    if (decision.verdict !== 'allow' || effective.policy.solo) return;
    for (const item of evidence.changes) {
      const needed = decision.needed.find((need) => need.pull === item.pull);
      const floor = needed?.radius === 'critical' ? 2 : 1;
      assert.ok(independent(item, evidence).size >= floor, JSON.stringify(item.reviews));
    }
  });
});

/** Counted anew, without the code under test: who could possibly count for this change. */
function independent(item: Change, evidence: Evidence): ReadonlySet<number> {
  const hands = new Set<number | undefined>([
    item.author?.id,
    ...item.commits.flatMap((c) => [...c.authors, c.committer].map((p) => p.account?.id)),
    ...item.pushes.map((push) => push.actor?.id),
    ...item.involved.map((one) => one.id ?? undefined),
  ]);
  const isGood = (one: Review): boolean =>
    one.state === 'APPROVED' &&
    one.commitSha === item.headSha &&
    one.author?.type === 'User' &&
    one.author.login !== 'claude' &&
    !hands.has(one.author.id) &&
    !one.viaEmail &&
    evidence.people.some((p) => p.id === one.author?.id && /write|admin/.test(p.permission));
  return new Set(item.reviews.filter(isGood).flatMap((one) => one.author?.id ?? []));
}

test('removing an approval never loosens', () => {
  law(fc.tuple(either, fc.nat()), ([one, pick]) => {
    const { evidence, policy: effective, decision } = play(one);
    const less = mapChanges(evidence, (item) => {
      const approvals = item.reviews.filter((r) => r.state === 'APPROVED');
      const gone = approvals[pick % Math.max(1, approvals.length)];
      return { ...item, reviews: item.reviews.filter((r) => r !== gone) };
    });
    assertNotLooser(decision, decide(effective, less));
  });
});

test('a change request more never loosens', () => {
  law(fc.tuple(either, fc.constantFrom(...anyone)), ([one, by]) => {
    const more = (c: ChangeStory): ChangeStory => ({
      ...c,
      reviews: [...(c.reviews ?? []), { by, says: 'changes', minute: 119, id: 999 }],
    });
    const stricter = { ...one, changes: (one.changes ?? []).map(more) };
    assertNotLooser(play(one).decision, play(stricter).decision);
  });
});

const growth = fc.constantFrom<(c: ChangeStory) => ChangeStory>(
  (c) => ({ ...c, commits: [{ by: 'carol' }, ...(c.commits ?? [])] }),
  (c) => ({ ...c, commits: [{ by: 'new@nobody.example' }, ...(c.commits ?? [])] }),
  (c) => ({ ...c, commits: [{ by: 'alice', with: ['dave'] }, ...(c.commits ?? [])] }),
  (c) => ({ ...c, pushedBy: [...(c.pushedBy ?? []), 'carol'] }),
  (c) => ({ ...c, pushedBy: [...(c.pushedBy ?? []), null] }),
  (c) => ({ ...c, involved: [...(c.involved ?? []), { who: 'carol', signal: 'agent-comment' }] }),
  (c) => ({ ...c, body: 'Requested by: @dave' }),
  (c) => ({ ...c, branch: 'copilot/fix' }),
  (c) => ({ ...c, body: 'Generated with [Claude Code](https://claude.com/claude-code)' }),
  (c) => ({ ...c, viaApp: 'cursor' }),
  (c) => ({ ...c, bypassedMinute: 90 }),
  (c) => ({ ...c, mergedPast: 'check' }),
  (c) => ({ ...c, mergedPast: 'rules' }),
  (c) => ({ ...c, mergedPast: 'unjudged' }),
  (c) => ({ ...c, retargetedMinute: 90 }),
  (c) => ({ ...c, does: 'drops a table' }),
);

test('adding a commit, a pusher, a signal, a bypass or a finding never loosens', () => {
  law(fc.tuple(either, growth), ([one, grow]) => {
    const grown = { ...one, changes: (one.changes ?? []).map(grow) };
    assertNotLooser(play(one).decision, play(grown).decision);
  });
});

test('what was truncated, unreadable or missing is never allowed', () => {
  const why = fc.constantFrom(
    'truncated' as const,
    'unreadable' as const,
    'missing' as const,
    'unknown-value' as const,
    'too-large' as const,
  );
  law(fc.tuple(either, fc.string(), why), ([one, what, reason]) => {
    const gaps = [{ what, why: reason, detail: 'It was cut off.' }];
    const { decision } = play({ ...one, gaps });
    assert.notEqual(decision.verdict, 'allow');
    assert.ok(decision.opinions.some((o) => o.code === 'evidence-incomplete'));
  });
});

test('losing the standing of the reviewers never loosens', () => {
  law(fc.tuple(either, fc.nat()), ([one, pick]) => {
    const { evidence, policy: effective, decision } = play(one);
    const people_ = evidence.people.filter((_, index) => index % 5 !== pick % 5);
    // A change request of somebody without a standing no longer holds, so these are left out.
    const asks = (item: Change): boolean =>
      item.reviews.some((r) => r.state === 'CHANGES_REQUESTED');
    if (evidence.changes.some(asks)) return;
    assertNotLooser(decision, decide(effective, { ...evidence, people: people_ }));
  });
});

const tightening = fc.constantFrom<Readonly<Record<string, unknown>>>(
  { reviews: { low: { count: 3 } } },
  { reviews: { low: { count: 1, maxAge: '1m' }, critical: { count: 2, maxAge: '1m' } } },
  { reviews: { low: { count: 1, teams: ['nobody'] } } },
  { reviews: { low: { count: 1, allOf: [{ teams: ['platform'] }, { teams: ['dba'] }] } } },
  { after: ['qa'] },
  { notDeployer: true },
  {
    freeze: [{ name: 'now', from: '2026-11-01T00:00', to: '2026-12-01T00:00', timeZone: 'UTC' }],
  },
);

test('tightening the policy by a floor never loosens', () => {
  law(fc.tuple(either, tightening), ([one, more]) => {
    const floor = { version: 1, environments: { production: { match: ['production'], ...more } } };
    assertNotLooser(play(one).decision, play({ ...one, floor }).decision);
  });
});

test('order and repetition of what was read do not matter', () => {
  law(fc.tuple(either, fc.nat()), ([one, seed]) => {
    const { evidence, policy: effective, decision } = play(one);
    const mixed = mapChanges(evidence, (item) => ({
      ...item,
      reviews: shuffled([...item.reviews, ...item.reviews.slice(0, 2)], seed),
      pushes: shuffled([...item.pushes, ...item.pushes], seed),
      involved: shuffled([...item.involved, ...item.involved], seed),
      postings: shuffled([...item.postings, ...item.postings], seed),
    }));
    const again = { ...mixed, people: shuffled([...evidence.people, ...evidence.people], seed) };
    assert.deepEqual(essence(decide(effective, again)), essence(decision));
  });
});

function shuffled<T>(items: readonly T[], seed: number): readonly T[] {
  return items
    .map((item, index) => ({ item, key: ((index + 1) * (seed % 9973) + 7) % 101 }))
    .toSorted((a, b) => a.key - b.key)
    .map(({ item }) => item);
}

test('replay gives the recorded decision, also after a round trip through JSON', () => {
  law(either, (one) => {
    const { evidence, decision } = play(one);
    assert.deepEqual(replay(evidence), decision);
    const copy: Evidence = JSON.parse(JSON.stringify(evidence));
    assert.deepEqual(replay(copy), JSON.parse(JSON.stringify(decision)));
  });
});

test('the strictest opinion is the verdict, and every hold names its cure', () => {
  law(either, (one) => {
    const { decision } = play(one);
    const most = Math.max(...decision.opinions.map((o) => ORDER.indexOf(o.verdict)));
    assert.equal(decision.verdict, ORDER[most]);
    for (const opinion of decision.opinions) {
      if (opinion.verdict !== 'allow') assert.notEqual(opinion.cure, '', opinion.code);
    }
  });
});

test('a rule that throws holds, wherever it stands; without the approvals rule nothing is allowed', () => {
  const broken: Rule = {
    name: 'broken',
    judge: () => {
      throw new Error('boom');
    },
  };
  law(fc.tuple(shipping, fc.nat(RULES.length)), ([one, position]) => {
    const { evidence, policy: effective } = play(one);
    const rules = [...RULES.slice(0, position), broken, ...RULES.slice(position)];
    const decision = decideBy(rules, effective, evidence);
    assert.notEqual(decision.verdict, 'allow');
    assert.ok(decision.opinions.some((o) => o.code === 'rule-failed'));
    const silent = RULES.filter((rule) => rule.name !== 'approvals');
    assert.notEqual(decideBy(silent, effective, evidence).verdict, 'allow');
    assert.notEqual(decideBy([], effective, evidence).verdict, 'allow');
  });
});

test('evidence with a piece missing is never allowed because of it, and nothing throws', () => {
  law(fc.tuple(either, fc.nat()), ([one, pick]) => {
    const { evidence, policy: effective, decision } = play(one);
    const keys = Object.keys(evidence).filter((key) => key !== 'gaps' && key !== 'suspended');
    const key = keys[pick % keys.length] ?? 'changes';
    const torn: Evidence = JSON.parse(JSON.stringify({ ...evidence, [key]: undefined }));
    const { verdict } = decide(effective, torn);
    if (decision.verdict !== 'allow') assert.notEqual(verdict, 'allow', key);
  });
});

test('effects: equal judgements have equal keys, and only allow is ever told as success', () => {
  law(either, (one) => {
    const outcome = play(one);
    const locator = { kind: 'commit', repo: REPO, sha: '' } as const;
    const trigger = { locator, because: 'test', delivery: null };
    const told = effects({ trigger, locator, ...outcome });
    assert.deepEqual(effects({ trigger, locator, ...play(one) }), told);
    assert.equal(new Set(told.map((effect) => effect.key)).size, told.length);
    const isAllowed = outcome.decision.verdict === 'allow';
    for (const effect of told) {
      if (effect.kind === 'check-run') assert.equal(effect.conclusion === 'success', isAllowed);
      if (effect.kind === 'review-deployment') {
        assert.equal(effect.state === 'approved', isAllowed);
      }
    }
  });
});
