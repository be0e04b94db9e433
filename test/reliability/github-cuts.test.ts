/**
 * The line to GitHub is cut at every request that one event makes: refused with 502, answered by
 * silence after the work was done, limited. The list of requests is taken from a run without a cut,
 * so that a new request is cut too. Every time the end is the same as without the cut.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { tagoutCheck } from '../story/scene.ts';
import { openReliable, type ReliableScene } from './scene.ts';

/** What stands at GitHub and in the record when everything is over. */
interface End {
  readonly checks: readonly string[];
  readonly labels: readonly string[];
  readonly decisions: number;
  /** Effects that came to their end, by kind; each once. */
  readonly done: readonly string[];
  readonly unsent: number;
}

const CUTS = [
  ['502', { status: 502 }],
  ['silence after the work', { drop: true }],
  ['the secondary limit', { rateLimit: 'secondary', retryAfter: 1 }],
] as const;

/** `CUTS=all`: every kind at every request; else the kinds take turns. */
const ALL = process.env['CUTS'] === 'all';

describe('the line to GitHub, cut at every request', () => {
  let s: ReliableScene;
  let pulls = 0;
  before(async () => {
    s = await openReliable({}, false);
  });
  after(() => s.close());

  /** Waits are for the machine's clock; here what is put off comes at once. */
  async function hurry(): Promise<void> {
    await s.served.store.sql`update graphile_worker._private_jobs set run_at = now()
      where locked_at is null and run_at > now() and key not like 'later:%look%'`;
    await s.served.store.sql`update tagout.outbox set next_at_ms = 0
      where status in ('pending', 'sending')`;
  }

  async function idle(): Promise<boolean> {
    const [row] = await s.served.store.sql`select
      (select count(*)::int from graphile_worker._private_jobs) +
      (select count(*)::int from tagout.outbox where status in ('pending', 'sending')) as n`;
    return row?.['n'] === 0;
  }

  async function settle(): Promise<void> {
    const end = Date.now() + 20_000;
    for (let quiet = 0; quiet < 3; ) {
      if (Date.now() > end) throw new Error('it does not come to rest');
      await s.gh.settled();
      await hurry();
      quiet = (await idle()) ? quiet + 1 : 0;
      await sleep(25);
    }
  }

  async function endOf(pull: { readonly number: number; readonly headSha: string }): Promise<End> {
    const key = `%:pull:${pull.number}`;
    const events = await s.served.store.sql<{ kind: string; doc: { effect?: { kind: string } } }[]>`
      select kind, doc from audit.event where doc->'subject'->>'key' like ${key} order by id`;
    const rows = await s.served.store.sql<{ kind: string; n: number }[]>`
      select kind, count(*)::int as n from tagout.outbox
      where subject_key like ${key} and status = 'done' group by kind order by kind`;
    const [unsent] = await s.served.store.sql`select count(*)::int as n from tagout.outbox
      where subject_key like ${key} and status <> 'done'`;
    return {
      checks: s.repo.checkRuns(pull.headSha).map((run) => `${run.name} ${run.conclusion}`),
      labels: [...s.repo.pull(pull.number).labels],
      decisions: events.filter((event) => event.kind === 'decision.made').length,
      done: rows.map((row) => `${row.kind} ${row.n}`),
      unsent: Number(unsent?.['n']),
    };
  }

  /** One pull request from its opening to rest; answers how it ended and what was asked. */
  async function play(arm: () => void): Promise<{ end: End; asked: readonly string[] }> {
    pulls += 1;
    const branch = `cut-${pulls}`;
    const files = { [`docs/${branch}.md`]: `${branch}\n` };
    await s.repo.commit({ branch, files, author: s.people.maria });
    await settle();
    const mark = s.gh.requests.length;
    arm();
    const pull = await s.repo.openPull({ author: s.people.maria, head: branch });
    await settle();
    s.gh.faults.clear();
    assert.ok(tagoutCheck(s.repo, pull.headSha), 'the check is there');
    const asked = s.gh.requests.slice(mark).map((one) => one.operationId ?? one.path);
    return { end: await endOf(pull), asked };
  }

  test('and the end is the same', async () => {
    await play(() => undefined);
    const plain = await play(() => undefined);
    assert.deepEqual(plain.end.checks, ['tagout action_required']);
    const counts = new Map<string, number>();
    for (const operation of plain.asked) counts.set(operation, (counts.get(operation) ?? 0) + 1);
    assert.ok(counts.size >= 5, [...counts.keys()].join());
    let cuts = 0;
    for (const [operation, times] of counts) {
      for (let nth = 1; nth <= times; nth += 1) {
        for (const [at, [name, fault]] of CUTS.entries()) {
          if (!ALL && at !== cuts % CUTS.length) continue;
          const match = operation === 'graphql' ? '/graphql' : new RegExp(`^${operation}$`);
          const { end, asked } = await play(() => s.gh.faults.request({ match, nth, ...fault }));
          assert.deepEqual(end, plain.end, `${operation} (${nth}): ${name}`);
          assert.ok(asked.length > plain.asked.length, `${operation} (${nth}): ${name} was met`);
        }
        cuts += 1;
      }
    }
    assert.ok(cuts >= 6, String(cuts));
  });
});
