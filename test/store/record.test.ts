import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { type EvidenceText, openEvidence } from '../../src/core/audit/evidence-texts.ts';
import { digestOf, sha256Hex } from '../../src/core/canonical.ts';
import { sendDue, type OutboxParts } from '../../src/store/outbox.ts';
import { locatorKey } from '../../src/core/subject.ts';
import { Desk, openTestStore, outboxParts, type TestStore } from './help.ts';
import { approval, checkRun, HEAD, judged, locatorOf, note, repoOf } from './judged.ts';

describe('recording and enacting', () => {
  let t: TestStore;
  before(async () => {
    t = await openTestStore();
  });
  after(() => t.close());

  const parts = (desk: Desk): OutboxParts => outboxParts(t, desk);
  const events = (installationId: number) =>
    t.root`select kind, doc, body from audit.event where log_id = ${installationId}
           and kind <> 'key.announced' order by id`;
  const statuses = async (installationId: number): Promise<string[]> =>
    (
      await t.root`select status from tagout.outbox where installation_id = ${installationId}
                   order by id`
    ).map((row) => String(row['status']));

  test('a decision leaves evidence, one event and its effects, all or nothing', async () => {
    const repo = repoOf(1);
    const one = judged({ repo, effects: [checkRun(repo, 'action_required')] });
    const done = await t.store.record.record(one);
    assert.equal(done.outbox.length, 1);
    const [event] = await events(1);
    assert.equal(event?.['doc'].eventId, done.eventId);
    assert.equal(event?.['doc'].evidence.judged, digestOf(one.evidence));
    assert.equal(event?.['doc'].outcome, 'hold');
    assert.deepEqual(event?.['doc'].decision.refused[0].codes, ['R03', 'R06']);
    const sha256 = String(event?.['doc'].evidence.sha256);
    const [row] = await t.root`select body from audit.evidence where sha256 = ${sha256}`;
    const body = String(row?.['body']);
    assert.equal(sha256Hex(body), sha256);
    assert.doesNotMatch(body, /Copilot|marta|Drop the e-mail column/);
    const texts = await t.root<EvidenceText[]>`select commitment, salt, value
      from audit.evidence_text where sha256 = ${sha256}`;
    assert.deepEqual(openEvidence({ body, sha256, texts }), { value: one.evidence, redacted: 0 });
    const fewer = texts.filter((text) => text.value !== 'Copilot');
    assert.equal(openEvidence({ body, sha256, texts: fewer }).redacted, 1);
    const jobs = await t.root`select key from graphile_worker.jobs`;
    assert.ok(jobs.some((job) => job['key'] === `enact:${locatorKey(one.locator)}`));
  });

  test('personal text lies beside the body, under a commitment', async () => {
    const repo = repoOf(2);
    await t.store.record.record(judged({ repo, title: 'Meet Marta Lopez' }));
    const [event] = await events(2);
    assert.doesNotMatch(String(event?.['body']), /Marta|Copilot/);
    const details = await t.root`select d.path, d.value, encode(sha256(d.salt ||
        convert_to(d.value, 'UTF8')), 'base64') as c
      from audit.detail d join audit.event e on e.id = d.event_row where e.log_id = 2`;
    const title = details.find((row) => row['path'] === 'changes.0.title');
    assert.equal(title?.['value'], 'Meet Marta Lopez');
    assert.equal(title?.['c'], event?.['doc'].changes[0].title.c);
  });

  test('the same fact twice is one event; a fact that comes back is a new one', async () => {
    const repo = repoOf(3);
    const first = await t.store.record.record(judged({ repo, readAtMs: 1_700_000_000_000 }));
    const again = await t.store.record.record(judged({ repo, readAtMs: 1_700_000_009_000 }));
    assert.equal(again.eventId, first.eventId);
    await t.store.record.record(judged({ repo, readAtMs: 1_700_000_010_000, verdict: 'allow' }));
    const back = await t.store.record.record(judged({ repo, readAtMs: 1_700_000_020_000 }));
    assert.notEqual(back.eventId, first.eventId);
    const rows = await events(3);
    assert.deepEqual(
      rows.map((row) => row['doc'].outcome),
      ['hold', 'allow', 'hold'],
    );
    assert.equal(rows[2]?.['doc'].links.previous, rows[1]?.['doc'].eventId);
  });

  test('older evidence than the recorded one is refused', async () => {
    const repo = repoOf(4);
    await t.store.record.record(judged({ repo, readAtMs: 1_700_000_100_000 }));
    const stale = judged({ repo, readAtMs: 1_700_000_000_000, verdict: 'allow' });
    await assert.rejects(t.store.record.record(stale), /Newer evidence/);
    assert.equal((await events(4)).length, 1);
  });

  test('a decision that names another evidence is not recorded', async () => {
    const repo = repoOf(5);
    const one = judged({ repo });
    const forged = { ...one, decision: { ...one.decision, evidenceDigest: 'e'.repeat(64) } };
    await assert.rejects(t.store.record.record(forged), /another evidence/);
    assert.equal((await events(5)).length, 0);
    assert.equal((await t.root`select from tagout.subject where installation_id = 5`).length, 0);
  });

  test('a fault in the last statement leaves nothing of the whole transaction', async () => {
    const repo = repoOf(14);
    const one = judged({ repo, title: 'Unique 14', effects: [checkRun(repo, 'success')] });
    await t.root`alter function tagout.enqueue(json) rename to enqueue_away`;
    await assert.rejects(t.store.record.record(one), /store failed while recording/);
    await t.root`alter function tagout.enqueue_away(json) rename to enqueue`;
    assert.deepEqual(await statuses(14), []);
    assert.equal((await events(14)).length, 0);
    const left = await t.root`select from audit.evidence where body like '%Unique 14%'`;
    assert.equal(left.length, 0);
    assert.equal((await t.store.record.record(one)).outbox.length, 1, 'and it can be done again');
  });

  test('a check run that says the same is not written again, unless somebody asks', async () => {
    const repo = repoOf(15);
    const key = locatorKey(locatorOf({ repo }));
    const desk = new Desk();
    const run = (externalId: string) => ({
      ...checkRun(repo, 'success'),
      key: `check:${externalId}`,
      externalId,
    });
    await t.store.record.record(judged({ repo, effects: [run('one')] }));
    await sendDue(parts(desk), key);
    const again = judged({ repo, readAtMs: 1_700_000_050_000, effects: [run('two')] });
    assert.deepEqual((await t.store.record.record(again)).outbox, []);
    const trigger = { ...again.trigger, because: 'check_run.rerequested' };
    assert.equal((await t.store.record.record({ ...again, trigger })).outbox.length, 1);
    await sendDue(parts(desk), key);
    assert.equal(desk.sent.length, 2);
  });

  test('a check run is sent, remembered, edited and not repeated', async () => {
    const repo = repoOf(6);
    const key = locatorKey(locatorOf({ repo }));
    const desk = new Desk();
    await t.store.record.record(judged({ repo, effects: [checkRun(repo, 'action_required')] }));
    await sendDue(parts(desk), key);
    const { receipt, ...known } = desk.sent[0]?.known ?? {};
    assert.deepEqual(known, { checkRunId: null, uncertain: false });
    assert.match(receipt ?? '', /^c2sp\.org\/tlog-proof@v1\n/);
    assert.deepEqual(await t.store.memory.postings(repo, 7), [
      {
        headSha: HEAD,
        baseRef: 'main',
        shown: 'c'.repeat(64),
        atMs: 1_760_000_001_000,
        check: 'tagout',
      },
    ]);
    const same = await t.store.record.record(
      judged({ repo, title: 'Other', effects: [checkRun(repo, 'action_required')] }),
    );
    assert.deepEqual(same.outbox, [], 'it stands at GitHub already');
    for (const conclusion of ['success', 'action_required'] as const) {
      const verdict = conclusion === 'success' ? 'allow' : 'hold';
      const effects = [checkRun(repo, conclusion)];
      await t.store.record.record(judged({ repo, verdict, effects }));
      await sendDue(parts(desk), key);
    }
    assert.deepEqual(
      desk.sent.map(({ effect }) => effect.kind === 'check-run' && effect.conclusion),
      ['action_required', 'success', 'action_required'],
    );
    assert.equal(desk.sent[1]?.known.checkRunId, 1001);
    const kinds = (await events(6)).map((row) => `${row['kind']} ${row['doc'].outcome}`);
    assert.deepEqual(kinds, [
      'decision.made hold',
      'effect.outcome done',
      'decision.made allow',
      'effect.outcome done',
      'decision.made hold',
      'effect.outcome done',
    ]);
  });

  test('a posting is kept whenever what is shown changes, also back to an earlier state', async () => {
    const repo = repoOf(16);
    const key = locatorKey(locatorOf({ repo }));
    const desk = new Desk();
    for (const digest of ['a', 'b', 'a', 'a']) {
      const run = checkRun(repo, 'action_required');
      const shown = { pull: 7, baseRef: 'main', digest: digest.repeat(64) };
      const effects = [{ ...run, key: `${run.key}:${desk.sent.length}`, shown }];
      await t.store.record.record(judged({ repo, effects }));
      await sendDue(parts(desk), key);
    }
    const kept = await t.store.memory.postings(repo, 7);
    assert.deepEqual(
      kept.map(({ shown }) => shown[0]),
      ['a', 'b', 'a'],
    );
  });

  test('two writes for the check of one commit never overtake each other', async () => {
    const repo = repoOf(17);
    const [one, two] = [7, 8].map((pull) => locatorKey(locatorOf({ repo, pull })));
    const gate = Promise.withResolvers<void>();
    class SlowDesk extends Desk {
      override async enact(...sent: Parameters<Desk['enact']>): ReturnType<Desk['enact']> {
        const answer = await super.enact(...sent);
        if (this.sent.length === 1) await gate.promise;
        return answer;
      }
    }
    const desk = new SlowDesk();
    const held = [checkRun(repo, 'action_required')];
    await t.store.record.record(judged({ repo, pull: 7, effects: held }));
    const first = sendDue(parts(desk), one ?? '');
    while (desk.sent.length === 0) await setImmediate();
    const effects = [checkRun(repo, 'success')];
    await t.store.record.record(judged({ repo, pull: 8, verdict: 'allow', effects }));
    await sendDue(parts(desk), two ?? '');
    assert.equal(desk.sent.length, 1, 'the second waits for the first');
    gate.resolve();
    await first;
    t.clock.nowMs += 1000;
    await sendDue(parts(desk), two ?? '');
    assert.deepEqual(
      desk.sent.map(({ effect }) => effect.kind === 'check-run' && effect.conclusion),
      ['action_required', 'success'],
    );
    assert.equal(desk.sent[1]?.known.checkRunId, 1001);
  });

  test('of two pull requests with one head, what was read earlier replaces nothing', async () => {
    const repo = repoOf(18);
    const both = (pull: number, readAtMs: number) =>
      judged({ repo, pull, besides: [15 - pull], readAtMs, effects: [checkRun(repo, 'success')] });
    await t.store.record.record(both(8, 1_700_000_009_000));
    await assert.rejects(t.store.record.record(both(7, 1_700_000_008_000)), {
      message: /Newer evidence about this subject/,
    });
    await t.store.record.record(both(7, 1_700_000_009_000));
  });

  test('an unsent release is void as soon as a newer decision holds', async () => {
    const repo = repoOf(7);
    const key = locatorKey(locatorOf({ repo, runId: 50 }));
    const desk = new Desk();
    const allow = { repo, runId: 50, verdict: 'allow', effects: [approval(repo, 50)] } as const;
    await t.store.record.record(judged(allow));
    const hold = { repo, runId: 50, verdict: 'hold', effects: [note(repo, 50, 1)] } as const;
    await t.store.record.record(judged(hold));
    await sendDue(parts(desk), key);
    assert.deepEqual(
      desk.sent.map(({ effect }) => effect.kind),
      ['deployment-note'],
    );
    assert.deepEqual(await statuses(7), ['superseded', 'done']);
    const ends = (await events(7)).map((row) => row['doc'].outcome);
    assert.deepEqual(ends, ['allow', 'hold', 'superseded', 'done']);
  });

  test('a release is sealed before it leaves, and is remembered', async () => {
    const repo = repoOf(8);
    const key = locatorKey(locatorOf({ repo, runId: 60 }));
    const allow = { repo, runId: 60, verdict: 'allow', effects: [approval(repo, 60)] } as const;
    const { eventId } = await t.store.record.record(judged(allow));
    let sealedFirst = false;
    const desk: OutboxParts['enact'] = {
      async enact(effect, known) {
        const [leaf] = await t.root`select from audit.leaf l join audit.event e
          on e.id = l.event_row where e.event_id = ${eventId}`;
        sealedFirst = leaf !== undefined;
        return new Desk().enact(effect, known);
      },
    };
    await sendDue({ ...parts(new Desk()), enact: desk }, key);
    assert.equal(sealedFirst, true);
    const { memory } = t.store;
    const release = {
      runId: 60,
      deploymentId: null,
      sha: HEAD,
      origin: 'released',
      atMs: 1_760_000_001_000,
    } as const;
    const kept = await memory.releases(repo, ' Production');
    assert.deepEqual(kept, [{ ...release, succeeded: false }]);
    // Another run's success is not this one's; its own, once seen, stays.
    await memory.keepSucceeded?.(repo, 'production', { ...release, runId: 61 });
    assert.equal((await memory.releases(repo, 'production'))[0]?.succeeded, false);
    await memory.keepSucceeded?.(repo, 'Production', release);
    assert.equal((await memory.releases(repo, 'production'))[0]?.succeeded, true);
  });

  test('a release whose decision cannot be sealed does not leave', async () => {
    const repo = repoOf(9);
    const key = locatorKey(locatorOf({ repo, runId: 61 }));
    const allow = { repo, runId: 61, verdict: 'allow', effects: [approval(repo, 61)] } as const;
    await t.store.record.record(judged(allow));
    const desk = new Desk();
    const blind = { ...parts(desk), sealNow: () => Promise.resolve() };
    await assert.rejects(sendDue(blind, key), /could not be sealed/);
    assert.deepEqual(desk.sent, []);
  });

  test('a decision that is too old is not acted on but made again', async () => {
    const repo = repoOf(10);
    const locator = locatorOf({ repo, runId: 62 });
    const allow = { repo, runId: 62, verdict: 'allow', effects: [approval(repo, 62)] } as const;
    await t.store.record.record(judged(allow));
    const desk = new Desk();
    const late = { ...parts(desk), now: () => t.clock.nowMs + 6 * 60_000 };
    await sendDue(late, locatorKey(locator));
    assert.deepEqual(desk.sent, []);
    assert.deepEqual(await statuses(10), ['expired']);
    const jobs = await t.root`select key from graphile_worker.jobs`;
    assert.ok(jobs.some((job) => job['key'] === `judge:${locatorKey(locator)}`));
    await t.store.record.record(judged({ ...allow, readAtMs: 1_700_000_060_000 }));
    await sendDue(parts(desk), locatorKey(locator));
    assert.equal(desk.sent.length, 1, 'the same decision, made again, is acted on');
  });

  test('a lost answer is known as uncertain, and nothing behind it overtakes it', async () => {
    const repo = repoOf(11);
    const key = locatorKey(locatorOf({ repo, runId: 63 }));
    const desk = new Desk();
    desk.answers.push({ status: 'uncertain', httpStatus: null }, new Error('socket hang up'));
    const effects = [checkRun(repo, 'action_required'), note(repo, 63, 1)];
    await t.store.record.record(judged({ repo, runId: 63, effects }));
    await sendDue(parts(desk), key);
    assert.equal(desk.sent.length, 1);
    t.clock.nowMs += 2_000;
    await sendDue(parts(desk), key);
    t.clock.nowMs += 4_000;
    await sendDue(parts(desk), key);
    assert.deepEqual(
      desk.sent.map(({ effect, known }) => [effect.kind, known.uncertain]),
      [
        ['check-run', false],
        ['check-run', true],
        ['check-run', true],
        ['deployment-note', false],
      ],
    );
  });

  test('GitHub is asked again no earlier than it says, and a refusal ends the effect', async () => {
    const repo = repoOf(12);
    const key = locatorKey(locatorOf({ repo }));
    const desk = new Desk();
    desk.answers.push(
      { status: 'retry', httpStatus: 429, retryAfterMs: 90_000 },
      { status: 'refused', httpStatus: 422, detail: 'no such commit' },
    );
    await t.store.record.record(judged({ repo, effects: [checkRun(repo, 'success')] }));
    await sendDue(parts(desk), key);
    t.clock.nowMs += 89_000;
    await sendDue(parts(desk), key);
    assert.equal(desk.sent.length, 1);
    t.clock.nowMs += 1_000;
    await sendDue(parts(desk), key);
    assert.deepEqual(await statuses(12), ['dead']);
    const last = (await events(12)).at(-1)?.['doc'];
    assert.equal(last.outcome, 'refused');
    assert.equal(last.effect.detail, 'no such commit');
  });

  test('a run gets at most four notes', async () => {
    const repo = repoOf(13);
    const key = locatorKey(locatorOf({ repo, runId: 64 }));
    const desk = new Desk();
    for (const number of [1, 2, 3, 4, 5, 6]) {
      const effects = [note(repo, 64, number)];
      await t.store.record.record(judged({ repo, runId: 64, title: `${number}`, effects }));
      await sendDue(parts(desk), key);
    }
    assert.equal(desk.sent.length, 4);
  });
});
