/** A late review of what was merged before Tagout could show it. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, test } from 'node:test';
import { against, type Line, openLine, refusals, shop, work } from './line.ts';

let line: Line;
before(async () => {
  line = await openLine();
});
after(() => line.close());

test('a grave pull request that was merged unseen is shown at the gate, and reviewed after that', async () => {
  const repo = await shop(line);
  const pull = await work(repo, { author: 'maria', files: { Dockerfile: 'FROM scratch\n' } });
  await pull.review({ by: 'octavia' });
  await pull.merge({ by: 'maria' });
  await sleep(1_050);
  const run = await repo.startRun({ actor: 'maria' });
  const first = await line.deployment(run);
  assert.deepEqual(against(first), ['approvals-missing']);
  assert.deepEqual(refusals(first, 'octavia'), ['R10'], 'given before anything was shown');
  const [check] = repo.checkRuns(pull.headSha).slice(-1);
  assert.equal(check?.conclusion, 'action_required');
  assert.match(check.name, /^tagout\/production/);
  await sleep(1_050);
  await pull.review({ by: 'octavia' });
  const seen = await line.deployment(run);
  assert.equal(seen.decision.verdict, 'allow');
  assert.equal(run.state, 'success');
});

test('too few people to approve is said at once, with who could', async () => {
  const policy =
    'version: 1\nenvironments:\n  production:\n    match: [production]\n    reviews:\n' +
    '      low: { count: 9 }\n';
  const repo = await shop(line, { files: { '.github/tagout.yml': policy } });
  const seen = await line.pull(await work(repo, { author: 'maria' }));
  assert.ok((seen.evidence.eligible?.length ?? 0) >= 5);
  assert.ok(
    against(seen).some((code) => code !== 'approvals-missing'),
    against(seen).join(),
  );
});
