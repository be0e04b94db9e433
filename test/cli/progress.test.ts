/** The line that a person at a terminal sees while a dry run goes on. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { progressLine } from '../../src/cli/progress.ts';
import type { DryRunProgress } from '../../src/core/dry-run.ts';
import { progressText } from '../../src/core/words/progress.ts';
import { open, plan } from '../sandbox/helpers.ts';

const none = { unit: 'statement', done: 0, of: 0, path: null } as const;

function shown(terminal: boolean, steps: readonly (readonly [number, DryRunProgress])[]): string {
  let err = '';
  let nowMs = 0;
  const out = (): void => assert.fail('nothing but the verdict goes there');
  const io = { env: {}, cwd: '/', now: () => nowMs, out, err: (t: string) => (err += t), terminal };
  const line = progressLine(io);
  for (const [atMs, progress] of steps) {
    nowMs = atMs;
    line.show(progress);
  }
  line.end();
  return err.replaceAll('\r\u001B[2K', '|');
}

test('a terminal sees each phase at once, steps at most every 100 ms, and a clean line at the end', () => {
  const at = (done: number): DryRunProgress => ({ ...none, phase: 'running', done, of: 9 });
  const steps = [
    [1000, { ...none, phase: 'baseline' }],
    [1001, at(1)],
    [1050, at(2)],
    [1102, at(3)],
  ] as const;
  assert.equal(
    shown(true, steps),
    '|tagout: preparing the database before the change' +
      '|tagout: running the migration: statement 1 of 9' +
      '|tagout: running the migration: statement 3 of 9|',
  );
  // Twins: nobody watches, nothing was done.
  assert.equal(shown(false, steps), '');
  assert.equal(shown(true, []), '');
});

test('a path is one line of at most 78 characters and moves no cursor', () => {
  const path = `db/\u001B[2J\n${'x'.repeat(200)}.sql`;
  const line = shown(true, [[1, { ...none, phase: 'running', path }]]);
  assert.ok(!line.includes('\u001B') && !line.includes('\n'));
  assert.equal(line.split('|')[1]?.length, 78);
});

test('a dry run tells what it does, in order', async () => {
  const bench = open();
  const told: string[] = [];
  const settings = { postgres: null, seed: [], rows: 0, timeoutMs: 20_000 };
  const it = plan(['create table a (id int)'], ['select 1; select 2']);
  const pending = it.pending.map((step) => ({ ...step, down: 'select 3' }));
  await bench.sandbox.dryRun({
    owner: 'test',
    plans: [{ ...it, pending }],
    settings,
    onProgress: (progress) => told.push(progressText(progress)),
  });
  await bench.close();
  assert.deepEqual(told, [
    'waiting for a free sandbox',
    'preparing the database before the change',
    'preparing the database before the change: migration 1 of 1, db/0001.sql',
    'running the migration: statement 1 of 2, db/0002.sql',
    'running the migration: statement 2 of 2, db/0002.sql',
    'comparing what is different',
    'running the down parts and the way up again',
  ]);
});
