/** What is observed, as cases: each shows one thing, and a twin does not. docs/migrations.md shows them. */
import { type Case, OBJECT_PAIRS, TWINS } from './observation-pairs.ts';

export const HISTORY: readonly string[] = [
  `create table users (id serial primary key, email text not null, name text, age int);
   create table posts (id serial primary key, user_id int references users on delete cascade, body text);
   create table logs (line text, level text);
   create table secrets (id int primary key, owner text);
   alter table secrets enable row level security;
   create policy own on secrets using (owner = current_user);
   create type mood as enum ('sad', 'happy');
   create view names as select id, name from users;
   create index posts_by_user on posts (user_id);
   create function shout(text) returns text language sql as 'select upper($1)';
   create function quiet() returns trigger language plpgsql as 'begin return new; end';
   create trigger quiet before insert on secrets for each row execute function quiet();
   create sequence tickets; grant select on logs to public; create domain age as int check (value > 0);
   create schema shop; create table files (id int primary key, bytes oid);
   create materialized view totals as select 1 as one;
   create table shop.items (id int primary key, price numeric not null default 1 check (price > 0));`,
];

export const SEED: readonly { readonly path: string; readonly sql: string }[] = [
  {
    path: 'seed.sql',
    sql: `insert into users (email, name, age) select 'e' || i, 'n' || i, i from generate_series(1, 100) i;
      insert into posts (user_id, body) select 1 + i % 100, 'b' from generate_series(1, 300) i;
      insert into logs select 'l' || i, 'info' from generate_series(1, 50) i;
      insert into secrets select i, 'x' from generate_series(1, 10) i;
      insert into files select i, lo_from_bytea(100 + i, 'bytes') from generate_series(1, 5) i;`,
  },
];

const SINGLE: readonly Case[] = [
  {
    name: 'a dropped column loses its values',
    sql: 'alter table users drop column age',
    data: ['users.age values 100 > 0 lost 100 added 0 changed 0'],
    objects: ['removed column users.age'],
  },
  {
    name: 'twin: a new column',
    sql: 'alter table users add column x int',
    objects: ['added column users.x'],
  },
  {
    name: 'a renamed column keeps its values',
    sql: 'alter table users rename column age to years',
    objects: ['changed column users.age'],
  },
  {
    name: 'a renamed table keeps its rows',
    sql: 'alter table logs rename to journal',
    objects: ['changed table logs'],
  },
  {
    name: 'an UPDATE to NULL loses values and no rows',
    sql: 'update users set name = null where id <= 30',
    data: ['users.name values 100 > 70 lost 30 added 0 changed 0'],
    objects: [],
  },
  { name: 'twin: an UPDATE that changes nothing', sql: 'update users set name = name', data: [] },
  {
    name: 'an UPDATE of values changes them',
    sql: `update users set email = 'gone' where id > 90`,
    data: ['users.email values 100 > 100 lost 0 added 0 changed 10'],
  },
  {
    name: 'a DELETE reaches other tables by its cascade',
    sql: 'delete from users where id = 7',
    data: [
      'posts rows 300 > 297 lost 3 added 0 changed 0',
      'posts.body values 300 > 297 lost 3 added 0 changed 0',
      'posts.id values 300 > 297 lost 3 added 0 changed 0',
      'posts.user_id values 300 > 297 lost 3 added 0 changed 0',
      'users rows 100 > 99 lost 1 added 0 changed 0',
      'users.age values 100 > 99 lost 1 added 0 changed 0',
      'users.email values 100 > 99 lost 1 added 0 changed 0',
      'users.id values 100 > 99 lost 1 added 0 changed 0',
      'users.name values 100 > 99 lost 1 added 0 changed 0',
    ],
  },
  {
    name: 'dynamic SQL in DO is seen by what it did',
    sql: `do $$ begin execute 'trunc' || 'ate logs'; end $$`,
    data: [
      'logs rows 50 > 0 lost 50 added 0 changed 0',
      'logs.level values 50 > 0 lost 50 added 0 changed 0',
      'logs.line values 50 > 0 lost 50 added 0 changed 0',
    ],
  },
  {
    name: 'a table without a key: changed values are not lost rows',
    sql: `update logs set level = 'warn' where line in ('l1', 'l2')`,
    data: ['logs.level values 50 > 50 lost 0 added 0 changed 2'],
  },
  {
    name: 'copy, drop and rename back loses what was not copied',
    sql: `create table new_logs (line text, level text);
      insert into new_logs (line) select line from logs; drop table logs;
      alter table new_logs rename to logs`,
    data: ['logs.level values 50 > 0 lost 50 added 0 changed 0'],
    objects: ['removed grant logs to public'],
  },
  {
    name: 'a type change that keeps every value changes none',
    sql: 'alter table users alter email type varchar(200)',
    data: [],
    objects: ['changed column users.email'],
  },
  {
    name: 'a type change that rounds changes values',
    sql: 'alter table users alter age type int using (age / 10) * 10',
    data: ['users.age values 100 > 100 lost 0 added 0 changed 90'],
    objects: [],
  },
  {
    name: 'row level security switched off',
    sql: 'alter table secrets disable row level security',
    objects: ['changed row-security secrets'],
  },
  {
    name: 'a policy opened',
    sql: 'alter policy own on secrets using (true)',
    objects: ['changed policy secrets.own'],
  },
  {
    name: 'a grant to everyone',
    sql: 'grant select on users to public',
    objects: ['added grant users to public'],
  },
  {
    name: 'default privileges opened',
    sql: 'alter default privileges grant all on tables to public',
    objects: ['added grant new objects of app_owner to public'],
  },
  {
    name: 'a view replaced',
    sql: 'create or replace view names as select id, email::text as name from users',
    objects: ['changed view names'],
  },
  { name: 'an enum grows', sql: `alter type mood add value 'ok'`, objects: ['changed type mood'] },
  {
    name: 'settings of the database',
    sql: `do $$ begin execute format('alter database %I set search_path = evil', current_database()); end $$`,
    objects: ['added schema settings of the database'],
  },
  {
    name: 'a sequence set back gives out values again',
    sql: `select setval('users_id_seq', 5); alter sequence posts_id_seq restart`,
    objects: ['changed sequence posts_id_seq', 'changed sequence users_id_seq'],
  },
  {
    name: 'twin: a sequence that goes on',
    sql: `select nextval('users_id_seq'), setval('posts_id_seq', 5000)`,
    objects: [],
  },
  {
    name: 'a dropped schema takes everything in it',
    sql: 'drop schema public cascade; create schema public',
    data: [
      'files rows 5 > 0 lost 5 added 0 changed 0',
      'logs rows 50 > 0 lost 50 added 0 changed 0',
      'posts rows 300 > 0 lost 300 added 0 changed 0',
      'secrets rows 10 > 0 lost 10 added 0 changed 0',
      'totals rows 1 > 0 lost 0 added 0 changed 0',
      'users rows 100 > 0 lost 100 added 0 changed 0',
    ],
  },
  {
    name: 'a constraint dropped',
    sql: `alter table shop.items drop constraint items_price_check`,
    objects: ['removed constraint shop.items.items_price_check'],
  },
  {
    name: 'a default dropped',
    sql: `alter table shop.items alter price drop default`,
    objects: ['removed default shop.items.price'],
  },
  {
    name: 'twin: the same default again',
    sql: `alter table shop.items alter price set default 1`,
    objects: [],
  },
  {
    name: 'a column may be null',
    sql: `alter table shop.items alter price drop not null`,
    objects: ['changed column shop.items.price'],
  },
  {
    name: 'twin: not null again',
    sql: `alter table shop.items alter price set not null`,
    objects: [],
  },
  {
    name: 'an index dropped',
    sql: `drop index posts_by_user`,
    objects: ['removed index posts_by_user'],
  },
  {
    name: 'twin: an index built anew',
    sql: `reindex index posts_by_user`,
    data: [],
    objects: [],
  },
  {
    name: 'a function replaced',
    sql: `create or replace function shout(text) returns text language sql as 'select lower($1)'`,
    objects: ['changed function shout(text)'],
  },
  {
    name: 'twin: a function replaced by itself',
    sql: `create or replace function shout(text) returns text language sql as 'select upper($1)'`,
    objects: [],
  },
  {
    name: 'a function with the rights of its owner',
    sql: `alter function shout(text) security definer`,
    objects: ['changed function shout(text)'],
  },
  {
    name: 'a trigger switched off',
    sql: `alter table secrets disable trigger quiet`,
    objects: ['changed trigger secrets.quiet'],
  },
  {
    name: 'twin: a trigger switched on that was on',
    sql: `alter table secrets enable trigger quiet`,
    objects: [],
  },
  {
    name: 'a policy dropped',
    sql: `drop policy own on secrets`,
    objects: ['removed policy secrets.own'],
  },
  {
    name: 'twin: a policy made and dropped again',
    sql: `create policy two on secrets using (true); drop policy two on secrets`,
    objects: [],
  },
  {
    name: 'a right taken back',
    sql: `revoke select on logs from public`,
    objects: ['removed grant logs to public'],
  },
  {
    name: 'twin: a right that is there already',
    sql: `grant select on logs to public`,
    objects: [],
  },
  {
    name: 'a view dropped',
    sql: `drop view names`,
    objects: ['removed view names'],
  },
  {
    name: 'a materialized view',
    sql: `create materialized view m as select 1 as one`,
    data: ['m rows 0 > 1 lost 0 added 1 changed 0'],
    objects: ['added view m'],
  },
  {
    name: 'a value of an enum renamed',
    sql: `alter type mood rename value 'sad' to 'blue'`,
    objects: ['changed type mood'],
  },
  {
    name: 'twin: a value of an enum that is there already',
    sql: `alter type mood add value if not exists 'sad'`,
    objects: [],
  },
  {
    name: 'a domain that checks less',
    sql: `alter domain age drop constraint age_check`,
    objects: ['removed constraint age.age_check'],
  },
  {
    name: 'an extension',
    sql: `create extension pg_trgm`,
    objects: ['added extension pg_trgm'],
  },
  {
    name: 'twin: an extension that is there already',
    sql: `create extension if not exists plpgsql`,
    objects: [],
  },
  {
    name: 'a sequence dropped',
    sql: `drop sequence tickets`,
    objects: ['removed sequence tickets'],
  },
  {
    name: 'a schema renamed',
    sql: `alter schema shop rename to store`,
    objects: ['changed schema shop', 'changed table shop.items'],
  },
  {
    name: 'an object given to another role',
    sql: `alter table logs owner to pg_database_owner`,
    objects: ['changed owner logs'],
  },
  {
    name: 'twin: an object given to its owner',
    sql: `alter table logs owner to app_owner`,
    objects: [],
  },
  {
    name: 'a table that a crash empties',
    sql: `alter table logs set unlogged`,
    objects: ['changed table logs'],
  },
  {
    name: 'rows added',
    sql: `insert into logs values ('new', 'info')`,
    data: [
      'logs rows 50 > 51 lost 0 added 1 changed 0',
      'logs.level values 50 > 51 lost 0 added 1 changed 0',
      'logs.line values 50 > 51 lost 0 added 1 changed 0',
    ],
  },
  {
    name: 'twin: rows added and taken away again',
    sql: `insert into logs values ('new', 'info'); delete from logs where line = 'new'`,
    data: [],
    objects: [],
  },
  {
    name: 'a trigger of the change reaches another table',
    sql: `create function wipe() returns trigger language plpgsql as 'begin delete from logs; return new; end'; create trigger wipe after update on users for each row execute function wipe(); update users set age = age where id = 1`,
    data: [
      'logs rows 50 > 0 lost 50 added 0 changed 0',
      'logs.level values 50 > 0 lost 50 added 0 changed 0',
      'logs.line values 50 > 0 lost 50 added 0 changed 0',
    ],
  },
  {
    name: 'twin: a DELETE that finds no row',
    sql: `delete from logs where line = 'none'`,
    data: [],
    objects: [],
  },
  {
    name: 'twin: a temporary table',
    sql: `create temp table x as select * from users; update x set name = null; drop table x`,
    data: [],
    objects: [],
  },
];

const BYTES = 'pg_largeobject.data values 5 >';

/** The bytes of large objects: they are the rows of a catalog, whose file is seen like a table's. */
const LARGE_OBJECTS: readonly Case[] = [
  {
    name: 'large objects deleted',
    sql: 'select lo_unlink(bytes) from files where id <= 2',
    data: [
      'pg_largeobject rows 5 > 3 lost 2 added 0 changed 0',
      `${BYTES} 3 lost 2 added 0 changed 0`,
      'pg_largeobject.loid values 5 > 3 lost 2 added 0 changed 0',
      'pg_largeobject.pageno values 5 > 3 lost 2 added 0 changed 0',
    ],
  },
  {
    name: 'large objects overwritten and cut',
    sql: `select lo_put(101, 0, 'other'); select lo_truncate(lo_open(102, 131072), 1)`,
    data: [`${BYTES} 5 lost 0 added 0 changed 2`],
  },
  {
    name: 'twin: large objects read, and one made and deleted again',
    sql: `select lo_get(bytes) from files; select lo_unlink(lo_from_bytea(0, 'x'))`,
    data: [],
    objects: [],
  },
];

const PAIRS: readonly Case[] = OBJECT_PAIRS.flatMap(([name, sql, objects, twin, data]) => [
  { name, sql, objects, ...(data === undefined ? {} : { data }) },
  { name: `twin: ${name}`, sql: twin, objects: [] },
]);

/** All of them. */
export const CASES: readonly Case[] = [...SINGLE, ...TWINS, ...LARGE_OBJECTS, ...PAIRS];
