/** Evidence of a pull request, read from the local GitHub. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Evidence } from '../../src/core/evidence.ts';
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

function gapsOf(evidence: Evidence): readonly string[] {
  return evidence.gaps.map(({ what, why }) => `${what}: ${why}`);
}

describe('people and pushes', () => {
  test('bots keep their account as authors, a foreign address has none', async () => {
    const repo = await shop();
    await repo.commit({ branch: 'feature', author: 'Copilot', message: 'by the agent' });
    const nobody = { name: 'No Body', email: 'no@where.example', atMs: 1_700_000_000_000 };
    const message = 'by nobody\n\nCo-authored-by: alice <alice@example.com>';
    await repo.commit({ branch: 'feature', author: nobody, message, pusher: 'bob' });
    const pull = await repo.openPull({ author: 'Copilot', head: 'feature' });
    const { change } = await room.pull(repo, pull.number);
    const [one, two] = change.commits;
    assert.equal(one?.authors[0]?.account?.type, 'Bot');
    assert.equal(two?.authors[0]?.account, null);
    assert.equal(two?.authors[1]?.account?.login, 'alice');
    assert.deepEqual(
      new Set(change.pushes.map(({ actor }) => actor?.login)),
      new Set(['Copilot', 'bob']),
    );
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
    const restarted = await openRoom(gh, room.memory);
    assert.deepEqual(gapsOf((await restarted.pull(repo, pull.number)).evidence), [
      'policy: unreadable',
    ]);
    gh.installation('floored').selected = new Set([repo.id, floor.id]);
    await floor.commit({ files: { '.github/tagout.yml': null }, author: 'boss' });
    const removed = await room.pull(repo, pull.number);
    assert.equal(removed.evidence.policy.floor?.text, null);
    assert.deepEqual(gapsOf(removed.evidence), []);
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
