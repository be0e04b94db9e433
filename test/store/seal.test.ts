import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { verifyLog, type LogVerdict } from '../../src/core/audit/verify.ts';
import { locatorKey } from '../../src/core/subject.ts';
import { sendDue } from '../../src/store/outbox.ts';
import { openLogKey } from '../../src/store/key.ts';
import { readCheckpoints, readLeaves } from '../../src/store/read-log.ts';
import { Desk, openTestStore, type TestStore } from './help.ts';
import { approval, judged, locatorOf, note, repoOf } from './judged.ts';

describe('sealing and verifying', () => {
  let t: TestStore;
  before(async () => {
    t = await openTestStore();
  });
  after(() => t.close());

  const verify = async (installationId: number): Promise<LogVerdict> =>
    verifyLog({
      origin: t.store.key.origin(installationId),
      installationId,
      vkeys: [t.store.key.vkey(installationId)],
      checkpoints: await readCheckpoints(t.store.reports, installationId),
      leaves: readLeaves(t.store.reports, installationId),
    });
  const codes = (verdict: LogVerdict): string[] => verdict.problems.map(({ code }) => code);
  const seal = async (id: number): Promise<void> => {
    await t.store.sealer.sealNow(id);
  };
  /** Five decisions, one of them released, under several checkpoints. */
  const history = async (installationId: number): Promise<void> => {
    const repo = repoOf(installationId);
    for (const runId of [1, 2, 3, 4]) {
      t.clock.nowMs += 60_000;
      const wish = { repo, runId, verdict: 'hold', effects: [note(repo, runId, 1)] } as const;
      await t.store.record.record(judged(wish));
      await seal(installationId);
    }
    const wish = { repo, runId: 5, verdict: 'allow', effects: [approval(repo, 5)] } as const;
    await t.store.record.record(judged(wish));
    const { sql } = t.store;
    const parts = { sql, enact: new Desk(), sealNow: seal, now: () => t.clock.nowMs };
    await sendDue({ ...parts, random: () => 1 }, locatorKey(locatorOf(wish)));
    await seal(installationId);
  };
  /** What the owner of the tables can do: triggers off, then anything. */
  const attack = async (statement: string): Promise<void> => {
    await t.root.begin(async (tx) => {
      for (const table of ['event', 'leaf', 'checkpoint']) {
        await tx.unsafe(`alter table audit.${table} disable trigger all`);
      }
      await tx.unsafe(statement);
      for (const table of ['event', 'leaf', 'checkpoint']) {
        await tx.unsafe(`alter table audit.${table} enable always trigger no_row_change`);
      }
    });
  };

  test('a clean history is intact, through a real database', async () => {
    await history(1);
    const verdict = await verify(1);
    assert.deepEqual(verdict.problems, []);
    assert.equal(verdict.verdict, 'intact');
    assert.equal(verdict.size, 7, 'the key, five decisions and one release');
    assert.equal(verdict.redacted, 0);
  });

  test('an erased text keeps every proof valid, a changed one does not', async () => {
    await history(2);
    await t.root`delete from audit.detail d using audit.event e
      where e.id = d.event_row and e.log_id = 2 and d.path = 'changes.0.title'`;
    const erased = await verify(2);
    assert.deepEqual([erased.verdict, erased.redacted], ['intact', 5]);
    await t.root`update audit.detail d set value = 'mallory' from audit.event e
      where e.id = d.event_row and e.log_id = 2 and d.path = 'decision.counted.0.person.login'`;
    assert.deepEqual(codes(await verify(2)), ['detail-differs']);
  });

  const attacks: readonly (readonly [string, (id: number) => string, string])[] = [
    [
      'one edited body',
      (id) => `update audit.event set body = replace(body, '"hold"', '"deny"')
        where id = (select min(id) from audit.event
          where log_id = ${id} and kind = 'decision.made')`,
      'root-differs',
    ],
    [
      'an edited body with its stored hash',
      (id) => `update audit.event set body = replace(body, '"hold"', '"deny"')
          where log_id = ${id} and kind = 'decision.made';
        update audit.leaf l set leaf_hash = e.leaf_hash from audit.event e
          where e.id = l.event_row and e.log_id = ${id}`,
      'root-differs',
    ],
    [
      'a deleted row',
      (id) => `delete from audit.leaf where log_id = ${id} and leaf_index = 2`,
      'root-differs',
    ],
    [
      'two swapped rows',
      (id) => `update audit.leaf set leaf_index = case leaf_index when 2 then 1002 else 1003 end
          where log_id = ${id} and leaf_index in (2, 3);
        update audit.leaf set leaf_index = case leaf_index when 1002 then 3 else 2 end
          where log_id = ${id} and leaf_index in (1002, 1003)`,
      'root-differs',
    ],
    [
      'a cut tail',
      (id) => `delete from audit.leaf where log_id = ${id} and leaf_index >= 5`,
      'leaves-missing',
    ],
    [
      'a checkpoint with another signature',
      (id) => `update audit.checkpoint set note = replace(note, 'tagout/audit/${id} ',
        'tagout/audit/${id} A') where log_id = ${id}`,
      'note-invalid',
    ],
  ];
  attacks.forEach(([name, statement, code], at) => {
    test(`the table's owner is found out: ${name}`, async () => {
      const id = 10 + at;
      await history(id);
      assert.equal((await verify(id)).verdict, 'intact');
      await attack(statement(id));
      const verdict = await verify(id);
      assert.equal(verdict.verdict, 'tampered');
      assert.ok(codes(verdict).includes(code), codes(verdict).join());
    });
  });

  test('a backdated row that was sealed normally is found by its time', async () => {
    await history(20);
    const [row] = await t.root`select body from audit.event where log_id = 20
      and kind = 'decision.made' order by id limit 1`;
    const forged = JSON.parse(String(row?.['body']));
    forged.eventId = '0189abcd-0000-7000-8000-000000000001';
    forged.dedupeKey = 'forged';
    forged.recordedAtMs -= 3_600_000;
    const { canonicalText } = await import('../../src/core/canonical.ts');
    await t.store.sql`insert into audit.event (body) values (${canonicalText(forged)})`;
    await seal(20);
    assert.deepEqual(codes(await verify(20)), ['time-outside']);
  });

  test('a release without its decision is found by the state machine', async () => {
    await history(21);
    const [row] = await t.root`select body from audit.event where log_id = 21
      and kind = 'effect.outcome'`;
    const forged = JSON.parse(String(row?.['body']));
    forged.eventId = '0189abcd-0000-7000-8000-000000000002';
    forged.dedupeKey = 'forged 2';
    forged.links.decision = '0189abcd-0000-7000-8000-000000000003';
    const { canonicalText } = await import('../../src/core/canonical.ts');
    await t.store.sql`insert into audit.event (body) values (${canonicalText(forged)})`;
    await seal(21);
    assert.deepEqual(codes(await verify(21)), ['release-unfounded']);
  });

  test('with another key or origin nothing is intact', async () => {
    await history(22);
    const log = {
      origin: t.store.key.origin(22),
      installationId: 22,
      checkpoints: await readCheckpoints(t.store.reports, 22),
    };
    const leaves = () => readLeaves(t.store.reports, 22);
    const key = t.store.key.vkey(22);
    const none = await verifyLog({ ...log, vkeys: [], leaves: leaves() });
    assert.equal(none.verdict, 'unverifiable');
    const other = openLogKey(`${t.dataDir}/other.key`, 'tagout/audit').vkey(22);
    const wrong = await verifyLog({ ...log, vkeys: [other], leaves: leaves() });
    assert.equal(wrong.verdict, 'tampered');
    const elsewhere = await verifyLog({ ...log, origin: 'x', vkeys: [key], leaves: leaves() });
    assert.equal(elsewhere.verdict, 'tampered');
  });
});
