/** Differences, commits and refs of real repositories, the odd ones above all. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { TagoutError } from '../../src/core/errors.ts';
import { parseCommit, readCommits } from '../../src/git/commits.ts';
import { laidOver, readDifference } from '../../src/git/diff.ts';
import { listTree, sourceTree } from '../../src/git/objects.ts';
import { explain, gitEnvironment, gitIn } from '../../src/git/program.ts';
import type { Git } from '../../src/git/program.ts';
import { mergeBase, repositoryFolder, resolveRef } from '../../src/git/refs.ts';
import { newRepository } from './repository.ts';
import type { Repository } from './repository.ts';

const open = (folder: string): Git => gitIn(folder, { ...process.env, HOME: folder });

async function messageOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    assert.ok(error instanceof TagoutError, String(error));
    assert.equal(error.code, 'git');
    return error.message;
  }
  return assert.fail('it did not fail');
}

describe('a difference', () => {
  let repo: Repository;
  let git: Git;
  before(() => {
    repo = newRepository();
    git = open(repo.folder);
  });
  after(() => repo.remove());

  test('holds every kind of change, with blobs, modes and patches', async () => {
    const long = Array.from({ length: 40 }, (_, i) => `line ${i}`).join('\n');
    const from = repo.commit('before', {
      'edited.txt': 'one\ntwo\nthree\n',
      'gone.txt': 'bye\n',
      'old name.txt': `${long}\n`,
      'binary.bin': Buffer.from([0, 1, 2]),
      'typed.txt': 'a file\n',
      'script.sh': 'echo\n',
    });
    rmSync(join(repo.folder, 'typed.txt'));
    symlinkSync('edited.txt', join(repo.folder, 'typed.txt'));
    chmodSync(join(repo.folder, 'script.sh'), 0o755);
    const to = repo.commit('after', {
      'edited.txt': 'one\nzwei\nthree\nfour',
      'gone.txt': null,
      'old name.txt': null,
      'new name.txt': `${long}\nmore\n`,
      'binary.bin': Buffer.from([0, 9, 9]),
      'new.txt': 'hello\n',
      'empty.txt': '',
    });
    const { files, gaps } = await readDifference(git, from, to);
    assert.deepEqual(gaps, []);
    const brief = files.map((file) => [
      file.path,
      file.status,
      file.mode,
      file.additions,
      file.deletions,
      file.previousPath,
    ]);
    assert.deepEqual(brief, [
      ['binary.bin', 'modified', '100644', 0, 0, null],
      ['edited.txt', 'modified', '100644', 2, 1, null],
      ['empty.txt', 'added', '100644', 0, 0, null],
      ['gone.txt', 'removed', '100644', 0, 1, null],
      ['new name.txt', 'renamed', '100644', 1, 0, 'old name.txt'],
      ['new.txt', 'added', '100644', 1, 0, null],
      ['script.sh', 'modified', '100755', 0, 0, null],
      ['typed.txt', 'changed', '120000', 1, 1, null],
    ]);
    const edited = files.find((file) => file.path === 'edited.txt');
    assert.equal(
      edited?.patch,
      '@@ -1,3 +1,4 @@\n one\n-two\n+zwei\n three\n+four\n\\ No newline at end of file',
    );
    assert.equal(files.find((file) => file.path === 'binary.bin')?.patch, null);
    const blob = repo.git('rev-parse', `${to}:edited.txt`);
    assert.equal(edited?.blob, blob);
    assert.equal(files.find((file) => file.path === 'gone.txt')?.blob, null);
  });

  test('cannot be hidden or forged by attributes, settings, replaced objects or odd names', async () => {
    const repo = newRepository();
    const git = open(repo.folder);
    const from = repo.commit('plain', { 'a.sql': 'SELECT 1;\n' });
    const odd = 'x\ndiff --git a/evil b/evil\n@@ -1 +1 @@\n+forged';
    const to = repo.commit('sly', {
      '.gitattributes': '*.sql -diff diff=evil filter=evil binary\n',
      'a.sql': 'DROP TABLE users;\n',
      [odd]: 'odd\n',
    });
    const mark = join(repo.folder, 'ran');
    for (const key of ['diff.evil.command', 'diff.evil.textconv', 'filter.evil.smudge']) {
      repo.git('config', key, `touch ${mark}`);
    }
    repo.git('config', 'diff.external', `touch ${mark}`);
    repo.git('config', 'core.fsmonitor', `touch ${mark}`);
    const harmless = repo.git('hash-object', '-w', '--stdin', '/dev/null');
    const sly = repo.git('rev-parse', `${to}:a.sql`);
    repo.git('replace', sly, harmless.split('\n').at(-1) ?? '');
    const { files } = await readDifference(git, from, to);
    const tree = sourceTree(git, await listTree(git, to));
    const content = (await tree.read(['a.sql'])).get('a.sql');
    repo.git('replace', '-d', sly);
    assert.equal(Buffer.from(content ?? []).toString(), 'DROP TABLE users;\n');
    const shown = files.find((file) => file.path === 'a.sql');
    assert.equal(shown?.patch, '@@ -1 +1 @@\n-SELECT 1;\n+DROP TABLE users;');
    assert.deepEqual(
      files.map((file) => file.path),
      ['.gitattributes', 'a.sql', odd],
    );
    assert.equal(files.at(-1)?.patch, '@@ -0,0 +1 @@\n+odd');
    assert.equal(existsSync(mark), false, 'nothing of the repository ran');
    repo.git('status');
    assert.equal(existsSync(mark), true, 'the trap itself works');
    repo.remove();
  });

  test('keeps a huge file out of memory but counts its lines', async () => {
    const from = repo.git('rev-parse', 'HEAD');
    const lines = 'INSERT INTO t VALUES (1);\n'.repeat(100_000);
    const to = repo.commit('huge', { 'huge.sql': lines, 'one-line.txt': 'x'.repeat(3_000_000) });
    const { files, gaps } = await readDifference(git, from, to);
    assert.deepEqual(gaps, []);
    assert.deepEqual(
      files.map((file) => [file.path, file.additions, file.patch]),
      [
        ['huge.sql', 100_000, null],
        ['one-line.txt', 1, null],
      ],
    );
  });

  test('names a path that is not UTF-8 as a gap', async () => {
    const from = repo.git('rev-parse', 'HEAD');
    writeFileSync(Buffer.concat([Buffer.from(`${repo.folder}/bad-`), Buffer.from([0xff])]), 'x');
    const to = repo.commit('bad name', {});
    const { gaps } = await readDifference(git, from, to);
    assert.equal(gaps.length, 1);
    assert.equal(gaps[0]?.why, 'unreadable');
  });

  test('laid over a base that went on keeps both', async () => {
    const start = repo.commit('start', { 'a.txt': 'a\n', 'b.txt': 'b\n', 'c.txt': 'c and more\n' });
    const head = repo.commit('change', { 'a.txt': null, 'c.txt': null, 'd.txt': 'c and more\n' });
    repo.git('checkout', '-q', start);
    const base = repo.commit('base goes on', { 'b.txt': 'B\n', 'e.txt': 'e\n' });
    const { files } = await readDifference(git, start, head);
    const merged = laidOver(await listTree(git, base), await listTree(git, head), files);
    const paths = merged.map((entry) => entry.path).filter((path) => /^[a-e]\.txt$/.test(path));
    assert.deepEqual(paths, ['b.txt', 'd.txt', 'e.txt']);
    const b = merged.find((entry) => entry.path === 'b.txt');
    assert.equal(b?.blob, repo.git('rev-parse', `${base}:b.txt`));
    repo.git('checkout', '-q', 'main');
  });
});

describe('commits', () => {
  test('name accounts only through no-reply addresses with an id', async () => {
    const repo = newRepository();
    const base = repo.commit('one', {});
    const agent = 'Copilot <198982749+Copilot@users.noreply.github.com>';
    const body = 'two\n\nCo-authored-by: Bob B <583231+octocat@users.noreply.github.com>';
    const head = repo.commit(body, {}, agent);
    repo.commit('three', {}, 'dependabot[bot] <49699333+dependabot[bot]@users.noreply.github.com>');
    const { commits, truncated } = await readCommits(open(repo.folder), base, 'main');
    repo.remove();
    assert.equal(truncated, false);
    assert.equal(commits[0]?.sha, head, 'the oldest first');
    assert.deepEqual(commits[0]?.parents, [base]);
    const accounts = commits.map((commit) => commit.authors.map((author) => author.account));
    assert.deepEqual(accounts, [
      [
        { id: 198982749, login: 'Copilot', type: 'Unknown' },
        { id: 583231, login: 'octocat', type: 'Unknown' },
      ],
      [{ id: 49699333, login: 'dependabot[bot]', type: 'Bot' }],
    ]);
    assert.equal(commits[0]?.committer.account, null);
    assert.equal(commits[0]?.message.split('\n')[0], 'two');
  });

  test('a signature or odd header cannot pose as the author', () => {
    const text =
      'tree aa\nauthor A <a@x> 1 +0000\ncommitter C <c@x> 1 +0000\n' +
      'gpgsig -----BEGIN\n author B <1+b@users.noreply.github.com> 1 +0000\n -----END\n\nauthor D <d@x>';
    const commit = parseCommit('f00', text);
    assert.deepEqual(
      commit.authors.map((author) => author.email),
      ['a@x'],
    );
    assert.equal(commit.committer.email, 'c@x');
  });
});

describe('refs and folders', () => {
  let repo: Repository;
  let git: Git;
  before(() => {
    repo = newRepository();
    git = open(repo.folder);
    repo.commit('one', { 'a.txt': 'a\n' });
    repo.git('branch', 'copilot/fix-1');
  });
  after(() => repo.remove());

  test('resolve by branch, SHA and HEAD', async () => {
    const sha = repo.git('rev-parse', 'HEAD');
    assert.deepEqual(await resolveRef(git, 'copilot/fix-1', 'head'), {
      given: 'copilot/fix-1',
      sha,
      name: 'copilot/fix-1',
    });
    assert.equal((await resolveRef(git, 'HEAD', 'head')).name, 'main');
    assert.equal((await resolveRef(git, sha, 'head')).name, sha);
  });

  test('an unknown ref, a range and an option in its place are refused by name', async () => {
    for (const given of ['nowhere', 'main..copilot/fix-1', '--all', '-h', '', 'main\n', '@{u}']) {
      const message = await messageOf(resolveRef(git, given, 'base'));
      assert.ok(message.includes('base') && message.includes(JSON.stringify(given)), message);
    }
  });

  test('the folder is found from below and from a bare repository', async () => {
    assert.equal(await repositoryFolder(git), repo.folder);
    const bare = mkdtempSync(join(tmpdir(), 'tagout-bare-'));
    repo.git('clone', '-q', '--bare', repo.folder, bare);
    assert.equal(await repositoryFolder(open(bare)), bare);
    rmSync(bare, { recursive: true });
  });

  test('no repository, no folder: named with the remedy', async () => {
    const empty = mkdtempSync(join(tmpdir(), 'tagout-empty-'));
    assert.match(await messageOf(repositoryFolder(open(empty))), /is not a git repository/);
    rmSync(empty, { recursive: true });
    assert.match(await messageOf(repositoryFolder(open(empty))), /is not a folder/);
  });

  test('a shallow clone says how to get the rest', async () => {
    for (let i = 0; i < 3; i += 1) repo.commit(`more ${i}`, { 'a.txt': `${i}\n` });
    repo.git('checkout', '-q', 'copilot/fix-1');
    repo.commit('change', { 'b.txt': 'b\n' });
    repo.git('checkout', '-q', 'main');
    const shallow = mkdtempSync(join(tmpdir(), 'tagout-shallow-'));
    const url = `file://${repo.folder}`;
    repo.git('clone', '-q', '--depth=1', '--no-single-branch', url, shallow);
    const cut = open(shallow);
    const base = await resolveRef(cut, 'origin/main', 'base');
    const head = await resolveRef(cut, 'origin/copilot/fix-1', 'head');
    assert.equal(head.name, 'copilot/fix-1');
    assert.match(await messageOf(mergeBase(cut, base, head)), /--unshallow/);
    assert.match(await messageOf(resolveRef(cut, 'nowhere', 'base')), /--unshallow/);
    rmSync(shallow, { recursive: true });
  });

  test('histories that have nothing in common are refused', async () => {
    repo.git('checkout', '-q', '--orphan', 'other');
    repo.commit('alone', {});
    const base = await resolveRef(git, 'main', 'base');
    const head = await resolveRef(git, 'other', 'head');
    assert.match(await messageOf(mergeBase(git, base, head)), /no commit in common/);
    repo.git('checkout', '-q', 'main');
  });

  test("another user's repository: the sentence that git itself gives becomes a remedy", () => {
    // Git's own switch for its tests; the message is the real one of the installed version.
    const env = { PATH: process.env['PATH'] ?? '', GIT_TEST_ASSUME_DIFFERENT_OWNER: '1' };
    const args = ['-C', repo.folder, 'rev-parse', 'HEAD'];
    const { stderr } = spawnSync('git', args, { env, encoding: 'utf8' });
    assert.equal(
      explain(repo.folder, 'rev-parse', stderr),
      `Git does not trust ${repo.folder}, because it belongs to another user. If you do, run: ` +
        `git config --global --add safe.directory '${repo.folder}'`,
    );
  });

  test('a missing git program is named', async () => {
    const nowhere = gitIn(repo.folder, { PATH: '/nowhere' });
    assert.match(await messageOf(repositoryFolder(nowhere)), /install git/);
  });

  test('no GIT_ variable of the caller reaches git', () => {
    const env = gitEnvironment({ GIT_DIR: '/x', GIT_CONFIG_COUNT: '1', PATH: '/bin', SECRET: 's' });
    assert.equal(env['GIT_DIR'], undefined);
    assert.equal(env['GIT_CONFIG_COUNT'], undefined);
    assert.equal(env['SECRET'], undefined);
    assert.equal(env['PATH'], '/bin');
  });

  test('an object that is missing is an error and not an absent file', async () => {
    const id = 'a'.repeat(40);
    const tree = sourceTree(git, [{ path: 'a', blob: id, mode: '100644', sizeBytes: 1 }]);
    assert.match(await messageOf(tree.read(['a'])), /partial or damaged/);
    assert.equal((await tree.read(['b'])).size, 0);
  });
});
