/** The parser is used so much that V8 would like to compile it anew, which takes 500 MB. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';

const STATEMENTS = join(import.meta.dirname, '../../src/sandbox/statements.ts');

/** Parses until V8 has seen enough of the parser, and gives it time to make up its mind. */
const BUSY = `
  const { split } = await import(${JSON.stringify(STATEMENTS)});
  const sql = Array.from({ length: 3000 }, (_, i) =>
    'create table t' + i + ' (id serial primary key, name text); update t set v = upper(v)').join(';');
  await split(sql, 1);
  await new Promise((resolve) => setTimeout(resolve, 1500));
  process.stdout.write(String(process.resourceUsage().maxRSS));`;

test('a process that parses a lot keeps a small memory', async () => {
  const args = ['--input-type=module', '--eval', BUSY];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  const peakMb = Number(stdout) / 1024;
  assert.ok(peakMb > 20 && peakMb < 250, `${peakMb} MB`);
});
