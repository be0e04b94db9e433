/**
 * Holes 1, 2, 3 and the forged address of a hostile review: what the range of a deployment starts
 * from, and what is believed of GitHub's list of deployments.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Repo } from '../github/index.ts';
import type { Run } from '../github/repo.ts';
import { against, type Line, openLine, type Seen, shop, work } from './line.ts';

let line: Line;
before(async () => {
  line = await openLine();
});
after(() => line.close());

interface Asked {
  readonly sha: string;
  readonly branch?: string;
}

async function ask(repo: Repo, { sha, branch = 'main' }: Asked): Promise<{ run: Run; seen: Seen }> {
  const how = { sha, branch, event: 'workflow_dispatch', autoComplete: false } as const;
  const run = await repo.startRun({ actor: 'ben', ...how });
  return { run, seen: await line.deployment(run) };
}

/** As if we had released this run, of which nothing more was seen. */
async function keepRelease(
  repo: Repo,
  { runId, sha, atMs }: { readonly runId: number; readonly sha: string; readonly atMs: number },
): Promise<void> {
  const { installationId, id } = line.refOf(repo);
  await line.store.sql`insert into tagout.release values (${installationId}::bigint,
    ${id}::bigint, 'production', ${runId}::bigint, 1, null, ${sha}, 'released', ${atMs}::bigint)`;
}

/** A reviewed change, merged and released to its end, or not. */
async function released(repo: Repo, end: 'success' | 'failure'): Promise<string> {
  const pull = await work(repo);
  await line.pull(pull);
  await pull.review({ by: 'octavia' });
  const sha = await pull.merge({ by: 'octavia', method: 'squash' });
  const { run, seen } = await ask(repo, { sha });
  assert.deepEqual(against(seen), []);
  await run.finish(end);
  return sha;
}

const evil = {
  branch: 'evil',
  files: { 'src/evil.ts': 'dropAll();\n' },
  author: 'Copilot',
} as const;

test('hole 1: a deployment made with the token of a workflow is not adopted', async () => {
  const repo = await shop(line, { deployed: false });
  const sha = await repo.commit(evil);
  await repo.deploy({ sha, by: 'github-actions[bot]' });
  const { seen } = await ask(repo, { sha, branch: 'evil' });
  assert.deepEqual(against(seen), ['no-baseline']);
});

test('hole 1: a status that names a run of that commit proves nothing', async () => {
  const repo = await shop(line, { deployed: false });
  const sha = await repo.commit(evil);
  const path = '.github/workflows/ci.yml';
  const ci = await repo.startRun({
    sha,
    branch: 'evil',
    environment: null,
    actor: 'Copilot',
    path,
  });
  const made = await repo.deploy({ sha, by: 'Copilot' });
  const logUrl = `https://github.com/a/b/actions/runs/${ci.id}`;
  made.statuses.splice(0, 1, ...made.statuses.slice(0, 1).map((one) => ({ ...one, logUrl })));
  const { seen } = await ask(repo, { sha, branch: 'evil' });
  assert.deepEqual(against(seen), ['no-baseline']);
});

test('hole 1: a workflow of another branch that deployed before the gate is not adopted', async () => {
  const repo = await shop(line, { deployed: false });
  const free = repo.environment('production');
  const rules = free.rules.splice(0);
  const sha = await repo.commit(evil);
  await repo.startRun({ sha, branch: 'evil', actor: 'Copilot' });
  free.rules.push(...rules);
  const { seen } = await ask(repo, { sha, branch: 'evil' });
  assert.deepEqual(against(seen), ['no-baseline']);
});

test('hole 1: the adopted commit itself is not released as nothing new', async () => {
  const repo = await shop(line);
  const { seen } = await ask(repo, { sha: repo.sha() });
  assert.equal(seen.evidence.deployment?.fromOrigin, 'adopted');
  assert.deepEqual(against(seen), ['adopted-again']);
});

test('hole 1: once anything was released, nothing is adopted any more', async () => {
  const repo = await shop(line, { deployed: false });
  const sha = repo.sha();
  await keepRelease(repo, { runId: 7, sha, atMs: 1 });
  const free = repo.environment('production');
  const rules = free.rules.splice(0);
  await repo.startRun({ actor: 'maria' });
  free.rules.push(...rules);
  const { seen } = await ask(repo, { sha });
  assert.deepEqual(against(seen), ['no-baseline']);
});

test('hole 1: `after: [staging]` is not met by a deployment made through the API', async () => {
  const policy = 'environments: {production: {match: [production], after: [staging]}}\n';
  const repo = await shop(line, { files: { '.github/tagout.yml': policy } });
  repo.environment('staging');
  const sha = repo.sha();
  const ci = await repo.startRun({ sha, environment: null, actor: 'ben', path: 'ci.yml' });
  const made = await repo.deploy({ sha, environment: 'staging', by: 'github-actions[bot]' });
  const logUrl = `https://github.com/a/b/actions/runs/${ci.id}`;
  made.statuses.splice(0, 1, ...made.statuses.slice(0, 1).map((one) => ({ ...one, logUrl })));
  const one = await ask(repo, { sha });
  assert.deepEqual(one.seen.evidence.deployment?.succeededIn, []);
  await repo.startRun({ sha, environment: 'staging', actor: 'ben' });
  const two = await ask(repo, { sha });
  assert.deepEqual(two.seen.evidence.deployment?.succeededIn, ['staging']);
});

test('hole 2: a branch that forked before what runs does not take it back unseen', async () => {
  const repo = await shop(line);
  const old = repo.sha();
  await released(repo, 'success');
  await repo.push('old', old, 'ben');
  const files = { 'README.md': 'y\n' };
  await repo.commit({ branch: 'doc', parents: [old], files, author: 'Copilot', message: 'doc' });
  const pull = await repo.openPull({ author: 'Copilot', head: 'doc', base: 'old' });
  await line.pull(pull);
  await pull.review({ by: 'octavia' });
  const sha = await pull.merge({ by: 'octavia', method: 'squash' });
  const { seen } = await ask(repo, { sha, branch: 'old' });
  assert.deepEqual(against(seen), ['range-diverged']);
});

test('hole 3: a deployment that was deleted still is what runs', async () => {
  const repo = await shop(line);
  const first = await released(repo, 'success');
  await released(repo, 'success');
  const one = await ask(repo, { sha: first });
  assert.deepEqual(against(one.seen), ['rollback-needs-review']);
  await one.run.finish('cancelled');
  for (const memory of [true, false]) {
    // Whether its success was kept or never seen: gone is no proof that it failed.
    const ran = await line.store.memory.releases(line.refOf(repo), 'production');
    if (!memory) {
      await line.store.sql`update tagout.release set succeeded_at_ms = null
        where repo_id = ${repo.id}`;
    }
    const newest = ran.find((own) => own.origin === 'released')?.deploymentId;
    const list = repo.record.deployments;
    const at = list.findIndex((own) => own.id === newest);
    if (at !== -1) list.splice(at, 1);
    const two = await ask(repo, { sha: first });
    assert.deepEqual(against(two.seen), ['rollback-needs-review']);
    await two.run.finish('cancelled');
  }
});

test('hole 3: however often the newest is run again and cancelled, going back is a way back', async () => {
  const repo = await shop(line);
  const first = await released(repo, 'success');
  const second = await released(repo, 'success');
  const [newest] = await line.store.memory.releases(line.refOf(repo), 'production');
  assert.ok(newest);
  const { sha, atMs } = newest;
  for (let at = 0; at < 60; at += 1) {
    await keepRelease(repo, { runId: 9000 + at, sha, atMs: atMs + 1 + at });
  }
  const { seen } = await ask(repo, { sha: first });
  assert.equal(seen.decision.verdict, 'hold');
  const third = await ask(repo, { sha: second });
  assert.equal(third.seen.evidence.deployment?.fromOrigin !== 'adopted', true);
});

test('hole 3: after a newer release that failed, the one before is a way back', async () => {
  const repo = await shop(line);
  const first = await released(repo, 'success');
  const second = await released(repo, 'failure');
  const one = await ask(repo, { sha: first });
  assert.deepEqual(against(one.seen), ['rollback-needs-review']);
  const pull = repo.pull(Number(one.seen.evidence.changes[0]?.pull));
  await new Promise((resolve) => setTimeout(resolve, 1100));
  await pull.review({ by: 'olaf' });
  assert.deepEqual(against(await line.deployment(one.run)), []);
  await one.run.finish('success');
  const again = await ask(repo, { sha: second });
  assert.deepEqual(against(again.seen), []);
});

test('smaller: `rollback: allow` is for commits that ran here to their end', async () => {
  const policy = 'environments: {production: {match: [production], rollback: allow}}\n';
  const repo = await shop(line, { files: { '.github/tagout.yml': policy } });
  const failed = await released(repo, 'failure');
  const worked = await released(repo, 'success');
  await released(repo, 'success');
  const one = await ask(repo, { sha: failed });
  assert.deepEqual(against(one.seen), ['rollback-needs-review']);
  const two = await ask(repo, { sha: worked });
  assert.deepEqual(against(two.seen), []);
});

test("hole 11: another run's address on the waiting deployment does not hold it", async () => {
  const repo = await shop(line);
  await released(repo, 'success');
  const pull = await work(repo);
  await line.pull(pull);
  await pull.review({ by: 'octavia' });
  const sha = await pull.merge({ by: 'octavia', method: 'squash' });
  const run = await repo.startRun({ sha, actor: 'ben', autoComplete: false });
  const other = await repo.startRun({ environment: null, actor: 'Copilot' });
  const [own] = run.deployment?.statuses ?? [];
  assert.ok(own);
  const logUrl = `https://github.com/x/y/actions/runs/${other.id}`;
  run.deployment?.statuses.unshift({ ...own, id: own.id + 1000, state: 'queued', logUrl });
  assert.deepEqual(against(await line.deployment(run)), []);
});
