/** The server's login as deploy/login.sql makes it: it can do the server's work and no more. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { SUPERUSER } from '../../src/postgres/cluster.ts';
import { findEngine } from '../../src/postgres/engine.ts';
import { openStoreCluster } from '../../src/postgres/store-cluster.ts';
import { connect } from '../../src/store/connect.ts';
import { migrate } from '../../src/store/migrate.ts';
import { openStore } from '../../src/store/open.ts';

const file = join(import.meta.dirname, '..', '..', 'deploy', 'login.sql');

test('login.sql before migrate: the server opens with separated roles', async (t) => {
  const dataDir = mkdtempSync(join(tmpdir(), 'tagout-login-'));
  t.after(() => rmSync(dataDir, { recursive: true, force: true }));
  const engine = await findEngine({});
  const place = { engine, dataDir: join(dataDir, 'db'), database: 'tagout' };
  const cluster = await openStoreCluster(place);
  t.after(() => cluster.stop('fast'));
  const owner = cluster.url(SUPERUSER, 'tagout');
  const text = readFileSync(file, 'utf8');
  assert.match(text, /^\\getenv password TAGOUT_DATABASE_PASSWORD$/m);
  const statements = text.replace(/^\\getenv .*$/m, '').replace(":'password'", "'of the server'");
  const sql = connect({ url: owner, role: null }, { name: 'test', max: 1 });
  await sql.unsafe(statements);
  await sql.end();
  await migrate(owner);
  const databaseUrl = cluster.url('tagout_server', 'tagout', 'of the server');
  const store = await openStore({ databaseUrl, ownerUrl: null, dataDir });
  assert.equal(store.rolesSeparated, true);
  assert.equal(await store.ready(), true);
  await store.close();
});
