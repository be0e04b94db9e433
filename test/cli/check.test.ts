/** `tagout check` as a whole: real git, real PostgreSQL, exit codes and what is printed. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { run } from '../../src/cli.ts';
import { newRepository } from '../git/repository.ts';
import type { Repository } from '../git/repository.ts';
import { drizzleFiles } from './drizzle.ts';
import { keptIo } from './io.ts';

let cache: string;
let repo: Repository;

before(() => {
  cache = mkdtempSync(join(tmpdir(), 'tagout-check-'));
  repo = newRepository();
  repo.commit('history', {
    ...drizzleFiles(['CREATE TABLE "users" ("id" serial PRIMARY KEY, "email" text);']),
    'README.md': 'hello\n',
    'seed.sql': "INSERT INTO users (email) SELECT 'u' || g FROM generate_series(1, 1000) g;\n",
    '.github/tagout.yml': 'version: 1\nmigrations:\n  seed: [seed.sql]\n',
  });
  const history = 'CREATE TABLE "users" ("id" serial PRIMARY KEY, "email" text);';
  branch('docs', { 'README.md': 'hello world\n' });
  branch('drop', drizzleFiles([history, 'ALTER TABLE "users" DROP COLUMN "email";']));
  branch('add', drizzleFiles([history, 'ALTER TABLE "users" ADD COLUMN "name" text;']));
  branch('broken', drizzleFiles([history, 'ALTER TABEL "users" ADD "name" text;']));
});
after(() => {
  repo.remove();
  rmSync(cache, { recursive: true, force: true });
});

function branch(name: string, files: Record<string, string>): void {
  repo.git('checkout', '-q', '-b', name, 'main');
  repo.commit(name, files);
  repo.git('checkout', '-q', 'main');
}

const environment = (): Record<string, string> => ({
  PATH: process.env['PATH'] ?? '',
  HOME: repo.folder,
  TAGOUT_DATA: cache,
});

async function check(
  ...args: readonly string[]
): Promise<{ code: number; out: string; err: string }> {
  const io = keptIo(environment(), repo.folder);
  const code = await run(['check', '--base', 'main', ...args], io);
  return { code, ...io.printed };
}

describe('tagout check', () => {
  test('a documentation change: 0, no dry run', async () => {
    const { code, out, err } = await check('--head', 'docs', '--json');
    assert.equal(err, '');
    const report = JSON.parse(out);
    assert.equal(report.decision, 'allow');
    assert.equal(report.blastRadius, 'low');
    assert.equal(report.dryRun.status, 'none');
    assert.deepEqual(report.migrations, []);
    assert.equal(code, 0);
  });

  test('a dropped column with 1,000 values: 10, and the proof', async () => {
    const { code, out } = await check('--head', 'drop', '--json');
    const report = JSON.parse(out);
    assert.equal(report.decision, 'hold');
    assert.equal(report.blastRadius, 'high');
    assert.equal(report.dryRun.status, 'ok');
    const lost = report.findings.find(
      (finding: { object: string }) => finding.object === 'users.email',
    );
    assert.match(lost.message, /1,000 values lost in users\.email/);
    assert.equal(lost.level, 'danger');
    assert.deepEqual(report.migrations, [{ path: 'drizzle/0001_step.sql', framework: 'drizzle' }]);
    assert.equal(code, 10);
  });

  test('the same for people', async () => {
    const { code, out } = await check('--head', 'drop');
    assert.equal(code, 10);
    assert.match(out, /1,000 values lost in users\.email/);
    assert.match(out, /blast radius\s+high/);
  });

  test('an added column: 0', async () => {
    const { code, out } = await check('--head', 'add', '--json');
    const report = JSON.parse(out);
    assert.equal(report.decision, 'allow', out);
    assert.equal(report.dryRun.status, 'ok');
    assert.equal(report.dryRun.baselineCached, true);
    assert.equal(code, 0);
  });

  test('a syntax error: 10, with the place', async () => {
    const { code, out } = await check('--head', 'broken', '--json');
    const report = JSON.parse(out);
    assert.equal(report.dryRun.status, 'failed');
    assert.match(report.dryRun.reason, /TABEL/);
    assert.equal(code, 10);
  });

  test('migrations in code: not comparable alone, run and never low with --plan', async () => {
    branch('code', { 'db/migrate/20260101000000_add.rb': 'class Add; end\n' });
    const alone = JSON.parse((await check('--head', 'code', '--json')).out);
    assert.equal(alone.dryRun.status, 'not-comparable');
    const folder = mkdtempSync(join(tmpdir(), 'printed-'));
    try {
      writeFileSync(
        join(folder, 'base.sql'),
        'create table users (id serial primary key, email text);\n',
      );
      mkdirSync(join(folder, 'sql'));
      writeFileSync(join(folder, 'sql', '1.sql'), 'alter table users add age int;\n');
      const { code, out } = await check('--head', 'code', '--plan', folder, '--json');
      const report = JSON.parse(out);
      assert.deepEqual([code, report.dryRun.status, report.blastRadius], [10, 'ok', 'high']);
      const text = await check('--head', 'code', '--plan', folder);
      assert.match(text.out, /as stated by the change's own CI/);
      const only = join(folder, 'sql', '1.sql');
      const noBase = JSON.parse((await check('--head', 'code', '--plan', only, '--json')).out);
      assert.match(noBase.dryRun.reason, /has no base.sql/);
    } finally {
      rmSync(folder, { recursive: true });
    }
    const gone = await check('--head', 'code', '--plan', '/nowhere');
    assert.deepEqual([gone.code, gone.out], [1, '']);
    assert.match(gone.err, /the plan \/nowhere cannot be read/);
  });

  test('what cannot be judged: 1, with the remedy, and nothing on the output', async () => {
    const { code, out, err } = await check('--head', 'nowhere');
    assert.equal(code, 1);
    assert.equal(out, '');
    assert.match(err, /has no commit "nowhere" for the head/);
    const elsewhere = await check('--repo', '/', '--head', 'docs');
    assert.equal(elsewhere.code, 1);
    assert.match(elsewhere.err, /\/ is not a git repository/);
  });

  test('the program itself answers with the same exit code, on a cold and a warm baseline', async () => {
    const launcher = join(import.meta.dirname, '..', '..', 'src', 'tagout.js');
    const args = [launcher, 'check', '--base', 'main', '--head', 'drop', '--json'];
    const options = { cwd: repo.folder, env: environment() };
    const ended = await promisify(execFile)(process.execPath, args, options).catch(
      (error: { code: number; stdout: string }) => error,
    );
    assert.equal('code' in ended ? ended.code : 0, 10);
    assert.equal(JSON.parse(ended.stdout).blastRadius, 'high');
  });

  test('a home in which nothing can be made ends with the remedy, and does not hang', async () => {
    const launcher = join(import.meta.dirname, '..', '..', 'src', 'tagout.js');
    const args = [launcher, 'check', '--base', 'main', '--head', 'drop'];
    for (const home of ['/proc', '/proc/self/fd', '/dev/null']) {
      const env = { PATH: process.env['PATH'] ?? '', HOME: home };
      // The limit only ends a process that would never end by itself.
      const options = { cwd: repo.folder, env, timeout: 60_000 };
      const ended = await promisify(execFile)(process.execPath, args, options).catch(
        (error: { code: number; stderr: string }) => error,
      );
      assert.equal('code' in ended ? ended.code : 0, 1, `${home}: ${ended.stderr}`);
      assert.match(ended.stderr, /cannot be written\. Correct its permissions/);
    }
  });
});
