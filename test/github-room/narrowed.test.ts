/** Tokens are as narrow as their use: the local GitHub refuses everything beyond it. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { OctokitFor, Use } from '../../src/github/clients.ts';
import { createProbot, octokitFor } from '../../src/github/probot.ts';
import { openRoom, type Room } from './room.ts';

let room: Room;
let clients: OctokitFor;

before(async () => {
  room = await openRoom();
  room.gh.org('acme', { admins: ['boss'] });
  await room.gh.repo('acme/one', {});
  await room.gh.repo('acme/two', {});
  clients = await fresh();
});
after(() => room.gh.close());

async function fresh(): Promise<OctokitFor> {
  const { app, url: baseUrl } = room.gh;
  const { id: appId, privateKey, webhookSecret: secret } = app;
  return octokitFor(await createProbot({ appId, privateKey, secret, baseUrl }));
}

async function status(use: Use, route: string, parameters: Record<string, unknown> = {}) {
  const octokit = await clients(room.gh.installation('acme').id, 'pull', use);
  return octokit.request(route, parameters).then(
    (answer) => answer.status,
    (fault: { status: number }) => fault.status,
  );
}

const idOf = (name: string): number => room.gh.world.repo(`acme/${name}`)?.id ?? 0;
const issue = (repo: string) =>
  [`POST /repos/acme/${repo}/issues`, { title: 't', body: 'b' }] as const;

test('what reads sees every repository of the installation and writes nothing', async () => {
  for (const repo of ['one', 'two']) {
    assert.equal(await status('read', `GET /repos/acme/${repo}`), 200);
    assert.equal(await status('read', ...issue(repo)), 403);
  }
});

test('what writes reaches the one repository that it is for', async () => {
  const use = { writesTo: idOf('one') };
  assert.equal(await status(use, ...issue('one')), 201);
  assert.ok([403, 404].includes(await status(use, ...issue('two'))));
});

test('those who ask at once share one request for a token, which is then kept', async () => {
  clients = await fresh();
  const mark = room.gh.requests.length;
  await Promise.all([1, 2, 3].map(() => status('read', 'GET /repos/acme/one')));
  await status('read', 'GET /repos/acme/two');
  assert.equal(room.gh.requestsSince(mark)['apps/create-installation-access-token'], 1);
});

test('a permission that no owner has accepted yet: all rights there are, and it goes on', async () => {
  delete room.gh.app.permissions['merge_queues'];
  clients = await fresh();
  assert.equal(await status('read', 'GET /repos/acme/one'), 200);
  assert.equal(await status({ writesTo: idOf('two') }, ...issue('two')), 201);
});
