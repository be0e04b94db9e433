/** Tokens are as narrow as their use: the local GitHub refuses everything beyond it. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { EFFECT_KINDS, type Effect } from '../../src/core/effect.ts';
import type { OctokitFor, Use } from '../../src/github/clients.ts';
import { createProbot, octokitFor } from '../../src/github/probot.ts';
import type { RepoRef } from '../../src/core/subject.ts';
import { openRoom, type Room } from './room.ts';

let room: Room;
let clients: OctokitFor;

before(async () => {
  room = await openRoom();
  room.gh.org('acme', { admins: ['boss'] });
  for (const login of ['octavia', 'maria']) room.gh.user(login);
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
  const use = { writesTo: idOf('one'), effect: 'issue' } as const;
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

/** One effect of each kind, all of them about the same pull request and run. */
function effectsOn(place: {
  readonly repo: RepoRef;
  readonly pull: number;
  readonly headSha: string;
  readonly runId: number;
}): { readonly [Kind in Exclude<Effect['kind'], 'notice'>]: Extract<Effect, { kind: Kind }> } {
  const { repo, pull, headSha, runId } = place;
  const at = { key: 'k', repo };
  const gate = { ...at, runId, environment: 'production', comment: 'c' };
  const said = { title: 't', summary: 's', text: 't', annotations: [], shown: null };
  const label = { name: 'blast-radius: low', color: '0e8a16', description: 'd' };
  return {
    'check-run': {
      ...at,
      ...said,
      kind: 'check-run',
      name: 'tagout',
      headSha,
      externalId: 'x',
      conclusion: 'success',
    },
    labels: { ...at, kind: 'labels', pull, add: [label], remove: ['blast-radius: high'] },
    'deployment-note': { ...gate, kind: 'deployment-note' },
    'review-deployment': { ...gate, kind: 'review-deployment', state: 'approved' },
    issue: { ...at, kind: 'issue', title: 't', body: 'b' },
    'pull-comment': {
      ...at,
      kind: 'pull-comment',
      pull,
      environment: 'production',
      body: 'b',
      over: false,
    },
    'review-request': {
      ...at,
      kind: 'review-request',
      pull,
      environment: 'production',
      logins: ['octavia'],
    },
  };
}

/** What the token of each kind may do, and no more. */
const RIGHTS: Readonly<Record<Effect['kind'], Readonly<Record<string, string>> | null>> = {
  'check-run': { metadata: 'read', checks: 'write' },
  labels: { metadata: 'read', issues: 'write', pull_requests: 'write' },
  'deployment-note': { metadata: 'read', deployments: 'write' },
  'review-deployment': { metadata: 'read', actions: 'read', deployments: 'write' },
  issue: { metadata: 'read', issues: 'write' },
  'pull-comment': { metadata: 'read', issues: 'write', pull_requests: 'write' },
  'review-request': { metadata: 'read', pull_requests: 'write' },
  // It goes to a chat, and GitHub is not asked for anything.
  notice: null,
};

test('each effect is written, and looked after, with the rights of its kind alone', async () => {
  const collaborators = { octavia: 'write', maria: 'write' } as const;
  const repo = await room.gh.repo('acme/effects', { collaborators });
  repo.environment('production', { protectedByApp: true });
  await repo.commit({ branch: 'work', files: { 'a.md': 'a\n' }, author: 'maria' });
  const pull = await repo.openPull({ author: 'maria', head: 'work' });
  const run = await repo.startRun({ actor: 'maria' });
  const place = { repo: room.ref(repo), pull: pull.number, headSha: pull.headSha, runId: run.id };
  const known = { checkRunId: null, uncertain: false };
  const all = Object.values(effectsOn(place));
  assert.equal(all.length, Object.keys(EFFECT_KINDS).length - 1);
  for (const effect of all) {
    // An answer that was lost is looked after with the same token.
    for (const uncertain of [false, true]) {
      const mark = room.gh.requests.length;
      const outcome = await room.enact.enact(effect, { ...known, uncertain });
      assert.equal(outcome.status, 'done', `${effect.kind}: ${outcome.detail}`);
      for (const { rights, path } of room.gh.requests.slice(mark)) {
        if (rights !== null) assert.deepEqual(rights, RIGHTS[effect.kind], path);
      }
    }
  }
  // The second answer to the gate was refused (422), and the truth was read with the same token.
  const read = room.gh.requests.filter(({ path }) => path.endsWith('/approvals'));
  assert.deepEqual(read.at(-1)?.rights, RIGHTS['review-deployment']);
});

test('reading, too, is done with a token that can write nothing', async () => {
  const repo = await room.gh.repo('acme/read', {});
  await repo.commit({ branch: 'work', files: { 'a.md': 'a\n' }, author: 'maria' });
  const pull = await repo.openPull({ author: 'maria', head: 'work' });
  const mark = room.gh.requests.length;
  await room.pull(repo, pull.number);
  const rights = room.gh.requests
    .slice(mark)
    .flatMap(({ rights }) => (rights === null ? [] : [rights]));
  assert.ok(rights.length > 0);
  for (const one of rights) assert.deepEqual(new Set(Object.values(one)), new Set(['read']));
});

test('a permission that no owner has accepted yet: the token lacks it, and has nothing more', async () => {
  const { permissions } = room.gh.app;
  delete permissions['merge_queues'];
  clients = await fresh();
  const mark = room.gh.requests.length;
  assert.equal(await status('read', 'GET /repos/acme/one'), 200);
  assert.equal(await status('read', ...issue('one')), 403);
  assert.equal(await status({ writesTo: idOf('two'), effect: 'issue' }, ...issue('two')), 201);
  // What is granted to read only is asked for to read only, and the write is refused by itself.
  permissions['issues'] = 'read';
  clients = await fresh();
  assert.equal(await status({ writesTo: idOf('one'), effect: 'issue' }, ...issue('one')), 403);
  permissions['issues'] = 'write';
  delete permissions['checks'];
  clients = await fresh();
  const check = { writesTo: idOf('one'), effect: 'check-run' } as const;
  assert.equal(await status(check, ...issue('one')), 403, 'no rights of another kind instead');
  const used = room.gh.requests
    .slice(mark)
    .flatMap(({ rights }) => (rights === null ? [] : [rights]));
  const most = used.map((one) => Object.values(one).filter((level) => level === 'write').length);
  assert.ok(Math.max(...most) <= 1, JSON.stringify(used));
});
