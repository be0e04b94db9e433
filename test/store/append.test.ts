/** Events that come together share a transaction; each is answered for by itself. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { judgeFailedEvent } from '../../src/core/audit/effect-event.ts';
import type { SealableEvent } from '../../src/core/audit/schema.ts';
import { appendEvent, freshSalt, stamp } from '../../src/store/append.ts';
import { SUPERUSER } from '../../src/postgres/cluster.ts';
import { connect } from '../../src/store/connect.ts';
import { openTestStore, type TestStore } from './help.ts';
import { locatorOf, repoOf } from './judged.ts';

describe('events that come together', () => {
  let t: TestStore;
  before(async () => {
    t = await openTestStore();
  });
  after(() => t.close());

  const make = (name: string): SealableEvent => {
    const trigger = { locator: locatorOf({ repo: repoOf(1) }), because: 'x', delivery: null };
    const failure = { code: 'internal', message: 'm', attempts: 1 };
    const mark = stamp(name, t.clock.nowMs);
    const made = judgeFailedEvent(trigger, failure, mark);
    const salt = freshSalt();
    const details = [{ path: name, salt, value: `text of ${name}` }];
    return /text/.test(name) ? { ...made, details } : made;
  };

  test('all are kept in few transactions, each with its own texts', async () => {
    const names = Array.from({ length: 200 }, (_, n) => (n % 3 === 0 ? `text ${n}` : `plain ${n}`));
    const added = await Promise.all(names.map((name) => appendEvent(t.store.sql, make(name))));
    assert.deepEqual(new Set(added), new Set([true]));
    const rows = await t.root`select e.dedupe_key as name, d.value from audit.event e
      left join audit.detail d on d.event_row = e.id`;
    assert.equal(rows.length, names.length);
    for (const { name, value } of rows) {
      assert.equal(value, /text/.test(String(name)) ? `text of ${name}` : null);
    }
    const [spent] = await t.root`select count(distinct xmin::text)::int as n from audit.event`;
    assert.ok(Number(spent?.['n']) <= 20, `${spent?.['n']} transactions for ${names.length}`);
  });

  test('a fact that is known, or comes twice in one group, is added once', async () => {
    const facts = ['plain 1', 'new', 'new', 'text 0', 'text new', 'text new'];
    const added = await Promise.all(facts.map((name) => appendEvent(t.store.sql, make(name))));
    const times = (name: string): number =>
      added.filter((one, at) => one && facts[at] === name).length;
    // Which of the two is the one is for the database to say: they may be in two transactions.
    assert.deepEqual(['plain 1', 'new', 'text 0', 'text new'].map(times), [0, 1, 0, 1]);
    const texts = await t.root`select value from audit.detail where path in ('text 0', 'text new')`;
    assert.equal(texts.length, 2);
  });

  test('one that the database refuses keeps no other back', async () => {
    const bad = { ...make('bad'), body: '{"no":"event"}' };
    const group = [make('good 1'), make('good 2'), bad, make('good 3')];
    const ended = await Promise.allSettled(group.map((one) => appendEvent(t.store.sql, one)));
    assert.deepEqual(
      ended.map(({ status }) => status),
      ['fulfilled', 'fulfilled', 'rejected', 'fulfilled'],
    );
    const kept = await t.root`select 1 from audit.event where dedupe_key like 'good %'`;
    assert.equal(kept.length, 3);
  });

  test('two replicas that see the same facts in another order never wait for each other', async () => {
    const other = connect({ url: t.url(SUPERUSER), role: null }, { name: 'replica', max: 4 });
    const blocked = async (): Promise<unknown> => {
      await t.root`select pg_stat_clear_snapshot()`;
      const [row] = await t.root`select deadlocks::int as n from pg_stat_database
        where datname = current_database()`;
      return row?.['n'];
    };
    const before = await blocked();
    for (let round = 0; round < 12; round += 1) {
      const facts = Array.from({ length: 60 }, (_, n) => `round ${round} ${n}`);
      const here = facts.map((name) => appendEvent(t.store.sql, make(name)));
      const there = facts.toReversed().map((name) => appendEvent(other, make(name)));
      const added = (await Promise.all([...here, ...there])).filter(Boolean);
      assert.equal(added.length, facts.length);
    }
    await other.end();
    assert.equal(await blocked(), before, 'PostgreSQL ended nobody for a deadlock');
  });

  test('in a transaction that is rolled back nothing is left', async () => {
    const ended = t.store.sql.begin(async (tx) => {
      assert.equal(await appendEvent(tx, make('lost')), true);
      throw new Error('rolled back');
    });
    await assert.rejects(ended, /rolled back/);
    const kept = await t.root`select 1 from audit.event where dedupe_key = 'lost'`;
    assert.equal(kept.length, 0);
  });
});
