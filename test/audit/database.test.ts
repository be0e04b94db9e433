import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { LogVerdict } from '../../src/core/audit/verify.ts';
import { reportBundle } from '../../src/cli/report-out.ts';
import { openPages } from '../../src/cli/report-serve.ts';
import { verifyDatabase } from '../../src/cli/verify-database.ts';
import { run } from '../../src/cli.ts';
import { locatorKey } from '../../src/core/subject.ts';
import { SUPERUSER } from '../../src/postgres/cluster.ts';
import { operator } from '../../src/store/access.ts';
import { sendDue } from '../../src/store/outbox.ts';
import { countTexts, redactTexts } from '../../src/store/redact.ts';
import { suspendAgent } from '../../src/store/suspend.ts';
import { verifyStored } from '../../src/store/verify-stored.ts';
import { Desk, openTestStore, type TestStore } from '../store/help.ts';
import { approval, judged, locatorOf, note, repoOf } from '../store/judged.ts';
import { randomFrom } from './flips.ts';

const TABLES = ['event', 'leaf', 'checkpoint', 'evidence'];

/** Columns that hold evidence or that the sealer goes on from, and how a byte of each changes. */
const COLUMNS: readonly (readonly [string, string, 'text' | 'bytes' | 'number'])[] = [
  ['event', 'body', 'text'],
  ['leaf', 'leaf_hash', 'bytes'],
  ['leaf', 'leaf_index', 'number'],
  ['leaf', 'log_id', 'number'],
  ['checkpoint', 'tree_size', 'number'],
  ['checkpoint', 'root_hash', 'bytes'],
  ['checkpoint', 'note', 'text'],
  ['checkpoint', 'sealed_ms', 'number'],
  ['detail', 'path', 'text'],
  ['detail', 'salt', 'bytes'],
  ['detail', 'value', 'text'],
  ['evidence', 'body', 'text'],
  ['evidence_text', 'salt', 'bytes'],
  ['evidence_text', 'value', 'text'],
];

describe('the record in a database', () => {
  let t: TestStore;
  const log = 1;
  before(async () => {
    t = await openTestStore();
    const repo = repoOf(log);
    for (const runId of [1, 2]) {
      t.clock.nowMs += 60_000;
      const wish = { repo, runId, verdict: 'hold', effects: [note(repo, runId, 1)] } as const;
      await t.store.record.record(judged(wish));
      await t.store.sealer.sealNow(log);
    }
    const wish = { repo, runId: 3, verdict: 'allow', effects: [approval(repo, 3)] } as const;
    await t.store.record.record(judged(wish));
    const sealNow = async (id: number): Promise<void> => void (await t.store.sealer.sealNow(id));
    const parts = { sql: t.store.sql, enact: new Desk(), sealNow, now: () => t.clock.nowMs };
    await sendDue({ ...parts, random: () => 1 }, locatorKey(locatorOf(wish)));
    await t.store.sealer.sealNow(log);
  });
  after(() => t.close());

  const trusted = () => ({
    origin: t.store.key.origin(log),
    installationId: log,
    vkeys: [t.store.key.vkey(log)],
  });
  const verdict = (): Promise<LogVerdict> => verifyStored(t.store.reports, trusted());

  test('is intact, over a connection of its own as well', async () => {
    assert.deepEqual((await verdict()).problems, []);
    const own = await verifyDatabase(t.url('tagout_report'), trusted(), () => {});
    assert.equal(own.verdict, 'intact');
    assert.equal(own.redacted, 0);
  });

  test('single changed bytes of every column are found', async (context) => {
    const seed = Number(process.env['SEED'] ?? 5);
    context.diagnostic(`seed ${seed}`);
    const random = randomFrom(seed);
    for (const table of TABLES)
      await t.root.unsafe(`alter table audit.${table} disable trigger all`);
    await t.root.unsafe('alter table audit.leaf drop constraint leaf_hash_size');
    const turns = Math.ceil(Number(process.env['FLIPS'] ?? 70) / COLUMNS.length);
    const count = { found: 0, refused: 0 };
    for (const [table, column, type] of COLUMNS) {
      for (let turn = 0; turn < turns; turn += 1) {
        const rows = await t.root.unsafe(
          `select ctid::text as place, ${column}::text as old, octet_length(${
            type === 'number' ? `${column}::text` : column
          }) as size from audit.${table} where ${table === 'leaf' || table === 'checkpoint' ? `log_id = ${log}` : 'true'} order by ctid`,
        );
        const row = rows[Math.floor(random() * rows.length)];
        const at = Math.floor(random() * Number(row?.['size']));
        const changed =
          type === 'text'
            ? `overlay(${column} placing case when substr(${column}, ${at + 1}, 1) = '~' then '}' else '~' end from ${at + 1} for 1)`
            : type === 'bytes'
              ? `set_byte(${column}, ${at}, get_byte(${column}, ${at}) # 1)`
              : `${column} + ${1000 + turn}`;
        const set = (value: string): string =>
          `update audit.${table} set ${column} = ${value} where ${column}::text = $1 and ctid = $2::tid returning ctid::text as place`;
        let moved: string;
        try {
          const [done] = await t.root.unsafe(set(changed), [row?.['old'], row?.['place']]);
          moved = String(done?.['place']);
        } catch (error) {
          // A body that is no JSON any more cannot even be stored.
          assert.match(String(error), /json|constraint|uuid|unique|integer/i);
          count.refused += 1;
          continue;
        }
        const found = await verdict();
        assert.notEqual(found.verdict, 'intact', `${table}.${column} byte ${at}, turn ${turn}`);
        count.found += 1;
        const cast =
          type === 'bytes'
            ? '$1::text::bytea'
            : type === 'number'
              ? '$1::text::bigint'
              : '$1::text';
        await t.root.unsafe(`update audit.${table} set ${column} = ${cast} where ctid = $2::tid`, [
          row?.['old'],
          moved,
        ]);
      }
    }
    assert.deepEqual((await verdict()).problems, [], 'everything was put back');
    context.diagnostic(`${count.found} found, ${count.refused} refused by PostgreSQL`);
    for (const table of TABLES) {
      await t.root.unsafe(`alter table audit.${table} enable always trigger no_row_change`);
    }
  });

  test('suspending holds all of an agent at once, in the memory, the record and the queue', async () => {
    const what = { installationId: log, agent: 'copilot', reason: 'odd work', doer: operator() };
    const { sql, memory } = t.store;
    assert.equal(await suspendAgent(sql, { ...what, resume: false }, t.clock.nowMs), true);
    assert.equal(await suspendAgent(sql, { ...what, resume: false }, t.clock.nowMs), false);
    assert.deepEqual(await memory.suspended(log), ['copilot']);
    const jobs = await t.root`select key from graphile_worker.jobs where key like '%repository'`;
    assert.equal(jobs.length, 1, 'its repository is looked at again');
    assert.equal(await suspendAgent(sql, { ...what, resume: true }, t.clock.nowMs), true);
    assert.deepEqual(await memory.suspended(log), []);
    const events = await t.root`select kind, body from audit.event
      where kind like 'agent.%' order by id`;
    assert.deepEqual(
      events.map((row) => row['kind']),
      ['agent.suspended', 'agent.resumed'],
    );
    assert.doesNotMatch(String(events[0]?.['body']), /odd work/);
  });

  test('a text is erased everywhere, and every proof stays valid', async () => {
    const owner = { url: t.url(SUPERUSER), role: 'tagout_owner' };
    const before = await countTexts(t.root, { text: 'marta' });
    assert.ok(before.events > 0 && before.evidence > 0);
    const what = { text: 'marta', basis: 'Article 17 GDPR', doer: operator() };
    const app = { url: t.url('tagout_app'), role: null };
    await assert.rejects(redactTexts(app, what, t.clock.nowMs), /may not erase/);
    const done = await redactTexts(owner, what, t.clock.nowMs);
    assert.deepEqual([done.events, done.evidence], [before.events, before.evidence]);
    assert.deepEqual(await countTexts(t.root, { text: 'marta' }), {
      events: 0,
      evidence: 0,
      working: 0,
    });
    await t.store.sealer.sealNow(log);
    const after = await verdict();
    assert.deepEqual(after.problems, []);
    assert.equal(after.redacted, before.events);
    const [event] = await t.root`select doc from audit.event where kind = 'redaction.performed'`;
    assert.equal(event?.['doc'].redaction.fields, before.events);
    assert.doesNotMatch(JSON.stringify(event?.['doc']), /marta/);
  });

  test('a bundle is written from it, verifies, and its reading is in the record', async () => {
    const root = mkdtempSync(join(tmpdir(), 'tagout-out-'));
    let out = '';
    const put = (text: string): void => {
      out += text;
    };
    const io = { env: {}, cwd: root, now: Date.now, out: put, err: put };
    const wish = { fromMs: null, toMs: null, repo: null, out: 'bundle', org: 'acme' };
    assert.equal(await reportBundle(t.store, wish, io), 0);
    const key = t.store.key.vkey(log);
    // The clock of the test is not the one by which the reading was recorded.
    const code = await run(['verify', 'bundle', '--key', key, '--json'], io);
    assert.ok(code === 0 || /time-outside/.test(out), out);
    assert.match(readFileSync(join(root, 'bundle', 'access.csv'), 'utf8'), /report\.read/);
    assert.match(readFileSync(join(root, 'bundle', 'population.csv'), 'utf8'), /not compared/);
    await assert.rejects(reportBundle(t.store, { ...wish, org: 'nobody' }, io), /records of: acme/);
    await assert.rejects(reportBundle(t.store, wish, io), /not an empty folder/);
    rmSync(root, { recursive: true, force: true });
  });

  test('the pages open once, on this machine only', async (context) => {
    const pages = await openPages(t.store, { now: Date.now });
    context.after(() => pages.close(100));
    const ask = (url: string, headers: Record<string, string> = {}): Promise<Response> =>
      fetch(url, { redirect: 'manual', headers });
    const entered = await ask(pages.enter);
    assert.equal(entered.status, 303);
    assert.equal((await ask(pages.enter)).status, 403, 'a second time');
    const cookie = (entered.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
    assert.match(entered.headers.get('set-cookie') ?? '', /HttpOnly; SameSite=Lax/);
    assert.equal((await ask(`${pages.url}/audit`)).status, 403);
    let shown = await ask(`${pages.url}/audit/register`, { cookie });
    // The first reading of the record can take longer than the page waits for it.
    while (shown.headers.has('refresh')) {
      shown = await ask(`${pages.url}/audit/register`, { cookie });
    }
    assert.equal(shown.status, 200);
    assert.match(await shown.text(), /acme\/shop/);
  });

  test('by age every personal text goes that is older, to the millisecond, and no younger one', async () => {
    const YEAR_MS = 366 * 86_400_000;
    // The pages were read by another clock than the one of this test.
    const { problems } = await verdict();
    t.clock.nowMs += 8 * YEAR_MS;
    const youngMs = t.clock.nowMs;
    await t.store.record.record(judged({ repo: repoOf(log), runId: 990, verdict: 'hold' }));
    await t.store.sealer.sealNow(log);
    const own = { url: t.url(SUPERUSER), role: 'tagout_owner' };
    const basis = 'retention of 7 years';
    const at = (beforeMs: number) => ({ beforeMs, basis, doer: operator() });
    const all = await countTexts(t.root, { beforeMs: youngMs + 1 });
    const old = await countTexts(t.root, at(youngMs));
    assert.ok(old.events > 0 && old.events < all.events, JSON.stringify({ old, all }));
    assert.deepEqual(await redactTexts(own, at(youngMs), t.clock.nowMs), old);
    assert.deepEqual(await countTexts(t.root, at(youngMs)), { events: 0, evidence: 0, working: 0 });
    const left = await t.root`select distinct e.at_ms from audit.detail d
      join audit.event e on e.id = d.event_row`;
    assert.ok(left.length > 0 && left.every((row) => Number(row['at_ms']) >= youngMs));
    const events = async () =>
      (await t.root`select count(*)::int as n from audit.event`)[0]?.['n'] as number;
    const told = await events();
    await redactTexts(own, at(youngMs), t.clock.nowMs);
    assert.equal(await events(), told, 'a day on which nothing is due leaves no event');
    await t.store.sealer.sealNow(log);
    assert.deepEqual((await verdict()).problems, problems, 'every proof stays valid');
  });
});
