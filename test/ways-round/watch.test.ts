/** Ways round that only a running Tagout can notice or withstand: the real server, store and queue. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, test } from 'node:test';
import type { Repo } from '../github/index.ts';
import type { Pull } from '../github/pull.ts';
import type { Run } from '../github/repo.ts';
import { tagoutCheck, until, words } from '../story/scene.ts';
import { openServer, type Server } from './server.ts';
import { work } from './line.ts';

let server: Server;
before(async () => {
  server = await openServer();
});
after(() => server.close());

async function checked(repo: Repo, sha: string, conclusion: string): Promise<string> {
  return until(`the check on ${sha.slice(0, 7)} says ${conclusion}`, () => {
    const check = tagoutCheck(repo, sha);
    return check?.conclusion === conclusion ? words(check) : null;
  });
}

async function noted(run: Run, text: RegExp): Promise<void> {
  await until(
    `run ${run.id} is told ${text}`,
    () => run.notes.find((note) => text.test(note)) ?? null,
  );
}

async function issue(repo: Repo, text: RegExp): Promise<string> {
  return until(`an issue says ${text}`, () => {
    for (const one of repo.record.issues.values()) {
      const said = [one.title, one.body ?? '', ...one.comments.map(({ body }) => body)].join('\n');
      if (one.user.login.startsWith('tagout') && text.test(said)) return said;
    }
    return null;
  });
}

function issuesOf(repo: Repo): number {
  return [...repo.record.issues.values()].filter((one) => one.user.login.startsWith('tagout'))
    .length;
}

async function approvedAndMerged(repo: Repo, pull: Pull): Promise<string> {
  await checked(repo, pull.headSha, 'action_required');
  await pull.review({ by: 'octavia' });
  await checked(repo, pull.headSha, 'success');
  return pull.merge({ by: 'maria' });
}

test('B13 "Start all waiting jobs": an incident, one issue, and a review afterwards is needed', async () => {
  const repo = await server.shop();
  const pull = await work(repo);
  await checked(repo, pull.headSha, 'action_required');
  const sha = await pull.merge({ by: 'boss' });
  const run = await repo.startRun({ actor: 'boss', sha });
  await noted(run, /needs 1/);
  await run.bypass('boss');
  const said = await issue(repo, /started without our release/);
  assert.match(said, new RegExp(sha.slice(0, 7)));
  assert.deepEqual(await server.codes(repo, 'bypass-detected'), ['hold']);
  const next = await work(repo, { author: 'maria' });
  const nextSha = await approvedAndMerged(repo, next);
  const again = await repo.startRun({ actor: 'maria', sha: nextSha });
  await noted(again, new RegExp(`pull request ${pull.number}`, 'i'));
  assert.equal(again.state, 'waiting');
  await sleep(1100);
  await pull.review({ by: 'octavia' });
  await until('the late review releases it', () => (again.state === 'success' ? true : null));
  assert.equal(issuesOf(repo), 1);
});

test('B02 an approval given before an administrator went past the gate is void (R13)', async () => {
  const repo = await server.shop();
  const pull = await work(repo, { files: { '.github/CODEOWNERS': '* @boss\n' } });
  await checked(repo, pull.headSha, 'action_required');
  await pull.review({ by: 'octavia' });
  const sha = await pull.merge({ by: 'boss' });
  const run = await repo.startRun({ actor: 'boss', sha });
  await noted(run, /needs 2/);
  await run.bypass('boss');
  await issue(repo, /started without our release/);
  const again = await repo.startRun({ actor: 'boss', sha });
  await noted(again, /needs 2/);
  assert.equal(again.state, 'waiting');
  assert.ok((await server.refused(repo, 'R13')) > 0, 'the approval before it does not count');
});

test('B02 a merge while the check holds: an incident and an open issue, until it is reviewed', async () => {
  const repo = await server.shop();
  const first = await work(repo);
  await checked(repo, first.headSha, 'action_required');
  const run = await repo.startRun({ actor: 'boss', sha: await first.merge({ by: 'boss' }) });
  await issue(repo, new RegExp(`Pull request ${first.number} was merged while the check`));
  await noted(run, /was merged while the check/);
  assert.equal(await server.events(repo, 'incident.opened'), 1);
  const told = [...repo.record.issues.values()].find((one) => one.user.login.startsWith('tagout'));
  assert.ok(told);
  told.state = 'closed';
  const second = await work(repo, { author: 'maria' });
  await checked(repo, second.headSha, 'action_required');
  const later = await repo.startRun({ actor: 'boss', sha: await second.merge({ by: 'boss' }) });
  await issue(repo, new RegExp(`Pull request ${second.number} was merged while the check`));
  await until('the issue is open again', () => (told.state === 'open' ? true : null));
  assert.equal(issuesOf(repo), 1);
  for (const pull of [first, second]) await pull.review({ by: 'octavia' });
  await until('the late reviews release it', () => (later.state === 'success' ? true : null));
  assert.equal(await server.events(repo, 'incident.opened'), 2);
  assert.equal(await server.events(repo, 'incident.closed'), 2);
});

test('B06 an environment that looks like production is an incident, and holds production', async () => {
  const repo = await server.shop();
  const pull = await work(repo);
  const sha = await approvedAndMerged(repo, pull);
  await repo.startRun({ actor: 'ben', environment: 'staging', sha });
  await repo.startRun({ actor: 'ben', environment: 'productlon', sha });
  const said = await issue(repo, /looks like a guarded environment/);
  assert.match(said, /productlon/);
  // What went there is looked at again before production has it (R13); another case is the same.
  const run = await repo.startRun({ actor: 'maria', environment: 'PRODUCTION', sha });
  await noted(run, new RegExp(`pull request ${pull.number}`, 'i'));
  assert.equal(run.state, 'waiting');
  assert.ok((await server.refused(repo, 'R13')) > 0);
  await sleep(1100);
  await pull.review({ by: 'octavia' });
  await until('the review afterwards releases it', () => (run.state === 'success' ? true : null));
  assert.equal(await server.events(repo, 'incident.opened'), 1);
  assert.equal(await server.events(repo, 'incident.closed'), 1);
  await repo.startRun({ actor: 'ben', environment: 'Production ', sha });
  await issue(repo, /to `Production/);
  assert.equal(await server.events(repo, 'incident.opened'), 2);
  assert.equal(issuesOf(repo), 1, 'one issue, added to');
});

test('B43 a deployment made by the API is held on its commit, and found when it went ahead', async () => {
  const repo = await server.shop();
  const pull = await work(repo);
  await checked(repo, pull.headSha, 'action_required');
  const sha = await pull.merge({ by: 'maria' });
  const waits = await repo.startRun({ actor: 'maria', sha });
  await noted(waits, /needs 1/);
  await repo.deploy({ by: 'ben', sha, state: 'pending' });
  const held = await until('the commit has the check of its environment', () => {
    const found = repo.checkRuns(sha).find((check) => check.name === 'tagout/production');
    return found?.conclusion === 'action_required' ? found : null;
  });
  assert.match(words(held), /independent/);
  await repo.deploy({ by: 'ben', sha, state: 'success' });
  await issue(repo, /not made by a workflow/);
});

test('B36 a forged webhook is refused, a replayed one does nothing twice', async () => {
  const repo = await server.shop();
  const pull = await work(repo);
  await checked(repo, pull.headSha, 'action_required');
  const payload = JSON.stringify({ action: 'submitted', forged: true });
  const signature = `sha256=${createHmac('sha256', 'not the secret').update(payload).digest('hex')}`;
  const headers = {
    'content-type': 'application/json',
    'x-github-event': 'pull_request_review',
    'x-github-delivery': 'b36',
    'x-hub-signature-256': signature,
  };
  const url = `${server.url}/api/github/webhooks`;
  const answer = await fetch(url, { method: 'POST', headers, body: payload });
  assert.ok([400, 401].includes(answer.status), String(answer.status));
  const before = await server.events(repo);
  const last = server.gh.deliveries.findLast((one) => one.event === 'pull_request');
  assert.ok(last);
  for (let times = 0; times < 3; times += 1) server.gh.redeliver(last);
  await server.gh.settled();
  await sleep(300);
  assert.equal(await server.events(repo), before);
});

test('B26 B37 deliveries doubled, swapped and lost: the newest state of GitHub decides', async () => {
  const repo = await server.shop();
  const { faults } = server.gh;
  faults.delivery({ match: 'pull_request', double: true });
  faults.delivery({ match: 'pull_request_review', nth: 1, swap: true });
  const pull = await work(repo);
  await checked(repo, pull.headSha, 'action_required');
  await pull.review({ by: 'octavia' });
  await pull.push({ files: { 'src/late.ts': '1;\n' }, author: 'Copilot' });
  await server.gh.settled();
  const text = await checked(repo, pull.headSha, 'action_required');
  assert.match(text, /R02/);
  faults.clear();
  faults.delivery({ match: 'pull_request_review', lose: true });
  await pull.review({ by: 'octavia' });
  await server.gh.settled();
  faults.clear();
  assert.equal(tagoutCheck(repo, pull.headSha)?.conclusion, 'action_required', 'lost is held');
  pull.comment('maria', 'any later event finds it');
  await checked(repo, pull.headSha, 'success');
});

test('a start is adopted once, with its event', async () => {
  const repo = await server.shop();
  const pull = await work(repo);
  const sha = await approvedAndMerged(repo, pull);
  const run = await repo.startRun({ actor: 'maria', sha });
  await until('it is released', () => (run.state === 'success' ? true : null));
  const second = await repo.startRun({ actor: 'maria', sha });
  await until('and again', () => (second.state === 'success' ? true : null));
  assert.equal(await server.events(repo, 'baseline.adopted'), 1);
});

test('a floor once seen and then hidden holds, also for a process that never saw it', async () => {
  const { memory } = server.tagout.served.store;
  assert.equal(await memory.floorSeen?.(77), false);
  await memory.keepFloorSeen?.(77);
  await memory.keepFloorSeen?.(77);
  assert.equal(await memory.floorSeen?.(77), true);
});
