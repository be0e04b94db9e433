import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { TagoutError } from '../../src/core/errors.ts';
import { connect, isDriverCrash, type Sql, sqlStateOf } from '../../src/store/connect.ts';
import { findEngine } from '../../src/postgres/engine.ts';
import { type Cluster, SUPERUSER } from '../../src/postgres/cluster.ts';
import { openStoreCluster } from '../../src/postgres/store-cluster.ts';
import { migrate } from '../../src/store/migrate.ts';
import { openStore, type StoreOptions } from '../../src/store/open.ts';
import { locatorOf, repoOf } from './judged.ts';

describe('opening the store', () => {
  let home: string;
  let cluster: Cluster;
  let root: Sql;
  let serial = 0;

  before(async () => {
    home = mkdtempSync(join(tmpdir(), 'tagout-open-'));
    const engine = await findEngine({});
    cluster = await openStoreCluster({ engine, dataDir: join(home, 'pg'), database: 'tagout' });
    const address = { url: cluster.url(SUPERUSER, 'tagout'), role: null };
    root = connect(address, { name: 'root', max: 1 });
  });
  after(async () => {
    await root.end();
    await cluster.stop('fast');
    rmSync(home, { recursive: true, force: true });
  });

  /** A new database of this owner in the shared cluster. */
  const database = async (owner: string): Promise<string> => {
    serial += 1;
    const name = `store_${serial}`;
    await root.unsafe(`create database ${name} owner ${owner}`);
    return name;
  };
  const login = async (name: string, rights = ''): Promise<void> => {
    const password = cluster.connection.password;
    await root.unsafe(`create role ${name} login password '${password}' ${rights}`);
  };
  const url = (user: string, name: string): string =>
    cluster.url(user, name, cluster.connection.password);
  const options = (
    databaseUrl: string | null,
    extra: Partial<StoreOptions> = {},
  ): StoreOptions => ({
    databaseUrl,
    ownerUrl: null,
    dataDir: join(home, `data-${serial}`),
    ...extra,
  });
  const refusal = (error: unknown): boolean =>
    error instanceof TagoutError && error.code === 'configuration';

  test('with one URL alone it starts, warns, and still confines itself', async () => {
    await login('boss', 'createrole');
    const name = await database('boss');
    const said: string[] = [];
    const log = (_: string, message: string) => said.push(message);
    const store = await openStore(options(url('boss', name), { log }));
    assert.equal(store.rolesSeparated, false);
    assert.match(said.join(), /Roles are not separated/);
    const [who] = await store.sql`select current_user as name`;
    assert.equal(who?.['name'], 'tagout_app');
    const update = store.sql`update audit.event set body = body`;
    await assert.rejects(
      async () => update,
      (error) => sqlStateOf(error) === '42501',
    );
    await store.close();
  });

  test('with an owner and a login of its own the roles are separated, silently', async () => {
    await login('owner', 'createrole');
    await login('server');
    const name = await database('owner');
    const first = migrate(url('owner', name));
    await assert.rejects(
      first,
      (error) => refusal(error) && /grant tagout_owner/.test(String(error)),
    );
    await root`grant tagout_owner to owner`;
    await migrate(url('owner', name));
    const early = openStore(options(url('server', name)));
    await assert.rejects(early, (error) => refusal(error) && /not a member of/.test(String(error)));
    await root`grant tagout_app, tagout_sealer, tagout_report to server`;
    const said: string[] = [];
    const log = (_: string, message: string) => said.push(message);
    const store = await openStore(options(url('server', name), { log }));
    assert.equal(store.rolesSeparated, true);
    assert.deepEqual(said, []);
    await store.inbox.enqueue({
      locator: locatorOf({ repo: repoOf(1) }),
      because: 'test',
      delivery: null,
    });
    assert.equal(await store.ready(), true);
    await store.close();
    assert.equal(await store.ready(), false);
  });

  test('a login that may not migrate is told what to run', async () => {
    await login('guest');
    const name = await database('boss');
    const opening = openStore(options(url('guest', name)));
    await assert.rejects(
      opening,
      (error) => refusal(error) && /tagout migrate/.test(String(error)),
    );
  });

  test('a database that does not answer is a fault of the store', async () => {
    const opening = openStore(options('postgres://nobody:x@127.0.0.1:1/none'));
    await assert.rejects(opening, (error) => {
      return error instanceof TagoutError && error.code === 'store-unavailable';
    });
  });

  test('without any address it starts a cluster of its own, and finds it again', async () => {
    serial += 1;
    const wish = options(null);
    const first = await openStore(wish);
    assert.equal(first.rolesSeparated, true);
    await first.sql`insert into tagout.suspension values (1, 'copilot', 'test', 1)`;
    const key = first.key.vkey(1);
    await first.close();
    const second = await openStore(wish);
    assert.deepEqual(await second.memory.suspended(1), ['copilot']);
    assert.equal(second.key.vkey(1), key);
    const [who] = await second.sql`select current_user as name, session_user as login`;
    assert.deepEqual([who?.['name'], who?.['login']], ['tagout_app', 'tagout_app']);
    await second.close();
    assert.equal(statSync(join(wish.dataDir, 'audit.key')).mode & 0o777, 0o600);
  });

  test('a key that others can read is refused, and what is no key too', async () => {
    const wish = options(null, { startEmbedded: () => Promise.reject(new Error('not reached')) });
    const path = join(wish.dataDir, 'audit.key');
    assert.match(readFileSync(path, 'utf8'), /PRIVATE KEY/);
    chmodSync(path, 0o644);
    await assert.rejects(
      openStore(wish),
      (error) => refusal(error) && /chmod 600/.test(String(error)),
    );
    chmodSync(path, 0o600);
    const elsewhere = { ...wish, keyPath: join(home, 'pg') };
    await assert.rejects(openStore(elsewhere), refusal);
  });

  test('memory keeps content by its id', async () => {
    const name = await database('boss');
    const store = await openStore(options(url('boss', name)));
    const content = Buffer.from([0, 255, 92, 120, 52, 49]);
    await store.memory.keepBlobs(new Map([['a1', content]]));
    await store.memory.keepBlobs(new Map([['a1', Buffer.from('other')]]));
    const kept = await store.memory.blobs(['a1', 'b2']);
    assert.deepEqual([...kept.keys()], ['a1']);
    assert.equal(Buffer.compare(kept.get('a1') ?? Buffer.alloc(0), content), 0);
    await store.close();
  });

  test("the driver's own crash is told from a fault of ours", () => {
    const ours = new TypeError('x is undefined');
    assert.equal(isDriverCrash(ours), false);
    const driver = new TypeError('Cannot read properties of null');
    driver.stack =
      'TypeError: x\n    at Socket.data (/app/node_modules/postgres/src/connection.js:3:1)';
    assert.equal(isDriverCrash(driver), true);
    assert.equal(isDriverCrash('text'), false);
  });
});
