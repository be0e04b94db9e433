/** A stop while a job waits for a GitHub that does not answer: it waits for the whole grace. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { tagoutCheck, until } from '../story/scene.ts';
import { type Ground, openGround, rest } from './server.ts';

describe('a stop with a job that does not end', () => {
  let ground: Ground;
  before(async () => {
    ground = await openGround();
  });
  after(() => ground.close());

  const held = async (): Promise<number> => {
    const [row] = await ground.sql`select count(*)::int as n from graphile_worker._private_jobs
      where locked_by is not null`;
    return Number(row?.['n']);
  };

  test('ends within 25 s and hands the job back', async (t) => {
    const server = await ground.start();
    ground.gh.faults.latencyMs = 40_000;
    const files = { 'docs/slow.md': 'slow\n' };
    await ground.repo.commit({ branch: 'slow', files, author: ground.people.maria });
    const pull = await ground.repo.openPull({ author: ground.people.maria, head: 'slow' });
    for (let tries = 0; tries < 100 && (await held()) === 0; tries += 1) await sleep(100);
    assert.ok((await held()) >= 1, 'it is being judged');
    const { ms } = await server.stop();
    t.diagnostic(`stopped after ${Math.round(ms)} ms`);
    assert.ok(ms < 25_500, `${ms} ms`);
    assert.equal(await held(), 0, 'nothing is held');
    ground.gh.faults.latencyMs = 0;
    await ground.start();
    await until('the check', () => tagoutCheck(ground.repo, pull.headSha), 60_000);
    await rest(ground);
    assert.equal(ground.repo.checkRuns(pull.headSha).length, 1);
  });
});
