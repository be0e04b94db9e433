/** `tagout stats` against a real server: sizes and no rows, read-only, and safe about emptiness. */
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import postgres from 'postgres';
import { stats } from '../../src/cli/stats.ts';
import { TagoutError } from '../../src/core/errors.ts';
import { readStatistics } from '../../src/core/weigh-file.ts';
import { type Cluster, SUPERUSER } from '../../src/postgres/cluster.ts';
import { findEngine } from '../../src/postgres/engine.ts';
import { openStoreCluster } from '../../src/postgres/store-cluster.ts';

describe('tagout stats', () => {
  let home: string;
  let cluster: Cluster;
  before(async () => {
    home = mkdtempSync(join(tmpdir(), 'tagout-stats-'));
    chmodSync(home, 0o755);
    const engine = await findEngine({});
    cluster = await openStoreCluster({ engine, dataDir: join(home, 'data'), database: 'prod' });
    const sql = postgres(cluster.url(SUPERUSER, 'prod'), { max: 1 });
    await sql.unsafe(`create table full_one (id int primary key, secret text);
      insert into full_one select i, case when i % 4 = 0 then 'hunter2' end from generate_series(1, 1000) i;
      create table empty_one (id int); create schema shop; create table shop.fresh (id int);
      analyze; insert into shop.fresh values (1);
      create table unknown (id int); insert into unknown values (1);
      create role reader login password 'r'; grant pg_read_all_data to reader;`);
    await sql.end();
  });
  after(async () => {
    await cluster.stop('immediate');
    rmSync(home, { recursive: true, force: true });
  });

  const run = async (databaseUrl: string): Promise<{ out: string; err: string }> => {
    const told = { out: '', err: '' };
    const io = {
      env: {},
      cwd: home,
      now: () => 0,
      out: (text: string) => void (told.out += text),
      err: (text: string) => void (told.err += text),
    };
    await stats({ databaseUrl, out: 'db/statistics.json' }, io);
    return told;
  };

  test('writes sizes, null fractions and no value; what is not empty is never stated empty', async () => {
    const told = await run(cluster.url('reader', 'prod', 'r'));
    const bytes = readFileSync(join(home, 'db/statistics.json'));
    const read = readStatistics('db/statistics.json', bytes);
    assert.ok('tables' in read);
    const rows = Object.fromEntries(read.tables.map((one) => [one.table, one.rows]));
    assert.deepEqual([rows['full_one'], rows['empty_one'], rows['shop.fresh']], [1000, 0, 1]);
    assert.deepEqual(read.tables.find((one) => one.table === 'full_one')?.nulls, { secret: 0.75 });
    assert.doesNotMatch(bytes.toString(), /hunter2/);
    assert.match(told.out, /sizes of \d tables/);
    assert.notEqual(rows['unknown'], 0);
  });

  test('a wrong password or no server is one sentence without the address', async () => {
    for (const url of [
      cluster.url('reader', 'prod', 'wrong-secret'),
      'postgres://a:wrong-secret@127.0.0.1:1/x',
    ]) {
      await assert.rejects(
        run(url),
        (e) =>
          e instanceof TagoutError &&
          /could not be read/.test(e.message) &&
          !/wrong-secret/.test(e.message),
      );
    }
  });
});
