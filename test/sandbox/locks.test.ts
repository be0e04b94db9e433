/** Which statement is told to hold which lock, over several statements, files and transactions. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Bench, folderOf, open, plan } from './helpers.ts';

const HISTORY = ['create table t (a int, b int); create table other (c int)'];

describe('locks over several statements', () => {
  let bench: Bench;
  before(() => {
    bench = open();
  });
  after(() => bench.close());

  /** One line per statement: the modes in which it holds `t`. */
  const modes = async (...args: Parameters<typeof plan>): Promise<readonly string[]> => {
    const run = await bench.run(plan(...args));
    assert.equal(run.status, 'ok', run.reason ?? '');
    return folderOf(run).statements.map(({ locks }) =>
      locks.flatMap(({ object, mode }) => (object === 't' ? [mode] : [])).join(' '),
    );
  };
  const short = 'alter table t add column x int';
  const scan = 'alter table t alter b set not null';

  test('a later file takes its lock anew, whatever the earlier one held', async () => {
    const two = ['AccessExclusive', 'AccessExclusive'];
    for (const scope of ['statement', 'file', 'batch'] as const) {
      assert.deepEqual(await modes(HISTORY, [short, scan], { scope }), two, scope);
    }
  });

  test('a statement that reads a table which an earlier one locked holds that lock too', async () => {
    assert.deepEqual(await modes(HISTORY, [`${short}; ${scan}`]), [
      'AccessExclusive',
      'AccessExclusive',
    ]);
    const twin = await modes(HISTORY, [`${short}; alter table other alter c set not null`]);
    assert.deepEqual(twin, ['AccessExclusive', '']);
  });

  test('a transaction of the file’s own starts with no locks', async () => {
    const sql = `begin; ${short}; commit; begin; ${scan}; commit`;
    const found = await modes(HISTORY, [sql], { scope: 'statement' });
    assert.deepEqual(found.filter(Boolean), ['AccessExclusive', 'AccessExclusive']);
  });

  test('a lock after thousands of statements is not lost', async () => {
    const many = 'select 1;'.repeat(600);
    assert.equal((await modes(HISTORY, [`${many} ${scan}`])).at(-1), 'AccessExclusive');
    const quiet = `${many} do $$ begin lock table t; end $$; select 1`;
    assert.match((await modes(HISTORY, [quiet])).slice(-2).join(' '), /AccessExclusive/);
  });
});
