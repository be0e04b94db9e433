/** SQL that means harm: contained, named, held; and the next run is clean. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { atLeast, radiusOf } from '../../src/core/blast-radius.ts';
import { findingsOf } from '../../src/core/findings-of.ts';
import { defaultPolicy } from '../../src/core/policy-default.ts';
import { OBSERVER, OWNER } from '../../src/sandbox/workspace.ts';
import { aChange } from '../core/change.ts';
import { CASES } from './hostile-cases.ts';
import { ITEMS } from './hostile-items.ts';
import { mark } from './hostile-more.ts';
import { startServer } from './server.ts';
import { type Bench, dataLines, folderOf, observed, open, plan } from './helpers.ts';

const SEED = [
  { path: 's.sql', sql: `insert into victims select i, 's' || i from generate_series(1, 100) i` },
];
const HISTORY = ['create table victims (id int primary key, secret text)'];

describe('hostile SQL', () => {
  let bench: Bench;
  before(() => {
    bench = open({ runDiskBytes: 150 * 2 ** 20 });
  });
  after(async () => {
    assert.deepEqual(readdirSync(join(bench.home, 'cache', 'runs')), [], 'no run is left');
    assert.deepEqual(readdirSync(join(bench.home, 'cache', 'partial')), []);
    assert.equal(existsSync(mark), false, 'nothing was written on the machine');
    await bench.close();
  });

  const settings = { seed: SEED };
  for (const { name, sql, status, says, timeoutMs } of CASES) {
    test(name, async () => {
      const run = await bench.run(plan(HISTORY, [sql]), {
        ...settings,
        timeoutMs: timeoutMs ?? 20_000,
      });
      const wanted = typeof status === 'string' ? [status] : status;
      assert.ok(wanted.includes(run.status), `${run.status}: ${run.reason}`);
      if (says !== undefined) assert.match(run.reason ?? '', says);
      const worst = radiusOf(findingsOf(aChange({ dryRun: run }), defaultPolicy));
      if (run.status !== 'ok') assert.ok(atLeast(worst, 'high'), `${worst}: ${run.reason}`);
      const next = await bench.run(plan(HISTORY, ['select 1']), settings);
      assert.equal(next.status, 'ok', `the next run: ${next.reason}`);
      assert.deepEqual([observed(next).objects, observed(next).data], [[], []]);
      if (timeoutMs !== undefined || name.includes('notices')) {
        assert.ok(process.memoryUsage().rss < 300 * 2 ** 20, 'our own memory stays small');
      }
    });
  }

  test('every item of the list is tried by a case', () => {
    const names = new Set(CASES.map(({ name }) => name));
    const missing = Object.values(ITEMS).flatMap((list) => list.filter((one) => !names.has(one)));
    assert.deepEqual(missing, []);
    assert.equal(names.size, CASES.length, 'no two cases have one name');
  });

  test('names in public, casts and settings do not speak for the observer', async () => {
    const sql = `
        create function public.count(int) returns bigint language sql as 'select 100::bigint';
        create function public.format(text, text) returns text language sql as $$ select 'same' $$;
        create type pair as (a int, b text);
        create function lie(pair) returns text language sql as $$ select 'same' $$;
        create cast (pair as text) with function lie(pair);
        create function poison(int) returns bool immutable language plpgsql as $$ begin
          perform set_config('search_path', 'public, pg_catalog', false);
          return true; end $$;
        create index on victims (id) where poison(1);
        do $$ begin execute pg_catalog.format('alter database %I set search_path = public, pg_catalog', current_database()); end $$;
        delete from victims where id <= 60;
        update victims set secret = 'x' where id = 61;`;
    const run = await bench.run(plan(HISTORY, [sql]), settings);
    assert.equal(run.status, 'ok', run.reason ?? '');
    assert.deepEqual(dataLines(run), [
      'victims rows 100 > 40 lost 60 added 0 changed 0',
      'victims.id values 100 > 40 lost 60 added 0 changed 0',
      'victims.secret values 100 > 40 lost 60 added 0 changed 1',
    ]);
  });

  test('words in other letters are the words that they stand for', async () => {
    const wide = "do $$ begin execute U&'\\0074\\0072uncate \\0076ictims'; end $$;";
    const turned = '-- \u202e;smitciv etacnurt\nselect 1 as "\u200bid";';
    const run = await bench.run(plan(HISTORY, [wide + turned]), settings);
    assert.equal(run.status, 'ok', run.reason ?? '');
    assert.equal(dataLines(run)[0], 'victims rows 100 > 0 lost 100 added 0 changed 0');
  });

  test('as many sessions as the owner may have leave room for the observer', async () => {
    const server = await startServer();
    try {
      const sessions = [];
      for (;;) {
        const one = await server.connect(OWNER).catch((error: unknown) => String(error));
        if (typeof one === 'string') {
          assert.match(one, /53300/);
          break;
        }
        await one.rows(
          `begin; select pg_advisory_lock(${sessions.length}, g) from generate_series(1, 100) g`,
        );
        sessions.push(one);
        assert.ok(sessions.length < 20, 'there is an end to the sessions');
      }
      assert.ok(sessions.length >= 2);
      for (const role of [OBSERVER, OBSERVER, 'superuser'] as const) {
        assert.deepEqual(await (await server.connect(role)).rows('select 1'), [['1']]);
      }
      for (const one of sessions) await one.close();
      assert.deepEqual(await (await server.connect(OWNER)).rows('select 1'), [['1']]);
    } finally {
      await server.discard();
    }
  });

  test('messages without end do not hide a rewrite', async () => {
    for (const flood of ["'x%'", `'tagout-object ["x%"]'`, `'tagout-rewrite %'`]) {
      const sql = `do $$ begin for i in 1..100000 loop raise info ${flood}, i; end loop;
        alter table victims alter id type bigint; end $$`;
      const run = await bench.run(plan(HISTORY, [sql]), settings);
      const told = run.folders.flatMap((one) => one.statements.flatMap((s) => s.rewrites));
      if (run.status === 'ok') assert.deepEqual(told, ['victims'], flood);
      else assert.match(run.reason ?? '', /more messages/, flood);
    }
  });

  test('a rewrite is told even when the session wants no messages', async () => {
    const sql = 'set client_min_messages = error;\nalter table victims alter id type bigint;';
    const run = await bench.run(plan(HISTORY, [sql]), settings);
    assert.deepEqual(folderOf(run).statements[1]?.rewrites, ['victims']);
  });

  test('a COMMIT inside a file keeps what came before an error, and it is seen', async () => {
    const sql = 'begin; delete from victims; commit; select 1/0;';
    const run = await bench.run(plan(HISTORY, [sql], { scope: 'batch' }), settings);
    assert.equal(run.status, 'failed');
    assert.equal(observed(run).data[0]?.lost, 100);
  });

  test('the next run is clean', async () => {
    const run = await bench.run(plan(HISTORY, ['select 1']), settings);
    assert.equal(run.status, 'ok');
    assert.deepEqual([observed(run).objects, observed(run).data], [[], []]);
    assert.equal(run.baselineCached, true);
  });
});
