/** Each observation has a case that shows it and a harmless twin that does not. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { CASES, HISTORY, SEED } from './observation-cases.ts';
import { shownOf, STATEMENT_CASES } from './statement-cases.ts';
import { type Bench, dataLines, folderOf, objectLines, observed, open, plan } from './helpers.ts';

describe('what a change did is observed', () => {
  let bench: Bench;
  before(() => {
    bench = open();
  });
  after(() => bench.close());

  for (const { name, sql, data, objects } of CASES) {
    test(name, async () => {
      const run = await bench.run(plan(HISTORY, [sql]), { seed: SEED });
      assert.equal(run.status, 'ok', run.reason ?? '');
      if (name.includes('schema takes')) {
        assert.deepEqual(
          dataLines(run).filter((line) => line.includes(' rows ')),
          data,
        );
        return;
      }
      assert.deepEqual(dataLines(run), data ?? []);
      if (objects !== undefined) assert.deepEqual(objectLines(run), objects);
    });
  }

  for (const { name, of, sql, shown, twin, twinShown } of STATEMENT_CASES) {
    test(`of a statement: ${name}`, async () => {
      const shows = async (text: string): Promise<string> =>
        shownOf(of, folderOf(await bench.run(plan(HISTORY, [text]), { seed: SEED })));
      assert.deepEqual([await shows(sql), await shows(twin)], [shown, twinShown]);
    });
  }

  test('each statement knows what it made, changed and dropped, cascades with it', async () => {
    const sql = `create table fresh (a int); alter table users rename age to years;
      do $$ begin execute 'drop table ' || 'users cascade'; end $$;
      create function told() returns int language sql return 1;
      do $$ begin raise info 'tagout-object ["x'; raise info 'tagout-object 1'; end $$`;
    const run = await bench.run(plan(HISTORY, [sql]), { seed: SEED });
    const [made, renamed, dropped, told, lie] = folderOf(run).statements.map(
      (s) => s.objects ?? [],
    );
    assert.deepEqual([made, renamed], [['fresh'], ['users.years']]);
    for (const object of ['users', 'names', 'posts.posts_user_id_fkey', 'users_id_seq']) {
      assert.ok(dropped?.includes(object), `${object} of ${dropped?.join(', ')}`);
    }
    assert.deepEqual([told, lie], [['told'], []]);
  });

  test('locks of a statement outside a transaction are seen while it runs', async () => {
    const sql = `do $$ begin lock table users; perform pg_sleep(2); end $$`;
    const run = await bench.run(plan(HISTORY, [sql]), { seed: SEED });
    const [done] = folderOf(run).statements;
    assert.deepEqual(done?.locks, [{ object: 'users', mode: 'AccessExclusive' }]);
  });

  test('what a function or a trigger of the history asks is asked by whoever runs it', async () => {
    const asks = `create function gate() returns bool language sql as
        $$ select current_database() = 'prod' $$;
      create function hold() returns trigger language plpgsql as
        'begin if pg_is_in_recovery() then return null; end if; return new; end';
      create trigger hold before insert on logs for each row execute function hold()`;
    const sql = `select gate(); insert into logs values ('a'); insert into secrets values (99);`;
    const run = await bench.run(plan([...HISTORY, asks], [sql]), { seed: SEED });
    assert.deepEqual(
      folderOf(run).statements.map((s) => s.environment ?? []),
      [['server'], ['server'], []],
    );
  });

  test('the size of every table when the change began, and where its rows came from', async () => {
    const run = await bench.run(plan(HISTORY, ['select 1']), { seed: SEED });
    assert.deepEqual(
      observed(run).tables.map((t) => `${t.table} ${t.rows} ${t.origin}`),
      [
        'files 5 seed',
        'logs 50 seed',
        'pg_largeobject 5 seed',
        'posts 300 seed',
        'secrets 10 seed',
        'shop.items 0 empty',
        'users 100 seed',
      ],
    );
    assert.equal(run.baselineCached, true);
  });
});
