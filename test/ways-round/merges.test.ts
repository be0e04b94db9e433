/** Merges past the gate are noticed when they happen, with no deployment to show them: the real server. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Repo } from '../github/index.ts';
import type { Pull } from '../github/pull.ts';
import { rest } from '../reliability/server.ts';
import { tagoutCheck, until } from '../story/scene.ts';
import { work } from './line.ts';
import { openServer, type Server } from './server.ts';

let server: Server;
before(async () => {
  server = await openServer();
});
after(() => server.close());

const idle = (): Promise<void> => rest({ gh: server.gh, sql: server.tagout.served.store.sql });

/** A pull request of which we were never told. */
async function unseen(repo: Repo, options: Parameters<typeof work>[1] = {}): Promise<Pull> {
  // What the repository's own first events ask for would find it open.
  await idle();
  server.gh.faults.delivery({ match: /^pull_request/, lose: true });
  const pull = await work(repo, options);
  await server.gh.settled();
  server.gh.faults.clear();
  return pull;
}

async function held(repo: Repo, pull: Pull): Promise<void> {
  await until('it is judged', () =>
    tagoutCheck(repo, pull.headSha)?.conclusion === 'action_required' ? true : null,
  );
}

/** What the repository's issue says once everything is worked on; empty when there is none. */
async function told(repo: Repo): Promise<string> {
  await idle();
  return [...repo.record.issues.values()]
    .filter((one) => one.user.login.startsWith('tagout'))
    .map(({ body }) => body ?? '')
    .join('\n');
}

async function incidents(repo: Repo): Promise<readonly number[]> {
  return [
    await server.events(repo, 'incident.opened'),
    await server.events(repo, 'incident.closed'),
  ];
}

test('a merge of what was never judged while it was open is an incident at once', async () => {
  const repo = await server.shop();
  const pull = await unseen(repo);
  const sha = await pull.merge({ by: 'maria' });
  const said = await told(repo);
  assert.match(said, new RegExp(`Pull request ${pull.number} was merged before Tagout had judged`));
  assert.match(said, new RegExp(`by .maria. .*${sha.slice(0, 7)}`));
  assert.deepEqual(await incidents(repo), [1, 0]);
  await pull.review({ by: 'ben', state: 'COMMENTED', body: 'approved' });
  await idle();
  assert.deepEqual(await incidents(repo), [1, 0], 'a word does not end it');
  await pull.review({ by: 'octavia' });
  await idle();
  assert.deepEqual(await incidents(repo), [1, 1], 'an independent review afterwards does');
});

test('a grave merge that no check has shown is shown at once, so that a late review can end it', async () => {
  const repo = await server.shop();
  const pull = await unseen(repo, { files: { Dockerfile: 'FROM scratch\n' } });
  await pull.review({ by: 'octavia' });
  await pull.merge({ by: 'maria' });
  await idle();
  assert.deepEqual(await incidents(repo), [1, 0], 'nobody had seen what it does');
  const shown = repo.checkRuns(pull.headSha).map(({ name, conclusion }) => [name, conclusion]);
  assert.deepEqual(shown, [[`tagout/merged/${pull.number}`, 'action_required']]);
  const [check] = repo.checkRuns(pull.headSha);
  assert.match(check?.output.summary ?? '', /blast radius high/);
  // GitHub's times are whole seconds.
  await sleep(1_100);
  await pull.review({ by: 'octavia' });
  await idle();
  assert.deepEqual(await incidents(repo), [1, 1], 'with no deployment between them');
  const run = await repo.startRun({ actor: 'maria' });
  await until('it is released', () => (run.state === 'success' ? true : null));
});

test('what was judged on another head was never judged', async () => {
  const repo = await server.shop();
  const pull = await work(repo);
  await held(repo, pull);
  await pull.review({ by: 'octavia' });
  await until('it is green', () =>
    tagoutCheck(repo, pull.headSha)?.conclusion === 'success' ? true : null,
  );
  await idle();
  server.gh.faults.delivery({ match: /synchronize/, lose: true });
  await pull.push({ files: { 'src/late.ts': 'exfiltrate();\n' }, author: 'Copilot' });
  await server.gh.settled();
  server.gh.faults.clear();
  await pull.merge({ by: 'maria' });
  assert.match(await told(repo), /before Tagout had judged/);
  assert.deepEqual(await incidents(repo), [1, 0]);
});

test('a merge while the check held is an incident at once', async () => {
  const repo = await server.shop();
  const pull = await work(repo);
  await held(repo, pull);
  await pull.merge({ by: 'boss' });
  assert.match(await told(repo), /was merged while the check `tagout` held it, by .boss./);
  assert.deepEqual(await incidents(repo), [1, 0]);
});

test('never judged, yet reviewed by enough people: recorded, and nobody is called', async () => {
  const repo = await server.shop();
  const pull = await unseen(repo, { author: 'ben' });
  server.gh.faults.delivery({ match: /review/, lose: true });
  await pull.review({ by: 'octavia' });
  await server.gh.settled();
  server.gh.faults.clear();
  await pull.merge({ by: 'ben' });
  assert.equal(await told(repo), '');
  assert.deepEqual(await incidents(repo), [1, 1]);
});

test('a merge that the check let through, and one onto another branch, are no incidents', async () => {
  const repo = await server.shop();
  const pull = await work(repo);
  await held(repo, pull);
  await pull.review({ by: 'octavia' });
  await until('it is green', () =>
    tagoutCheck(repo, pull.headSha)?.conclusion === 'success' ? true : null,
  );
  await pull.merge({ by: 'maria' });
  await repo.push('side', repo.sha(), 'boss');
  await repo.commit({ branch: 'to-side', files: { 'z.ts': '1\n' }, author: 'Copilot' });
  const aside = await repo.openPull({ author: 'Copilot', head: 'to-side', base: 'side' });
  await aside.merge({ by: 'ben' });
  assert.equal(await told(repo), '');
  assert.deepEqual(await incidents(repo), [0, 0]);
});
