/** The command line called wrongly: exit code 64 and a sentence, never a stack. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
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
