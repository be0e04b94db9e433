/** Hole 8 of a hostile review: a late review must cure a grave change that no check has shown. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../story/scene.ts';
import { against, type Line, openLine, shop, work } from './line.ts';
import { openServer, type Server } from './server.ts';

let server: Server;
let line: Line;
before(async () => {
  [server, line] = await Promise.all([openServer(), openLine()]);
});
after(() => Promise.all([server.close(), line.close()]));

test('hole 8: merged before its check was there, shown at the gate, reviewed late, released', async () => {
  const repo = await server.shop();
  const { app } = server.gh;
  const hook = app.webhookUrl;
  app.webhookUrl = 'http://127.0.0.1:9/none';
  const pull = await work(repo, { author: 'maria', files: { Dockerfile: 'FROM x\n' } });
  const sha = await pull.merge({ by: 'ben', method: 'squash' });
  app.webhookUrl = hook;
  const run = await repo.startRun({ sha, actor: 'maria' });
  const name = `tagout/production/${pull.number}`;
  const check = await until(
    'it is shown',
    () => repo.checkRuns(pull.headSha).find((one) => one.name === name) ?? null,
  );
  assert.equal(check.conclusion, 'action_required');
  assert.match(check.output.summary ?? '', /blast radius high/);
  await server.gh.settled();
  await sleep(1100);
  await pull.review({ by: 'octavia' });
  await until('it is released', () => (run.state === 'success' ? true : null), 30_000);
});

test('hole 8: figures that moved before the merge are shown again, once', async () => {
  const repo = await shop(line);
  const pull = await work(repo, { author: 'maria', files: { Dockerfile: 'FROM x\n' } });
  await line.pull(pull);
  const key = `${repo.id}:${pull.number}`;
  const old = (line.memory.shown.get(key) ?? []).map((one) => ({ ...one, shown: 'f'.repeat(64) }));
  line.memory.shown.set(key, old);
  await pull.review({ by: 'octavia' });
  await sleep(1100);
  const sha = await pull.merge({ by: 'ben', method: 'squash' });
  const run = await repo.startRun({ sha, actor: 'maria', autoComplete: false });
  assert.deepEqual(against(await line.deployment(run)), ['approvals-missing']);
  const seen = await line.deployment(run);
  assert.deepEqual(
    seen.effects.map(({ kind }) => kind),
    ['deployment-note'],
  );
  await sleep(1100);
  await pull.review({ by: 'octavia' });
  assert.deepEqual(against(await line.deployment(run)), []);
});
