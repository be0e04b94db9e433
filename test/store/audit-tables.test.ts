import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { getTableConfig, PgTable } from 'drizzle-orm/pg-core';
import * as schema from '../../db/schema.ts';
import * as watch from '../../db/schema-watch.ts';
import { connect, type Sql, sqlStateOf } from '../../src/store/connect.ts';
import { migrate } from '../../src/store/migrate.ts';
import { SUPERUSER } from '../../src/postgres/cluster.ts';
import { openTestStore, type TestStore } from './help.ts';
import { judged, repoOf } from './judged.ts';

/** What each role tries; `ok` or the SQLSTATE that it must get. */
const PROBES: readonly (readonly [string, string, string])[] = [
  ['app', 'insert into audit.event (body) values ($body)', 'ok'],
  ['app', 'insert into audit.event (body, db_clock) values ($body, now())', '42501'],
  ['app', 'update audit.event set body = $body', '42501'],
  ['app', 'delete from audit.event', '42501'],
  ['app', 'truncate audit.event cascade', '42501'],
  ['app', 'drop table audit.event cascade', '42501'],
  ['app', 'alter table audit.event disable trigger all', '42501'],
  ['app', 'alter table audit.event add column note text', '42501'],
  ['app', "insert into audit.leaf values (1, 99, 1, sha256('x'))", '42501'],
  ['app', "insert into audit.checkpoint values (1, 99, sha256('x'), '{}', 'n', 1)", '42501'],
  ['app', "insert into audit.evidence (sha256, body) values ('x', '{}')", '428C9'],
  ['app', "update audit.detail set value = 'x'", '42501'],
  ['app', 'set session_replication_role = replica', '42501'],
  ['app', 'create role intruder', '42501'],
  ['app', 'create table tagout.mine ()', '42501'],
  ['sealer', 'insert into audit.event (body) values ($body)', '42501'],
  ['sealer', 'select value from audit.detail', '42501'],
  ['sealer', "update audit.checkpoint set note = 'x'", '42501'],
  ['sealer', 'delete from audit.leaf', '42501'],
  ['sealer', 'select from tagout.outbox', '42501'],
  ['report', 'select count(*) from audit.event', 'ok'],
  ['report', 'insert into audit.event (body) values ($body)', '42501'],
  ['report', 'select from tagout.outbox', '42501'],
  ['report', 'select from graphile_worker._private_jobs', '42501'],
];

describe('the audit tables', () => {
  let t: TestStore;
  const pools: Record<string, Sql> = {};
  before(async () => {
    t = await openTestStore();
    for (const role of ['app', 'sealer', 'report']) {
      const address = { url: t.url(`tagout_${role}`), role: null };
      pools[role] = connect(address, { name: 'probe', max: 1 });
    }
    await t.store.record.record(judged({ repo: repoOf(1) }));
    await t.store.sealer.sealNow(1);
  });
  after(async () => {
    await Promise.all(Object.values(pools).map((pool) => pool.end({ timeout: 5 })));
    await t.close();
  });

  let serial = 0;
  const body = (): string => {
    serial += 1;
    const eventId = `00000000-0000-7000-8000-${String(serial).padStart(12, '0')}`;
    return JSON.stringify({ eventId, installationId: 99, kind: 'probe', recordedAtMs: 1 });
  };
  /** Runs a statement and takes it back; answers `ok` or the SQLSTATE. */
  const attempt = async (sql: Sql, statement: string): Promise<string> => {
    const text = statement.replaceAll('$body', `'${body()}'`);
    try {
      await sql.begin(async (tx) => {
        await tx.unsafe(text);
        throw new Error('taken back');
      });
      return 'ok';
    } catch (error) {
      return sqlStateOf(error) ?? 'ok';
    }
  };

  for (const [role, statement, expected] of PROBES) {
    test(`tagout_${role}: ${statement} → ${expected}`, async () => {
      const pool = pools[role];
      assert.ok(pool !== undefined);
      assert.equal(await attempt(pool, statement), expected);
    });
  }

  test('nobody can log in as the owner, and its changes are refused by the trigger', async () => {
    const [owner] = await t.root`select rolcanlogin, rolsuper from pg_roles
      where rolname = 'tagout_owner'`;
    assert.deepEqual([owner?.['rolcanlogin'], owner?.['rolsuper']], [false, false]);
    for (const statement of [
      'update audit.event set body = body',
      'delete from audit.event where true',
      'truncate audit.event cascade',
    ]) {
      const asOwner = `set local role tagout_owner; ${statement}`;
      assert.equal(await attempt(t.root, asOwner), '42501', statement);
      const asReplica = `set local session_replication_role = replica; ${statement}`;
      assert.equal(await attempt(t.root, asReplica), '42501', `${statement} as a replica`);
    }
  });

  test('every column of an event is generated from its body', async () => {
    const columns = await t.root`select column_name as name from information_schema.columns
      where table_schema = 'audit' and table_name = 'event' and is_generated = 'NEVER'`;
    assert.deepEqual(columns.map((row) => String(row['name'])).toSorted(), [
      'body',
      'db_clock',
      'id',
      'sig',
    ]);
    const evidence = await t.root`select column_name as name from information_schema.columns
      where table_schema = 'audit' and table_name = 'evidence' and is_generated = 'NEVER'`;
    assert.deepEqual(
      evidence.map((row) => row['name']),
      ['body'],
    );
  });

  test('the database has exactly the tables and columns of db/schema*.ts', async () => {
    const tables = [...Object.values(schema), ...Object.values(watch)].filter(
      (value) => value instanceof PgTable,
    );
    assert.ok(tables.length >= 15);
    const wanted = tables.flatMap((table) => {
      const { schema: name, name: of, columns } = getTableConfig(table);
      return columns.map((c) => `${name}.${of}.${c.name} ${c.getSQLType()} ${c.notNull}`);
    });
    const rows = await t.root`select n.nspname || '.' || c.relname || '.' || a.attname || ' ' ||
        format_type(a.atttypid, a.atttypmod) || ' ' || a.attnotnull as line
      from pg_attribute a join pg_class c on c.oid = a.attrelid
      join pg_namespace n on n.oid = c.relnamespace
      where n.nspname in ('audit', 'tagout') and c.relkind = 'r' and a.attnum > 0
        and not a.attisdropped`;
    assert.deepEqual(rows.map((row) => String(row['line'])).toSorted(), wanted.toSorted());
  });

  test('migrating again changes nothing, also twice at once', async () => {
    const count = () => t.root`select count(*)::int as n from drizzle.__drizzle_migrations`;
    const before = await count();
    await Promise.all([migrate(t.url(SUPERUSER)), migrate(t.url(SUPERUSER))]);
    assert.deepEqual([...(await count())], [...before]);
  });
});
