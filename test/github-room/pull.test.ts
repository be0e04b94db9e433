/** Evidence of a pull request, read from the local GitHub. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Evidence } from '../../src/core/evidence.ts';
import { GitHubFault } from '../../src/github/faults.ts';
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
      'apps/create-installation-access-token': 1,
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
    const { 'issues/update-label': _first, ...always } = requests;
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

describe('people and pushes', () => {
  test('bots keep their account as authors, a foreign address has none', async () => {
    const repo = await shop();
    await repo.commit({ branch: 'feature', author: 'Copilot', message: 'by the agent' });
    const nobody = { name: 'No Body', email: 'no@where.example', atMs: 0 };
    const message = 'by nobody\n\nCo-authored-by: alice <alice@example.com>';
    await repo.commit({ branch: 'feature', author: nobody, message, pusher: 'bob' });
    const pull = await repo.openPull({ author: 'Copilot', head: 'feature' });
    const { change } = await room.pull(repo, pull.number);
    const [one, two] = change.commits;
    assert.equal(one?.authors[0]?.account?.type, 'Bot');
    assert.equal(two?.authors[0]?.account, null);
    assert.equal(two?.authors[1]?.account?.login, 'alice');
    assert.deepEqual(change.pushes.map(({ actor }) => actor?.login).sort(), ['Copilot', 'bob']);
  });

  test('permission and teams of those whose review decides are read now', async () => {
    const policy =
      'environments:\n  production:\n    reviews:\n      high: { count: 1, teams: [platform] }\n';
    const repo = await shop({ '.github/tagout.yml': `version: 1\n${policy}` });
    const pull = await feature(repo, { 'a.ts': 'a\n' });
    for (const by of ['alice', 'carol', 'eve']) await pull.review({ by });
    const { evidence } = await room.pull(repo, pull.number);
    assert.deepEqual(
      evidence.people.map(({ login, permission, teams }) => [login, permission, ...teams]),
      [
        ['alice', 'write', 'platform'],
        ['carol', 'maintain'],
        ['eve', 'read'],
      ],
    );
    repo.collaborator('alice', 'read');
    const again = await room.pull(repo, pull.number);
    assert.equal(again.evidence.people[0]?.permission, 'read');
  });

  test('whoever set the agent to work is involved', async () => {
    const repo = await shop();
    await repo.commit({ branch: 'feature', author: 'Copilot' });
    const body = 'Done.\n\nRequested by: @carol';
    const pull = await repo.openPull({ author: 'Copilot', head: 'feature', body });
    await pull.assign('Copilot', 'alice');
    pull.comment('bob', 'hey @Cop\u200bilot, once more');
    pull.comment('eve', 'mail me at eve@copilot.example, @alice');
    const { change } = await room.pull(repo, pull.number);
    const found = change.involved.map(({ signal, login, forgeable }) => [signal, login, forgeable]);
    assert.deepEqual(found, [
      ['assigned-agent', 'alice', false],
      ['agent-comment', 'bob', false],
      ['requested-by', 'carol', true],
    ]);
  });

  test('a pull request opened through an app names the app and its user', async () => {
    const repo = await shop();
    await repo.commit({ branch: 'feature', author: 'bob' });
    const viaApp = 'chatgpt-codex-connector';
    const pull = await repo.openPull({ author: 'bob', head: 'feature', viaApp });
    const { change } = await room.pull(repo, pull.number);
    assert.equal(change.viaApp, viaApp);
    assert.deepEqual(
      change.involved.map(({ signal, login }) => [signal, login]),
      [['opened-through-app', 'bob']],
    );
  });

  test('a deleted fork leaves a head without a repository and a push by nobody known', async () => {
    const repo = await shop();
    const fork = await room.gh.fork(repo, `forker-${count}`);
    await fork.commit({ branch: 'feature', author: `forker-${count}`, files: { 'a.md': 'a\n' } });
    const pull = await repo.openPull({
      author: `forker-${count}`,
      head: 'feature',
      headRepo: fork,
    });
    const before = await room.pull(repo, pull.number);
    assert.equal(before.change.headRepoId, fork.id);
    fork.delete();
    const { change } = await room.pull(repo, pull.number);
    assert.equal(change.headRepoId, null);
    assert.deepEqual(
      change.pushes.map(({ actor, kind }) => [actor, kind]),
      [[null, 'unknown']],
    );
  });
});

describe('files', () => {
  test('renames, removals, modes and binaries are told by the trees', async () => {
    const long = Array.from({ length: 30 }, (_, at) => `line ${at}\n`).join('');
    const repo = await shop({
      'old.txt': long,
      'gone.txt': 'gone\n',
      'run.sh': 'exit 0\n',
      'logo.png': Buffer.from([0, 1]),
    });
    const pull = await feature(repo, {
      'old.txt': null,
      'new.txt': `${long}one more\n`,
      'gone.txt': null,
      'run.sh': { mode: '100755', content: 'exit 0\n' },
      link: { mode: '120000', content: 'run.sh' },
      'logo.png': Buffer.from([0, 2]),
    });
    const { change } = await room.pull(repo, pull.number);
    const told = change.files.map((file) => [
      file.path,
      file.previousPath,
      file.status,
      file.mode,
      file.patch !== null,
    ]);
    assert.deepEqual(told, [
      ['gone.txt', null, 'removed', '100644', true],
      ['link', null, 'added', '120000', true],
      ['logo.png', null, 'modified', '100644', false],
      ['new.txt', 'old.txt', 'renamed', '100644', true],
      ['run.sh', null, 'changed', '100755', false],
    ]);
    const renamed = change.files.find(({ path }) => path === 'new.txt');
    assert.notEqual(renamed?.previousBlob, null);
    assert.notEqual(renamed?.previousBlob, renamed?.blob);
    assert.equal(change.files[0]?.blob, null);
  });

  test('the migrations run on the tip of the base with the change merged onto it, line by line', async () => {
    const journal = (...tags: string[]) => `[\n${tags.map((tag) => `  "${tag}",\n`).join('')}]\n`;
    const lines = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
    const repo = await shop({
      'migrations/0001_a.sql': 'select 1;\n',
      'list.json': journal(...lines),
    });
    const pull = await feature(repo, {
      'migrations/0002_b.sql': 'select 2;\n',
      'list.json': journal(...lines, 'theirs'),
    });
    await repo.commit({
      files: { 'list.json': journal('ours', ...lines), 'migrations/0000_c.sql': 'select 3;\n' },
      author: 'boss',
    });
    await room.pull(repo, pull.number);
    const plan = room.runs.at(-1)?.plans[0];
    assert.deepEqual(
      plan?.applied.map(({ path }) => path),
      ['migrations/0000_c.sql', 'migrations/0001_a.sql'],
    );
    const merged = [...room.memory.kept.values()].map((blob) => Buffer.from(blob).toString('utf8'));
    assert.ok(merged.includes(journal('ours', ...lines, 'theirs')));
  });

  test('a file that is not UTF-8 comes byte for byte', async () => {
    const repo = await shop({ 'migrations/0001_a.sql': 'select 1;\n' });
    const odd = Buffer.concat([Buffer.from('select 2; -- '), Buffer.from([0xff, 0xfe, 0x0a])]);
    const pull = await feature(repo, { 'migrations/0002_b.sql': odd });
    await room.pull(repo, pull.number);
    assert.ok([...room.memory.kept.values()].some((blob) => odd.equals(blob)));
    assert.ok(room.runs.at(-1)?.plans[0]?.problems.some(({ code }) => code === 'unreadable'));
  });
});

describe('policy', () => {
  test('comes from the default branch, whatever the pull request says', async () => {
    const repo = await shop({ '.github/tagout.yml': 'version: 1\n' });
    const pull = await feature(repo, { '.github/tagout.yml': 'version: 1\nsolo: true\n' });
    const { evidence } = await room.pull(repo, pull.number);
    assert.equal(evidence.policy.repository.text, 'version: 1\n');
    assert.equal(evidence.policy.repository.commitSha, repo.sha());
    assert.equal(evidence.policy.base, null);
  });

  test('the file of another base branch is read beside it', async () => {
    const repo = await shop({ '.github/tagout.yml': 'version: 1\n' });
    const strict = 'version: 1\nsuspended: [copilot]\n';
    await repo.commit({
      branch: 'release',
      files: { '.github/tagout.yml': strict },
      author: 'boss',
    });
    await repo.commit({
      branch: 'feature',
      from: 'release',
      files: { 'a.md': 'a\n' },
      author: 'bob',
    });
    const pull = await repo.openPull({ author: 'bob', head: 'feature', base: 'release' });
    const { evidence } = await room.pull(repo, pull.number);
    assert.equal(evidence.policy.base?.text, strict);
    assert.equal(evidence.policy.base?.commitSha, repo.sha('release'));
  });

  test("an organisation's floor is read; once seen and then hidden it is a gap", async () => {
    const { gh } = room;
    gh.org('floored', { admins: ['boss'] });
    const repo = await gh.repo('floored/shop', { collaborators: { bob: 'write' } });
    const pull = await feature(repo, { 'a.md': 'a\n' });
    const none = await room.pull(repo, pull.number);
    assert.equal(none.evidence.policy.floor?.text, null);
    assert.deepEqual(gapsOf(none.evidence), []);
    const floor = await gh.repo('floored/.github', {
      files: { '.github/tagout.yml': 'version: 1\n' },
    });
    const seen = await room.pull(repo, pull.number);
    assert.equal(seen.evidence.policy.floor?.text, 'version: 1\n');
    gh.installation('floored').selected = new Set([repo.id]);
    const hidden = await room.pull(repo, pull.number);
    assert.deepEqual(gapsOf(hidden.evidence), ['policy: unreadable']);
    gh.installation('floored').selected = new Set([repo.id, floor.id]);
  });

  test('a binary policy file cannot pass for an absent one', async () => {
    const repo = await shop({ '.github/tagout.yml': Buffer.from([0, 1, 2, 3]) });
    const pull = await feature(repo, { 'a.md': 'a\n' });
    const { evidence } = await room.pull(repo, pull.number);
    assert.equal(typeof evidence.policy.repository.text, 'string');
    assert.deepEqual(gapsOf(evidence), ['policy: unreadable']);
  });

  test('a seed file that is not on the base branch makes the dry run not comparable', async () => {
    const policy = 'version: 1\nmigrations:\n  seed: [db/seed.sql]\n';
    const repo = await shop({
      '.github/tagout.yml': policy,
      'migrations/0001_a.sql': 'select 1;\n',
    });
    const pull = await feature(repo, {
      'migrations/0002_b.sql': 'select 2;\n',
      'db/seed.sql': 'select 9;\n',
    });
    const { change, evidence } = await room.pull(repo, pull.number);
    assert.equal(change.dryRun.status, 'not-comparable');
    assert.match(change.dryRun.reason ?? '', /db\/seed\.sql/);
    assert.deepEqual(gapsOf(evidence), ['dry-run: unreadable']);
  });
});

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
