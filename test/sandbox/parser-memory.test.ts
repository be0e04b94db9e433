/** The parser is used so much that V8 would like to compile it anew, which takes 500 MB. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';

const STATEMENTS = join(import.meta.dirname, '../../src/sandbox/statements.ts');

/** Parses until V8 has seen enough of the parser. */
const BUSY = `
  const { split } = await import(${JSON.stringify(STATEMENTS)});
  const sql = Array.from({ length: 800 }, (_, i) =>
    'create table t' + i + ' (id serial primary key, name text); update t set v = upper(v)').join(';');
  await split(sql, 1);
  process.stdout.write(String(process.resourceUsage().maxRSS));`;

test('a process that parses a lot keeps a small memory', async () => {
  // V8 then compiles as soon as it has seen enough, and not at some later moment beside us.
  const args = ['--wasm-sync-tier-up', '--input-type=module', '--eval', BUSY];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  const peakMb = Number(stdout) / 1024;
  assert.ok(peakMb > 20 && peakMb < 250, `${peakMb} MB`);
});
