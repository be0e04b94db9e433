/**
 * Tagout as a package: packed, installed into an empty folder, and run from there by the Node that
 * comes with it and by Node 22. Slow, so that it has a run of its own: `npm run package`.
 */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { drizzleFiles } from '../cli/drizzle.ts';
import { newRepository } from '../git/repository.ts';
import type { Repository } from '../git/repository.ts';

const execute = promisify(execFile);
const root = join(import.meta.dirname, '..', '..');
/** The README's promise: packages of a production install, Tagout itself among them. */
const MOST_PACKAGES = 190;

const home = mkdtempSync(join(tmpdir(), 'tagout-package-'));
const place = join(home, 'place');
const modules = join(place, 'node_modules');
let repo: Repository | undefined;

before(async () => {
  await execute('npm', ['pack', '--pack-destination', home], { cwd: root });
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  await install(place, join(home, `tagout-${version}.tgz`));
  repo = newRepository();
  const users = 'CREATE TABLE "users" ("id" serial PRIMARY KEY, "email" text);';
  repo.commit('history', drizzleFiles([users]));
  repo.git('checkout', '-q', '-b', 'drop');
  repo.commit('drop', drizzleFiles([users, 'DROP TABLE "users";']));
});
after(() => {
  repo?.remove();
  rmSync(home, { recursive: true, force: true });
});

async function install(folder: string, wanted: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
  const flags = ['--omit=dev', '--prefer-offline', '--no-audit', '--no-fund'];
  await execute('npm', ['install', ...flags, wanted], { cwd: folder });
}

/** The folder of a Node: the one that the package brought, or one of its own. */
async function nodeFolder(major: 22 | 24): Promise<string> {
  const name = `node-${process.platform}-${process.arch}`;
  const brought = join(modules, name, 'bin');
  if (major === 24) return brought;
  const folder = join(home, 'node-22');
  await install(folder, `${name}@22`);
  return join(folder, 'node_modules', name, 'bin');
}

function environment(node: string): Record<string, string> {
  const data = join(home, `data-${node.includes('node-22') ? 22 : 24}`);
  return { PATH: `${node}:${process.env['PATH'] ?? ''}`, HOME: home, TAGOUT_DATA: data };
}

type Ran = { readonly code: number; readonly out: string; readonly err: string };

async function tagout(node: string, ...args: readonly string[]): Promise<Ran> {
  const options = { cwd: place, env: environment(node), timeout: 120_000 };
  return execute('npx', ['tagout', ...args], options).then(
    ({ stdout: out, stderr: err }) => ({ code: 0, out, err }),
    ({ code, stdout: out, stderr: err }) => ({ code, out, err }),
  );
}

/** Starts the server and answers what `/readyz` says; ends it in order. */
async function serveOnce(node: string): Promise<number> {
  const key = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  const env = {
    ...environment(node),
    APP_ID: '7',
    PRIVATE_KEY: key.export({ type: 'pkcs8', format: 'pem' }).toString(),
    WEBHOOK_SECRET: 'the secret of this server',
    GITHUB_API_URL: 'http://127.0.0.1:9',
    PORT: '0',
    HOST: '127.0.0.1',
  };
  const entry = join(modules, '.bin', 'tagout');
  const child = spawn(join(node, 'node'), [entry, 'serve'], { cwd: place, env });
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  try {
    const url = await listening(() => said, ended);
    return (await fetch(`${url}/readyz`)).status;
  } finally {
    child.kill('SIGTERM');
    assert.equal(await ended, 0, said);
  }
}

async function listening(said: () => string, ended: Promise<unknown>): Promise<string> {
  let over = false;
  void ended.then(() => (over = true));
  const deadlineMs = Date.now() + 60_000;
  for (;;) {
    const url = /Tagout listens on (\S+)/.exec(said())?.[1];
    if (url !== undefined) return url;
    assert.ok(!over && Date.now() < deadlineMs, said());
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

test('what is installed is small enough, and what the program reads came along', async () => {
  const { stdout } = await execute('npm', ['ls', '--all', '--parseable'], { cwd: place });
  const folders = new Set(stdout.split('\n').filter((line) => line.includes('node_modules')));
  const { stdout: size } = await execute('du', ['-sm', modules]);
  const [megabytes] = size.split('\t');
  const told = `${folders.size} packages, ${megabytes} MB`;
  process.stdout.write(`production install: ${told}\n`);
  assert.ok(folders.size > 50 && folders.size <= MOST_PACKAGES, told);
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  const promised = Number(/added (\d+) packages/.exec(readme)?.[1]);
  assert.ok(Math.abs(promised - folders.size) <= 5, `the README says ${promised}, not ${told}`);
  for (const path of [
    'app.yml',
    'db/migrations/meta/_journal.json',
    'docs/tagout.schema.json',
    'dist/cli/report-verify.py',
  ]) {
    assert.ok(existsSync(join(modules, 'tagout', path)), path);
  }
  for (const path of ['src/cli.ts', 'test', '.ci', 'deploy']) {
    assert.equal(existsSync(join(modules, 'tagout', path)), false, path);
  }
});

for (const major of [24, 22] as const) {
  describe(`on Node ${major}`, () => {
    let node: string;
    before(async () => {
      node = await nodeFolder(major);
      const { stdout } = await execute(join(node, 'node'), ['--version']);
      assert.match(stdout, new RegExp(`^v${major}\\.`));
    });

    test('npx tagout check judges a change with its migration run', async () => {
      const change = ['--repo', repo?.folder ?? '', '--base', 'main', '--head', 'drop', '--json'];
      const { code, out, err } = await tagout(node, 'check', ...change);
      assert.equal(code, 10, err);
      const report = JSON.parse(out);
      assert.equal(report.dryRun.status, 'ok');
      assert.equal(report.blastRadius, 'critical');
    });

    test('npx tagout doctor explains itself', async () => {
      const { code, out, err } = await tagout(node, 'doctor', '--help');
      assert.equal(code, 0, err);
      assert.match(out, /Usage: tagout doctor/);
    });

    test('npx tagout serve gets ready and stops in order', async () => {
      assert.equal(await serveOnce(node), 200);
    });
  });
}

test('an older Node hands over to the one that came along', async () => {
  const old = join(home, 'old');
  const launcher = readFileSync(join(modules, 'tagout', 'src', 'tagout.js'), 'utf8');
  // What an old Node would do is played by this one: it believes to be 20.
  mkdirSync(old);
  writeFileSync(
    join(modules, 'tagout', 'src', 'old.js'),
    launcher.replace(
      'process.versions.node.split',
      "(process.env.HANDED ? process.versions.node : ((process.env.HANDED = '1'), '20.0.0')).split",
    ),
  );
  const entry = join(modules, 'tagout', 'src', 'old.js');
  const { stdout } = await execute(process.execPath, [entry, 'check', '--help'], { cwd: old });
  assert.match(stdout, /Usage: tagout check/);
});
