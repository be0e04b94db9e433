/** Each observation has a case that shows it and a harmless twin that does not. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Bench, dataLines, folderOf, objectLines, observed, open, plan } from './helpers.ts';

const HISTORY = [
  `create table users (id serial primary key, email text not null, name text, age int);
   create table posts (id serial primary key, user_id int references users on delete cascade, body text);
   create table logs (line text, level text);
   create table secrets (id int primary key, owner text);
   alter table secrets enable row level security;
   create policy own on secrets using (owner = current_user);
   create type mood as enum ('sad', 'happy');
   create view names as select id, name from users;`,
];

const SEED = [
  {
    path: 'seed.sql',
    sql: `insert into users (email, name, age) select 'e' || i, 'n' || i, i from generate_series(1, 100) i;
      insert into posts (user_id, body) select 1 + i % 100, 'b' from generate_series(1, 300) i;
      insert into logs select 'l' || i, 'info' from generate_series(1, 50) i;
      insert into secrets select i, 'x' from generate_series(1, 10) i;`,
  },
];

interface Case {
  readonly name: string;
  readonly sql: string;
  readonly data?: readonly string[];
  readonly objects?: readonly string[];
}

const CASES: readonly Case[] = [
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
    objects: [],
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
    name: 'constraint, index, default, trigger, function, sequence and schema',
    sql: `alter table users add constraint old check (age > 0); create index on users (name);
      alter table users alter age set default 1; create sequence s; create schema other;
      create function f() returns trigger language plpgsql as 'begin return new; end';
      create trigger t before insert on users for each row execute function f()`,
    objects: [
      'added constraint users.old',
      'added default users.age',
      'added function f()',
      'added index users_name_idx',
      'added schema other',
      'added sequence s',
      'added trigger users.t',
    ],
  },
  {
    name: 'a rule that swallows writes',
    sql: 'create rule no_write as on insert to users do instead nothing',
    objects: ['added trigger users.no_write'],
  },
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
      'logs rows 50 > 0 lost 50 added 0 changed 0',
      'posts rows 300 > 0 lost 300 added 0 changed 0',
      'secrets rows 10 > 0 lost 10 added 0 changed 0',
      'users rows 100 > 0 lost 100 added 0 changed 0',
    ],
  },
];

describe('what a change did is observed', () => {
  let bench: Bench;
  before(() => {
    bench = open();
  });
  after(() => bench.close());

  for (const { name, sql, data, objects } of CASES) {
    test(name, async () => {
      const run = await bench.run(plan(HISTORY, [sql]), { seed: SEED });
      assert.equal(run.status, 'ok', run.reason ?? '');
      if (name.includes('schema takes')) {
        assert.deepEqual(
          dataLines(run).filter((line) => line.includes(' rows ')),
          data,
        );
        return;
      }
      assert.deepEqual(dataLines(run), data ?? []);
      if (objects !== undefined) assert.deepEqual(objectLines(run), objects);
    });
  }

  test('locks, rewrites, rows and places of statements', async () => {
    const sql = 'update users set age = age + 1;\nalter table users\n  alter age type bigint;';
    const run = await bench.run(plan(HISTORY, [sql]), { seed: SEED });
    const [update, alter] = folderOf(run).statements;
    assert.deepEqual([update?.rows, update?.line, update?.rewrites], [100, 1, []]);
    assert.deepEqual([alter?.line, alter?.column, alter?.rewrites], [2, 1, ['users']]);
    assert.ok(update?.locks.some((l) => l.object === 'users' && l.mode === 'RowExclusive'));
    assert.ok(alter?.locks.some((l) => l.object === 'users' && l.mode === 'AccessExclusive'));
  });

  test('each statement knows what it made, changed and dropped, cascades with it', async () => {
    const sql = `create table fresh (a int); alter table users rename age to years;
      do $$ begin execute 'drop table ' || 'users cascade'; end $$;
      create function told() returns int language sql return 1;
      do $$ begin raise info 'tagout-object ["x'; raise info 'tagout-object 1'; end $$`;
    const run = await bench.run(plan(HISTORY, [sql]), { seed: SEED });
    const [made, renamed, dropped, told, lie] = folderOf(run).statements.map(
      (s) => s.objects ?? [],
    );
    assert.deepEqual([made, renamed], [['fresh'], ['users.years']]);
    for (const object of ['users', 'names', 'posts.posts_user_id_fkey', 'users_id_seq']) {
      assert.ok(dropped?.includes(object), `${object} of ${dropped?.join(', ')}`);
    }
    assert.deepEqual([told, lie], [['told'], []]);
  });

  test('locks of a statement outside a transaction are seen while it runs', async () => {
    const sql = `do $$ begin lock table users; perform pg_sleep(0.2); end $$`;
    const run = await bench.run(plan(HISTORY, [sql]), { seed: SEED });
    const [done] = folderOf(run).statements;
    assert.deepEqual(done?.locks, [{ object: 'users', mode: 'AccessExclusive' }]);
  });

  test('the size of every table when the change began, and where its rows came from', async () => {
    const run = await bench.run(plan(HISTORY, ['select 1']), { seed: SEED });
    assert.deepEqual(
      observed(run).tables.map((t) => `${t.table} ${t.rows} ${t.origin}`),
      ['logs 50 seed', 'posts 300 seed', 'secrets 10 seed', 'users 100 seed'],
    );
    assert.equal(run.baselineCached, true);
  });
});
