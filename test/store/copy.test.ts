/** COPY as a reader of rows, against what the driver does with its socket. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { connect, type Sql } from '../../src/store/connect.ts';
import { copyRows } from '../../src/store/copy.ts';
import { openTestStore, type TestStore } from './help.ts';

describe('reading rows by COPY', () => {
  let t: TestStore;
  let sql: Sql;
  before(async () => {
    t = await openTestStore();
    sql = connect({ url: t.url('tagout_report'), role: null }, { name: 'copy', max: 1 });
  });
  after(async () => {
    await sql.end({ timeout: 5 });
    await t.close();
  });

  const query = (rows: number): string =>
    `select n::bigint, repeat('x', 700) from generate_series(1, ${rows}) as n`;

  // The driver stops its socket when the reader is behind. When the end of the rows came in the same
  // piece, nobody asked for more and the socket stayed stopped: the next statement waited for ever.
  test('the connection answers again after any amount of rows', { timeout: 60_000 }, async () => {
    for (let rows = 1; rows <= 600; rows += 7) {
      let seen = 0;
      for await (const batch of copyRows(sql, query(rows))) seen += batch.length;
      assert.equal(seen, rows);
    }
  });

  test('and after a reader that stopped early', { timeout: 60_000 }, async () => {
    for (const rows of [10, 1_000, 20_000]) {
      for await (const batch of copyRows(sql, query(rows))) {
        assert.ok(batch.length > 0);
        break;
      }
      const [row] = await sql`select 1 as one`;
      assert.equal(row?.['one'], 1);
    }
  });

  const faults = [
    ['before the first row', 'select 1 / (n - 1) from generate_series(1, 9) as n', '22012'],
    [
      'between rows',
      "select 1 / (9000 - n), repeat('x', 700) from generate_series(1, 9999) n",
      '22012',
    ],
    ['by its time limit', 'select pg_sleep(60)', '57014'],
  ] as const;
  for (const [when, text, code] of faults) {
    test(`an error of PostgreSQL ${when} reaches the reader, and the connection goes on`, async () => {
      const limit = code === '57014' ? '50ms' : '0';
      await sql.unsafe(`set statement_timeout = '${limit}'`);
      await assert.rejects(
        async () => {
          for await (const batch of copyRows(sql, text)) assert.ok(batch.length > 0);
        },
        { code },
      );
      await sql.unsafe("set statement_timeout = '60s'");
      const [row] = await sql`select 1 as one`;
      assert.equal(row?.['one'], 1);
    });
  }
});
