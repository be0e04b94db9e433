/** Runs in memory: only with room, nothing left behind, and large ones go on to the disk. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { MEMORY, memoryFolder } from '../../src/sandbox/memory.ts';
import { openHome } from '../../src/sandbox/workspace.ts';
import { dataLines, observed, open, plan } from './helpers.ts';

const here = `tagout-run-${process.pid}-`;
const left = (): readonly string[] =>
  existsSync(MEMORY.dir) ? readdirSync(MEMORY.dir).filter((name) => name.startsWith(here)) : [];

describe('runs in memory', () => {
  test('what writes more than its share there runs on disk and shows the same', async () => {
    const bench = open({ memory: { ...MEMORY, writesBytes: 24 * 2 ** 20 } });
    const sql = `create table big as select repeat(md5(i::text), 20) as t
      from generate_series(1, 90000) i; select pg_sleep(0.4)`;
    const run = await bench.run(plan(['create table t (id int)'], [sql]));
    assert.equal(run.status, 'ok', run.reason ?? '');
    assert.match(dataLines(run)[0] ?? '', /^big rows 0 > 90000/);
    assert.deepEqual(left(), []);
    await bench.close();
  });

  test('on disk alone the observation is the same', async () => {
    const change = plan(['create table t (id int)'], ['insert into t values (1)']);
    const [disk, memory] = [open({ memory: null }), open()];
    const [one, other] = [await disk.run(change), await memory.run(change)];
    assert.deepEqual(observed(one), observed(other));
    assert.deepEqual(left(), []);
    await Promise.all([disk.close(), memory.close()]);
  });

  test('no folder is taken without room, nor on a disk', () => {
    assert.equal(memoryFolder(MEMORY, 2 ** 50), null);
    assert.equal(memoryFolder({ ...MEMORY, dir: '/proc' }, 0), null);
    assert.equal(memoryFolder({ ...MEMORY, dir: '/nowhere' }, 0), null);
    assert.equal(memoryFolder(null, 0), null);
  });

  test('folders of dead processes are removed at the next start', () => {
    const home = mkdtempSync(join(tmpdir(), 'tagout-home-'));
    const dir = join(home, 'memory');
    const [dead, alive] = [`tagout-run-${2 ** 22 + 1}-x`, `tagout-run-${process.pid}-x`];
    for (const name of [dead, alive, 'other']) mkdirSync(join(dir, name), { recursive: true });
    openHome({ home, memory: { ...MEMORY, dir } });
    assert.deepEqual(readdirSync(dir), ['other', alive].toSorted());
    rmSync(home, { recursive: true });
  });
});
