/** Production's sizes: the file, and the time that work on them would take. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DryRun, FolderRun, StatementRun } from '../../src/core/dry-run.ts';
import { NO_DRY_RUN } from '../../src/core/dry-run.ts';
import { readStatistics, sizesOf } from '../../src/core/weigh-file.ts';
import { weigh } from '../../src/core/weigh.ts';

const bytes = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));
const table = { table: 'users', rows: 50_000_000, bytes: 8e9, indexBytes: 2e9 };
const file = { tagout: 1, takenAt: '2026-11-01T00:00:00.000Z', postgres: '16.4', tables: [table] };

test('the file is read strictly, and what is wrong names its remedy', () => {
  const read = readStatistics('db/s.json', bytes(file));
  assert.ok('tables' in read);
  assert.deepEqual(sizesOf(read.tables), [table]);
  const wrong = [
    { ...file, tagout: 2 },
    { ...file, tables: [{ ...table, rows: -1 }] },
    { ...file, tables: [{ ...table, extra: 1 }] },
  ];
  for (const value of wrong) {
    const found = readStatistics('db/s.json', bytes(value));
    assert.ok('problem' in found && found.why === 'unreadable');
  }
  assert.ok('problem' in readStatistics('s', Uint8Array.of(0xff)));
  const missing = readStatistics('db/s.json', undefined);
  assert.match('problem' in missing ? missing.problem : '', /db\/s\.json.*npx tagout stats/);
});

const statement = (text: string, more: Partial<StatementRun> = {}): StatementRun => ({
  path: 'm.sql',
  line: 1,
  column: 1,
  text,
  durationMs: 5,
  rows: null,
  locks: [],
  error: null,
  rewrites: [],
  ...more,
});

function seconds(it: StatementRun, rowsHere: number, sizes: DryRun['statistics']): number | null {
  const tables = [{ table: 'users', rows: rowsHere, origin: 'seed' }] as const;
  const observation = { objects: [], data: [], tables, unfilled: [] };
  const whole = { ...observation, downRestores: null, downDifference: [] };
  const folder: FolderRun = {
    framework: 'plain',
    folder: 'm',
    scope: 'file',
    steps: [],
    statements: [it],
    observation: whole,
    error: null,
  };
  const run: DryRun = {
    ...NO_DRY_RUN,
    folders: [folder],
    ...(sizes === undefined ? {} : { statistics: sizes }),
  };
  return weigh(run, folder, it, 'users')?.seconds ?? null;
}

test('the work that was seen is multiplied by the sizes there', () => {
  const read = statement('alter table users alter name set not null');
  const rewrite = statement('alter table users alter id type bigint', { rewrites: ['users'] });
  const index = statement('create index on users (name)');
  assert.equal(seconds(read, 200, [table]), 80);
  assert.equal(seconds(rewrite, 200, [table]), 250);
  assert.equal(seconds(index, 200, [table]), 200);
  assert.equal(seconds(read, 200, [{ table: 'users', rows: 0 }]), 0);
});

test('a slow statement on enough rows counts for more than an ordinary machine', () => {
  const slow = statement('alter table users alter name set not null', { durationMs: 1000 });
  assert.equal(seconds(slow, 100_000, [table]), 500);
  assert.equal(seconds(slow, 100, [table]), 80);
});

test('without a size there is no estimate', () => {
  assert.equal(seconds(statement('select 1'), 200, undefined), null);
  assert.equal(seconds(statement('select 1'), 200, []), null);
});
