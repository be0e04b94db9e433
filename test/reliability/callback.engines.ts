/** What a run is told while it waits, and what becomes of an answer that GitHub does not take. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Run } from '../github/repo.ts';
import { tagoutCheck, until } from '../story/scene.ts';
import { openReliable, type ReliableScene } from './scene.ts';
import { rest } from './server.ts';

const CALLBACK = 'actions/review-custom-gates-for-run';
const NOTES = 4;
let s: ReliableScene;
let count = 0;

before(async () => {
  s = await openReliable();
});
after(() => s.close());

/** A run of a pull request that was merged with or without a review. */
async function asked(reviewed: boolean): Promise<Run> {
  count += 1;
  const branch = `callback-${count}`;
  const files = { [`docs/${branch}.md`]: `${branch}\n` };
  await s.repo.commit({ branch, files, author: s.people.maria });
  const pull = await s.repo.openPull({ author: s.people.maria, head: branch });
  const says = (conclusion: string) => () =>
    tagoutCheck(s.repo, pull.headSha)?.conclusion === conclusion ? true : null;
  await until('it is held', says('action_required'));
  if (reviewed) {
    await pull.review({ by: 'octavia' });
    await until('it may pass', says('success'));
  }
  const sha = await pull.merge({ by: 'maria' });
  return s.repo.startRun({ actor: 'maria', sha });
}

function quiet(): Promise<void> {
  return rest({ gh: s.gh, sql: s.served.store.sql });
}

/** How the answers to a run ended in the record, and whether one counts as our release. */
async function ends(run: Run) {
  const rows = await s.served.store.sql<{ end: string; detail: string | null }[]>`
    select doc->>'outcome' as end, doc->'effect'->>'detail' as detail from audit.event
    where kind = 'effect.outcome' and doc->'effect'->>'kind' = 'review-deployment'
      and (doc->'subject'->>'runId')::bigint = ${run.id} order by id`;
  const [kept] = await s.served.store.sql<{ n: number }[]>`
    select count(*)::int as n from tagout.release where run_id = ${run.id}::bigint`;
  return { ends: rows.map(({ end }) => end), last: rows.at(-1)?.detail ?? '', released: kept?.n };
}

function tries(): number {
  return s.gh.requests.filter(({ operationId }) => operationId === CALLBACK).length;
}

/** Lets something happen while our answer is on its way: so long GitHub answers it with 502. */
async function meanwhile(happens: (run: Run) => Promise<unknown>): Promise<Run> {
  const mark = tries();
  s.gh.faults.request({ match: CALLBACK, status: 502 });
  const run = await asked(true);
  await until('it was tried', () => (tries() > mark ? true : null));
  await happens(run);
  s.gh.faults.clear();
  await quiet();
  return run;
}

test('an answer is lost while an administrator starts the run: theirs is not taken for ours', async () => {
  const run = await meanwhile((one) => one.bypass('root'));
  assert.equal(run.state, 'success');
  assert.deepEqual(
    run.run.approvals.map(({ user }) => user.login),
    ['root'],
  );
  const told = await ends(run);
  assert.deepEqual([told.ends.at(-1), told.released], ['refused', 0]);
  assert.match(told.last, /does not wait for production any more \(approved by root\)/);
});

test('an answer is lost while the run is cancelled: nothing counts as released', async () => {
  const run = await meanwhile((one) => one.finish('cancelled'));
  assert.equal(run.state, 'cancelled');
  const told = await ends(run);
  assert.deepEqual([told.ends.at(-1), told.released], ['refused', 0]);
  assert.match(told.last, /does not wait for production any more/);
});

test('an answer that GitHub took and did not confirm is found, and counts once', async () => {
  s.gh.faults.request({ match: CALLBACK, nth: 1, drop: true });
  const mark = tries();
  const run = await asked(true);
  await until('it is released', () => (run.state === 'success' ? true : null));
  await quiet();
  s.gh.faults.clear();
  assert.equal(run.run.approvals.length, 1);
  assert.equal(tries() - mark, 2, 'the second one is refused with 422, and the truth is read');
  const told = await ends(run);
  assert.deepEqual([told.ends, told.released], [['uncertain', 'done'], 1]);
  assert.match(told.last, /had arrived before/);
});

test('a 422 while the run waits is neither a yes nor a no: it is tried again', async () => {
  const mark = tries();
  s.gh.faults.request({ match: CALLBACK, nth: [1, 2, 3], status: 422 });
  const run = await asked(true);
  for (const attempts of [1, 2, 3]) {
    await until(`attempt ${attempts}`, () => (tries() - mark >= attempts ? true : null));
    // The answer is kept before the next try is due.
    for (let kept = 0; kept === 0; ) {
      const rows = await s.served.store.sql`select 1 from tagout.outbox
        where kind = 'review-deployment' and status in ('pending', 'sending')
          and attempts = ${attempts} and http_status = 422`;
      kept = rows.length;
    }
    assert.equal(run.state, 'waiting');
    await s.served.store.sql`update tagout.outbox set next_at_ms = 0
      where status in ('pending', 'sending')`;
    await s.served.store.sql`update graphile_worker._private_jobs set run_at = now()
      where locked_at is null and run_at > now()`;
  }
  await until('it is released', () => (run.state === 'success' ? true : null));
  await quiet();
  s.gh.faults.clear();
  assert.equal(run.run.approvals.length, 1);
  const told = await ends(run);
  assert.deepEqual([told.ends.at(-1), told.released], ['done', 1]);
});

test('a run is told of at most four of the reasons for which it waits', async () => {
  const run = await asked(false);
  const own = run.run;
  await until('it is told', () => (run.notes.length > 0 ? true : null));
  const decisions = async (): Promise<number> => {
    const [row] = await s.served.store.sql<{ n: number }[]>`
      select count(distinct doc->'decision'->'needed')::int as n from audit.event
      where kind = 'decision.made' and (doc->'subject'->>'runId')::bigint = ${own.id}`;
    return row?.n ?? 0;
  };
  for (const wanted of [2, 3, 4, 5, 6, 7]) {
    const policy = `version: 1\nenvironments:\n  production:\n    match: [production]\n    reviews: { low: { count: ${wanted} } }\n`;
    const files = { '.github/tagout.yml': policy };
    await s.repo.commit({ branch: 'main', files, author: s.people.maria });
    await quiet();
  }
  assert.ok((await decisions()) > NOTES, 'there were more reasons than notes');
  assert.equal(run.notes.length, NOTES);
  assert.equal(run.state, 'waiting');
});
