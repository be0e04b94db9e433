/** Holes 8 and 10 of a hostile review: what a hold names as its cure must work. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Repo } from '../github/index.ts';
import type { Pull } from '../github/pull.ts';
import type { Run } from '../github/repo.ts';
import { tagoutCheck, until } from '../story/scene.ts';
import { against, type Line, openLine, shop, work } from './line.ts';
import { openServer, type Server } from './server.ts';

let server: Server;
let line: Line;
before(async () => {
  [server, line] = await Promise.all([openServer(), openLine()]);
});
after(() => Promise.all([server.close(), line.close()]));

/** A pull request that adds a row for a commit, and is merged without any review. */
async function accept(repo: Repo, row: string, author = 'maria'): Promise<Pull> {
  const policy = `version: 1\naccepted:\n  - { ${row}, reason: written by hand in an emergency }\n`;
  const pull = await work(repo, { author, files: { '.github/tagout.yml': policy } });
  return pull;
}

async function push(repo: Repo, by = 'ben'): Promise<string> {
  const files = { 'src/hot.ts': 'fix();\n' };
  return repo.commit({ files, author: by, message: 'Hot fix' });
}

async function both(pull: Pull, ...people: readonly string[]): Promise<void> {
  await sleep(1100);
  for (const by of people) await pull.review({ by });
}

function passed(repo: Repo, { headSha }: Pull): true | null {
  return tagoutCheck(repo, headSha)?.conclusion === 'success' ? true : null;
}

async function again(run: Run): Promise<readonly string[]> {
  return against(await line.deployment(run));
}

test('hole 10: a direct push is accepted by a reviewed row, end to end', async () => {
  const repo = await server.shop();
  const pushed = await push(repo);
  const pull = await accept(repo, `through: "${pushed}"`);
  const sha = await pull.merge({ by: 'maria', method: 'squash' });
  const run = await repo.startRun({ sha, actor: 'maria' });
  const name = `tagout/production/accepted ${pushed.slice(0, 12)}`;
  const check = await until(
    'the accepted commits are shown',
    () => repo.checkRuns(pull.headSha).find((one) => one.name === name) ?? null,
  );
  assert.equal(check.conclusion, 'action_required');
  await until(
    'it is held',
    () => run.notes.find((note) => /accepted in the policy/.test(note)) ?? null,
  );
  await server.gh.settled();
  await both(pull, 'octavia', 'olaf');
  await until('it is released', () => (run.state === 'success' ? true : null), 40_000);
});

test('a branch that does not hold what runs is accepted as a whole, end to end', async () => {
  const repo = await server.shop();
  await repo.push('old', repo.sha(), 'boss');
  const newer = await work(repo, { author: 'ben' });
  await until('it is judged', () => tagoutCheck(repo, newer.headSha));
  await newer.review({ by: 'octavia' });
  await until('it is green', () => passed(repo, newer));
  const from = await newer.merge({ by: 'ben', method: 'squash' });
  const first = await repo.startRun({ sha: from, actor: 'ben' });
  await until('what runs is released', () => (first.state === 'success' ? true : null));
  const fix = { 'src/old.ts': 'fix();\n' };
  await repo.commit({ branch: 'old-fix', parents: [repo.sha('old')], files: fix, author: 'ben' });
  const aside = await repo.openPull({ author: 'ben', head: 'old-fix', base: 'old' });
  await until('the fix is judged', () => tagoutCheck(repo, aside.headSha));
  await aside.review({ by: 'octavia' });
  await until('the fix is green', () => passed(repo, aside));
  const through = await aside.merge({ by: 'ben', method: 'squash' });
  const run = await repo.startRun({ sha: through, branch: 'old', actor: 'ben' });
  await until(
    'it is held, as it would take reviewed work back',
    () => run.notes.find((note) => /does not contain .*which runs there now/.test(note)) ?? null,
  );
  const pull = await accept(repo, `from: "${from}", through: "${through}"`);
  await pull.merge({ by: 'maria', method: 'squash' });
  const name = `tagout/production/accepted ${through.slice(0, 12)}`;
  const check = await until(
    'what the branch takes back is shown',
    () => repo.checkRuns(pull.headSha).find((one) => one.name === name) ?? null,
  );
  assert.equal(check.conclusion, 'action_required');
  assert.equal(run.state, 'waiting', 'a row that nobody reviewed lifts nothing');
  await server.gh.settled();
  await both(pull, 'octavia');
  await server.gh.settled();
  assert.equal(run.state, 'waiting', 'one person is too few for the policy file');
  await both(pull, 'olaf');
  await until('it is released', () => (run.state === 'success' ? true : null));
  assert.ok((await server.codes(repo, 'range-diverged')).every((verdict) => verdict === 'hold'));
});

test('hole 10: who wrote the accepted commits cannot accept them', async () => {
  const repo = await shop(line);
  const pushed = await push(repo, 'octavia');
  const pull = await accept(repo, `through: "${pushed}"`);
  await line.pull(pull);
  const sha = await pull.merge({ by: 'maria', method: 'squash' });
  const run = await repo.startRun({ sha, actor: 'maria', autoComplete: false });
  const unproven = ['accepted-unproven', 'no-reviewed-pull-request'];
  assert.deepEqual(await again(run), ['merged-past', ...unproven, 'approvals-missing']);
  await both(pull, 'octavia', 'olaf');
  assert.deepEqual(await again(run), unproven);
  await pull.review({ by: 'ben' });
  assert.deepEqual(await again(run), []);
});

test('hole 10: a row that was pushed past review accepts nothing', async () => {
  const repo = await shop(line);
  const pushed = await push(repo);
  const row = `  - { through: "${pushed}", reason: mine }\n`;
  const text = `version: 1\naccepted:\n${row}`;
  await repo.commit({ files: { '.github/tagout.yml': text }, author: 'Copilot', message: 'mine' });
  // A reviewed pull request that touches the file later does not make the row its own.
  const files = { '.github/tagout.yml': `${text}undeclared: agent\n` };
  const pull = await work(repo, { author: 'maria', files });
  await line.pull(pull);
  await both(pull, 'octavia', 'olaf');
  const sha = await pull.merge({ by: 'maria' });
  const run = await repo.startRun({ sha, actor: 'maria', autoComplete: false });
  const seen = await line.deployment(run);
  assert.equal(seen.evidence.deployment?.accepted?.[0]?.addedBy, null);
  assert.ok(against(seen).includes('accepted-unproven'), against(seen).join());
});

test('hole 10: with nothing to stand on, an accepted commit is the start', async () => {
  const repo = await shop(line, { deployed: false });
  const first = repo.sha();
  const pull = await accept(repo, `through: "${first}"`);
  await line.pull(pull);
  const sha = await pull.merge({ by: 'maria', method: 'squash' });
  const run = await repo.startRun({ sha, actor: 'maria', autoComplete: false });
  assert.deepEqual(await again(run), ['merged-past', 'accepted-unproven', 'approvals-missing']);
  await both(pull, 'octavia', 'olaf');
  const seen = await line.deployment(run);
  assert.deepEqual(against(seen), []);
  assert.equal(seen.evidence.deployment?.fromOrigin, 'accepted');
});

test('hole 10: a row from elsewhere does not shorten what a reviewer is shown', async () => {
  const repo = await shop(line);
  const pushed = await push(repo);
  const twin = await repo.commit({
    branch: 'twin',
    files: { 'src/hot.ts': 'fix();\n' },
    author: 'Copilot',
    message: 'the same content elsewhere',
  });
  const pull = await accept(repo, `from: "${twin}", through: "${pushed}"`);
  const sha = await pull.merge({ by: 'maria', method: 'squash' });
  const run = await repo.startRun({ sha, actor: 'maria', autoComplete: false });
  const { evidence } = await line.deployment(run);
  const files = evidence.deployment?.accepted?.[0]?.change?.files.map(({ path }) => path);
  assert.deepEqual(files, ['src/hot.ts']);
});

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
  const moved = await line.store.sql`update tagout.posting set shown = ${'f'.repeat(64)}
    where repo_id = ${repo.id} and pull = ${pull.number}`;
  assert.equal(moved.count, 1);
  await pull.review({ by: 'octavia' });
  await sleep(1100);
  const sha = await pull.merge({ by: 'ben', method: 'squash' });
  const run = await repo.startRun({ sha, actor: 'maria', autoComplete: false });
  assert.deepEqual(await again(run), ['merged-past', 'approvals-missing']);
  const seen = await line.deployment(run);
  assert.deepEqual(
    seen.effects.map(({ kind }) => kind),
    ['deployment-note', 'issue'],
    'the check that shows them is not written again',
  );
  await sleep(1100);
  await pull.review({ by: 'octavia' });
  assert.deepEqual(against(await line.deployment(run)), []);
});
