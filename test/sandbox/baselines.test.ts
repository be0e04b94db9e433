/** Baselines that are not replayed: a schema dump of the repository, a snapshot of the operator. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { DryRun } from '../../src/core/dry-run.ts';
import { type Bench, dataLines, observed, open, plan } from './helpers.ts';

const SCHEMA = `--
-- PostgreSQL database dump
--
\\restrict h3R7
SET transaction_timeout = 0;
SELECT pg_catalog.set_config('search_path', '', false);
CREATE SCHEMA public;
ALTER SCHEMA public OWNER TO pg_database_owner;
COMMENT ON SCHEMA public IS 'standard';
CREATE FUNCTION public.f() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM 1;
  PERFORM 2;
END $$;
CREATE TABLE public.users (id integer NOT NULL PRIMARY KEY, email text);
ALTER TABLE public.users OWNER TO production_owner;
CREATE TABLE public.old (id integer);
`;
const END = `GRANT SELECT ON TABLE public.users TO reporting;
\\unrestrict h3R7
--
-- PostgreSQL database dump complete
--
`;
const ROWS = `COPY public.users (id, email) FROM stdin;
1\thunter2; not a statement
2\t\\N
3\tthree\\nlines
\\.

`;

describe('other baselines', () => {
  let home: string;
  let file: string;
  let bench: Bench;
  before(() => {
    home = mkdtempSync(join(tmpdir(), 'tagout-snapshot-'));
    file = join(home, 'production.sql');
    bench = open({ snapshots: new Map([['*', file]]) });
  });
  after(async () => {
    await bench.close();
    rmSync(home, { recursive: true });
  });

  const bySchema = (sql: string, change: string): Promise<DryRun> =>
    bench.run(plan(['select 1/0'], [change]), { rows: 10, baseline: { path: 'db/s.sql', sql } });
  const bySnapshot = (text: string, change: string): Promise<DryRun> => {
    writeFileSync(file, text);
    utimesSync(file, 1_700_000_000, 1_700_000_000);
    return bench.run(plan(['select 1/0'], [change]), { rows: 10, baseline: 'snapshot' });
  };

  test('a schema dump takes the place of the history, with its roles and rows made for it', async () => {
    const run = await bySchema(`${SCHEMA}${END}`, 'alter table users drop column email');
    assert.equal(run.status, 'ok', run.reason ?? '');
    assert.deepEqual(dataLines(run), ['users.email values 10 > 0 lost 10 added 0 changed 0']);
    assert.equal(observed(run).tables.find((t) => t.table === 'users')?.origin, 'synthetic');
    assert.equal(run.restore, undefined);
  });

  test('a dump that does not load, or is cut off, is not comparable and says where', async () => {
    const broken = await bySchema(
      `${SCHEMA}CREATE TABLE public.a (b nothing);\n${END}`,
      'select 1',
    );
    assert.equal(broken.status, 'not-comparable');
    assert.match(broken.reason ?? '', /schema dump fails: db\/s\.sql, line 18: type "nothing"/);
    for (const text of [SCHEMA, `${SCHEMA}${ROWS.slice(0, 60)}`, `${SCHEMA}SELECT 'x;\n`]) {
      const cut = await bySchema(text, 'select 1');
      assert.equal(cut.status, 'not-comparable');
      assert.match(cut.reason ?? '', /cut off|ends within/);
    }
    const other = await bySchema(`\\connect other\n${SCHEMA}${END}`, 'select 1');
    assert.match(other.reason ?? '', /\\connect is a command of psql/);
  });

  test('a snapshot brings its rows, its age and the time that restoring took', async () => {
    const run = await bySnapshot(`${SCHEMA}${ROWS}${END}`, 'delete from users where id < 3');
    assert.equal(run.status, 'ok', run.reason ?? '');
    assert.equal(dataLines(run)[0], 'users rows 3 > 1 lost 2 added 0 changed 0');
    const tables = observed(run).tables.map((t) => `${t.table} ${t.rows} ${t.origin}`);
    assert.deepEqual(tables, ['old 0 snapshot', 'users 3 snapshot']);
    assert.equal(run.restore?.takenAtMs, 1_700_000_000_000);
    assert.equal(run.restore.sizeBytes, Buffer.byteLength(`${SCHEMA}${ROWS}${END}`));
    assert.ok(run.restore.restoreMs >= 0);
    const again = await bySnapshot(`${SCHEMA}${ROWS}${END}`, 'select 1');
    assert.deepEqual([again.baselineCached, again.restore], [true, run.restore]);
  });

  test('no message of the server leaves it with a row in it', async () => {
    const lies = [
      'select email::int from users where id = 1',
      `do $$ begin raise exception '%', (select email from users where id = 1); end $$`,
      `do $$ begin raise syntax_error using message = (select min(email) from users); end $$`,
    ];
    for (const sql of lies) {
      const run = await bySnapshot(`${SCHEMA}${ROWS}${END}`, sql);
      assert.equal(run.status, 'failed');
      assert.doesNotMatch(JSON.stringify(run), /hunter2; not/);
      assert.match(run.reason ?? '', /message withheld/);
    }
    const bad = await bySnapshot(
      `${SCHEMA}${ROWS.replace('1\t', 'not a number\t')}${END}`,
      'select 1',
    );
    assert.equal(bad.status, 'not-comparable');
    assert.match(bad.reason ?? '', /snapshot could not be restored: line 18/);
    assert.doesNotMatch(bad.reason ?? '', /hunter2|"x"/);
  });

  test('no snapshot, or a custom one without pg_restore, is not comparable', async () => {
    const none = open();
    const run = await none.run(plan([], ['select 1']), { baseline: 'snapshot' });
    assert.equal(run.status, 'not-comparable');
    assert.match(run.reason ?? '', /TAGOUT_SNAPSHOT/);
    await none.close();
    const custom = await bySnapshot('PGDMP\x01 not really', 'select 1');
    assert.equal(custom.status, 'not-comparable');
    assert.match(custom.reason ?? '', /pg_restore/);
  });
});
