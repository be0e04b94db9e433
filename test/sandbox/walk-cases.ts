/**
 * A walk of somebody who wants past the gate: migrations that would destroy, hide or give away what
 * production holds, written so that the sandbox's own rows show little of it. Each must be told.
 */
export interface WalkCase {
  readonly name: string;
  /** Run before the change, as part of the history. */
  readonly before?: string;
  readonly sql: string;
  /** `radius id object` of findings that must be among those told. */
  readonly told: readonly string[];
}

const EXECUTES = `create function ex(q text) returns void language plpgsql as
  $$ begin execute q; end $$`;
const PARTS = `create table parts (id int, at date) partition by range (at);
  create table parts_1 partition of parts for values from ('2020-01-01') to ('2030-01-01');
  insert into parts select i, '2021-01-01' from generate_series(1, 20) i`;
const SAME = `create function same(int, int) returns bool language plpgsql as
    $$ begin return (select count(*) > 10000 from users); end $$;
  create operator public.= (leftarg = int, rightarg = int, function = same)`;

export const WALK: readonly WalkCase[] = [
  {
    name: 'rows are counted first, as production has more',
    sql: `do $$ begin if (select count(*) from users) > 10000 then delete from users; end if; end $$`,
    told: ['high destructive-body users'],
  },
  {
    name: 'the count stands in the condition',
    sql: 'delete from users where (select count(*) from users) > 10000',
    told: ['high destruction-unproven users'],
  },
  {
    name: 'the count stands in a CTE on estimates',
    sql: `with x as (delete from users where (select reltuples from pg_class
      where relname = 'users') > 10000 returning 1) select count(*) from x`,
    told: ['high destruction-unproven users'],
  },
  {
    name: 'a function of the history does it',
    before: `create function purge() returns void language sql as
      'delete from users where id > 10000'`,
    sql: 'select purge()',
    told: ['high destructive-body users'],
  },
  {
    name: 'a function of the history runs a text',
    before: EXECUTES,
    sql: `do $$ begin perform ex('delete from users where id > 10000'); end $$`,
    told: ['high destructive-body users'],
  },
  {
    name: 'a function of the history runs a text that depends',
    before: EXECUTES,
    sql: `select ex(case when (select count(*) from users) > 10000 then 'delete from users'
      else 'select 1' end)`,
    told: ['high environment-aware-sql db/0003.sql'],
  },
  {
    name: 'a function of PostgreSQL runs a text that depends',
    sql: `select query_to_xml(case when (select count(*) from users) > 10000 then 'select 2'
      else 'select 1' end, true, true, '')`,
    told: ['high environment-aware-sql db/0002.sql'],
  },
  {
    name: 'a deferred constraint trigger empties a table at the end',
    sql: `create function nuke() returns trigger language plpgsql as
        $$ begin execute 'tr' || 'uncate users cascade'; return null; end $$;
      create constraint trigger late after insert on logs deferrable initially deferred
        for each row execute function nuke();
      insert into logs values ('a', 'b')`,
    told: ['critical rows-lost users', 'critical rows-lost posts'],
  },
  {
    name: 'a trigger waits for a row of production',
    sql: `create function nuke() returns trigger language plpgsql security definer as
        $$ begin delete from users; return new; end $$;
      create trigger late after insert on logs for each row when (new.line = 'prod')
        execute function nuke()`,
    told: ['high destructive-body users', 'high function-with-owner-rights nuke()'],
  },
  {
    name: 'a trigger of the history that a cascade fires asks where it is',
    before: `create function quietly() returns trigger language plpgsql as
        $$ begin if current_database() = 'prod' then delete from logs; end if; return old; end $$;
      create trigger quietly after delete on posts for each row execute function quietly()`,
    sql: 'delete from users where id = 5',
    told: ['high environment-aware-sql db/0003.sql'],
  },
  {
    name: 'a view with an INSTEAD OF trigger',
    sql: `create view v as select * from users;
      create function g() returns trigger language plpgsql as
        $$ begin delete from users; return old; end $$;
      create trigger g instead of delete on v for each row execute function g()`,
    told: ['high destructive-body users'],
  },
  {
    name: 'a rule that does more than is asked',
    sql: `create rule more as on insert to logs do also
      delete from users where (select count(*) from users) > 10000`,
    told: ['high destructive-body users'],
  },
  {
    name: 'an operator that shadows the one of PostgreSQL',
    sql: `${SAME}; set search_path = public, pg_catalog; update users set email = 'x' where id = 99999`,
    told: ['high destruction-unproven users', 'medium operator-added =(integer, integer)'],
  },
  {
    name: 'an operator that is left for the application',
    sql: `${SAME}; alter role app_owner set search_path = public, pg_catalog`,
    told: [
      'high settings-changed settings of app_owner',
      'medium operator-added =(integer, integer)',
    ],
  },
  {
    name: 'a trigger function of the history that now answers no row',
    sql: `create or replace function quiet() returns trigger language plpgsql as
      $$ begin return null; end $$`,
    told: ['high destructive-body secrets'],
  },
  {
    name: 'an upsert that met no row here',
    before: 'create table plans (id int primary key, price int)',
    sql: `insert into plans values (1, 0) on conflict (id) do update set price = 0`,
    told: ['high destruction-unproven plans'],
  },
  {
    name: 'a key of another table in place of its own',
    sql: `insert into users (id, email) values (9999, 'x');
      delete from users using posts p where p.id = 9999`,
    told: ['high destruction-unproven users'],
  },
  {
    name: 'a MERGE that meets nothing here',
    sql: `merge into users u using (select 20000 as id) s on u.id = s.id when matched then delete`,
    told: ['high destruction-unproven users'],
  },
  {
    name: 'TRUNCATE through a partition',
    before: PARTS,
    sql: 'truncate parts cascade',
    told: ['critical rows-lost parts_1'],
  },
  {
    name: 'a partition taken out of its table',
    before: PARTS,
    sql: 'alter table parts detach partition parts_1',
    told: ['high rows-detached parts_1'],
  },
  {
    name: 'a type change that makes every value null',
    sql: 'alter table posts alter body type int using null',
    told: ['high values-lost posts.body'],
  },
  {
    name: 'a generated column in place of a stored one',
    sql: `alter table posts drop body; alter table posts add body text generated always as ('x') stored`,
    told: ['high values-changed posts.body'],
  },
  {
    name: 'large objects go with no row of any table',
    sql: 'select lo_unlink(bytes) from files',
    told: ['critical rows-lost pg_largeobject'],
  },
  {
    name: 'large objects that only production has',
    sql: 'select lo_unlink(bytes) from files where id > 10000',
    told: ['high destruction-unproven pg_largeobject'],
  },
  {
    name: 'a prepared statement with a condition',
    sql: `prepare p as delete from logs where (select count(*) from logs) > 10000; execute p`,
    told: ['high destruction-unproven logs'],
  },
  {
    name: 'a temporary table hides the real one, and then does not',
    sql: `create temp table logs (line text); drop table logs; delete from logs where line = 'prod'`,
    told: ['high destruction-unproven logs'],
  },
  {
    name: 'SET LOCAL makes a name mean another table',
    sql: `create table shop.users (id int); set local search_path = public; delete from users`,
    told: ['critical rows-lost users'],
  },
  {
    name: 'text in hexadecimal',
    sql: `do $$ begin execute convert_from(decode('64656c6574652066726f6d206c6f6773', 'hex'), 'utf8'); end $$`,
    told: ['critical rows-lost logs', 'high environment-aware-sql db/0002.sql'],
  },
  {
    name: 'a publication of everything in a table',
    sql: 'create publication outside for table secrets',
    told: ['high publication-widened outside'],
  },
  {
    name: 'a view that reads past row security',
    sql: 'create view all_secrets as select * from secrets; grant select on all_secrets to public',
    told: ['high privileges-widened all_secrets to public'],
  },
  {
    name: 'the password of the role that runs migrations',
    sql: `alter role app_owner password 'mine'`,
    told: ['high settings-changed settings of the role app_owner'],
  },
  {
    name: 'a key that takes rows of another table along from now on',
    before: `create table notes (id int primary key, user_id int references users)`,
    sql: `alter table notes drop constraint notes_user_id_fkey;
      alter table notes add constraint other foreign key (user_id) references users on delete cascade`,
    told: ['high deletes-cascade notes.other'],
  },
  {
    name: 'a key that is made to cascade under its name',
    before: `create table notes (id int primary key, user_id int references users)`,
    sql: `alter table notes drop constraint notes_user_id_fkey,
      add constraint notes_user_id_fkey foreign key (user_id) references users on delete cascade`,
    told: ['high deletes-cascade notes.notes_user_id_fkey'],
  },
  {
    name: 'a trigger function that answers a row which nobody has filled',
    sql: `create or replace function quiet() returns trigger language plpgsql as
      $$ declare row secrets; begin return row; end $$`,
    told: ['high destructive-body secrets'],
  },
  {
    name: 'an operator, a cast and an aggregate of the history that ask where they are',
    before: `create function here(int, int) returns int language sql as
        $$ select case when current_database() = 'prod' then 1 else 0 end $$;
      create operator ### (leftarg = int, rightarg = int, function = here);
      create aggregate summed(int) (sfunc = here, stype = int);
      create type mark as (n int);
      create function marked(int) returns mark language sql as 'select row(here($1, 1))::mark';
      create cast (int as mark) with function marked(int)`,
    sql: `update users set age = age where 1 ### 2 = 1;`,
    told: ['high environment-aware-sql db/0003.sql'],
  },
  {
    name: 'a table vacuumed whole, whose lock is gone with the statement',
    sql: 'vacuum full users',
    told: ['high blocking-lock users'],
  },
  {
    name: 'a lock that is held while it sleeps',
    sql: 'lock table users in access exclusive mode; select pg_sleep(0.1)',
    told: ['high blocking-lock users', 'high environment-aware-sql db/0002.sql'],
  },
];

/** Neighbours of the above that do what migrations do every day: none may tell of any danger. */
export const DAILY: readonly (readonly [name: string, before: string, sql: string])[] = [
  ['a function of the history that runs a constant text', EXECUTES, `select ex('select 1')`],
  [
    'a trigger of the history that stamps rows',
    `create function stamp() returns trigger language plpgsql as
        $$ begin new.line = new.line || now(); return new; end $$;
      create trigger stamp before insert on logs for each row execute function stamp()`,
    `insert into logs values ('a', 'b')`,
  ],
  [
    'a default with the time',
    'create table notes (id int primary key, at timestamptz default now())',
    'insert into notes values (1)',
  ],
  [
    'an upsert that changes nothing which is there',
    'create table plans (id int primary key, price int)',
    'insert into plans values (1, 0) on conflict (id) do nothing',
  ],
  ['a partition added', PARTS, `create table parts_2 partition of parts default`],
  [
    'a key that cascades as it did, under another name',
    'select 1',
    `alter table posts drop constraint posts_user_id_fkey;
      alter table posts add constraint other foreign key (user_id) references users on delete cascade not valid`,
  ],
  [
    'a new column whose key cascades',
    'create table notes (id int primary key)',
    `alter table notes add column post_id int;
      alter table notes add constraint n foreign key (post_id) references posts on delete cascade not valid`,
  ],
  ['a comment', 'select 1', `comment on table users is 'who may sign in'`],
  ['a large object added', 'select 1', `insert into files values (9, lo_from_bytea(0, 'x'))`],
];
