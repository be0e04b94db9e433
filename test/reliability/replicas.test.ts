/** Several servers on one PostgreSQL: the halves apart, one that dies at its work, one that stops. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { tagoutCheck, until } from '../story/scene.ts';
import { age, type Ground, openGround, type Replica, rest } from './server.ts';

describe('several servers on one PostgreSQL', () => {
  let ground: Ground;
  before(async () => {
    ground = await openGround();
  });
  after(() => ground.close());

  let pulls = 0;
  const openPull = async () => {
    pulls += 1;
    const head = `pull-${pulls}`;
    const files = { [`docs/${head}.md`]: `${head}\n` };
    await ground.repo.commit({ branch: head, files, author: ground.people.maria });
    return ground.repo.openPull({ author: ground.people.maria, head });
  };
  const checked = (sha: string) =>
    until(`the check on ${sha}`, () => tagoutCheck(ground.repo, sha), 20_000);
  const jobs = async () => {
    const [row] = await ground.sql`select count(*)::int as all,
      count(*) filter (where locked_by is not null)::int as held
      from graphile_worker._private_jobs`;
    return { all: Number(row?.['all']), held: Number(row?.['held']) };
  };
  let worker: Replica;

  test('one half takes webhooks in, the other half judges', async () => {
    await ground.start({}, ['--only=web']);
    const pull = await openPull();
    await ground.gh.settled();
    assert.equal(tagoutCheck(ground.repo, pull.headSha), null, 'nobody judges yet');
    assert.ok((await jobs()).all >= 1);
    worker = await ground.start({}, ['--only=worker']);
    await checked(pull.headSha);
    const answer = await fetch(`${worker.url}/api/github/webhooks`, { method: 'POST' });
    assert.equal(answer.status, 404, 'this half takes no webhooks');
    assert.equal((await fetch(`${worker.url}/readyz`)).status, 200);
  });

  test('the work of one that is killed is taken over by the other', async (t) => {
    await rest(ground);
    ground.gh.faults.latencyMs = 2_000;
    const pull = await openPull();
    await until('a job is held', () => null, 1_000).catch(() => undefined);
    for (let tries = 0; tries < 50 && (await jobs()).held === 0; tries += 1) await sleep(100);
    assert.ok((await jobs()).held >= 1, 'it is being judged');
    await worker.kill();
    ground.gh.faults.latencyMs = 0;
    const other = await ground.start({}, ['--only=worker']);
    const startedMs = performance.now();
    // Forty seconds without a beat; the wait itself is measured in the bench.
    await age(ground.sql);
    await checked(pull.headSha);
    t.diagnostic(
      `taken over ${Math.round(performance.now() - startedMs)} ms after it counts as dead`,
    );
    await rest(ground);
    const runs = ground.repo.checkRuns(pull.headSha);
    assert.deepEqual(
      runs.map((run) => run.name),
      ['tagout'],
      'written once',
    );
    worker = other;
  });

  test('two that judge do nothing twice', async () => {
    const second = await ground.start({}, ['--only=worker']);
    const heads: string[] = [];
    for (let count = 0; count < 6; count += 1) heads.push((await openPull()).headSha);
    for (const head of heads) await checked(head);
    await rest(ground);
    for (const head of heads) assert.equal(ground.repo.checkRuns(head).length, 1);
    const [twice] = await ground.sql`select count(*)::int as n from (
      select from tagout.outbox where status = 'done' group by slot, effect_key, event_id
      having count(*) > 1) as d`;
    assert.equal(twice?.['n'], 0);
    const { code, ms } = await second.stop();
    assert.equal(code, 0, second.said());
    assert.ok(ms < 25_000, `${ms} ms`);
  });
});
