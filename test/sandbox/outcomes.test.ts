/** How a dry run ends: ok, failed, not comparable, none; and what it says then. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createSandbox } from '../../src/sandbox/sandbox.ts';
import {
  type Bench,
  dataLines,
  folderOf,
  objectLines,
  observed,
  open,
  plan,
  step,
} from './helpers.ts';

const T = 'create table t (id int primary key, v text)';

describe('how a dry run ends', () => {
  let bench: Bench;
  before(() => {
    bench = open();
  });
  after(() => bench.close());

  test('none: no pending step', async () => {
    const run = await bench.run(plan([T], []));
    assert.deepEqual([run.status, run.reason, run.folders], ['none', null, []]);
    const problem = {
      code: 'skipped-by-runner',
      path: 'db/x.sql',
      line: null,
      message: 'm',
    } as const;
    const skipped = await bench.run(plan([T], [], { problems: [problem] }));
    assert.deepEqual([skipped.status, skipped.problems], ['none', [problem]]);
  });

  test('not comparable: something could not be read or judged', async () => {
    for (const code of ['unreadable', 'not-judged'] as const) {
      const problem = { code, path: 'db/x.sql', line: null, message: 'The file is broken.' };
      const alone = await bench.run(plan([T], [], { problems: [problem] }));
      assert.deepEqual([alone.status, alone.reason], ['not-comparable', 'The file is broken.']);
      const beside = await bench.run(plan([T], ['select 1'], { problems: [problem] }));
      assert.equal(beside.status, 'not-comparable');
      assert.equal(beside.folders.length, 1, 'the rest is shown all the same');
    }
    const other = await bench.run(plan([], ['select 1'], { dialect: 'other' }));
    assert.equal(other.status, 'not-comparable');
  });

  test('not comparable: an engine, an extension or a role that is not there', async () => {
    const engine = await bench.run(plan([T], ['select 1']), { postgres: 11 });
    assert.match(engine.reason ?? '', /PostgreSQL 11 is not on this machine.*TAGOUT_POSTGRES_BIN/);
    const extension = await bench.run(plan([T], ['create extension postgis']));
    assert.match(extension.reason ?? '', /postgis.*operator/s);
    const role = await bench.run(plan([T], ['grant select on t to readonly']));
    assert.match(role.reason ?? '', /role "readonly" does not exist/);
    for (const run of [engine, extension, role]) assert.equal(run.status, 'not-comparable');
  });

  test('not comparable: the base branch or the seed does not run, with the place', async () => {
    const history = await bench.run(plan([T, 'select 1;\nselect * from missing'], ['select 1']));
    assert.equal(history.status, 'not-comparable');
    assert.match(
      history.reason ?? '',
      /base branch's migrations fail: db\/0002.sql, line 2: .*missing.*42P01/,
    );
    const seed = [{ path: 'seed.sql', sql: 'insert into nothing values (1)' }];
    const seeded = await bench.run(plan([T], ['select 1']), { seed });
    assert.match(seeded.reason ?? '', /seed SQL fail: seed.sql, line 1/);
  });

  test('failed: the place is the file’s, in characters', async () => {
    const sql = `-- é\nselect 1;\ninsert into t values\n  (1, 'é'), ('x', 'y');`;
    const run = await bench.run(plan([T], [step('db/é.sql', sql, { firstLine: 10 })]));
    assert.equal(run.status, 'failed');
    const { error } = folderOf(run);
    assert.deepEqual(
      [error?.path, error?.line, error?.column, error?.sqlstate],
      ['db/é.sql', 13, 14, '22P02'],
    );
    assert.match(run.reason ?? '', /db\/é.sql, line 13: .*22P02/);
  });

  test('a syntax error in a file stops all of it', async () => {
    const run = await bench.run(plan([T], ['drop table t;\nselec 1']));
    assert.equal(run.status, 'failed');
    assert.deepEqual(objectLines(run), []);
  });

  test('the runner’s scope decides what an error leaves behind', async () => {
    const steps = ['create table a (); select 1', 'create table b (); select 1/0'];
    const left = async (scope: 'batch' | 'file' | 'statement'): Promise<readonly string[]> =>
      objectLines(await bench.run(plan([T], steps, { scope })));
    assert.deepEqual(await left('batch'), []);
    assert.deepEqual(await left('file'), ['added table a']);
    assert.deepEqual(await left('statement'), ['added table a', 'added table b']);
  });

  test('CREATE INDEX CONCURRENTLY passes alone and fails in a transaction', async () => {
    const sql = 'create index concurrently i on t (v)';
    const status = async (...args: Parameters<typeof plan>): Promise<string> =>
      (await bench.run(plan(...args))).status;
    assert.equal(await status([T], [sql], { scope: 'file' }), 'ok');
    assert.equal(await status([T], [`select 1; ${sql}`], { scope: 'file' }), 'failed');
    assert.equal(await status([T], [sql], { scope: 'batch' }), 'failed');
    const outside = step('db/2.sql', `select 1; ${sql}`, { transaction: 'none' });
    assert.equal(await status([T], [outside], { scope: 'batch' }), 'ok');
  });

  test('a deferred check that fails at COMMIT is a failure', async () => {
    const defer = `${T}; create table c (t int references t deferrable initially deferred)`;
    const run = await bench.run(plan([defer], ['insert into c values (9); select 1']));
    assert.deepEqual([run.status, folderOf(run).error?.sqlstate], ['failed', '23503']);
    assert.deepEqual(dataLines(run), []);
  });

  test('down parts: up, down, compare, up again', async () => {
    const up = 'alter table t add column x int; create index xi on t (x)';
    const go = async (down: string | null) =>
      observed(await bench.run(plan([T], [step('db/2.sql', up, { down })])));
    const good = await go('alter table t drop column x');
    assert.deepEqual([good.downRestores, good.downDifference], [true, []]);
    const bad = await go('drop index xi');
    assert.equal(bad.downRestores, false);
    assert.equal(bad.downDifference[0], 'column t.x added');
    assert.match(bad.downDifference[1] ?? '', /the up part after the down part fails/);
    const broken = await go('drop table nothing');
    assert.match(broken.downDifference[0] ?? '', /the down part fails: db\/2.sql, line 1: .*42P01/);
    assert.equal((await go(null)).downRestores, null);
  });

  test('two folders are two databases, and one when they need each other', async () => {
    const a = plan([T], ['drop table t'], { folder: 'a' });
    const b = plan([T], ['alter table t add x int'], { folder: 'b' });
    const apart = await bench.run([a, b]);
    assert.equal(apart.status, 'ok', apart.reason ?? '');
    const needs = plan(['create table u (t int references t)'], ['select 1 from u'], {
      folder: 'c',
    });
    const together = await bench.run([plan([T], [], { folder: 'a' }), needs]);
    assert.equal(together.status, 'ok', together.reason ?? '');
  });

  test('50 MB of SQL is refused with a sentence, 20 MB runs', async () => {
    const large = await bench.run(plan([T], [`-- ${'x'.repeat(50 * 2 ** 20)}`]));
    assert.equal(large.status, 'not-comparable');
    assert.match(large.reason ?? '', /holds 50 MB and the sandbox takes 32 MB. Split the file/);
    const insert = `insert into t values (1, '${'y'.repeat(20 * 2 ** 20)}')`;
    assert.equal((await bench.run(plan([T], [insert]))).status, 'ok');
  });

  test('a longer history starts from what is prepared already', async () => {
    const first = await bench.run(plan([T, 'create table k1 ()'], ['select 1']));
    const more = await bench.run(
      plan([T, 'create table k1 ()', 'create table k2 ()'], ['select 1']),
    );
    assert.deepEqual([first.baselineCached, more.baselineCached], [false, false]);
    assert.deepEqual(
      observed(more).tables.map((t) => t.table),
      ['k1', 'k2', 't'],
    );
    const again = await bench.run(plan([T, 'create table k1 ()'], ['select 2']));
    assert.equal(again.baselineCached, true);
  });

  test('eight at once all end well, and the same baseline is prepared once', async () => {
    const history = [T, 'create table eight ()'];
    const runs = await Promise.all(
      Array.from({ length: 8 }, (_, i) => bench.run(plan(history, [`select ${i}`]))),
    );
    assert.deepEqual(
      runs.map((run) => run.status),
      Array(8).fill('ok'),
    );
    assert.deepEqual(readdirSync(join(bench.home, 'cache', 'runs')), []);
  });
});

test('a cap on the disk keeps the most recently used, and orphans go at the start', async () => {
  const bench = open({ cacheBytes: 36 * 2 ** 20 });
  for (let i = 0; i < 4; i += 1) await bench.run(plan([`create table t${i} ()`], ['select 1']));
  const cache = join(bench.home, 'cache');
  assert.ok(readdirSync(join(cache, 'baselines')).length < 6);
  const last = await bench.run(plan(['create table t3 ()'], ['select 1']));
  assert.equal(last.baselineCached, true);
  mkdirSync(join(cache, 'runs', '999999-1-x', 'data'), { recursive: true });
  createSandbox({ cacheDir: cache });
  assert.equal(existsSync(join(cache, 'runs', '999999-1-x')), false);
  await bench.close();
});
