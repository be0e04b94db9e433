/** `tagout init --replay`: the last changes, merged in any way, judged as they would have been. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { run } from '../../src/cli.ts';
import { drizzleFiles } from '../cli/drizzle.ts';
import { keptIo } from '../cli/io.ts';
import { newRepository } from '../git/repository.ts';

test('each of the last changes has its line, the newest first', async (t) => {
  const repo = newRepository('tagout-replay-');
  t.after(() => repo.remove());
  const first = 'CREATE TABLE "users" ("id" serial PRIMARY KEY, "email" text);';
  repo.commit('root', { ...drizzleFiles([first]), 'README.md': 'a\n' });
  repo.commit('squashed docs', { 'README.md': 'b\n' });
  repo.git('checkout', '-q', '-b', 'drop');
  repo.commit('one', drizzleFiles([first, 'DROP TABLE "users";']));
  repo.commit('two\n\nCo-Authored-By: Claude <noreply@anthropic.com>', { 'b.txt': 'b\n' });
  repo.git('checkout', '-q', 'main');
  repo.git('merge', '-q', '--no-ff', '-m', 'Merge drop \u001b[31m', 'drop');
  const env = { PATH: process.env['PATH'] ?? '', TAGOUT_DATA: join(repo.folder, '.git', 'data') };
  const io = keptIo({ ...env, HOME: repo.folder }, repo.folder);
  assert.equal(await run(['init', '--replay'], io), 0, io.printed.err);
  const [, after = ''] = io.printed.out.split(
    /The last 2 changes of this branch|\n\nFrom git alone/,
  );
  const lines = after.trim().split('\n').slice(1);
  assert.equal(lines.length, 2, after);
  assert.match(lines[0] ?? '', /^ {2}[0-9a-f]{9} Merge drop .*: Held: .*\(by claude.*critical\)$/);
  assert.match(lines[1] ?? '', /^ {2}[0-9a-f]{9} squashed docs: .*blast radius low\)$/);
  assert.equal(after.includes('\u001b'), false);
});
