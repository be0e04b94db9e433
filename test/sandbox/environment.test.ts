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
  ].map(([name, body]) => ({
    name: name ?? '',
    definition: `CREATE OR REPLACE FUNCTION public.${name}()\n RETURNS trigger\n LANGUAGE plpgsql\nAS $function$ ${body} $function$\n`,
  })),
  triggers: [
    { table: 'stamped', function: 'stamp' },
    { table: 'branched', function: 'branch' },
    { table: 'lurked', function: 'lurk' },
  ],
};

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
  // Twins: how a trigger works, what calls nothing of it, what calls itself.
  ['insert into stamped values (1)', ''],
  ['update branched set a = 1', ''],
  ['alter table lurked add column b int; select count(*) from lurked', ';'],
  ['select again()', ''],
] as const) {
  test(`by what was there before, ${wanted || 'nothing'}: ${sql.slice(0, 60)}`, async () => {
    const reader = new EnvironmentReader();
    reader.learn(HISTORY.functions, HISTORY.triggers);
    const { statements } = await split(sql, 1);
    const found = statements.map(({ text, kind }) => reader.read(text, kind).join(' '));
    assert.equal(found.join(';'), wanted);
  });
}
