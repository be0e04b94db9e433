/** Ways round the gate of a deployment, each on the local GitHub. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, test } from 'node:test';
import type { Repo } from '../github/index.ts';
import type { Pull } from '../github/pull.ts';
import type { Run } from '../github/repo.ts';
import { against, type Line, openLine, refusals, shop, work } from './line.ts';

let line: Line;
before(async () => {
  line = await openLine();
});
after(() => line.close());

/** A reviewed and merged pull request. */
async function merged(repo: Repo, pull: Pull, reviewed = true): Promise<string> {
  await line.pull(pull);
  if (reviewed) await pull.review({ by: 'octavia' });
  return pull.merge({ by: 'maria' });
}

test('the honest way: reviewed, merged, released once', async () => {
  const repo = await shop(line);
  await merged(repo, await work(repo));
  const run = await repo.startRun({ actor: 'maria' });
  const seen = await line.deployment(run);
  assert.deepEqual(against(seen), []);
  assert.equal(run.state, 'success');
});

test('B02 merged by an administrator with a held check: the deployment still holds', async () => {
  const repo = await shop(line);
  const pull = await work(repo);
  assert.equal((await line.pull(pull)).decision.verdict, 'hold');
  await pull.merge({ by: 'boss' });
  const run = await repo.startRun({ actor: 'boss' });
  const seen = await line.deployment(run);
  assert.deepEqual([seen.decision.verdict, run.state], ['hold', 'waiting']);
  assert.deepEqual(against(seen), ['merged-past', 'approvals-missing']);
  await pull.review({ by: 'octavia' });
  assert.equal((await line.deployment(run)).decision.verdict, 'allow', 'a late review cures it');
});

test('B02 merged past a ruleset: an approval from before it is void, one after it counts (R13)', async () => {
  const repo = await shop(line);
  const pull = await work(repo);
  await line.pull(pull);
  await pull.review({ by: 'octavia' });
  const sha = await pull.merge({ by: 'boss' });
  const at = new Date(line.gh.world.now()).toISOString();
  const suite = { id: 1, after_sha: sha, ref: 'refs/heads/main', pushed_at: at, result: 'bypass' };
  repo.record.ruleSuites.push({ ...suite, evaluation_result: 'bypass', actor_name: 'boss' });
  const run = await repo.startRun({ actor: 'boss' });
  const seen = await line.deployment(run);
  assert.deepEqual([seen.decision.verdict, refusals(seen, 'octavia')], ['hold', ['R13']]);
  await sleep(1_050);
  await pull.review({ by: 'olaf' });
  assert.equal((await line.deployment(run)).decision.verdict, 'allow');
});

test('B08 whichever request of GitHub fails while reading, nothing is approved', async () => {
  const repo = await shop(line);
  await merged(repo, await work(repo));
  // All that holds it is what one of the readings tells: a commit that belongs to no pull request.
  await repo.commit({ files: { 'src/pushed.ts': '1;\n' }, author: 'ben' });
  const run = await repo.startRun({ actor: 'maria' });
  const mark = line.gh.requests.length;
  assert.deepEqual(against(await line.deployment(run)), ['no-reviewed-pull-request']);
  const asked = line.gh.requests.slice(mark).filter(({ method }) => method === 'GET').length;
  assert.ok(asked >= 5);
  for (let nth = 1; nth <= asked + 4; nth += 1) {
    const other = nth % 2 === 0 ? { status: 403 } : { drop: true };
    for (const fault of [{ status: 500 }, other]) {
      const fresh = await openLine(line);
      const { gh } = line;
      gh.faults.request({ match: /^(GET|POST \/graphql)/, nth, ...fault });
      const seen = await fresh.deployment(run).catch(() => null);
      gh.faults.clear();
      assert.notEqual(seen?.decision.verdict, 'allow', `request ${nth} ${JSON.stringify(fault)}`);
      assert.equal(run.state, 'waiting');
    }
  }
});

for (const [how, push] of [
  ['a direct push', async (repo: Repo) => repo.commit({ files: { 'x.ts': '1\n' }, author: 'ben' })],
  [
    'a force push that rewrites reviewed history',
    async (repo: Repo) => {
      const pull = await work(repo);
      const parents = [repo.sha()];
      await merged(repo, pull);
      const files = { 'evil.ts': '1\n' };
      const sha = await repo.commit({ parents, files, author: 'ben', detached: true });
      await repo.push('main', sha, 'ben');
      return sha;
    },
  ],
  [
    'a branch that was never merged',
    async (repo: Repo) => repo.commit({ branch: 'tag', files: { 'y.ts': '1\n' }, author: 'ben' }),
  ],
  [
    'a pull request that was merged into another branch',
    async (repo: Repo) => {
      await repo.push('side', repo.sha(), 'boss');
      const branch = 'to-side';
      await repo.commit({ branch, files: { 'z.ts': '1\n' }, author: 'Copilot' });
      const pull = await repo.openPull({ author: 'Copilot', head: branch, base: 'side' });
      await pull.merge({ by: 'ben' });
      return repo.sha('side');
    },
  ],
] as const) {
  test(`B14 ${how} does not reach production`, async () => {
    const repo = await shop(line);
    const sha = await push(repo);
    const run = await repo.startRun({ actor: 'ben', sha });
    const seen = await line.deployment(run);
    assert.deepEqual([seen.decision.verdict, run.state], ['hold', 'waiting']);
  });
}

test('B20 a merge group with one unapproved pull request holds', async () => {
  const repo = await shop(line);
  const [one, two] = [await work(repo), await work(repo)];
  for (const pull of [one, two]) await line.pull(pull);
  await one.review({ by: 'octavia' });
  await line.pull(one);
  const group = await repo.mergeGroup([one, two]);
  const { id, owner, name } = repo.record;
  const installationId = line.gh.installation(owner.login).id;
  const ref = { installationId, id, owner: owner.login, name };
  const { headSha, headRef } = group;
  const locator = { kind: 'merge-group', repo: ref, headSha, headRef, baseRef: 'main' } as const;
  assert.equal((await line.look(locator)).decision.verdict, 'hold');
  await two.review({ by: 'octavia' });
  const seen = await line.look(locator);
  assert.deepEqual(against(seen), []);
});

test('B21 no way to start a run skips the decision', async () => {
  for (const event of [
    'push',
    'workflow_dispatch',
    'schedule',
    'release',
    'repository_dispatch',
    'merge_group',
    'workflow_run',
    'deployment',
    'delete',
  ]) {
    const repo = await shop(line);
    await merged(repo, await work(repo), false);
    const run = await repo.startRun({ actor: 'ben', event });
    const seen = await line.deployment(run);
    assert.deepEqual([seen.decision.verdict, run.state], ['hold', 'waiting'], event);
  }
});

test('B22 a job without a deployment is not released', async () => {
  const repo = await shop(line);
  await merged(repo, await work(repo));
  const run = await repo.startRun({ actor: 'maria', deployment: false });
  const seen = await line.deployment(run);
  assert.deepEqual([seen.decision.verdict, run.state], ['hold', 'waiting']);
  assert.ok(against(seen).includes('deployment-unread'), against(seen).join());
});

test('B25 a reusable workflow that moved since the last release is not released unseen', async () => {
  const repo = await shop(line);
  const name = 'acme/ci/.github/workflows/deploy.yml';
  const start = (ref: string, sha: string): Promise<Run> =>
    repo.startRun({
      actor: 'maria',
      referenced: [{ path: `${name}@${ref}`, sha: sha.repeat(40) }],
    });
  await merged(repo, await work(repo));
  assert.deepEqual(against(await line.deployment(await start('v1', 'a'))), ['workflow-moved']);
  const pinned = await line.deployment(await start('a'.repeat(40), 'a'));
  assert.equal(pinned.decision.verdict, 'allow', 'what is named by its commit cannot move');
  const next = await work(repo);
  await merged(repo, next);
  const moved = await start('v1', 'b');
  assert.deepEqual(
    [against(await line.deployment(moved)), moved.state],
    [['workflow-moved'], 'waiting'],
  );
  // GitHub's times are whole seconds: an approval of the same second is not a later one.
  await sleep(1_100);
  await next.review({ by: 'octavia' });
  const released = await line.deployment(moved);
  assert.deepEqual([released.decision.verdict, moved.state], ['allow', 'success']);
  await merged(repo, await work(repo));
  const same = await line.deployment(await start('v1', 'b'));
  assert.equal(same.decision.verdict, 'allow', 'it stands where it stood');
});

test('B26 a review and a push that cross: what GitHub says at the decision counts', async () => {
  const repo = await shop(line);
  const pull = await work(repo);
  await line.pull(pull);
  const old = pull.headSha;
  await pull.push({ files: { 'src/late.ts': '1;\n' }, author: 'Copilot' });
  await pull.review({ by: 'octavia', commit: old });
  assert.equal((await line.pull(pull)).decision.verdict, 'hold');
  assert.equal((await line.pull(pull)).decision.verdict, 'hold', 'and the same when told twice');
});

test('B35 the callback goes to the address that we build', async () => {
  const repo = await shop(line);
  await merged(repo, await work(repo));
  const run = await repo.startRun({ actor: 'maria' });
  const mark = line.gh.requests.length;
  await line.deployment(run);
  const posts = line.gh.requests.slice(mark).filter(({ path }) => path.includes('protection_rule'));
  const path = `/repos/${repo.fullName}/actions/runs/${run.id}/deployment_protection_rule`;
  assert.deepEqual(
    posts.map((request) => request.path),
    [path],
  );
});

test('B46 runs of `pull_request_target` and of forks are refused for good', async () => {
  const repo = await shop(line);
  await merged(repo, await work(repo));
  const target = await repo.startRun({ actor: 'ben', event: 'pull_request_target' });
  assert.equal((await line.deployment(target)).decision.verdict, 'deny');
  assert.equal(target.state, 'failure');
  const fork = await line.gh.fork(repo, 'mallory');
  const run = await repo.startRun({ actor: 'ben', event: 'workflow_run' });
  Object.assign(run.run, { headRepo: fork.record });
  assert.equal((await line.deployment(run)).decision.verdict, 'deny');
});

test('single use: another commit under the run, and a second attempt, ask again', async () => {
  const repo = await shop(line);
  await merged(repo, await work(repo));
  const other = await repo.commit({ branch: 'other', files: { 'o.ts': '1\n' }, author: 'ben' });
  const swapped = await repo.startRun({ actor: 'ben', deploymentSha: other });
  assert.equal((await line.deployment(swapped)).decision.verdict, 'deny');
  const run = await repo.startRun({ actor: 'maria', autoComplete: false });
  await line.deployment(run);
  await run.finish('failure');
  await run.rerun('ben');
  assert.equal(run.state, 'waiting', 'the first answer does not open the second attempt');
  const again = await line.deployment(run);
  assert.equal(
    again.evidence.subject.kind === 'deployment' && again.evidence.subject.runAttempt,
    2,
  );
  assert.equal(again.decision.verdict, 'allow');
});

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
