import assert from 'node:assert/strict';
import { test } from 'node:test';
import { split } from '../../src/sandbox/statements.ts';

const cut = async (sql: string): Promise<readonly string[]> =>
  (await split(sql, 1)).statements.map((s) => s.text);

const WHOLE: readonly string[] = [
  "insert into t values ('a;''b')",
  "select E'\\';'",
  'select $$;$$, $x$ ; $$ ; $x$',
  'create table "a;b" (c int)',
  'create function f() returns int begin atomic select case when true then 1 else 2 end; select 1; end',
  'create rule r as on insert to t do (select 1; select 2)',
  'do $body$ begin perform 1; end $body$',
  'select 1 /* ; /* ; */ ; */ + 1',
];

test('a semicolon inside a text, a comment, a body or parentheses ends nothing', async () => {
  for (const sql of WHOLE) assert.deepEqual(await cut(sql), [sql]);
  assert.deepEqual(await cut(`${WHOLE.join(';\n')};;\n-- end`), WHOLE);
});

test('a statement knows its line and column in characters, not in bytes', async () => {
  const { statements } = await split('-- é\n/* 😀 */ select 1; select 2;\n  select 3', 10);
  const places = statements.map((s) => [s.line, s.column]);
  assert.deepEqual(places, [
    [11, 9],
    [11, 19],
    [12, 3],
  ]);
});

test('what no server takes is named with its place', async () => {
  const bad = await split('select 1;\n\n  selec 2;', 1);
  assert.equal(bad.statements.length, 1);
  assert.deepEqual([bad.error?.sqlstate, bad.error?.line, bad.error?.column], ['42601', 3, 3]);
  const meta = await split('\\connect other\nselect 1;', 1);
  assert.match(meta.error?.message ?? '', /\\connect is a command of psql/);
  const nul = await split('select 1;\nselect \0', 1);
  assert.deepEqual([nul.error?.sqlstate, nul.error?.line], ['22021', 2]);
});

test('an empty file and one of comments hold no statement and no error', async () => {
  for (const sql of ['', ' \n', '-- nothing', '/* a */;;']) {
    assert.deepEqual(await split(sql, 1), { statements: [], error: null });
  }
});

test('statements that cannot stand in a transaction block are known', async () => {
  const alone = [
    'create index concurrently i on t (a)',
    'reindex (concurrently) table t',
    'drop index concurrently i',
    'alter table p detach partition q concurrently',
    'vacuum t',
    'lock table t',
    'declare c cursor for select 1',
    `do language plperl 'eval { spi_commit() }'`,
  ];
  const inBlock = [
    'create index j on t (a)',
    'reindex table t',
    'drop index i',
    'alter table p detach partition q',
    'refresh materialized view concurrently m',
    'do language plpgsql $$ begin end $$',
    'do $$ begin end $$',
    'call p()',
  ];
  const { statements } = await split([...alone, ...inBlock].join(';\n'), 1);
  assert.deepEqual(
    statements.flatMap((s) => (s.alone ? [s.text] : [])),
    alone,
  );
});

test('twenty thousand statements are cut in a short time', async () => {
  const sql = "insert into t values (1, 'it''s; fine');\n".repeat(20_000);
  const began = performance.now();
  const { statements } = await split(sql, 1);
  assert.equal(statements.length, 20_000);
  assert.ok(performance.now() - began < 10_000);
});
