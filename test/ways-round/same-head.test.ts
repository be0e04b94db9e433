/** Two pull requests with one head: the check on a commit is the strictest over all of them. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { against, type Line, openLine, shop, work } from './line.ts';

let line: Line;
before(async () => {
  line = await openLine();
});
after(() => line.close());

test('a second pull request with the same head cannot borrow the green check of the first', async () => {
  const repo = await shop(line);
  await repo.push('release', repo.sha(), 'boss');
  const first = await work(repo, { author: 'maria', branch: 'shared' });
  await line.pull(first);
  await first.review({ by: 'octavia' });
  assert.equal((await line.pull(first)).decision.verdict, 'allow');
  const second = await repo.openPull({ author: 'ben', head: 'shared', base: 'release' });
  const bySecond = await line.pull(second);
  const byFirst = await line.pull(first);
  assert.deepEqual([bySecond.decision.verdict, byFirst.decision.verdict], ['hold', 'hold']);
  assert.deepEqual(against(byFirst), ['approvals-missing']);
  const [check] = repo.checkRuns(first.headSha).slice(-1);
  assert.equal(check?.conclusion, 'action_required');
  assert.deepEqual(
    byFirst.evidence.changes.map(({ pull }) => pull),
    [first.number, second.number],
  );
  await second.review({ by: 'octavia' });
  const verdicts = [await line.pull(first), await line.pull(second)];
  assert.deepEqual(
    verdicts.map(({ decision }) => decision.verdict),
    ['allow', 'allow'],
  );
});

test('when the second is closed, the first is looked at alone again', async () => {
  const repo = await shop(line);
  const first = await work(repo, { author: 'maria', branch: 'shared' });
  await line.pull(first);
  await first.review({ by: 'octavia' });
  await repo.push('release', repo.sha(), 'boss');
  const second = await repo.openPull({ author: 'ben', head: 'shared', base: 'release' });
  assert.equal((await line.pull(first)).decision.verdict, 'hold');
  await second.close('ben');
  assert.equal((await line.pull(first)).decision.verdict, 'allow');
});

test('bases whose policy files differ hold until one is left', async () => {
  const repo = await shop(line);
  await repo.push('strict', repo.sha(), 'boss');
  const policy = 'version: 1\nundeclared: agent\n';
  await repo.commit({ branch: 'strict', files: { '.github/tagout.yml': policy }, author: 'boss' });
  const first = await work(repo, { author: 'maria', branch: 'shared' });
  await repo.openPull({ author: 'maria', head: 'shared', base: 'strict' });
  const seen = await line.pull(first);
  assert.ok(against(seen).includes('evidence-incomplete'), against(seen).join());
  assert.match(seen.evidence.gaps[0]?.detail ?? '', /policy files differ/);
});
