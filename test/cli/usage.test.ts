/** The command line called wrongly: exit code 64 and a sentence, never a stack. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { run } from '../../src/cli.ts';
import { keptIo } from './io.ts';

const wrong: readonly (readonly string[])[] = [
  [],
  ['nothing'],
  ['check'],
  ['check', '--base', 'main'],
  ['check', '--base', 'main', '--head', 'x', '--speed'],
  ['check', '--base', 'main', '--head', 'x', 'extra'],
  ['report', '--format', 'pdf'],
  ['policy'],
  ['policy', 'destroy'],
];
for (const args of wrong) {
  test(`tagout ${args.join(' ')} is wrong usage`, async () => {
    const io = keptIo();
    assert.equal(await run(args, io), 64);
    assert.notEqual(io.printed.err, '');
    assert.equal(io.printed.out, '');
    assert.equal(/\n\s+at /.test(io.printed.err), false);
  });
}

test('help is no fault', async () => {
  for (const args of [['--help'], ['check', '--help']]) {
    const io = keptIo();
    assert.equal(await run(args, io), 0);
    assert.match(io.printed.out, /Usage: tagout/);
  }
});

const execute = promisify(execFile);
const launcher = join(import.meta.dirname, '..', '..', 'src', 'tagout.js');

test('the program itself answers, and runs from any folder', async () => {
  const { stdout } = await execute(process.execPath, [launcher, '--help'], { cwd: '/' });
  assert.match(stdout, /Usage: tagout/);
});

test('a home that cannot be written costs the compile cache and nothing else', async () => {
  for (const HOME of ['/proc/nonexistent', '/proc', '', 'relative']) {
    const env = { PATH: process.env['PATH'], HOME };
    const options = { cwd: '/', env, timeout: 20_000 };
    const { stdout } = await execute(process.execPath, [launcher, '--help'], options);
    assert.match(stdout, /Usage: tagout/, HOME);
  }
});

test('the compile cache is used only where nobody else can write', async () => {
  const home = mkdtempSync(join(tmpdir(), 'tagout-home-'));
  const compiled = join(home, '.cache', 'tagout', 'compiled');
  const help = (): ReturnType<typeof execute> =>
    execute(process.execPath, [launcher, '--help'], { cwd: '/', env: { HOME: home } });
  try {
    mkdirSync(compiled, { recursive: true });
    chmodSync(compiled, 0o777);
    await help();
    assert.deepEqual(readdirSync(compiled), []);
    rmSync(join(home, '.cache'), { recursive: true });
    await help();
    assert.equal(readdirSync(compiled).length, 1);
    assert.equal(statSync(compiled).mode & 0o777, 0o700);
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
});
