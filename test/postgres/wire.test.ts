import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdtempSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { TagoutError } from '../../src/core/errors.ts';
import {
  type Cluster,
  initCluster,
  startCluster,
  type StartOptions,
} from '../../src/postgres/cluster.ts';
import { cloneDataDir } from '../../src/postgres/clone.ts';
import { type Engine, findEngine } from '../../src/postgres/engine.ts';
import { canTakeNetwork } from '../../src/postgres/launch.ts';
import { sandboxUser } from '../../src/postgres/service-user.ts';
import { ConnectionLost, Wire } from '../../src/postgres/wire.ts';

describe('a cluster and the client for SQL that is not trusted', () => {
  let home: string;
  let engine: Engine;
  let cluster: Cluster;
  const options = (name: string): StartOptions => ({
    engine,
    dataDir: join(home, name),
    durable: false,
    runAs: sandboxUser(),
    noNetwork: true,
  });
  const connect = (): Promise<Wire> =>
    Wire.connect({ ...cluster.connection, socketDir: cluster.connection.host });

  before(async () => {
    home = mkdtempSync(join(tmpdir(), 'tagout-wire-'));
    chmodSync(home, 0o755);
    engine = await findEngine({});
    await initCluster(options('rest'));
    await cloneDataDir(join(home, 'rest'), join(home, 'run'));
    cluster = await startCluster(options('run'));
  });
  after(async () => {
    await cluster.stop('immediate');
    rmSync(home, { recursive: true, force: true });
  });

  test('rows, nulls, tags, errors with their position, and the state of the transaction', async () => {
    const wire = await connect();
    const two = await wire.query(`select 1, null, 'é;' ; select 2, 'x', ''`);
    assert.deepEqual(two.rows, [
      ['1', null, 'é;'],
      ['2', 'x', ''],
    ]);
    assert.deepEqual(two.tags, ['SELECT 1', 'SELECT 1']);
    const bad = await wire.query(`begin; select 'é' + nothing`);
    assert.deepEqual([bad.state, bad.error?.sqlstate, bad.error?.position], ['E', '42703', 21]);
    assert.equal((await wire.query('rollback')).state, 'I');
    await wire.close();
  });

  test('rows that nobody asked for are dropped, whatever their size', async () => {
    const wire = await connect();
    const result = await wire.execute(`select repeat('x', 30000000) from generate_series(1, 10)`);
    assert.deepEqual([result.tags, result.rows], [['SELECT 10'], []]);
    assert.ok(process.memoryUsage().arrayBuffers < 100 * 2 ** 20);
    await wire.close();
  });

  test('a large value is put together once, not anew with every piece of it', async (t) => {
    const wire = await connect();
    const concat = Buffer.concat.bind(Buffer);
    let copied = 0;
    t.mock.method(Buffer, 'concat', (list: readonly Uint8Array[], length?: number) => {
      const whole = concat(list, length);
      copied += whole.length;
      return whole;
    });
    const size = 20 * 2 ** 20;
    const [row] = await wire.rows(`select repeat('x', ${size}), 'end'`);
    assert.deepEqual([row?.[0]?.length, row?.[1]], [size, 'end']);
    assert.ok(copied < 2 * size, `${copied} bytes were copied for a message of ${size}`);
    await wire.close();
  });

  test('only wanted INFO messages are kept, each once, and that one was lost is known', async () => {
    const wire = await Wire.connect({
      ...cluster.connection,
      socketDir: cluster.connection.host,
      onInfo: (message, kept) => (message === 'no' ? 'drop' : kept < 1000 ? 'keep' : 'lost'),
    });
    const flood = (to: number): string => `do $$ begin raise notice 'n'; raise warning 'w';
      raise info 'no'; raise info 'i'; raise info 'i';
      for i in 1..${to} loop raise info '%', i; end loop; end $$`;
    const few = await wire.query(flood(999));
    assert.deepEqual([few.infos[0], few.infos.length, few.infosLost], ['i', 1000, false]);
    const many = await wire.query(flood(2000));
    assert.deepEqual([many.infos.length, many.infosLost], [1000, true]);
    await wire.close();
    const other = await connect();
    assert.deepEqual((await other.query(flood(5))).infos, []);
    await other.close();
  });

  test('COPY in and out neither hang nor fill memory', async () => {
    const wire = await connect();
    assert.equal((await wire.query('copy (select 1) to stdout')).error, null);
    await wire.query('create temp table c (i int)');
    assert.match((await wire.query('copy c from stdin')).error?.message ?? '', /no data/);
    assert.deepEqual((await wire.query('select 7')).rows, [['7']]);
    await wire.close();
  });

  test('a backend or a whole server that dies is a rejected promise', async () => {
    const [one, two] = [await connect(), await connect()];
    const ended = assert.rejects(one.query('select pg_sleep(60)'), ConnectionLost);
    await two.query(`select pg_terminate_backend(${one.processId})`);
    await ended;
    const third = await connect();
    const dying = assert.rejects(third.query('select pg_sleep(60)'), ConnectionLost);
    await cluster.stop('immediate');
    await dying;
    await assert.rejects(third.query('select 1'), ConnectionLost);
    await assert.rejects(connect(), ConnectionLost);
    assert.equal(existsSync(cluster.connection.host), false);
    cluster = await startCluster(options('run'));
    assert.deepEqual((await (await connect()).query('select 1')).rows, [['1']], 'it recovers');
  });

  test('the network is out of reach where the kernel allows it, and nothing listens', async () => {
    const wire = await connect();
    assert.deepEqual(await wire.rows('show listen_addresses'), [['']]);
    await wire.close();
    const space = (pid: number | 'self'): string => readlinkSync(`/proc/${pid}/ns/net`);
    if (canTakeNetwork()) assert.notEqual(space(cluster.pid), space('self'));
  });

  test('what stops a start is said with its remedy', async () => {
    const refused = (work: Promise<unknown>, words: RegExp): Promise<void> =>
      assert.rejects(work, (e) => e instanceof TagoutError && words.test(e.message));
    await refused(startCluster(options('run')), /another server uses .*run; stop that one first/);
    await refused(startCluster(options('missing')), /was not made by Tagout/);
    const taken = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => taken.once('listening', resolve));
    const address = taken.address();
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
    const onPort = { ...options('rest'), noNetwork: false, tcp: { host: '127.0.0.1', port } };
    await refused(startCluster(onPort), /port is taken/);
    taken.close();
    await cloneDataDir(join(home, 'rest'), join(home, 'old'));
    writeFileSync(join(home, 'old', 'PG_VERSION'), '12\n');
    await refused(startCluster(options('old')), /another major version/);
    await refused(findEngine({ binDir: home }), /TAGOUT_POSTGRES_BIN/);
    await refused(findEngine({ major: 9 }), /PostgreSQL 9 is not on this machine/);
  });

  test('a process id file of a dead server, taken by another program, does no harm', async () => {
    await cloneDataDir(join(home, 'rest'), join(home, 'stale'));
    writeFileSync(join(home, 'stale', 'postmaster.pid'), `${process.pid}\n/x\n0\n5432\n/tmp\n\n\n`);
    const again = await startCluster(options('stale'));
    await again.stop('fast');
  });
});
