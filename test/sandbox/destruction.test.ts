/** What statements would take away, by their own text, and their harmless twins. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { findRun } from '../../src/core/findings/run.ts';
import { DestructionReader } from '../../src/sandbox/destruction.ts';
import { split } from '../../src/sandbox/statements.ts';
import { type Bench, open, plan } from './helpers.ts';

const ofBefore = (name: string, body: string, language = 'plpgsql') => ({
  name,
  definition: `CREATE OR REPLACE FUNCTION public.${name}()\n RETURNS void\n LANGUAGE ${language}\nAS $function$ ${body} $function$\n`,
});

/** What the database of before has. */
const HISTORY = {
  functions: [
    ofBefore('purge', 'delete from users where id > 10000', 'sql'),
    ofBefore('outer_purge', 'begin perform purge(); end'),
    ofBefore('runs', 'begin execute q; end'),
    ofBefore('again', 'begin perform again(); end'),
    ofBefore('swaps', 'begin alter table users rename to t; end'),
  ],
  triggers: [{ table: 'users', function: 'stamp', isBefore: true }],
};

async function read(sql: string): Promise<string> {
  const reader = new DestructionReader();
  reader.learn(HISTORY);
  const { statements, error } = await split(sql, 1);
  assert.equal(error, null);
  const acts = statements.flatMap(({ text, kind }) => reader.read(text, kind));
  return acts.map(({ verb, object, place }) => `${verb} ${object} ${place}`).join(', ');
}

const body = (sql: string): string => `do $$ begin if true then ${sql}; end if; end $$`;
const made = (sql: string, returns = 'trigger'): string =>
  `create function f() returns ${returns} language plpgsql as $$ begin ${sql}; return null; end $$`;

/** Each with what is told; the twins below it tell nothing. */
const CASES: readonly (readonly [string, string])[] = [
  ['delete from users where id > 1000', 'delete users statement'],
  ['DELETE FROM public.users', 'delete users statement'],
  ['truncate shop.users, orders', 'truncate shop.users statement, truncate orders statement'],
  ['with d as (delete from users returning *) select * from d', 'delete users part'],
  ['explain analyze delete from users', 'delete users part'],
  ['update users set email = null where id > 1000', 'update users statement'],
  ['update users set email = null, name = 1 where name is null', 'update users statement'],
  ['merge into users using s on true when matched then delete', 'merge users statement'],
  ['drop table if exists orders cascade', 'drop orders statement'],
  ['drop schema if exists old cascade', 'drop old statement'],
  ['drop type if exists status cascade', 'drop status statement'],
  ['alter table if exists users drop column if exists email', 'drop users.email statement'],
  [body('drop table users'), 'drop users body'],
  [
    body('delete from users returning id into n').replace('begin', 'declare n int; begin'),
    'delete users body',
  ],
  [body("execute 'truncate users'"), 'truncate users body'],
  [body('execute $q$drop table users$q$'), 'drop users body'],
  [body("execute 'drop table ' || t"), 'dynamic  body'],
  [made('delete from users where id < new.id'), 'delete users body'],
  [made('update users set email = null'), 'update users body'],
  ["create function f() returns void language sql as 'delete from users'", 'delete users body'],
  ['create function f() returns void begin atomic delete from users; end', 'delete users body'],
  ['create rule r as on insert to users do also delete from users', 'delete users body'],
  ['create rule r as on insert to users do instead nothing', 'rule users body'],
  ['create table if not exists users (id int); delete from users', 'delete users statement'],
  ['create temp table users (id int); delete from public.users', 'delete users statement'],
  ['create temp table users (id int) on commit drop; delete from users', 'delete users statement'],
  ['create table users (id int); set search_path = x; delete from users', 'delete users statement'],
  ['create table s.users (id int); delete from users', 'delete users statement'],
  ['create table p (id int); alter table users inherit p; delete from p', 'delete p statement'],
  ['create table x (); drop table x; drop table if exists x', 'drop x statement'],
  [`create temp table users (id int); ${made('delete from users')}`, 'delete users body'],
  [
    'alter table users add column if not exists a int; update users set a = 1',
    'update users statement',
  ],
  [
    "insert into users (id, land) values (9, 'XX'); delete from users where land = 'XX'",
    'delete users statement',
  ],
  ['insert into users (id) values (9); delete from users where id >= 9', 'delete users statement'],
  // The key or the null is another table's.
  [
    'insert into users (id) values (9); delete from users using posts p where p.id = 9',
    'delete users statement',
  ],
  ['update users set email = null from posts where posts.email is null', 'update users statement'],
  // A function that renames is called between.
  [
    `create table t (id int); create function f() returns void language plpgsql as $$ begin alter table users rename to t; end $$; delete from t`,
    'delete t statement',
  ],
  ['create table t (id int); select swaps(); delete from t', 'delete t statement'],
  // Large objects.
  ['select lo_unlink(file) from docs', 'delete pg_largeobject part'],
  ["select lo_put(file, 0, '') from docs", 'update pg_largeobject part'],
  // Rows that are there already.
  [
    "insert into plans values (1, 'x') on conflict (id) do update set name = excluded.name",
    'update plans part',
  ],
  [
    'insert into plans values (1) on conflict (id) do update set name = null where excluded.name is null',
    'update plans part',
  ],
  // What functions of before do, and what they are told to run.
  ['select purge()', 'delete users body'],
  ['do $$ begin perform outer_purge(); end $$', 'delete users body'],
  ["select runs('delete from users where id > 9')", 'delete users body'],
  ["do $$ begin perform runs(q => 'drop table users'::text); end $$", 'drop users body'],
  ["select query_to_xml('select purge()', true, true, '')", 'delete users body'],
  // Triggers that let writes do nothing.
  ...[
    'declare r users; begin return r; end',
    'begin new := null; return new; end',
    'begin if new.id > 9 then new = null; end if; return new; end',
    'begin select * into new from users where false; return new; end',
    'begin return case when new.id > 9 then new end; end',
    'begin return case when new.id > 9 then null else new end; end',
    'begin return old; end',
    'begin return (null::users); end',
    "begin return nullif(new, old); -- '\n end",
  ].map(
    (code) =>
      [
        `create or replace function stamp() returns trigger language plpgsql as $$ ${code} $$`,
        'rule users body',
      ] as const,
  ),
  [
    `create or replace function stamp() returns trigger language plpgsql as $$ begin return null; end $$`,
    'rule users body',
  ],
  [
    `${made('perform 1')}; create trigger t before insert on users for each row execute function f()`,
    'rule users body',
  ],
];

const TWINS: readonly string[] = [
  'create table t (id int); delete from t; truncate public.t; drop table t',
  'create temp table t as select 1 as id; delete from t where id = 1; drop table t',
  'create table a (id int); alter table a rename to b; delete from b',
  'alter table users add column a int; update users set a = 1',
  `alter table users add column a int; ${body('update users set a = 1 where id < 5')}`,
  "update users set plan = 'free' where plan is null and id > 0",
  "update users set plan = coalesce(plan, 'free')",
  "insert into plans (id, name) values (7, 'x'), (8, 'y'); delete from plans where id in (7, 8)",
  'drop index if exists i; drop view if exists v; drop trigger if exists t on users',
  'drop type if exists status; drop function if exists f()',
  "comment on table users is 'delete from users; drop table users'",
  made('new.updated_at = now()'),
  made('update posts set comments = comments + 1 where id = new.post_id'),
  'create rule r as on insert to v do instead insert into users values (new.id)',
  body("alter table users add constraint c check (email <> 'drop table')"),
  'insert into users (id) select 1 on conflict do nothing',
  'insert into users (id) values (9); delete from users u where u.id = 9',
  'update users u set email = 1 from posts where u.email is null',
  'select lo_get(file), lo_from_bytea(0, data) from docs',
  'insert into plans values (1) on conflict (id) do update set id = excluded.id',
  'insert into plans values (1) on conflict (id) do update set a = 1 where plans.a is null',
  'create table t (id int); insert into t values (1) on conflict (id) do update set id = 2',
  "select again(), runs('select 1'), runs('users')",
  `${made('perform 1')}; create trigger t after insert on users for each row execute function f()`,
  ...[
    'begin return new; end',
    'begin return coalesce(new, old); end',
    'begin new.at := null; return (new); end',
    "begin if tg_op = 'DELETE' then return old; end if; return new; end",
    "begin return case when tg_op = 'DELETE' then old else new end; end",
    "begin raise notice 'return null;'; /* return null; */ return new; end",
    'begin if new = old then new.at = now(); end if; return new; end',
  ].map(
    (code) =>
      `create or replace function stamp() returns trigger language plpgsql as $$ ${code} $$`,
  ),
  `create function f() returns trigger language plpgsql as 'begin return old; end';
    create trigger t before delete on users for each row execute function f()`,
];

for (const [sql, wanted] of CASES) {
  test(`${wanted}: ${sql.slice(0, 70)}`, async () => {
    assert.equal(await read(sql), wanted);
  });
}
for (const sql of TWINS) {
  test(`nothing: ${sql.slice(0, 70)}`, async () => {
    assert.equal(await read(sql), '');
  });
}

describe('findings of what ran in the sandbox', () => {
  let bench: Bench;
  before(() => {
    bench = open();
  });
  after(() => bench.close());

  const seed = "INSERT INTO users SELECT n, 'u' || n FROM generate_series(1, 1000) n";
  const history = [`CREATE TABLE users (id int primary key, email text); ${seed};`];

  /** Ids of the findings that statements made, with their radius. */
  async function told(sql: string): Promise<readonly string[]> {
    const run = await bench.run(plan(history, [sql]));
    assert.equal(run.status, 'ok', run.reason ?? '');
    // How long a lock is held is another matter.
    const grave = findRun(run).filter(
      ({ id, level }) => level === 'danger' && id !== 'blocking-lock',
    );
    return grave.map(({ id, radius }) => `${radius} ${id}`).toSorted();
  }

  const runs: readonly (readonly [string, readonly string[]])[] = [
    [`TRUNCATE users; ${seed}`, ['critical all-rows-removed']],
    [`DELETE FROM users; ${seed}`, ['critical all-rows-removed']],
    ["DELETE FROM users WHERE id = 7; INSERT INTO users VALUES (7, 'u7')", ['high rows-removed']],
    ['DELETE FROM users WHERE id > 1000', ['high destruction-unproven']],
    [
      'UPDATE users SET email = CASE WHEN id > 1000 THEN NULL ELSE email END',
      ['high destruction-unproven'],
    ],
    ['DROP TABLE IF EXISTS orders CASCADE', ['high destruction-unproven']],
    [
      'DO $$ BEGIN IF (SELECT count(*) FROM users) > 5000 THEN DROP TABLE users; END IF; END $$',
      ['high destructive-body'],
    ],
    // What the dry run proves is told once, by its proof.
    ['DROP TABLE IF EXISTS users', ['critical table-dropped']],
    ['DELETE FROM users WHERE id > 10', ['critical rows-lost']],
    ['UPDATE users SET email = lower(email) || 1', ['high values-changed']],
    ['ALTER TABLE users DROP COLUMN email', ['high values-lost']],
    // Harmless twins.
    ['ALTER TABLE users ADD COLUMN a int; UPDATE users SET a = 1 WHERE a IS NULL', []],
    ["INSERT INTO users (id, email) VALUES (2000, 'x'); DELETE FROM users WHERE id = 2000", []],
    ["UPDATE users SET email = 'none' WHERE email IS NULL", []],
  ];
  for (const [sql, wanted] of runs) {
    test(`${wanted.join(', ') || 'nothing'}: ${sql.slice(0, 60)}`, async () => {
      assert.deepEqual(await told(sql), wanted);
    });
  }
});
