/**
 * What is stated of statements outside a transaction is what the server takes: each waits here for a
 * session that holds its table, and the server tells which lock it waits for.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Wire } from '../../src/postgres/wire.ts';
import { split } from '../../src/sandbox/statements.ts';
import { statedQuery, StatedLocks } from '../../src/sandbox/stated-locks.ts';
import { OBSERVER, OWNER, type Throwaway } from '../../src/sandbox/workspace.ts';
import { startServer } from './server.ts';
import { type Bench, folderOf, open, plan, step } from './helpers.ts';

const TABLES = `create table t (a int primary key, b int);
  create table p (a int) partition by list (a);
  create table p1 partition of p for values in (1);
  create index t_b on t (b); create schema shop; create table shop.s (a int primary key)`;

/** A statement, the table that another session holds, and the lock that it then waits for. */
const WAITS: readonly (readonly [sql: string, held: string, mode: string])[] = [
  ['vacuum t', 't', 'ShareUpdateExclusive'],
  ['vacuum full t', 't', 'AccessExclusive'],
  ['vacuum (full false) t', 't', 'ShareUpdateExclusive'],
  ['cluster t using t_pkey', 't', 'AccessExclusive'],
  ['create index concurrently fresh on t (b)', 't', 'ShareUpdateExclusive'],
  ['drop index concurrently t_b', 't', 'ShareUpdateExclusive'],
  ['reindex index concurrently t_b', 't', 'ShareUpdateExclusive'],
  ['reindex table concurrently t', 't', 'ShareUpdateExclusive'],
  ['reindex schema shop', 'shop.s', 'Share'],
  ['reindex index t_b', 't', 'Share'],
  ['alter table p detach partition p1 concurrently', 'p', 'ShareUpdateExclusive'],
  ['truncate t', 't', 'AccessExclusive'],
  ['drop table t', 't', 'AccessExclusive'],
  ['create index on t (b)', 't', 'Share'],
  [
    'create trigger g before update on t for each row execute function suppress_redundant_updates_trigger()',
    't',
    'ShareRowExclusive',
  ],
  ['create rule r as on insert to t do also nothing', 't', 'AccessExclusive'],
  ['alter table t rename b to c', 't', 'AccessExclusive'],
  ['alter table t alter b set not null', 't', 'AccessExclusive'],
];

describe('stated locks', () => {
  let server: Throwaway;
  let observer: Wire;
  before(async () => {
    server = await startServer();
    const owner = await server.connect(OWNER);
    await owner.rows(TABLES);
    await owner.close();
    observer = await server.connect(OBSERVER);
  });
  after(() => server.discard());

  async function waitedFor(processId: number): Promise<string> {
    for (;;) {
      const [row] = await observer.rows(`SELECT replace(mode, 'Lock', '') FROM pg_locks
        WHERE pid = ${processId} AND locktype = 'relation' AND NOT granted`);
      if (row !== undefined) return row[0] ?? '';
      await sleep(5);
    }
  }

  for (const [sql, held, mode] of WAITS) {
    test(sql, async () => {
      const [statement] = (await split(sql, 1)).statements;
      assert.ok(statement !== undefined);
      const stated = new StatedLocks().of(sql, statement.kind);
      const rows = await observer.rows(statedQuery(stated));
      const told = rows.flatMap(([name, one]) => (name === held ? [one] : []));
      const [holder, asker] = await Promise.all([server.connect(OWNER), server.connect(OWNER)]);
      await holder.rows(`begin; lock table ${held} in share update exclusive mode`);
      const asked = asker.execute(sql).catch(() => undefined);
      const waits = await waitedFor(asker.processId);
      const superuser = await server.connect('superuser');
      await superuser.rows(`SELECT pg_terminate_backend(${asker.processId})`);
      await asked;
      await Promise.all([holder.close(), superuser.close()]);
      assert.deepEqual([told, waits], [[mode], mode]);
    });
  }
});

describe('locks outside a transaction', () => {
  let bench: Bench;
  before(() => {
    bench = open();
  });
  after(() => bench.close());

  const alone = (sql: string): ReturnType<typeof step> =>
    step('db/0002.sql', sql, { transaction: 'none' });

  async function locks(sql: string): Promise<readonly string[]> {
    const run = await bench.run(plan([TABLES], [alone(sql)]));
    assert.equal(run.status, 'ok', run.reason ?? '');
    return (folderOf(run).statements.at(-1)?.locks ?? [])
      .filter(({ mode }) => mode !== 'RowExclusive')
      .map(({ object, mode, stated }) => `${stated === true ? 'stated ' : ''}${mode} ${object}`);
  }

  const moves = 'create procedure m() language plpgsql as $$ begin truncate t; commit; end $$;';
  const CASES: readonly (readonly [string, string, readonly string[], string])[] = [
    [
      'a DO block that is over at once',
      'do $$ begin lock table t in exclusive mode; end $$',
      ['Exclusive t'],
      'do $$ begin perform count(*) from t; end $$',
    ],
    [
      'a procedure that is over at once',
      `create procedure q() language plpgsql as $$ begin lock table t in share mode; end $$; call q()`,
      ['Share t'],
      `create procedure q() language plpgsql as $$ begin perform 1; end $$; call q()`,
    ],
    [
      'a REFRESH … CONCURRENTLY, which runs in a block',
      `create materialized view m as select 1 as a; create unique index on m (a);
       refresh materialized view concurrently m`,
      ['Exclusive m', 'ShareRowExclusive m'],
      `create materialized view m as select 1 as a; create unique index on m (a); select * from m`,
    ],
  ];
  for (const [name, sql, shown, twin] of CASES) {
    test(name, async () => {
      const seen = await locks(sql);
      for (const one of shown.slice(0, 1)) assert.ok(seen.includes(one), seen.join(', '));
      assert.deepEqual(await locks(twin), []);
    });
  }

  test('a procedure that commits: what stands in it is stated, and it runs as it is', async () => {
    const seen = await locks(`${moves} call m()`);
    const both = [seen.includes('stated AccessExclusive t'), seen.includes('AccessExclusive t')];
    assert.ok(both.includes(true), seen.join(', '));
    const twin = moves.replace('truncate t', 'perform 1');
    assert.deepEqual(await locks(`${twin} call m()`), []);
  });

  test('an index that is built or dropped concurrently, and tables that are vacuumed', async () => {
    for (const [sql, one] of [
      ['create index concurrently fresh on t (a, b)', 'ShareUpdateExclusive t'],
      ['drop index concurrently t_b', 'ShareUpdateExclusive t'],
      ['vacuum full t', 'AccessExclusive t'],
      ['alter table p detach partition p1 concurrently', 'AccessExclusive p1'],
    ] as const) {
      const seen = await locks(sql);
      assert.ok(seen.includes(one) || seen.includes(`stated ${one}`), seen.join(', '));
    }
    assert.deepEqual(await locks('discard plans'), []);
  });

  test('what needs a block is refused outside one, as its runner would be', async () => {
    for (const sql of ['lock table t', 'declare c cursor for select 1']) {
      const run = await bench.run(plan([TABLES], [alone(sql)]));
      assert.equal(folderOf(run).error?.sqlstate, '25P01', sql);
      const twin = await bench.run(plan([TABLES], [`select 1; ${sql}`]));
      assert.equal(twin.status, 'ok', twin.reason ?? '');
    }
  });

  test('what no block can hold runs all the same', async () => {
    for (const sql of [
      'do $$ begin insert into t values (1); commit; insert into t values (2); end $$',
      'cluster',
      'reindex table p',
      'reindex schema shop',
    ]) {
      const run = await bench.run(plan([TABLES], [alone(sql)]));
      assert.equal(run.status, 'ok', `${sql}: ${run.reason}`);
    }
  });
});
