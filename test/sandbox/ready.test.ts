/** Copies that stand started ahead: taken when they fit, used once, and gone when nobody wants them. */
import assert from 'node:assert/strict';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, describe, test } from 'node:test';
import { readPostmaster } from '../../src/postgres/postmaster.ts';
import { lives } from '../../src/postgres/socket-dir.ts';
import { type Bench, dataLines, objectLines, open, plan } from './helpers.ts';

const HISTORY = ['create table users (id int primary key, email text)'];
const OTHER = ['create table orders (id int primary key)'];

/** The folders of clusters on disk that stand or run. */
function standing(bench: Bench): readonly string[] {
  return readdirSync(join(bench.home, 'cache', 'runs'));
}

async function until(is: () => boolean): Promise<void> {
  while (!is()) await sleep(5);
}

describe('a copy that stands ready', () => {
  let bench: Bench;
  before(() => {
    bench = open({ memory: null, ready: 1 });
  });
  after(async () => {
    await bench.close();
  });
  const dropped = (): ReturnType<Bench['run']> =>
    bench.run(plan(HISTORY, ['alter table users drop column email']), { rows: 10 });

  test('is taken by the next run of its database and by no other after it', async () => {
    const fresh = await dropped();
    const [first] = standing(bench);
    assert.ok(first !== undefined, 'one stands ready');
    const ready = await dropped();
    const [second, ...more] = standing(bench);
    assert.deepEqual(more, []);
    assert.ok(second !== undefined && second !== first, 'the first one was used and is gone');
    // What the run before it dropped is there again, and all of it is seen as in a fresh cluster.
    assert.deepEqual(objectLines(ready), ['removed column users.email']);
    assert.deepEqual(
      [objectLines(ready), dataLines(ready)],
      [objectLines(fresh), dataLines(fresh)],
    );
  });

  test('that died, or whose sessions were ended, is not taken', async () => {
    const folder = join(bench.home, 'cache', 'runs', standing(bench)[0] ?? '', 'data');
    const { pid } = readPostmaster(folder) ?? { pid: 0 };
    process.kill(pid, 'SIGQUIT');
    await until(() => !lives(pid));
    const run = await dropped();
    assert.equal(run.status, 'ok', run.reason ?? '');
    assert.equal(standing(bench).length, 1);
  });

  test('of a baseline that was made anew is not taken', async () => {
    const [old] = standing(bench);
    const home = join(bench.home, 'cache', 'baselines');
    for (const name of readdirSync(home)) rmSync(join(home, name), { recursive: true });
    const run = await dropped();
    assert.deepEqual([run.status, run.baselineCached], ['ok', false]);
    assert.equal(standing(bench).includes(old ?? ''), false);
  });

  test('gives way to another database’s', async () => {
    const [old] = standing(bench);
    const run = await bench.run(plan(OTHER, ['drop table orders']));
    assert.equal(run.status, 'ok');
    const now = standing(bench);
    assert.equal(now.length, 1);
    assert.notEqual(now[0], old);
  });

  test('is not left by a sandbox that closes', async () => {
    assert.equal(standing(bench).length, 1);
    await bench.sandbox.close();
    assert.deepEqual(standing(bench), []);
  });
});

test('a copy that nobody wants for long goes', async () => {
  const bench = open({ memory: null, ready: 1, readyIdleMs: 1 });
  try {
    await bench.run(plan(HISTORY, ['select 1']));
    await until(() => standing(bench).length === 0);
  } finally {
    await bench.close();
  }
});
