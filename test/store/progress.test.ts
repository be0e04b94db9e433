/** What a check says while a dry run goes on, and that its conclusion always lands last. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { DryRunAt, ProgressWrite, SendProgress } from '../../src/core/ports.ts';
import type { RepoRef } from '../../src/core/subject.ts';
import { sendDue, type OutboxParts } from '../../src/store/outbox.ts';
import { locatorKey } from '../../src/core/subject.ts';
import { createProgress } from '../../src/store/progress.ts';
import { Desk, openTestStore, outboxParts, type TestStore, until } from './help.ts';
import { checkRun, HEAD, judged, locatorOf, repoOf } from './judged.ts';

const at: DryRunAt = {
  headSha: HEAD,
  progress: { phase: 'running', unit: 'statement', done: 3, of: 12, path: 'db/0004.sql' },
};

describe('progress in the check', () => {
  let t: TestStore;
  before(async () => {
    t = await openTestStore();
  });
  after(() => t.close());

  const parts = (desk: Desk): OutboxParts => outboxParts(t, desk);
  const progressBy = (send: SendProgress) => {
    const wait = { afterMs: 1, everyMs: 3_600_000 };
    return createProgress({ sql: t.store.sql, send, now: () => t.clock.nowMs, ...wait });
  };
  const progressFor = (repo: RepoRef, send: SendProgress) =>
    progressBy(send).begin(locatorOf({ repo }));
  const written = async (repo: RepoRef) => {
    const prefix = `${repo.installationId}:`;
    const [row] = await t.root`select effect_key as key, github_id as id from tagout.written
      where slot ^@ ${prefix}`;
    return row;
  };
  const conclude = async (repo: RepoRef, desk: Desk, conclusion: 'success' | 'action_required') => {
    const one = judged({ repo, effects: [checkRun(repo, conclusion)] });
    await t.store.record.record(one);
    await sendDue(parts(desk), locatorKey(one.locator));
  };

  test('a new commit gets a run that is in progress, and the conclusion edits that run', async () => {
    const repo = repoOf(11);
    const said: ProgressWrite[] = [];
    const view = progressFor(repo, async (word) => {
      said.push(word);
      return 4711;
    });
    view.show(at);
    await until('the word is written', async () => (await written(repo))?.['id'] === 4711);
    view.end();
    assert.deepEqual(
      said.map(({ headSha, name, checkRunId, concluded }) => [
        headSha,
        name,
        checkRunId,
        concluded,
      ]),
      [[HEAD, 'tagout', null, false]],
    );
    assert.match(said[0]?.summary ?? '', /Running the migration: statement 3 of 12, db\/0004\.sql/);
    t.clock.nowMs += 10_000;
    const desk = new Desk();
    await conclude(repo, desk, 'action_required');
    assert.deepEqual(
      desk.sent.map(({ known }) => [known.checkRunId, known.uncertain]),
      [[4711, false]],
    );
  });

  test('a judgement that ends with nothing decided takes its progress back', async () => {
    const repo = repoOf(21);
    const said: ProgressWrite[] = [];
    const view = progressFor(repo, async (word) => {
      said.push(word);
      return 4712;
    });
    view.show(at);
    await until('the word is written', async () => (await written(repo))?.['id'] === 4712);
    view.breakOff();
    await until('the last word is written', () => Promise.resolve(said.length === 2));
    assert.deepEqual([said[1]?.checkRunId, said[1]?.concluded], [4712, true]);
    assert.match(said[1]?.summary ?? '', /came to no end|before anything was decided/);
    t.clock.nowMs += 10_000;
    const desk = new Desk();
    await conclude(repo, desk, 'action_required');
    assert.deepEqual(
      desk.sent.map(({ known }) => known.checkRunId),
      [4712],
    );
  });

  test('a judgement that never showed progress takes nothing back', async () => {
    const repo = repoOf(22);
    const said: ProgressWrite[] = [];
    const send: SendProgress = (word) => Promise.resolve(said.push(word));
    const wait = { afterMs: 3_600_000, everyMs: 3_600_000 };
    const progress = createProgress({ sql: t.store.sql, send, now: () => t.clock.nowMs, ...wait });
    const view = progress.begin(locatorOf({ repo }));
    view.show(at);
    view.breakOff();
    assert.equal(await written(repo), undefined);
    assert.deepEqual(said, []);
  });

  test('a green check is green no longer, and its same conclusion is written again', async () => {
    const repo = repoOf(12);
    const desk = new Desk();
    await conclude(repo, desk, 'success');
    t.clock.nowMs += 10_000;
    const said: ProgressWrite[] = [];
    const view = progressFor(repo, async (word) => {
      said.push(word);
      return word.checkRunId ?? 0;
    });
    view.show(at);
    await until('the word is sent', () => said.length === 1);
    view.end();
    assert.deepEqual([said[0]?.checkRunId, said[0]?.concluded], [1001, true]);
    await conclude(repo, desk, 'success');
    assert.equal(desk.sent.length, 2, 'the same decision, written once more');
    assert.equal(desk.sent[1]?.known.checkRunId, 1001);
  });

  test('a word that is late is dropped: the judgement has ended, or another has concluded', async () => {
    const repo = repoOf(13);
    const said: ProgressWrite[] = [];
    const send: SendProgress = async (word) => said.push(word);
    const lock = t.root.begin(async (tx) => {
      const slot = `${repo.installationId}:${repo.id}:check:${HEAD}:tagout`;
      await tx`select pg_advisory_xact_lock(hashtextextended(${slot}, 1))`;
      const view = progressFor(repo, send);
      view.show(at);
      await until('the word waits for the slot', async () => {
        const [row] = await t.root`select count(*)::int as n from pg_locks
          where locktype = 'advisory' and not granted`;
        return row?.['n'] === 1;
      });
      view.end();
    });
    await lock;
    const desk = new Desk();
    await conclude(repo, desk, 'success');
    // Its dry run began before that conclusion was recorded. Words are sent one after the other.
    const process = progressBy(send);
    const other = process.begin(locatorOf({ repo }));
    other.show(at);
    const third = process.begin(locatorOf({ repo: repoOf(14) }));
    third.show(at);
    await until('the word of another commit is sent', () => said.length > 0);
    other.end();
    third.end();
    assert.deepEqual(
      said.map((word) => word.repo.installationId),
      [14],
    );
    assert.equal(desk.sent.length, 1);
  });

  test('a conclusion waits for the word that is on its way, and lands after it', async () => {
    const repo = repoOf(15);
    const answer = Promise.withResolvers<number>();
    const order: string[] = [];
    const view = progressFor(repo, async () => {
      order.push('word sent');
      const id = await answer.promise;
      order.push('word landed');
      return id;
    });
    view.show(at);
    await until('the word is on its way', () => order.length === 1);
    view.end();
    const desk = new Desk();
    const concluded = conclude(repo, desk, 'success').then(() => order.push('concluded'));
    await until('the conclusion waits for the slot', async () => {
      const [row] = await t.root`select count(*)::int as n from pg_locks
        where locktype = 'advisory' and not granted`;
      return row?.['n'] === 1;
    });
    assert.equal(desk.sent.length, 0);
    answer.resolve(99);
    await concluded;
    assert.deepEqual(order, ['word sent', 'word landed', 'concluded']);
    assert.equal(desk.sent[0]?.known.checkRunId, 99);
  });

  test('GitHub that does not answer changes nothing; a run that it may have made is looked for', async () => {
    const repo = repoOf(16);
    let tried = 0;
    const view = progressFor(repo, () => {
      tried += 1;
      return Promise.reject(new Error('no answer'));
    });
    view.show(at);
    await until('the word was tried', () => tried === 1);
    view.end();
    t.clock.nowMs += 10_000;
    const desk = new Desk();
    await conclude(repo, desk, 'success');
    assert.deepEqual(
      desk.sent.map(({ known }) => [known.checkRunId, known.uncertain]),
      [[null, true]],
    );
  });
});
