/** Lists are read to their end, and what that costs in requests. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Evidence } from '../../src/core/evidence.ts';
import type { FileContent } from '../github/git.ts';
import type { Repo } from '../github/index.ts';
import type { Pull } from '../github/pull.ts';
import { openRoom, type Room } from './room.ts';

let room: Room;
let count = 0;

before(async () => {
  room = await openRoom();
  room.gh.org('acme', { teams: { platform: ['alice'], dba: ['carol'] }, admins: ['boss'] });
  for (const login of ['alice', 'bob', 'carol', 'eve']) room.gh.user(login);
});
after(() => room.gh.close());

type Files = Record<string, FileContent>;

async function shop(files: Files = {}): Promise<Repo> {
  count += 1;
  return room.gh.repo(`acme/shop-${count}`, {
    files: { 'README.md': 'shop\n', ...files },
    collaborators: { alice: 'write', bob: 'write', carol: 'maintain', eve: 'read' },
  });
}

async function feature(repo: Repo, files: Files, author = 'bob') {
  await repo.commit({ branch: 'feature', files, author, message: 'feature' });
  return repo.openPull({ author, head: 'feature' });
}

/** Makes empty commits on the branch `feature`, with one push; answers all of them. */
async function commits(repo: Repo, row: { count: number; by: string }): Promise<readonly string[]> {
  const { git } = repo.record;
  const base = repo.sha();
  const person = room.gh.world.person(room.gh.user(row.by));
  const lines = Array.from({ length: row.count }, (_, at) =>
    [
      'commit refs/made',
      `committer ${person.name} <${person.email}> 1700000000 +0000`,
      `data ${String(at).length}`,
      String(at),
      ...(at === 0 ? [`from ${base}`] : []),
      '',
    ].join('\n'),
  );
  await git.git(['fast-import', '--quiet', '--force'], { input: lines.join('\n') });
  const made = await git.git(['rev-list', '--reverse', `${base}..refs/made`]);
  const shas = made.trim().split('\n');
  await repo.push('feature', shas.at(-1) ?? '', row.by);
  return shas;
}

/** The same review many times over, by ids of their own. */
async function reviews(
  pull: Pull,
  row: { count: number; by: string; state?: 'APPROVED' | 'COMMENTED' },
): Promise<void> {
  const first = await pull.review({ by: row.by, state: row.state ?? 'APPROVED' });
  const { world, record } = pull;
  for (let at = 1; at < row.count; at += 1) {
    record.reviews.push({ ...first, id: world.nextId('review') });
  }
}

function gapsOf(evidence: Evidence): readonly string[] {
  return evidence.gaps.map(({ what, why }) => `${what}: ${why}`);
}

describe('requests', () => {
  test('100 files, commits and reviews cost 12 requests at most, the writes included', async () => {
    const { gh } = room;
    const repo = await shop({ 'migrations/0001_a.sql': 'create table a (id int);\n' });
    const names = Array.from({ length: 99 }, (_, at) => `src/f${at}.ts`);
    const files = Object.fromEntries(names.map((name) => [name, `// ${name}\n`]));
    files['migrations/0002_b.sql'] = 'create table b (id int);\n';
    await commits(repo, { count: 99, by: 'Copilot' });
    await repo.commit({ branch: 'feature', files, author: 'Copilot' });
    await repo.commit({ files: { 'moved.md': 'the base moves on\n' }, author: 'boss' });
    const pull = await repo.openPull({ author: 'Copilot', head: 'feature' });
    await reviews(pull, { count: 100, by: 'alice' });

    const cold = await openRoom(gh);
    const mark = gh.requests.length;
    const { change } = await cold.pull(repo, pull.number);
    const lists = [change.files, change.commits, change.reviews].map((list) => list.length);
    assert.deepEqual(lists, [100, 100, 100]);
    assert.equal(cold.runs.length, 1);
    const known = { checkRunId: null, uncertain: false };
    const at = { key: 'k', repo: cold.ref(repo) };
    const check = { kind: 'check-run', ...at, name: 'tagout', headSha: change.headSha } as const;
    const said = {
      conclusion: 'success',
      title: 't',
      summary: 's',
      text: 'x',
      shown: null,
    } as const;
    await cold.enact.enact({ ...check, ...said, externalId: 'e', annotations: [] }, known);
    const add = [{ name: 'blast-radius: high', color: 'd93f0b', description: 'high' }];
    const labels = { kind: 'labels', ...at, pull: pull.number, add, remove: ['old'] } as const;
    await cold.enact.enact(labels, known);

    const requests = gh.requestsSince(mark);
    assert.deepEqual(requests, {
      // To read, and one for each kind of write with its rights alone: once an hour.
      'apps/create-installation-access-token': 3,
      graphql: 2, // the pull request with its lists; the reviewers with the files
      'repos/compare-commits-with-basehead': 1,
      'repos/list-activities': 1,
      'issues/get': 1,
      'git/get-tree': 3, // merge base, base and head; each is read once for ever
      'checks/create': 1,
      'issues/add-labels': 1,
      'issues/remove-label': 1,
      'issues/update-label': 1, // only when the repository has not the label yet
    });
    const {
      'issues/update-label': _first,
      'apps/create-installation-access-token': _hourly,
      ...always
    } = requests;
    assert.ok(Object.values(always).reduce((one, two) => one + two, 0) <= 12);
  });

  test('a second look reads no tree and no file again', async () => {
    const { gh } = room;
    const repo = await shop();
    const pull = await feature(repo, { 'migrations/0001_a.sql': 'select 1;\n' });
    await room.pull(repo, pull.number);
    const mark = gh.requests.length;
    await room.pull(repo, pull.number);
    assert.deepEqual(gh.requestsSince(mark), {
      graphql: 1,
      'repos/compare-commits-with-basehead': 1,
      'repos/list-activities': 1,
      'issues/get': 1,
    });
  });

  test('gathering sends nothing but GET and GraphQL queries', async () => {
    const { gh } = room;
    const repo = await shop();
    const pull = await feature(repo, { 'a.md': 'a\n' });
    const mark = gh.requests.length;
    await room.pull(repo, pull.number);
    const writes = gh.requests
      .slice(mark)
      .filter(({ method, operationId }) => method !== 'GET' && operationId !== 'graphql');
    assert.deepEqual(writes, []);
  });
});

describe('lists to their end', () => {
  test('more than 100 commits and reviews', async () => {
    const repo = await shop();
    await repo.commit({ branch: 'feature', author: 'carol', message: 'pushed by somebody else' });
    await commits(repo, { count: 101, by: 'bob' });
    const [push] = repo.record.activity;
    for (let at = 0; at < 100; at += 1) repo.record.activity.unshift({ ...push!, id: 9_000 + at });
    const pull = await repo.openPull({ author: 'bob', head: 'feature' });
    await reviews(pull, { count: 101, by: 'alice', state: 'COMMENTED' });
    await pull.review({ by: 'carol' });
    const { change, evidence } = await room.pull(repo, pull.number);
    assert.equal(change.commits.length, 101);
    assert.equal(change.reviews.length, 102);
    assert.equal(change.pushes.length, 102);
    assert.equal(change.pushes.at(-1)?.actor?.login, 'carol');
    assert.deepEqual(
      evidence.people.map(({ login }) => login),
      ['carol'],
    );
    assert.deepEqual(gapsOf(evidence), []);
  });

  test('more than 250 commits: GitHub ends its list there, so that it is a gap', async () => {
    const repo = await shop();
    await commits(repo, { count: 252, by: 'bob' });
    const pull = await repo.openPull({ author: 'bob', head: 'feature' });
    const { change, evidence } = await room.pull(repo, pull.number);
    assert.equal(change.commits.length, 250);
    assert.deepEqual(gapsOf(evidence), ['commits: truncated']);
  });

  test('more than 300 files: the list of the comparison ends, the pages go on', async () => {
    const repo = await shop();
    const names = Array.from({ length: 305 }, (_, at) => `src/f${at}.ts`);
    const pull = await feature(repo, Object.fromEntries(names.map((name) => [name, 'x\n'])));
    const { change, evidence } = await room.pull(repo, pull.number);
    assert.equal(change.files.length, 305);
    assert.ok(change.files.every((file) => file.patch !== null && file.blob !== null));
    assert.deepEqual(gapsOf(evidence), []);
  });

  test('more than 3,000 files: all are known by their content, and it is a gap', async () => {
    const repo = await shop();
    const names = Array.from({ length: 3001 }, (_, at) => `src/f${at}.ts`);
    const pull = await feature(repo, Object.fromEntries(names.map((name) => [name, 'x\n'])));
    const { change, evidence } = await room.pull(repo, pull.number);
    assert.equal(change.files.length, 3001);
    assert.deepEqual(gapsOf(evidence), ['files: truncated']);
    assert.match(evidence.gaps[0]?.detail ?? '', /split it/);
  });
});
