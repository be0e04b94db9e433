/** A runner's own tables get no made-up rows, and are watched like any other. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { findRun } from '../../src/core/findings/run.ts';
import { isBookkeeping } from '../../src/sandbox/bookkeeping.ts';
import { type Bench, dataLines, observed, open, plan } from './helpers.ts';

const names = (text: string) =>
  text.split(' ').map((name, at) => ({ name, number: at + 1, type: 'int4', definition: '' }));
const table = (name: string, columns = 'id') => ({ name, columns: names(columns) });

test('a table is a runner’s by its name; one that is called migrations by its columns as well', () => {
  const books =
    'SequelizeMeta flyway_schema_history app.databasechangelog alembic_version sqitch.events ' +
    'supabase_migrations.seed_files drizzle.__drizzle_migrations';
  for (const name of books.split(' ')) assert.ok(isBookkeeping(table(name)), name);
  assert.ok(isBookkeeping(table('migrations', 'id timestamp name')));
  assert.ok(!isBookkeeping(table('migrations', 'id name traveller_id')));
  for (const name of ['users', 'sqitch', 'migration_requests', 'knex.users']) {
    assert.ok(!isBookkeeping(table(name)), name);
  }
});

describe('in the sandbox', () => {
  let bench: Bench;
  before(() => {
    bench = open();
  });
  after(() => bench.close());

  const history = [
    `create table users (id serial primary key, name text);
    create table knex_migrations (id serial primary key, name text, batch int, migration_time timestamptz);
    create table knex_migrations_lock (index serial primary key, is_locked int);
    create schema sqitch; create table sqitch.changes (change_id text primary key, note text not null)`,
  ];
  const run = (sql: string) => bench.run(plan(history, [sql]), { rows: 20 });

  test('what the runner writes into them changes nothing of production', async () => {
    const done = await run(`update knex_migrations_lock set is_locked = 1 where is_locked = 0;
      alter table users add column mail text;
      insert into knex_migrations (name, batch) values ('2_mail.js', 2);
      update knex_migrations_lock set is_locked = 0`);
    assert.equal(done.status, 'ok', done.reason ?? '');
    assert.deepEqual(
      observed(done).tables.map((one) => `${one.table} ${one.rows} ${one.origin}`),
      ['knex_migrations 0 empty', 'knex_migrations_lock 0 empty', 'sqitch.changes 0 empty'].concat(
        'users 20 synthetic',
      ),
    );
    assert.deepEqual(observed(done).unfilled, []);
    assert.deepEqual(
      dataLines(done).filter(
        (one) => !/^knex_migrations(?:\.\w+)? .* lost 0 .* changed 0$/.test(one),
      ),
      [],
    );
  });

  for (const [sql, id] of [
    ['drop table knex_migrations', 'table-dropped-unproven'],
    ['delete from knex_migrations where batch = 1', 'destruction-unproven'],
    ['truncate sqitch.changes', 'destruction-unproven'],
    ['drop schema sqitch cascade', 'schema-dropped'],
  ] as const) {
    test(`their loss is told: ${sql}`, async () => {
      const found = findRun(await run(sql)).filter(({ level }) => level === 'danger');
      assert.ok(
        found.some((one) => one.id === id),
        JSON.stringify(found),
      );
    });
  }
});
