/**
 * The store's folder on a disk that is full or read-only, and of another user: said with its remedy,
 * and what was written before is there afterwards. Disks of their own are mounted, which needs root.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import postgres from 'postgres';
import { TagoutError } from '../../src/core/errors.ts';
import { SUPERUSER } from '../../src/postgres/cluster.ts';
import { findEngine, type Engine } from '../../src/postgres/engine.ts';
import { openStoreCluster } from '../../src/postgres/store-cluster.ts';
import { openLogKey } from '../../src/store/key.ts';

describe("the store's folder", () => {
  let engine: Engine;
  let home: string;
  before(async () => {
    engine = await findEngine({});
    home = mkdtempSync(join(tmpdir(), 'tagout-disk-'));
    chmodSync(home, 0o755);
  });
  after(() => rmSync(home, { recursive: true, force: true }));

  const mount = (options: string): void =>
    void execFileSync('mount', ['-t', 'tmpfs', '-o', `${options},mode=755`, 'tagout', home]);
  const unmount = (): void => void execFileSync('umount', ['-l', home]);
  const open = () => openStoreCluster({ engine, dataDir: join(home, 'store'), database: 'tagout' });
  const says = (pattern: RegExp) => (error: unknown) => {
    assert.ok(error instanceof TagoutError && error.code === 'store-unavailable', String(error));
    assert.match(error.message, pattern);
    assert.ok(error.message.includes(home), 'the folder is named');
    return true;
  };

  test('on a disk that is full at the first start', async () => {
    mount('size=20m');
    try {
      await assert.rejects(
        open(),
        says(/could not be made: the disk of .* is full; free some space/),
      );
      execFileSync('mount', ['-o', 'remount,size=300m', home]);
      const cluster = await open();
      await cluster.stop('fast');
    } finally {
      unmount();
    }
  });

  test('on a disk that fills up: what was committed is there when there is space again', async () => {
    mount('size=140m');
    try {
      const first = await open();
      const sql = postgres(first.url(SUPERUSER, 'tagout'), { max: 1, onnotice: () => {} });
      await sql`create table kept (n int)`;
      await sql`insert into kept select generate_series(1, 1000)`;
      const { bavail, bsize } = statfsSync(home);
      writeFileSync(join(home, 'ballast'), Buffer.alloc(bavail * bsize - 64 * 1024));
      await assert.rejects(
        sql`insert into kept select generate_series(1, 2000000)`.then(() => undefined),
      );
      await sql.end({ timeout: 1 }).catch(() => undefined);
      await first.stop('immediate');
      await assert.rejects(open(), says(/is full; free some space/));
      rmSync(join(home, 'ballast'));
      const again = await open();
      const later = postgres(again.url(SUPERUSER, 'tagout'), { max: 1 });
      assert.equal((await later`select count(*)::int as n from kept`)[0]?.['n'], 1000);
      await later.end();
      await again.stop('fast');
    } finally {
      unmount();
    }
  });

  test('on a disk that has become read-only', async () => {
    mount('size=300m');
    try {
      const first = await open();
      await first.stop('fast');
      execFileSync('mount', ['-o', 'remount,ro', home]);
      await assert.rejects(open(), says(/read-only file system; mount it writable/));
      assert.throws(() => openLogKey(join(home, 'audit.key'), 'o'), /read-only: mount it writable/);
      execFileSync('mount', ['-o', 'remount,rw', home]);
      await (await open()).stop('fast');
    } finally {
      unmount();
    }
  });

  test('of another user', () => {
    rmSync(join(home, 'store'), { recursive: true, force: true });
    chmodSync(home, 0o700);
    const script = `
      import { openLogKey } from '${import.meta.dirname}/../../src/store/key.ts';
      process.setgid(65534);
      process.setuid(65534);
      try { openLogKey('${join(home, 'audit.key')}', 'o'); } catch (error) { console.log(error.message); }`;
    const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script]);
    assert.match(String(stdout), /audit\.key cannot be used: EACCES.*correct the permissions/);
    chmodSync(home, 0o755);
  });

  test('by root: PostgreSQL runs as a user of its own', async () => {
    assert.equal(process.getuid?.(), 0);
    const cluster = await open();
    const uid = execFileSync('stat', ['-c', '%u', `/proc/${cluster.pid}`], { encoding: 'utf8' });
    assert.notEqual(Number(uid), 0);
    await cluster.stop('fast');
  });
});
