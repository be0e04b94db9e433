/** SQL that asks where it runs, and its harmless twins. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EnvironmentReader } from '../../src/sandbox/environment.ts';
import { split } from '../../src/sandbox/statements.ts';

async function signs(sql: string): Promise<string> {
  const reader = new EnvironmentReader();
  const { statements, error } = await split(sql, 1);
  assert.equal(error, null);
  return statements.map(({ text, kind }) => reader.read(text, kind).join(' ')).join(';');
}

const CASES: readonly (readonly [string, string])[] = [
  ["do $$ begin if current_database() = 'prod' then drop table t; end if; end $$", 'server'],
  ['delete from t where version() like $$%18%$$', 'server'],
  ["insert into t select setting from pg_settings where name = 'x'", 'server'],
  ['select pg_catalog.pg_sleep(1)', 'sleep'],
  ['do $$ declare q text; begin execute q; end $$', 'dynamic'],
  ["do $$ begin execute format('drop table %I', 'x'); end $$", 'dynamic'],
  ["delete from t where at < now() - interval '1 day'", 'chance'],
  ['do $$ begin if random() < 0.1 then delete from t; end if; end $$', 'chance'],
  ["update t set a = case when current_date > '2027-01-01' then 1 end", 'chance'],
  ["do $$ begin if current_user = 'app' then delete from t; end if; end $$", 'role'],
  [
    "create function f() returns void language plpgsql as 'begin perform pg_sleep(1); end'; select f()",
    ';sleep',
  ],
  ["do language plpgsql $$ declare d text; begin d := current_setting('x'); end $$", 'server'],
  ["create procedure p() language plpgsql as 'begin perform pg_sleep(1); end'; call p()", ';sleep'],
  [
    'do $$ begin if (select count(*) from t) > 9 then grant all on t to public; end if; end $$',
    'condition',
  ],
  [
    'do $$ begin case when exists (select from t) then create table x (); else null; end case; end $$',
    'condition',
  ],
  // Twins: what is stored, what decides nothing, what is one constant text.
  ["update t set at = now(), by = current_user where id = '1'", ''],
  ['alter table t add column at timestamptz not null default now()', ''],
  ["create policy p on t using (owner = current_setting('app.user'))", ''],
  ["do $$ begin execute 'drop table t'; end $$", ''],
  ["do $$ begin if (select count(*) from t) > 9 then raise notice 'many'; end if; end $$", ''],
  [
    "do $$ begin create type m as enum ('a'); exception when duplicate_object then null; end $$",
    '',
  ],
  ["set lock_timeout = '2s'; -- pg_sleep(1)\nselect 'current_database()'", ';'],
  ['create function f() returns text language sql return version(); select 1', ';'],
];

for (const [sql, wanted] of CASES) {
  test(`${wanted === '' ? 'nothing' : wanted}: ${sql.slice(0, 60)}`, async () => {
    assert.equal(await signs(sql), wanted);
  });
}

const HISTORY = {
  functions: [
    ['inner_one', "BEGIN IF current_database() = 'prod' THEN DELETE FROM t; END IF; END"],
    ['outer_one', 'BEGIN PERFORM public.inner_one(); END'],
    ['stamp', 'BEGIN NEW.at := now(); NEW.by := current_user; RETURN NEW; END'],
    ['branch', "BEGIN IF NEW.a > 1 THEN EXECUTE 'SELECT ' || NEW.b; END IF; RETURN NEW; END"],
    ['lurk', 'BEGIN IF inet_server_addr() IS NOT NULL THEN RETURN NULL; END IF; RETURN NEW; END'],
    ['again', 'BEGIN PERFORM again(); END'],
    ['runs', 'BEGIN EXECUTE q; END'],
  ].map(([name, body]) => ({
    name: name ?? '',
    definition: `CREATE OR REPLACE FUNCTION public.${name}()\n RETURNS trigger\n LANGUAGE plpgsql\nAS $function$ ${body} $function$\n`,
  })),
  triggers: [
    { table: 'stamped', function: 'stamp' },
    { table: 'branched', function: 'branch' },
    { table: 'lurked', function: 'lurk' },
    { table: 'late', function: 'lurk', events: ['delete'] },
  ],
  code: [
    { relation: 'checked', kind: 'check', sql: '(inner_one() IS NULL)' },
    { relation: 'valued', kind: 'value', sql: "current_setting('app.tenant'::text)" },
    { relation: 'recent', kind: 'view', sql: ' SELECT a FROM t WHERE (at > now());' },
    { relation: 'nested', kind: 'view', sql: ' SELECT a FROM recent;' },
    {
      relation: 'ruled',
      kind: 'rule',
      sql: "CREATE RULE r AS ON INSERT TO ruled WHERE (current_database() = 'prod') DO DELETE FROM t;",
    },
  ],
  cascades: [
    { from: 'parent', on: 'delete', to: 'late', event: 'delete' },
    { from: 'parent', on: 'update', to: 'stamped', event: 'update' },
    { from: 'grand', on: 'delete', to: 'parent', event: 'delete' },
  ],
  aliases: [
    { of: 'operator ===', function: 'inner_one' },
    { of: 'cast mood', function: 'inner_one' },
    { of: 'total', function: 'inner_one' },
  ],
} as const;

for (const [sql, wanted] of [
  ['select inner_one()', 'server'],
  ['select outer_one()', 'server'],
  ['do $$ begin perform outer_one(); end $$', 'server'],
  ['insert into lurked values (1)', 'server'],
  ['with x as (delete from lurked returning *) select * from x', 'server'],
  [
    'create trigger t before insert on fresh for each row execute function lurk(); insert into fresh values (1)',
    ';server',
  ],
  // By a cascade of foreign keys, a default, a check, a rule and a view.
  ['delete from parent where id = 1', 'server'],
  ['delete from grand', 'server'],
  ['insert into valued (a) values (1)', 'server'],
  ['update checked set a = 1', 'server'],
  ['alter table checked validate constraint c', 'server'],
  ['insert into ruled values (1)', 'server'],
  ['insert into t select * from nested', 'chance'],
  ['refresh materialized view recent', 'chance'],
  // The same, made by the change itself.
  ['create view v as select version() as v; insert into t select * from v', ';server'],
  ['create table d (a text default inner_one()); insert into d values (default)', ';server'],
  ['alter table t add column a text default inner_one()', 'server'],
  ['alter table t add check (inner_one()) not valid; insert into t values (1)', ';server'],
  [
    'create rule r as on insert to t do also select inner_one(); insert into t values (1)',
    ';server',
  ],
  // Text that a function of before runs.
  ["select runs(case when a then 'drop table t' end) from t", 'dynamic'],
  ['select query_to_xml(a, true, true, null) from t', 'dynamic'],
  // Behind an operator, a cast and an aggregate.
  ['select 1 === 2', 'server'],
  ["select 'a'::mood", 'server'],
  ['select total(a) from t', 'server'],
  [
    `create function same(int, int) returns bool language sql as 'select version() is null';
     create operator ~~~ (leftarg = int, rightarg = int, function = same); delete from t where 1 ~~~ 2`,
    ';;server',
  ],
  [
    `create function made(text) returns t language sql as 'select version()::t';
     create cast (text as t) with function made(text) as assignment; insert into t values ('a')`,
    ';;server',
  ],
  [
    `create function add_one(int, int) returns int language sql as 'select pg_backend_pid()';
     create aggregate summed(int) (sfunc = add_one, stype = int); select summed(a) from t`,
    ';;server',
  ],
  ["select 1 = 2, 'a'::text, sum(a) from t; insert into t values (1)", ';'],
  [
    `create function made(text) returns t language sql as 'select version()::t';
     create cast (text as t) with function made(text); insert into t values ('a')`,
    ';;',
  ],
  // Twins: how a trigger works, what calls nothing of it, what calls itself.
  ['insert into late values (1)', ''],
  ['insert into parent values (1); update parent set id = 2', ';'],
  ['select * from checked; delete from checked', ';'],
  ["select runs('select 1')", ''],
  ["select query_to_xml('select 1', true, true, null)", ''],
  ['create table d (a text default inner_one()); select * from d', ';'],
  ['alter table t alter a set default inner_one()', ''],
  ['alter table t add check (inner_one()) not valid', ''],
  ['insert into stamped values (1)', ''],
  ['update branched set a = 1', ''],
  ['alter table lurked add column b int; select count(*) from lurked', ';'],
  ['select again()', ''],
] as const) {
  test(`by what was there before, ${wanted || 'nothing'}: ${sql.slice(0, 60)}`, async () => {
    const reader = new EnvironmentReader();
    reader.learn(HISTORY);
    const { statements } = await split(sql, 1);
    const found = statements.map(({ text, kind }) => reader.read(text, kind).join(' '));
    assert.equal(found.join(';'), wanted);
  });
}
