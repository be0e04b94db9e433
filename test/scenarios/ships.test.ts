/** Ordinary organisations that ship through the gate, each on the real server and a local GitHub. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Repo } from '../github/index.ts';
import type { Pull } from '../github/pull.ts';
import type { Run } from '../github/repo.ts';
import { tagoutCheck, until, words } from '../story/scene.ts';
import { work } from '../ways-round/line.ts';
import { openServer, type Server } from '../ways-round/server.ts';

let server: Server;
before(async () => {
  server = await openServer();
});
after(() => server.close());

async function checked(repo: Repo, pull: Pull, conclusion: string): Promise<string> {
  let last = '';
  return until(`#${pull.number} says ${conclusion}`, () => {
    const check = tagoutCheck(repo, pull.headSha);
    if (check !== null) last = words(check);
    return check?.conclusion === conclusion ? last : null;
  }).catch((error: Error) => {
    throw new Error(`${error.message}; last seen: ${last}`);
  });
}

async function approved(repo: Repo, pull: Pull, ...by: string[]): Promise<void> {
  await checked(repo, pull, 'action_required');
  for (const login of by) await pull.review({ by: login });
  await checked(repo, pull, 'success');
}

async function ended(run: Run, state = 'success'): Promise<void> {
  await until(`run ${run.id} is ${state}`, () => (run.state === state ? true : null)).catch(
    (error: Error) => {
      throw new Error(`${error.message}; it is ${run.state}: ${run.notes.join('\n')}`);
    },
  );
}

async function noted(run: Run, text: RegExp): Promise<void> {
  await until(`run ${run.id} is told ${text}`, () =>
    run.notes.some((note) => text.test(note)) ? true : null,
  ).catch((error: Error) => {
    throw new Error(`${error.message}; told: ${run.notes.join('\n')}`);
  });
  assert.equal(run.state, 'waiting');
}

const policy = (environment: string, rest = ''): Record<string, string> => ({
  '.github/tagout.yml': `version: 1\n${rest}environments:\n  production:\n    match: [production]\n${environment}`,
});

test('a team of two: each reviews the other, and the one who merges may be the reviewer', async () => {
  const repo = await server.shop();
  const first = await work(repo, { author: 'maria' });
  await approved(repo, first, 'octavia');
  await ended(await repo.startRun({ actor: 'octavia', sha: await first.merge({ by: 'octavia' }) }));
  const second = await work(repo, { author: 'octavia' });
  await approved(repo, second, 'maria');
  await ended(await repo.startRun({ actor: 'maria', sha: await second.merge({ by: 'maria' }) }));
});

test('a release bot starts the deployment of what people reviewed', async () => {
  const repo = await server.shop();
  server.gh.user('release-please[bot]', { type: 'Bot' });
  repo.collaborator('release-please[bot]', 'write');
  const feature = await work(repo, { author: 'ben' });
  await approved(repo, feature, 'octavia');
  await feature.merge({ by: 'ben' });
  const files = { 'CHANGELOG.md': '# 1.1.0\n' };
  const release = await work(repo, { author: 'release-please[bot]', files });
  await approved(repo, release, 'maria');
  const sha = await release.merge({ by: 'maria' });
  await ended(await repo.startRun({ actor: 'release-please[bot]', sha, event: 'workflow_run' }));
});

test('a merge train: the queue checks the group, and all of it is released together', async () => {
  const repo = await server.shop();
  const pulls = [await work(repo, { author: 'maria' }), await work(repo), await work(repo)];
  for (const pull of pulls) await approved(repo, pull, 'octavia');
  const group = await repo.mergeGroup(pulls);
  await until('the group has its check', () =>
    tagoutCheck(repo, group.headSha)?.conclusion === 'success' ? true : null,
  );
  for (const pull of pulls) await pull.merge({ by: 'octavia', method: 'merge' });
  await ended(await repo.startRun({ actor: 'octavia' }));
});

test("a monorepo: paths out of scope need their own review and do not raise this environment's level", async () => {
  const scope =
    '    scope: ["services/api/**"]\n    reviews:\n      medium: { count: 1 }\n      high: { count: 2 }\n';
  const repo = await server.shop(policy(scope));
  const files = { 'services/web/Dockerfile': 'FROM scratch\n' };
  const other = await work(repo, { author: 'ben', files });
  await checked(repo, other, 'action_required');
  await other.review({ by: 'octavia' });
  const sha = await other.merge({ by: 'ben' });
  await ended(await repo.startRun({ actor: 'ben', sha }));
  const inside = { 'services/api/Dockerfile': 'FROM scratch\n' };
  const api = await work(repo, { author: 'ben', files: inside });
  await checked(repo, api, 'action_required');
  await api.review({ by: 'octavia' });
  const run = await repo.startRun({ actor: 'ben', sha: await api.merge({ by: 'ben' }) });
  await noted(run, /needs 2/);
  await api.review({ by: 'maria' });
  await ended(run);
});

test('a first installation on an old repository: its history is adopted, the next change is judged', async () => {
  const repo = await server.shop();
  for (let n = 0; n < 12; n += 1) {
    await repo.commit({ files: { 'old.txt': `${n}\n` }, author: 'ben', message: `before ${n}` });
  }
  repo.record.environments.clear();
  await repo.startRun({ actor: 'ben' });
  repo.environment('production', { protectedByApp: true });
  const pull = await work(repo, { author: 'maria' });
  await approved(repo, pull, 'octavia');
  await ended(await repo.startRun({ actor: 'maria', sha: await pull.merge({ by: 'maria' }) }));
  assert.equal(await server.events(repo, 'baseline.adopted'), 1);
});

test('a run that failed after its release is run again, and is released again', async () => {
  const repo = await server.shop();
  const pull = await work(repo, { author: 'maria' });
  await approved(repo, pull, 'octavia');
  const sha = await pull.merge({ by: 'maria' });
  const run = await repo.startRun({ actor: 'maria', sha, autoComplete: false });
  await ended(run, 'in_progress');
  await run.finish('failure');
  await run.rerun('ben');
  await ended(run, 'in_progress');
  await run.finish();
  await ended(run);
});

test('a rollback needs one new approval on what is rolled back', async () => {
  const repo = await server.shop();
  const good = await work(repo, { author: 'maria' });
  await approved(repo, good, 'octavia');
  const goodSha = await good.merge({ by: 'maria' });
  await ended(await repo.startRun({ actor: 'maria', sha: goodSha }));
  const bad = await work(repo, { author: 'maria' });
  await approved(repo, bad, 'octavia');
  await ended(await repo.startRun({ actor: 'maria', sha: await bad.merge({ by: 'maria' }) }));
  const back = await repo.startRun({ actor: 'maria', sha: goodSha });
  await noted(back, /new approval/);
  // GitHub's times are whole seconds: an approval of the same second is not a new one.
  await sleep(1_100);
  await bad.review({ by: 'octavia', body: 'roll it back' });
  await ended(back);
});

test('break glass: the named people say so with a reason, and it is recorded', async () => {
  const glass = '    breakGlass: { teams: [sre], count: 1, lasts: 60m, reviewWithin: 24h }\n';
  const repo = await server.shop(policy(glass));
  const pull = await work(repo);
  await checked(repo, pull, 'action_required');
  const run = await repo.startRun({ actor: 'olaf', sha: await pull.merge({ by: 'maria' }) });
  await noted(run, /needs 1/);
  await pull.review({ by: 'olaf', state: 'COMMENTED', body: 'break glass: payments are down' });
  await ended(run);
  assert.deepEqual(await server.codes(repo, 'break-glass'), ['allow']);
});

test('a freeze holds what is approved, and says until when', async () => {
  const year = new Date().getUTCFullYear();
  const row = `{ name: year, from: "${year - 1}-01-01T00:00", to: "${year + 1}-12-31T00:00", timeZone: UTC }`;
  const repo = await server.shop(policy(`    freeze: [${row}]\n`));
  const pull = await work(repo, { author: 'maria' });
  await checked(repo, pull, 'action_required');
  await pull.review({ by: 'octavia' });
  const run = await repo.startRun({ actor: 'maria', sha: await pull.merge({ by: 'maria' }) });
  await noted(run, /year/);
});

test("an agent at its limit of evaluations or deployments is held, and other people's work is not", async () => {
  const repo = await server.shop({
    '.github/tagout.yml':
      'version: 1\nlimits: { openPullRequests: 2, productionDeploymentsPerDay: 1 }\n',
  });
  const first = await work(repo);
  await approved(repo, first, 'octavia');
  const second = await work(repo);
  await approved(repo, second, 'octavia');
  const third = await work(repo);
  assert.match(await checked(repo, third, 'action_required'), /openPullRequests/);
  await approved(repo, await work(repo, { author: 'maria' }), 'octavia');
  await ended(await repo.startRun({ actor: 'maria', sha: await first.merge({ by: 'maria' }) }));
  const run = await repo.startRun({ actor: 'maria', sha: await second.merge({ by: 'maria' }) });
  await noted(run, /productionDeploymentsPerDay/);
});
