/** What a sealer remembers never hides a row: late ones, those of others, and ids given again. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { judgeFailedEvent } from '../../src/core/audit/effect-event.ts';
import { appendEvent, stamp } from '../../src/store/append.ts';
import { connect, type Sql, type Tx } from '../../src/store/connect.ts';
import { createSealer } from '../../src/store/seal.ts';
import { openTestStore, type TestStore } from './help.ts';
import { locatorOf, repoOf } from './judged.ts';

describe('what a sealer remembers', () => {
  let t: TestStore;
  let other: Sql;
  before(async () => {
    t = await openTestStore();
    other = connect({ url: t.url('tagout_sealer'), role: null }, { name: 'seal', max: 1 });
  });
  after(async () => {
    await other.end({ timeout: 5 });
    await t.close();
  });

  const append = (sql: Sql | Tx, log: number, name: string): Promise<boolean> => {
    const trigger = { locator: locatorOf({ repo: repoOf(log) }), because: 'race', delivery: null };
    const failure = { code: 'internal', message: name, attempts: 1 };
    return appendEvent(sql, judgeFailedEvent(trigger, failure, stamp(name, t.clock.nowMs)));
  };
  const open = async (log: number): Promise<number> => {
    const [row] = await t.root`select count(*)::int as n from audit.event e
      where log_id = ${log} and not exists (select from audit.leaf l where l.event_row = e.id)`;
    return Number(row?.['n']);
  };
  const second = () =>
    createSealer({ sealer: other, app: t.store.sql, key: t.store.key, now: () => t.clock.nowMs });

  test('a row that becomes visible after younger ones were sealed is sealed then', async () => {
    await t.store.sql.begin(async (late) => {
      await append(late, 1, 'late');
      for (const name of ['young 1', 'young 2']) {
        await append(t.store.sql, 1, name);
        assert.equal(await t.store.sealer.sealNow(1), name === 'young 1' ? 2 : 3);
      }
    });
    assert.equal(await t.store.sealer.sealNow(1), 4);
    assert.equal(await open(1), 0);
  });

  test('rows that another log waits for are kept in mind, and what a second sealer did', async () => {
    await append(t.store.sql, 2, 'of log 2');
    await append(t.store.sql, 3, 'of log 3');
    assert.equal(await t.store.sealer.sealNow(3), 2, 'its look met the row of log 2 as well');
    assert.equal(await second().sealNow(2), 2, 'a fresh sealer finds what was there before it');
    await t.store.sealer.sealAll();
    await append(t.store.sql, 2, 'more of log 2');
    await t.store.sealer.sealAll();
    assert.equal(await open(2), 0);
    assert.equal(await t.store.sealer.sealNow(2), 3);
  });

  test('rows from before the start are found however old they are, also by sealAll', async () => {
    await append(t.store.sql, 4, 'old');
    await append(t.store.sql, 4, 'new');
    await t.root.begin(async (tx) => {
      await tx`alter table audit.event disable trigger all`;
      await tx`update audit.event set db_clock = db_clock - interval '1 day'
        where log_id = 4 and dedupe_key = 'old'`;
      await tx`alter table audit.event enable always trigger no_row_change`;
    });
    await second().sealAll();
    assert.equal(await open(4), 0);
  });

  test('ids that a promoted replica gives again are noticed', async () => {
    for (const name of ['lost 1', 'lost 2']) await append(t.store.sql, 5, name);
    await t.store.sealer.sealNow(5);
    // As after a failover to a server that lacks the last rows: they are gone, their ids are free.
    await t.root.begin(async (tx) => {
      for (const table of ['event', 'leaf', 'checkpoint']) {
        await tx.unsafe(`alter table audit.${table} disable trigger all`);
      }
      await tx`delete from audit.checkpoint where log_id = 5`;
      await tx`delete from audit.leaf where log_id = 5`;
      await tx`delete from audit.event where log_id = 5 and kind <> 'key.announced'`;
      for (const table of ['event', 'leaf', 'checkpoint']) {
        await tx.unsafe(`alter table audit.${table} enable always trigger no_row_change`);
      }
      await tx`select setval('audit.event_id_seq', (select max(id) from audit.event))`;
    });
    await append(t.store.sql, 5, 'again 1');
    await append(t.store.sql, 5, 'again 2');
    assert.equal(await t.store.sealer.sealNow(5), 3);
    assert.equal(await open(5), 0);
  });

  test('more rows than one look reads, of two logs in turn', async () => {
    const rows = Array.from({ length: 6_000 }, (_, at) => {
      const log = 6 + (at % 2);
      const trigger = {
        locator: locatorOf({ repo: repoOf(log) }),
        because: 'many',
        delivery: null,
      };
      const failure = { code: 'internal', message: 'many', attempts: 1 };
      return judgeFailedEvent(trigger, failure, stamp(`many ${at}`, t.clock.nowMs)).body;
    });
    await t.store.sql`insert into audit.event (body) select * from unnest(${rows}::text[])`;
    assert.equal(await t.store.sealer.sealNow(7), 3_001);
    await t.store.sealer.sealAll();
    assert.deepEqual([await open(6), await open(7)], [0, 0]);
  });
});
