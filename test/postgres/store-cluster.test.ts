import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import postgres from 'postgres';
import { TagoutError } from '../../src/core/errors.ts';
import { findEngine, type Engine } from '../../src/postgres/engine.ts';
import { openStoreCluster } from '../../src/postgres/store-cluster.ts';
import { readPostmaster, isServing } from '../../src/postgres/postmaster.ts';
import { SUPERUSER } from '../../src/postgres/cluster.ts';

describe("the store's own cluster", () => {
  let engine: Engine;
  let home: string;
  before(async () => {
    engine = await findEngine({});
    home = mkdtempSync(join(tmpdir(), 'tagout-test-'));
    // A folder that only its owner may walk through, as a checkout in /root is.
    chmodSync(home, 0o700);
  });
  after(() => rmSync(home, { recursive: true, force: true }));

  const open = (name: string) =>
    openStoreCluster({ engine, dataDir: join(home, name), database: 'tagout' });

  test('keeps its rows over a stop and a start, and lets a second process join', async () => {
    const first = await open('kept');
    const sql = postgres(first.url(SUPERUSER, 'tagout'), { max: 1 });
    await sql`create table kept as select 1 as n`;
    const second = await open('kept');
    assert.equal(second.owned, false);
    assert.equal(second.pid, first.pid);
    await second.stop('fast');
    assert.equal((await sql`select n from kept`)[0]?.['n'], 1);
    await sql.end();
    await first.stop('fast');
    assert.equal(existsSync(first.connection.host), false, 'the socket folder is gone');
    const again = await open('kept');
    const later = postgres(again.url(SUPERUSER, 'tagout'), { max: 1 });
    assert.equal((await later`select n from kept`)[0]?.['n'], 1);
    assert.equal((await later`show fsync`)[0]?.['fsync'], 'on');
    await later.end();
    await again.stop('fast');
  });

  test('is closed to who does not know the password', async () => {
    const cluster = await open('kept');
    const wrong = postgres(cluster.url(SUPERUSER, 'tagout', 'guess'), { max: 1 });
    await assert.rejects(async () => wrong`select 1`, /password authentication failed/);
    await wrong.end();
    assert.equal(statSync(join(home, 'kept', 'tagout.password')).mode & 0o077, 0);
    assert.equal(statSync(cluster.connection.host).mode & 0o077, 0);
    await cluster.stop('fast');
  });

  test('dies with the process that started it, and starts again after that', async () => {
    mkdirSync(join(home, 'orphan'), { mode: 0o700 });
    const script = `
      import { findEngine } from '${import.meta.dirname}/../../src/postgres/engine.ts';
      import { openStoreCluster } from '${import.meta.dirname}/../../src/postgres/store-cluster.ts';
      await openStoreCluster({ engine: await findEngine({}), dataDir: '${join(home, 'orphan')}', database: 'tagout' });
      console.log('up');
      setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script]);
    await new Promise((resolve) => child.stdout.once('data', resolve));
    const postmaster = readPostmaster(join(home, 'orphan'));
    assert.ok(postmaster);
    child.kill('SIGKILL');
    for (let i = 0; i < 500 && isServing(join(home, 'orphan'), postmaster); i += 1) await sleep(10);
    assert.equal(isServing(join(home, 'orphan'), postmaster), false, 'no server is left behind');
    const again = await open('orphan');
    assert.equal(again.owned, true);
    assert.equal(existsSync(postmaster.socketDir), false, 'nor its socket folder');
    await again.stop('fast');
  });

  test('a lock file that names a living stranger does not keep it from starting', async () => {
    const first = await open('stale');
    const file = join(home, 'stale', 'postmaster.pid');
    const lock = readFileSync(file, 'utf8');
    await first.stop('immediate');
    // The process id went to another program, as after a restart of a container.
    writeFileSync(file, lock.replace(/^\d+/, String(process.pid)));
    const again = await open('stale');
    assert.equal(again.owned, true);
    const sql = postgres(again.url(SUPERUSER, 'tagout'), { max: 1 });
    assert.equal((await sql`select 1 as n`)[0]?.['n'], 1, 'recovered from its log');
    await sql.end();
    await again.stop('fast');
  });

  test('a folder that is damaged is told with what to do', async () => {
    const first = await open('damaged');
    await first.stop('fast');
    rmSync(join(home, 'damaged', 'global', 'pg_control'));
    await assert.rejects(open('damaged'), (error) => {
      assert.ok(error instanceof TagoutError && error.code === 'store-unavailable');
      assert.match(error.message, /could not be started: .*damaged/);
      return true;
    });
    rmSync(join(home, 'damaged', 'tagout.password'));
    await assert.rejects(open('damaged'), /was not made by Tagout or is damaged/);
  });
});
