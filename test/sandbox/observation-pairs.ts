/** Observations of the catalog and of large objects, each with its harmless twin. */

/** What it is, the SQL that shows it, what is shown, and SQL so near to it that shows nothing. */
type Pair = readonly [
  name: string,
  sql: string,
  shown: readonly string[],
  twin: string,
  data?: readonly string[],
];

export interface Case {
  readonly name: string;
  readonly sql: string;
  readonly data?: readonly string[];
  readonly objects?: readonly string[];
}

const BODY = `returns trigger language plpgsql as 'begin return new; end'`;

/** Differences of the catalog. */
export const OBJECT_PAIRS: readonly Pair[] = [
  [
    'a table added',
    'create table fresh ()',
    ['added table fresh'],
    'create table if not exists logs ()',
  ],
  [
    'a column added',
    'alter table logs add column at date',
    ['added column logs.at'],
    'alter table logs add column if not exists level text',
  ],
  [
    'a column narrowed',
    'alter table logs alter level type varchar(9)',
    ['changed column logs.level'],
    'alter table logs alter level type text',
  ],
  [
    'a default added',
    'alter table users alter age set default 1',
    ['added default users.age'],
    'alter table users alter age drop default',
  ],
  [
    'a check added',
    'alter table users add constraint old check (age > 0)',
    ['added constraint users.old'],
    'alter table users add constraint old check (age > 0); alter table users drop constraint old',
  ],
  [
    'a key changed to cascade',
    `alter table posts drop constraint posts_user_id_fkey;
      alter table posts add foreign key (user_id) references users on delete set null`,
    ['changed constraint posts.posts_user_id_fkey'],
    `alter table posts drop constraint posts_user_id_fkey;
      alter table posts add foreign key (user_id) references users on delete cascade`,
  ],
  [
    'an index added',
    'create index on users (name)',
    ['added index users_name_idx'],
    'create index if not exists posts_by_user on posts (user_id)',
  ],
  [
    'a view added',
    'create view ids as select id from users',
    ['added view ids'],
    'create or replace view names as select id, name from users',
  ],
  [
    'a materialized view emptied',
    'refresh materialized view totals with no data',
    ['changed view totals'],
    'refresh materialized view totals',
    ['totals rows 1 > 0 lost 0 added 0 changed 0'],
  ],
  [
    'rows of a materialized view',
    `drop materialized view totals;
      create materialized view totals as select generate_series(1, 3) as one`,
    ['changed view totals'],
    'refresh materialized view totals',
    ['totals rows 1 > 3 lost 0 added 2 changed 0'],
  ],
  [
    'how a column is stored',
    'alter table users alter name set storage external, alter email set compression pglz',
    ['changed column users.email', 'changed column users.name'],
    'alter table users alter name set storage extended, alter email set compression default',
  ],
  [
    'the column of a sequence',
    'alter sequence tickets owned by users.id',
    ['added owner tickets by users.id'],
    'alter sequence tickets owned by none; alter table users rename id to nr; alter table users rename nr to id',
  ],
  [
    'a comment',
    `comment on column users.email is 'mail'; comment on table logs is '@omit'`,
    ['added comment logs', 'added comment users.email'],
    `comment on column users.email is null; create table fresh (); comment on table fresh is 'new';
      drop table fresh`,
  ],
  [
    'a function added',
    `create function f() ${BODY}`,
    ['added function f()'],
    `create or replace function quiet() ${BODY}`,
  ],
  [
    'a function dropped',
    'drop function shout(text)',
    ['removed function shout(text)'],
    'drop function if exists loud(text)',
  ],
  [
    'a trigger added',
    'create trigger t before insert on users for each row execute function quiet()',
    ['added trigger users.t'],
    'create or replace trigger quiet before insert on secrets for each row execute function quiet()',
  ],
  [
    'a trigger dropped',
    'drop trigger quiet on secrets',
    ['removed trigger secrets.quiet'],
    'drop trigger if exists loud on secrets',
  ],
  [
    'a rule added',
    'create rule no_write as on insert to users do instead nothing',
    ['added trigger users.no_write'],
    `create rule no_write as on insert to users do instead nothing; drop rule no_write on users`,
  ],
  [
    'a policy added',
    'create policy two on secrets for select using (true)',
    ['added policy secrets.two'],
    `drop policy own on secrets; create policy own on secrets using (owner = current_user)`,
  ],
  [
    'row security forced',
    'alter table secrets force row level security',
    ['changed row-security secrets'],
    'alter table secrets enable row level security',
  ],
  [
    'a column granted',
    'grant update (name) on users to public',
    ['added grant users.name to public'],
    'grant update (name) on users to app_owner',
  ],
  [
    'a function for its owner alone',
    'revoke execute on function shout(text) from public',
    ['removed grant shout(text) to public'],
    'grant execute on function shout(text) to public',
  ],
  [
    'a sequence added',
    'create sequence s',
    ['added sequence s'],
    'create sequence if not exists tickets',
  ],
  [
    'a sequence that starts again at its end',
    'alter sequence tickets maxvalue 5 cycle',
    ['changed sequence tickets'],
    'alter sequence tickets no cycle',
  ],
  [
    'an enum added',
    `create type size as enum ('s', 'm')`,
    ['added type size'],
    `do $$ begin create type mood as enum ('x'); exception when duplicate_object then null; end $$`,
  ],
  ['a type dropped', 'drop type mood', ['removed type mood'], 'drop type if exists temper'],
  [
    'a domain added',
    'create domain short as text check (length(value) < 9)',
    ['added constraint short.short_check', 'added type short'],
    'create domain short as text; drop domain short',
  ],
  [
    'a schema added',
    'create schema other',
    ['added schema other'],
    'create schema if not exists shop',
  ],
  [
    'an extension dropped',
    'create extension pg_trgm; create extension btree_gin; drop extension pg_trgm',
    ['added extension btree_gin'],
    'drop extension if exists pg_trgm',
  ],
  [
    'settings of the owner',
    `alter role app_owner set search_path = evil`,
    ['changed schema settings of app_owner'],
    'set search_path = evil; reset search_path',
  ],
  [
    'the password of the owner',
    `alter role app_owner password 'mine'`,
    ['changed schema settings of the role app_owner'],
    'alter role app_owner password null',
  ],
  [
    'how many may connect',
    `do $$ begin execute format('alter database %I connection limit 12', current_database()); end $$`,
    ['changed schema settings of the connections'],
    `do $$ begin execute format('alter database %I connection limit -1', current_database()); end $$`,
  ],
  [
    'settings of a table',
    'alter table users set (autovacuum_enabled = false)',
    ['changed table users'],
    'alter table users reset (autovacuum_enabled)',
  ],
  [
    'what replication tells of a row',
    'alter table users replica identity nothing',
    ['changed table users'],
    'alter table users replica identity default',
  ],
  [
    'an operator that means another thing',
    `create function same(int, int) returns bool language sql as 'select true';
      create operator public.= (leftarg = int, rightarg = int, function = same)`,
    ['added function same(integer, integer)', 'added operator =(integer, integer)'],
    `create function same(int, int) returns bool language sql as 'select true';
      create operator public.= (leftarg = int, rightarg = int, function = same);
      drop operator public.= (int, int); drop function same`,
  ],
  [
    'a cast that happens by itself',
    'create cast (text as mood) with inout as implicit',
    ['added cast text to public.mood'],
    'create cast (text as mood) with inout as implicit; drop cast (text as mood)',
  ],
  [
    'an aggregate that counts otherwise',
    `create function last(int, int) returns int language sql as 'select $2';
      create aggregate total(int) (sfunc = last, stype = int)`,
    ['added function last(integer, integer)', 'added function total(integer)'],
    `create aggregate total(int) (sfunc = int4pl, stype = int); drop aggregate total(int)`,
  ],
  [
    'a publication of rows',
    'create publication outside for table users',
    ['added publication outside'],
    'create publication outside; drop publication outside',
  ],
  [
    'a collation and extended statistics',
    `create collation de (provider = icu, locale = 'de'); create statistics s on age, name from users`,
    ['added object collation de', 'added object statistics s'],
    `create collation if not exists de (provider = icu, locale = 'de'); drop collation de`,
  ],
  [
    'a large object that anybody may read',
    `select lo_create(7); grant select on large object 7 to public`,
    ['added grant large object 7 to public'],
    'select lo_create(7); grant select on large object 7 to app_owner',
  ],
];

const nothing = (name: string, sql: string): Case => ({
  name: `twin: ${name}`,
  sql,
  data: [],
  objects: [],
});

/** Twins of single cases, and what their neighbours among the cascades do. */
export const TWINS: readonly Case[] = [
  nothing('a schema that is not there', 'drop schema if exists nowhere cascade'),
  nothing(
    'a schema renamed there and back',
    'alter schema shop rename to store; alter schema store rename to shop',
  ),
  nothing(
    'a table renamed there and back',
    'alter table logs rename to journal; alter table journal rename to logs',
  ),
  nothing(
    'a column renamed there and back',
    'alter table users rename age to years; alter table users rename years to age',
  ),
  nothing('a table logged as it was', 'alter table logs set logged'),
  nothing('a view that is not there', 'drop view if exists nothing'),
  nothing('a sequence that is not there', 'drop sequence if exists nothing'),
  nothing('a policy as it was', 'alter policy own on secrets using (owner = current_user)'),
  nothing(
    'default privileges of the owner',
    'alter default privileges grant all on tables to app_owner',
  ),
  nothing('a type that keeps values', 'alter table users alter age type int using age + 0'),
  {
    name: 'a DELETE empties values of another table',
    sql: `alter table posts drop constraint posts_user_id_fkey;
      alter table posts add foreign key (user_id) references users on delete set null;
      delete from users where id = 7`,
    data: [
      'posts.user_id values 300 > 297 lost 3 added 0 changed 0',
      'users rows 100 > 99 lost 1 added 0 changed 0',
      'users.age values 100 > 99 lost 1 added 0 changed 0',
      'users.email values 100 > 99 lost 1 added 0 changed 0',
      'users.id values 100 > 99 lost 1 added 0 changed 0',
      'users.name values 100 > 99 lost 1 added 0 changed 0',
    ],
    objects: ['changed constraint posts.posts_user_id_fkey'],
  },
];
