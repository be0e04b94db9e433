import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { TagoutError } from '../../src/core/errors.ts';
import { type Locator, locatorKey, type Trigger } from '../../src/core/subject.ts';
import { backOffMs } from '../../src/store/outbox.ts';
import { freeForgotten, sweepQueue } from '../../src/store/replica.ts';
import { lookDelayMs, type WorkerParts } from '../../src/store/worker.ts';
import { Desk, openTestStore, type TestStore, until } from './help.ts';
import { approval, checkRun, judged, repoOf } from './judged.ts';

const delivery = (id: string) => ({
  id,
  event: 'pull_request',
  action: 'opened',
  installationId: 1,
  payloadSha256: 'f'.repeat(64),
  receivedAtMs: 1,
});
const pull = (number: number): Locator => ({
  kind: 'pull-request',
  repo: repoOf(1),
  number,
});
const trigger = (locator: Locator, id: string | null = null): Trigger => ({
  locator,
  because: 'pull_request.opened',
  delivery: id,
});

describe('the inbox and the worker', () => {
  let t: TestStore;
  before(async () => {
    // The queue runs by the database's clock, so this file takes the machine's.
    t = await openTestStore({ now: Date.now });
  });
  after(() => t.close());

  const judging = (judge: WorkerParts['judge'], extra: Partial<WorkerParts> = {}): WorkerParts => ({
    judge,
    expand: () => Promise.resolve([]),
    enact: new Desk(),
    concurrency: 4,
    ...extra,
  });
  const jobs = async (): Promise<number> =>
    (await t.root`select from graphile_worker._private_jobs`).length;

  test('a delivery is kept once, whatever comes twice', async () => {
    const triggers = [trigger(pull(1), 'd1')];
    assert.equal(await t.store.inbox.receive(delivery('d1'), triggers), 'new');
    const [before] = await t.root`select revision from graphile_worker._private_jobs`;
    assert.equal(await t.store.inbox.receive(delivery('d1'), triggers), 'duplicate');
    const rest = await t.root`select revision, payload from graphile_worker._private_jobs`;
    assert.equal(rest.length, 1);
    assert.deepEqual(rest[0]?.['revision'], before?.['revision']);
  });

  test('a delivery whose job cannot be added is not kept', async () => {
    await t.root`alter function tagout.enqueue(json) rename to enqueue_away`;
    const triggers = [trigger(pull(2), 'd2')];
    await assert.rejects(t.store.inbox.receive(delivery('d2'), triggers), (error) => {
      return error instanceof TagoutError && error.code === 'store-unavailable';
    });
    await t.root`alter function tagout.enqueue_away(json) rename to enqueue`;
    assert.equal(await t.store.inbox.receive(delivery('d2'), triggers), 'new');
  });

  test('triggers of one locator become one job, and are judged one at a time', async () => {
    const seen: string[] = [];
    let running = 0;
    let most = 0;
    for (let at = 0; at < 5; at += 1) {
      await t.store.inbox.receive(delivery(`e${at}`), [trigger(pull(3), `e${at}`)]);
    }
    const worker = await t.store.startWorker(
      judging(async (because, locator) => {
        running += 1;
        most = Math.max(most, running);
        if (locatorKey(locator) === locatorKey(pull(3))) {
          seen.push(String(because.delivery));
          if (seen.length === 1) {
            // It comes while the first is being judged, so it must be judged after it.
            await t.store.inbox.receive(delivery('e9'), [trigger(pull(3), 'e9')]);
          }
        }
        await sleep(30);
        running -= 1;
        return { locator, decision: null };
      }),
    );
    await until('all judged', async () => (await jobs()) === 0);
    await worker.stop();
    assert.deepEqual(seen, ['e4', 'e9']);
    assert.ok(most <= 4);
  });

  test('a repository trigger becomes a job for each of its subjects', async () => {
    const seen: string[] = [];
    const worker = await t.store.startWorker(
      judging(
        (_, locator) => {
          seen.push(locatorKey(locator));
          return Promise.resolve({ locator, decision: null });
        },
        { expand: () => Promise.resolve([pull(4), pull(5)]) },
      ),
    );
    await t.store.inbox.enqueue(trigger({ kind: 'repository', repo: repoOf(1) }));
    await until('both judged', () => seen.length === 2);
    await worker.stop();
    assert.deepEqual(seen.toSorted(), ['1:10:pull:4', '1:10:pull:5']);
  });

  test('a webhook becomes a sealed decision and a sent release', async () => {
    const repo = repoOf(20);
    const desk = new Desk();
    const locator: Locator = {
      kind: 'deployment',
      repo,
      runId: 70,
      environment: 'production',
      deploymentId: null,
    };
    const worker = await t.store.startWorker(
      judging(
        async (_, at) => {
          const wish = {
            repo,
            runId: 70,
            verdict: 'allow',
            effects: [approval(repo, 70)],
          } as const;
          const one = judged({ ...wish, readAtMs: Date.now() });
          await t.store.record.record(one);
          return { locator: at, decision: one.decision };
        },
        { enact: desk },
      ),
    );
    await t.store.inbox.receive(delivery('f1'), [trigger(locator, 'f1')]);
    await until('released', () => desk.sent.length === 1);
    await until('recorded', async () => {
      const rows = await t.root`select from audit.event where log_id = 20
        and kind = 'effect.outcome'`;
      return rows.length === 1;
    });
    await worker.stop();
    const [open] = await t.root`select count(*)::int as n from audit.event e
      where not exists (select from audit.leaf l where l.event_row = e.id)`;
    assert.equal(open?.['n'], 0, 'the stop seals what is left');
  });

  test('what can heal by itself is looked at again, and never puts off what is due', async () => {
    const repo = repoOf(21);
    const locator: Locator = { kind: 'pull-request', repo, number: 7 };
    const worker = await t.store.startWorker(
      judging((_, at) => {
        const { decision } = judged({ repo, lookAgainMs: 2_000 });
        return Promise.resolve({ locator: at, decision });
      }),
    );
    await t.store.inbox.enqueue(trigger(locator));
    const later = () => t.root`select payload, run_at from graphile_worker._private_jobs
      where key = ${`later:${locatorKey(locator)}`}`;
    await until('the look is planned', async () => (await later()).length === 1);
    await worker.stop();
    const [job] = await later();
    assert.equal(job?.['payload'].look, 1);
    const waitMs = job?.['run_at'].getTime() - Date.now();
    assert.ok(waitMs > 500 && waitMs <= 2_000, `${waitMs}`);
    await t.store.inbox.enqueue(trigger(locator));
    const both = await t.root`select from graphile_worker._private_jobs
      where key like ${`%${locatorKey(locator)}`}`;
    assert.equal(both.length, 2);
    await t.root`delete from graphile_worker._private_jobs`;
  });

  test('the steps between looks are those of the design', () => {
    const steps = [0, 1, 2, 3, 4, 5].map((look) => lookDelayMs(look, 2_000));
    assert.deepEqual(steps, [2_000, 5_000, 15_000, 60_000, 300_000, 300_000]);
    assert.equal(lookDelayMs(0, 3_600_000), 3_600_000, 'the end of a freeze');
    const waits = [1, 2, 8, 20].map((attempts) => backOffMs(attempts, null, () => 1));
    assert.deepEqual(waits, [2_000, 4_000, 256_000, 300_000]);
    assert.equal(
      backOffMs(1, 60_000, () => 0),
      60_000,
    );
  });

  test('a judge that fails is tried again; at the limit the record says so', async () => {
    const repo = repoOf(22);
    const locator: Locator = { kind: 'pull-request', repo, number: 8 };
    let calls = 0;
    const worker = await t.store.startWorker(
      judging(() => {
        calls += 1;
        return Promise.reject(new TagoutError('github-unavailable', 'GitHub answered 502.'));
      }),
    );
    await t.store.inbox.enqueue(trigger(locator));
    await until('tried once', () => calls === 1);
    const key = `judge:${locatorKey(locator)}`;
    await until('put back', async () => {
      const rows = await t.root`update graphile_worker._private_jobs
        set attempts = 24, run_at = now() where key = ${key} and locked_at is null returning id`;
      return rows.length === 1;
    });
    await until('tried again', () => calls === 2);
    await until('recorded', async () => {
      const rows = await t.root`select doc from audit.event where log_id = 22
        and kind = 'judge.failed'`;
      return rows[0]?.['doc'].failure.code === 'github-unavailable';
    });
    await worker.stop();
    await t.store.inbox.enqueue(trigger(locator));
    const [job] = await t.root`select attempts from graphile_worker._private_jobs
      where key = ${key}`;
    assert.equal(job?.['attempts'], 0, 'a new trigger brings it back');
    await t.root`delete from graphile_worker._private_jobs`;
  });

  test('an effect that has lost its job gets another', async () => {
    const repo = repoOf(23);
    await t.store.record.record(judged({ repo, effects: [checkRun(repo, 'success')] }));
    await t.root`delete from graphile_worker._private_jobs`;
    await t.root`update tagout.outbox set next_at_ms = 1 where installation_id = 23`;
    const desk = new Desk();
    const nobody = judging((_, at) => Promise.resolve({ locator: at, decision: null }));
    const worker = await t.store.startWorker({ ...nobody, enact: desk });
    await until('sent', () => desk.sent.length === 1);
    await worker.stop();
  });

  test('a job that a living worker holds and knows nothing of is free again', async () => {
    const locator = pull(31);
    const lock = async (age: string): Promise<string> => {
      await t.store.inbox.enqueue(trigger(locator));
      const [job] = await t.root<{ id: string; queue: number }[]>`
        update graphile_worker._private_jobs set locked_by = 'pool-x', attempts = 1,
          locked_at = now() - ${age}::interval where key = ${`judge:${locatorKey(locator)}`}
        returning id::text as id, job_queue_id as queue`;
      await t.root`update graphile_worker._private_job_queues set locked_by = 'pool-x',
        locked_at = now() - ${age}::interval where id = ${job?.queue ?? 0}`;
      return job?.id ?? '';
    };
    const held = async () => {
      const [row] = await t.root`select
        (select count(*)::int from graphile_worker._private_jobs where locked_by = 'pool-x') +
        (select count(*)::int from graphile_worker._private_job_queues
          where locked_by = 'pool-x') as n`;
      return row?.['n'];
    };
    const id = await lock('41 seconds');
    await freeForgotten(t.store.sql, 'pool-x', new Set([id]));
    assert.equal(await held(), 2, 'it runs');
    await freeForgotten(t.store.sql, 'pool-y', new Set());
    assert.equal(await held(), 2, "another's");
    await freeForgotten(t.store.sql, 'pool-x', new Set());
    assert.equal(await held(), 0);
    await lock('20 seconds');
    await freeForgotten(t.store.sql, 'pool-x', new Set());
    assert.equal(await held(), 2, 'it may be on its way');
    await t.root`delete from graphile_worker._private_jobs`;
    await t.root`update graphile_worker._private_job_queues set locked_by = null,
      locked_at = null`;
  });

  test('the jobs of a worker that was killed are taken over', async () => {
    const locator = pull(30);
    await t.store.inbox.enqueue(trigger(locator));
    const key = `judge:${locatorKey(locator)}`;
    await t.root`update graphile_worker._private_jobs set locked_by = 'pool-dead', attempts = 1,
      locked_at = now() - interval '41 seconds' where key = ${key}`;
    await t.root`update graphile_worker._private_job_queues set locked_by = 'pool-dead',
      locked_at = now() - interval '41 seconds' where id = (select job_queue_id
        from graphile_worker._private_jobs where key = ${key})`;
    await t.root`insert into tagout.replica values ('pool-alive', now())`;
    await sweepQueue(t.store.sql);
    const seen: string[] = [];
    const worker = await t.store.startWorker(
      judging((_, at) => {
        seen.push(locatorKey(at));
        return Promise.resolve({ locator: at, decision: null });
      }),
    );
    await until('taken over', () => seen.includes(locatorKey(locator)));
    await worker.stop();
  });
});
