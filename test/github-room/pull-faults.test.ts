/** Faults of GitHub while reading, and what a commit or a repository stands for. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { GitHubFault } from '../../src/github/faults.ts';
import type { FileContent } from '../github/git.ts';
import type { Repo } from '../github/index.ts';
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

describe('faults', () => {
  const codes = [
    ['502', { status: 502 }, 'github-unavailable'],
    ['500', { status: 500 }, 'github-unavailable'],
    ['403', { status: 403 }, 'github-refused'],
    ['an unanswered request', { drop: true }, 'github-unavailable'],
    ['the primary limit', { rateLimit: 'primary' }, 'github-limited'],
    ['the secondary limit', { rateLimit: 'secondary' }, 'github-limited'],
  ] as const;
  for (const [name, fault, code] of codes) {
    test(`${name} at any request is thrown, and never half an answer`, async () => {
      const { gh } = room;
      const repo = await shop();
      const pull = await feature(repo, { 'migrations/0001_a.sql': 'select 1;\n' });
      await pull.review({ by: 'alice' });
      const start = gh.requests.length;
      await (await openRoom(gh)).pull(repo, pull.number);
      const asked = gh.requests.slice(start).map(({ method, path }) => `${method} ${path}`);
      for (const nth of asked.keys()) {
        const cold = await openRoom(gh);
        gh.faults.request({ match: '', nth: nth + 1, ...fault });
        await assert.rejects(
          cold.pull(repo, pull.number),
          (error) => error instanceof GitHubFault && error.code === code,
          `request ${nth + 1}`,
        );
        gh.faults.clear();
      }
    });
  }

  test('a limit says how long to wait', async () => {
    const { gh } = room;
    const repo = await shop();
    const pull = await feature(repo, { 'a.md': 'a\n' });
    gh.faults.request({ match: '/graphql', rateLimit: 'secondary', retryAfter: 17 });
    const look = room.pull(repo, pull.number);
    await assert.rejects(
      look,
      (error) => error instanceof GitHubFault && error.retryAfterMs === 17_000,
    );
    gh.faults.clear();
  });

  test('a closed or unknown pull request is gone, not a fault', async () => {
    const repo = await shop();
    const pull = await feature(repo, { 'a.md': 'a\n' });
    await pull.close('bob');
    for (const number of [pull.number, 999]) {
      const locator = { kind: 'pull-request', repo: room.ref(repo), number } as const;
      assert.equal(await room.gather.read(locator), null);
    }
  });
});

describe('expand', () => {
  test('a commit is every open pull request with this head; a repository is all of them', async () => {
    const repo = await shop();
    const one = await feature(repo, { 'a.md': 'a\n' });
    await repo.push('other', one.headSha, 'carol');
    const two = await repo.openPull({ author: 'carol', head: 'other' });
    await repo.commit({ branch: 'third', files: { 'b.md': 'b\n' }, author: 'bob' });
    const three = await repo.openPull({ author: 'bob', head: 'third' });
    const ref = room.ref(repo);
    const numbers = async (locator: Parameters<Room['gather']['expand']>[0]) =>
      (await room.gather.expand(locator)).map((found) =>
        found.kind === 'pull-request' ? found.number : found.kind,
      );
    const sha = one.headSha;
    assert.deepEqual(await numbers({ kind: 'commit', repo: ref, sha }), [one.number, two.number]);
    const all = [one.number, two.number, three.number];
    assert.deepEqual(await numbers({ kind: 'repository', repo: ref }), all);
    await three.close('bob');
    assert.deepEqual(await numbers({ kind: 'repository', repo: ref }), [one.number, two.number]);
  });
});
