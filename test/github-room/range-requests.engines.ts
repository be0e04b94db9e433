/** What a decision about a long range costs in requests, and that cutting them cuts nothing off. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Evidence } from '../../src/core/evidence.ts';
import { GitHubFault } from '../../src/github/faults.ts';
import type { LocalGitHub, Repo } from '../github/index.ts';
import type { Run } from '../github/repo.ts';
import { longRange } from './long-range.ts';
import { openRoom, type Room, TestMemory } from './room.ts';

/** A production decision over 50 commits may cost so many. */
const ALLOWED = 30;

let room: Room;
let gh: LocalGitHub;

before(async () => {
  room = await openRoom(undefined, undefined, { validate: false });
  ({ gh } = room);
  gh.org('acme', { admins: ['boss'] });
  for (const login of ['alice', 'bob', 'carol']) gh.user(login);
});
after(() => gh.close());

interface Asked {
  readonly repo: Repo;
  readonly run: Run;
}

/** What a process reads that has just started, with what the store kept. */
async function read({ repo, run }: Asked, memory: TestMemory) {
  const fresh = await openRoom(gh, memory);
  const mark = gh.requests.length;
  const evidence = await fresh.deployment(repo, run.id, run.deployment?.id);
  return { evidence, requests: gh.requestsSince(mark) };
}

async function waiting(repo: Repo): Promise<Asked> {
  return { repo, run: await repo.startRun({ actor: 'alice' }) };
}

function sum(requests: Readonly<Record<string, number>>): number {
  return Object.values(requests).reduce((all, one) => all + one, 0);
}

/** What one reading cost more than another. */
function more(one: Readonly<Record<string, number>>, other: Readonly<Record<string, number>>) {
  const dearer = Object.entries(one).map(([id, n]) => [id, n - (other[id] ?? 0)] as const);
  return Object.fromEntries(dearer.filter(([, n]) => n !== 0));
}

/** Evidence without the moment of reading. */
function told({ readAtMs: _readAt, ...evidence }: Evidence): unknown {
  return evidence;
}

describe('a range of 50 commits', () => {
  test('each its own pull request: 30 requests at most, and nothing is left out', async () => {
    const { repo, numbers } = await longRange(room, { pulls: 50 });
    const run = await waiting(repo);
    const { evidence, requests } = await read(run, room.memory);
    assert.deepEqual(requests, {
      'apps/create-installation-access-token': 1,
      'actions/get-workflow-run': 1,
      'repos/get-deployment': 1,
      'repos/list-deployment-statuses': 2, // this one's, and of the one that is adopted
      'repos/list-deployments': 1, // only while nothing was released yet
      'checks/list-for-ref': 2, // of the commit that is adopted, and of what is deployed
      'repos/compare-commits-with-basehead': 3, // the adopted one, the range, its two ends
      'git/get-tree': 1, // the newest; of the others only the folders that differ
      graphql: 13, // policy, links, 5 of pull requests, 5 of folders, people
      'repos/get-repo-rule-suites': 1,
      'repos/get-branch-rules': 1, // with the next: the checks that the branch requires
      'repos/get-branch-protection': 1,
    });
    assert.ok(sum(requests) <= ALLOWED);
    assert.equal(evidence.deployment?.range.length, 50);
    assert.ok(evidence.deployment.range.every(({ equalsReviewed }) => equalsReviewed === true));
    assert.deepEqual(
      evidence.changes.map(({ pull }) => pull),
      numbers,
    );
    assert.ok(evidence.changes.every(({ reviews, pushes }) => reviews.length > 0 && pushes[0]));
    assert.deepEqual(evidence.gaps, []);
    // A store that kept nothing reads the same, by more requests; after that it is kept.
    const empty = new TestMemory();
    const anew = await read(run, empty);
    assert.deepEqual(told(anew.evidence), told(evidence));
    assert.deepEqual(more(anew.requests, requests), {
      'repos/compare-commits-with-basehead': 50, // patches are in no answer for several
      'issues/list-for-repo': 1, // the apps that they were opened through
      'repos/list-activities': 2, // who pushed
      graphql: 5, // the migrations' contents, the folders of their heads
    });
    const again = await read(run, empty);
    assert.ok(sum(again.requests) <= ALLOWED, JSON.stringify(again.requests));
    assert.deepEqual(told(again.evidence), told(evidence));
  });
});

describe('a store that kept nothing', () => {
  const lists = ['issues/list-for-repo', 'repos/list-activities'] as const;

  test('what the lists of the repository do not tell is asked for alone', async () => {
    const { repo } = await longRange(room, { pulls: 5 });
    const run = await waiting(repo);
    const whole = await read(run, new TestMemory());
    for (const id of lists) {
      gh.faults.request({ match: id, nth: 1, status: 500 });
      const parted = await read(run, new TestMemory());
      gh.faults.clear();
      assert.deepEqual(told(parted.evidence), told(whole.evidence));
      const alone = id === 'repos/list-activities' ? id : 'issues/get';
      assert.ok((parted.requests[alone] ?? 0) >= 5, id);
      gh.faults.request({ match: id, rateLimit: 'secondary' });
      await assert.rejects(
        read(run, new TestMemory()),
        (fault) => fault instanceof GitHubFault && fault.code === 'github-limited',
      );
      gh.faults.clear();
    }
  });

  test('a list of activity that goes on says nothing about any branch', async () => {
    const { repo } = await longRange(room, { pulls: 5 });
    const { activity } = repo.record;
    const [newest] = activity;
    assert.ok(newest !== undefined);
    const others = Array.from({ length: 100 }, () => ({ ...newest, ref: 'refs/heads/other' }));
    activity.unshift(...others);
    const run = await waiting(repo);
    const { evidence, requests } = await read(run, new TestMemory());
    assert.equal(requests['repos/list-activities'], 1 + 5);
    assert.ok(evidence.changes.every(({ pushes }) => pushes.length === 1));
  });

  test('a branch whose beginning is in no list is asked for alone', async () => {
    const { repo } = await longRange(room, { pulls: 5 });
    const run = await waiting(repo);
    const whole = await read(run, new TestMemory());
    const begun = repo.record.activity.findIndex(
      ({ ref, type }) => ref.endsWith('/change-3') && type === 'branch_creation',
    );
    const [first] = repo.record.activity.splice(begun, 1);
    const parted = await read(run, new TestMemory());
    assert.ok(first !== undefined);
    assert.equal(parted.requests['repos/list-activities'], 2);
    assert.equal(whole.requests['repos/list-activities'], 1);
  });

  test('who pushed to a branch and through which app it was opened is told by the lists', async () => {
    const { repo, pulls } = await longRange(room, { pulls: 5 });
    const run = await waiting(repo);
    const { evidence, requests } = await read(run, new TestMemory());
    assert.equal(requests['issues/get'], undefined);
    for (const [at, change] of evidence.changes.entries()) {
      assert.equal(change.pull, pulls[at]?.number);
      assert.deepEqual(
        change.pushes.map(({ actor }) => actor?.login),
        ['bob'],
      );
    }
  });
});

describe('pull requests read together', () => {
  test('lists that are longer than a first page are read to their end', async () => {
    const { repo, numbers } = await longRange(room, { pulls: 3, commits: 35, reviews: 31 });
    const run = await waiting(repo);
    const { evidence, requests } = await read(run, room.memory);
    for (const { commits, reviews } of evidence.changes) {
      assert.equal(commits.length, 35);
      assert.equal(reviews.length, 31);
    }
    assert.equal(evidence.changes.length, numbers.length);
    assert.deepEqual(evidence.gaps, []);
    assert.ok((requests['graphql'] ?? 0) >= 3 * 2, 'further pages are requests of their own');
  });

  const parts = [
    ['a pull request', ['repository', 'p1']],
    ['the reviews of one', ['repository', 'p1', 'reviews']],
    ['who gave a review', ['repository', 'p1', 'reviews', 'nodes', 0, 'author']],
    ['every commit of one', ['repository', 'p1', 'commits', 'nodes', '*']],
    ['the whole answer', ['repository']],
  ] as const;
  for (const [what, path] of parts) {
    test(`${what} that fails is read alone; when that fails too, nothing is judged`, async () => {
      const { repo } = await longRange(room, { pulls: 3 });
      const run = await waiting(repo);
      const whole = await read(run, room.memory);
      gh.faults.fields.push({ match: 'query Pulls(', path, how: 'null' });
      const partly = await read(run, room.memory);
      assert.deepEqual(told(partly.evidence), told(whole.evidence));
      assert.ok(sum(partly.requests) > sum(whole.requests));
      const alone = ['repository', 'pullRequest', ...path.slice(2)];
      gh.faults.fields.push({ match: 'query Pull(', path: alone, how: 'null' });
      await assert.rejects(read(run, room.memory), (fault) => fault instanceof GitHubFault);
      gh.faults.clear();
    });
  }

  test('a query that GitHub gives up is asked in parts, and a limit is not pressed on', async () => {
    const { repo } = await longRange(room, { pulls: 3 });
    const run = await waiting(repo);
    const whole = await read(run, room.memory);
    const calls = gh.requests.slice(-sum(whole.requests)).map(({ operationId }) => operationId);
    const nth = calls.flatMap((id, at) => (id === 'graphql' ? [at] : []));
    for (const [order] of nth.entries()) {
      gh.faults.request({ match: 'graphql', nth: order + 1, rateLimit: 'secondary' });
      await assert.rejects(
        read(run, room.memory),
        (fault) => fault instanceof GitHubFault && fault.code === 'github-limited',
      );
      gh.faults.clear();
    }
    gh.faults.request({ match: 'graphql', nth: 3, status: 502 });
    const parted = await read(run, room.memory);
    assert.deepEqual(told(parted.evidence), told(whole.evidence));
    gh.faults.clear();
  });
});

describe('trees read together', () => {
  const cuts = [
    ['a list of entries that was cut', 'cut', ['repository', '*', 'tree', 'entries']],
    ['a folder below that was cut', 'cut', ['repository', '*', 'entries']],
    ['a tree that is not told', 'null', ['repository', '*']],
  ] as const;
  for (const [what, how, path] of cuts) {
    test(`${what} is not believed: the tree is read whole`, async () => {
      const { repo } = await longRange(room, { pulls: 4 });
      const run = await waiting(repo);
      const whole = await read(run, room.memory);
      gh.faults.fields.push({ match: 'query Folders(', path, how });
      const partly = await read(run, room.memory);
      gh.faults.clear();
      assert.deepEqual(told(partly.evidence), told(whole.evidence));
      const trees = (one: typeof whole): number => one.requests['git/get-tree'] ?? 0;
      assert.ok(trees(partly) > trees(whole));
    });
  }
});

describe('what was settled', () => {
  test('another head, another merge or a broken row is read anew', async () => {
    const { repo } = await longRange(room, { pulls: 2 });
    const run = await waiting(repo);
    const whole = await read(run, room.memory);
    const memory = new TestMemory();
    await read(run, memory);
    assert.equal(memory.facts.size, 2);
    for (const text of ['', '{', '{"v":2}', '[]']) {
      for (const key of memory.facts.keys()) memory.facts.set(key, text);
      const again = await read(run, memory);
      assert.deepEqual(told(again.evidence), told(whole.evidence));
    }
  });

  test('a late review and a dismissal after the merge are seen', async () => {
    const { repo, pulls } = await longRange(room, { pulls: 2 });
    const run = await waiting(repo);
    await read(run, room.memory);
    await pulls[0]?.review({ by: 'carol' });
    const { evidence } = await read(run, room.memory);
    const by = evidence.changes[0]?.reviews.map(({ author }) => author?.login);
    assert.deepEqual(by, ['alice', 'carol']);
  });
});
