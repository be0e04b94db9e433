/** What is over its time goes, and nothing else; GitHub's log of deliveries outlives GitHub's copy. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createDeliveryLog, type LoggedAttempt } from '../../src/store/delivery-log.ts';
import { KEPT_DAYS, type Removed, removeExpired } from '../../src/store/retention.ts';
import { Desk, openTestStore, type TestStore, until } from './help.ts';
import { judged, repoOf } from './judged.ts';

const DAY_MS = 86_400_000;
const NOW_MS = 1_790_000_000_000;
const NOTHING: Removed = { delivery: 0, outbox: 0, blob: 0, delivery_log: 0 };

const attempt = (id: number, change: Partial<LoggedAttempt> = {}): LoggedAttempt => ({
  id,
  guid: `guid-${id}`,
  installationId: 1,
  repoId: 10,
  event: 'deployment_protection_rule.requested',
  atMs: NOW_MS,
  statusCode: 202,
  ...change,
});

describe('retention', () => {
  let t: TestStore;
  before(async () => {
    t = await openTestStore({ now: () => NOW_MS });
  });
  after(() => t.close());

  const keepOutbox = (status: string, createdAtMs: number) => t.root`
    insert into tagout.outbox (installation_id, subject_key, slot, effect_key, kind, effect, subject,
      event_id, status, next_at_ms, created_at_ms)
    values (1, '1:10:pull:1', ${`${status}:${createdAtMs}`}, 'k', 'labels', '{}', '{}',
      gen_random_uuid(), ${status}, ${NOW_MS + DAY_MS}, ${createdAtMs})`;

  /** One row of each kind, so many milliseconds before or after the end of its time. */
  async function keepAll(name: string, afterMs: number): Promise<void> {
    const at = (table: keyof Removed): number => NOW_MS - KEPT_DAYS[table] * DAY_MS + afterMs;
    await t.root`insert into tagout.delivery
      values (${name}, 'push', null, 1, null, ${at('delivery')})`;
    await keepOutbox('done', at('outbox'));
    await t.root`insert into tagout.blob values (${name}, 'text', ${at('blob')})`;
    const id = at('delivery_log');
    await createDeliveryLog(t.store.sql).keep([attempt(id, { atMs: id })], new Set());
  }

  test('takes what is over its time, to the millisecond, and leaves the rest', async () => {
    await keepAll('old', -1);
    await keepAll('young', 0);
    const removed = await removeExpired(t.store.sql, NOW_MS);
    assert.deepEqual(removed, { delivery: 1, outbox: 1, blob: 1, delivery_log: 1 });
    assert.deepEqual(await removeExpired(t.store.sql, NOW_MS), NOTHING, 'once is enough');
    const left = await t.root`select id from tagout.delivery
      union all select sha from tagout.blob`;
    assert.deepEqual(
      left.map((row) => row['id']),
      ['young', 'young'],
    );
    await removeExpired(t.store.sql, NOW_MS + 1);
  });

  test('never takes a write that has not come to its end, however old', async () => {
    await keepOutbox('pending', 1);
    await keepOutbox('sending', 1);
    for (const status of ['dead', 'superseded', 'expired']) await keepOutbox(status, 1);
    assert.equal((await removeExpired(t.store.sql, NOW_MS)).outbox, 3);
    assert.equal((await t.root`select from tagout.outbox`).length, 2);
    await t.root`delete from tagout.outbox`;
  });

  test('takes more than one batch', async () => {
    await t.root`insert into tagout.delivery
      select 'many-' || n, 'push', null, 1, null, 1 from generate_series(1, 12000) as n`;
    assert.equal((await removeExpired(t.store.sql, NOW_MS)).delivery, 12_000);
  });

  test('content that an older version kept is given its time', async () => {
    await t.root`insert into tagout.blob (sha, content) values ('undated', 'text')`;
    assert.equal((await removeExpired(t.store.sql, NOW_MS)).blob, 0);
    const later = NOW_MS + KEPT_DAYS.blob * DAY_MS;
    assert.equal((await removeExpired(t.store.sql, later)).blob, 0);
    assert.equal((await removeExpired(t.store.sql, later + 1)).blob, 1);
  });

  test('takes nothing of the record', async () => {
    await t.store.record.record(judged({ repo: repoOf(1) }));
    await t.store.sealer.sealNow(1);
    const count = () => t.root`select (select count(*)::int from audit.event) as events,
      (select count(*)::int from audit.evidence) as evidence,
      (select count(*)::int from audit.leaf) as leaves`;
    const [before] = await count();
    assert.ok(before?.['events'] > 0 && before?.['evidence'] > 0 && before?.['leaves'] > 0);
    await removeExpired(t.store.sql, NOW_MS + 100 * 365 * DAY_MS);
    const [later] = await count();
    assert.deepEqual(later, before);
  });

  test('a worker does it by the clock of the queue, and tells what it took', async () => {
    await keepAll('worker', -1);
    const told: Removed[] = [];
    const worker = await t.store.startWorker({
      expand: () => Promise.resolve([]),
      judge: (_, locator) => Promise.resolve({ locator, decision: null }),
      enact: new Desk(),
      concurrency: 1,
      removed: (rows) => told.push(rows),
    });
    await until('the day is planned', async () => {
      const rows = await t.root`select from graphile_worker._private_known_crontabs
        where identifier = 'retain'`;
      return rows.length === 1;
    });
    await t.root`select graphile_worker.add_job('retain')`;
    await until('it was done', () => told.length === 1);
    await worker.stop();
    assert.deepEqual(told, [{ delivery: 1, outbox: 1, blob: 1, delivery_log: 1 }]);
  });

  test('operating.md has the table as it is', () => {
    const paper = readFileSync(join(import.meta.dirname, '../../docs/operating.md'), 'utf8');
    const rows = [...paper.matchAll(/^\| `tagout\.(\w+)` \|.*\| (\d+) days \|$/gm)];
    const told = Object.fromEntries(rows.map(([, table, days]) => [table, Number(days)]));
    assert.deepEqual(told, KEPT_DAYS);
  });
});

describe("GitHub's log of deliveries", () => {
  let t: TestStore;
  before(async () => {
    t = await openTestStore();
  });
  after(() => t.close());

  test('has one row for each delivery: its newest attempt, and whether it ever came', async () => {
    const log = createDeliveryLog(t.store.sql);
    const lost = { guid: 'lost', statusCode: 502 };
    const late = { guid: 'late' };
    await log.keep(
      [attempt(1, lost), attempt(2, { ...late, statusCode: 0 })],
      new Set(['lost', 'late']),
    );
    // The sweep asked for it again and it came: the next sweep reads both attempts.
    const again = attempt(3, { ...late, atMs: NOW_MS + 5 });
    await log.keep([attempt(2, { ...late, statusCode: 0 }), again], new Set());
    const about = { installationId: 1, repoId: 10, event: attempt(0).event, atMs: NOW_MS };
    assert.deepEqual(
      [...(await log.read({ fromMs: null, toMs: null }))],
      [
        { guid: 'late', ...about, attempts: 2, statusCode: 202, stored: true },
        { guid: 'lost', ...about, attempts: 1, statusCode: 502, stored: false },
      ],
    );
  });

  test('is read by period and by repository, to its end', async () => {
    const log = createDeliveryLog(t.store.sql);
    const many = Array.from({ length: 2_500 }, (_, at) =>
      attempt(100 + at, { repoId: 77, atMs: NOW_MS + at }),
    );
    await log.keep(many, new Set());
    const one = await log.read({ fromMs: NOW_MS + 10, toMs: NOW_MS + 2_400, repoId: 77 });
    assert.equal(one.length, 2_390);
    assert.equal(one[0]?.guid, 'guid-110');
    assert.equal((await log.read({ fromMs: null, toMs: null, repoId: 78 })).length, 0);
  });
});
