/** Tokens, permissions, caching and faults. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { after, before, test } from 'node:test';
import { createAppAuth } from '@octokit/auth-app';
import { Octokit } from '@octokit/rest';
import { acme, appOctokit, refusal, type Acme } from './world.fixture.ts';

let world: Acme;
let nowMs = Date.now();

before(async () => {
  world = await acme({ now: () => nowMs });
});
after(() => world.gh.close());

async function token(body: unknown = {}): Promise<string> {
  const { gh } = world;
  const app = createAppAuth({ appId: gh.app.id, privateKey: gh.app.privateKey });
  const jwt = await app({ type: 'app' });
  const path = `/app/installations/${gh.installation('acme').id}/access_tokens`;
  const answer = await fetch(gh.url + path, {
    method: 'POST',
    headers: { authorization: `bearer ${jwt.token}` },
    body: JSON.stringify(body),
  });
  const json = (await answer.json()) as { token?: string; message?: string };
  return json.token ?? `${answer.status} ${json.message}`;
}

function get(
  path: string,
  bearer: string,
  headers: Record<string, string> = {},
): Promise<Response> {
  return fetch(world.gh.url + path, { headers: { authorization: `bearer ${bearer}`, ...headers } });
}

test('a permission that the manifest lacks is refused', async () => {
  const { octokit, place } = world;
  const write = octokit.repos.createCommitStatus({ ...place, sha: 'x', state: 'success' });
  assert.match(await refusal(write), /^403 Resource not accessible by integration/);
  const blob = octokit.git.createBlob({ ...place, content: 'x' });
  assert.match(await refusal(blob), /^403 Resource not accessible by integration/);
});

test('a token can be narrowed, and opens no more than that', async () => {
  const { gh } = world;
  await gh.repo('acme/other');
  const narrow = await token({ repositories: ['shop'], permissions: { contents: 'read' } });
  assert.equal((await get('/repos/acme/shop/contents/README.md', narrow)).status, 200);
  assert.equal((await get('/repos/acme/shop/pulls', narrow)).status, 403);
  assert.equal((await get('/repos/acme/other', narrow)).status, 404, 'not to be seen');
  assert.match(await token({ permissions: { contents: 'write' } }), /^422/);
  assert.match(await token({ repositories: ['nowhere'] }), /^422/);
});

test('a token ends after an hour', async () => {
  const short = await token();
  assert.equal((await get('/repos/acme/shop', short)).status, 200);
  nowMs += 3_601_000;
  assert.equal((await get('/repos/acme/shop', short)).status, 401);
  nowMs -= 3_601_000;
});

test('a JWT of another key is refused', async () => {
  const { gh } = world;
  const keys = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const privateKey = keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const octokit = new Octokit({
    baseUrl: gh.url,
    authStrategy: createAppAuth,
    auth: { appId: gh.app.id, privateKey },
    log: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
  });
  assert.match(await refusal(octokit.apps.getAuthenticated()), /^401/);
});

test('a suspended installation is refused everything until it wakes', async () => {
  const { gh } = world;
  const held = await token();
  gh.suspend('acme');
  assert.equal((await get('/repos/acme/shop', held)).status, 403);
  assert.match(await token(), /^403/);
  gh.suspend('acme', false);
  assert.equal((await get('/repos/acme/shop', held)).status, 200);
});

test('a person sees by their role', async () => {
  const { gh } = world;
  const alice = gh.token('alice');
  gh.user('stranger');
  assert.equal((await get('/repos/acme/shop', alice)).status, 200);
  assert.equal((await get('/repos/acme/shop', gh.token('stranger'))).status, 404);
  assert.equal((await get('/user', alice)).status, 200);
});

test('an unchanged answer is 304 and costs nothing; the date is the clock’s', async () => {
  const held = await token();
  const first = await get('/repos/acme/shop', held);
  assert.equal(Date.parse(first.headers.get('date') ?? ''), Math.floor(nowMs / 1000) * 1000);
  const etag = first.headers.get('etag') ?? '';
  const used = Number(first.headers.get('x-ratelimit-used'));
  const again = await get('/repos/acme/shop', held, { 'if-none-match': etag });
  assert.equal(again.status, 304);
  const third = await get('/repos/acme/shop', held);
  assert.equal(Number(third.headers.get('x-ratelimit-used')), used + 1);
  assert.equal(third.headers.get('x-ratelimit-limit'), '5000');
});

test('faults: errors on the nth request, rate limits, dropped answers, stale reads', async () => {
  const { gh, place, pull } = world;
  const octokit = appOctokit(gh);
  const read = (): Promise<unknown> => octokit.pulls.get({ ...place, pull_number: 1 });

  gh.faults.request({ match: 'pulls/get', nth: 2, status: 502 });
  await read();
  assert.match(await refusal(read()), /^502/);
  await read();
  gh.faults.clear();

  gh.faults.request({ match: 'pulls/get', nth: 1, rateLimit: 'secondary', retryAfter: 7 });
  const limited = await read().catch((error: unknown) => error);
  const headers = (limited as { response: { headers: Record<string, string> } }).response.headers;
  assert.equal(headers['retry-after'], '7');
  gh.faults.clear();

  gh.faults.request({ match: 'issues/add-labels', drop: true });
  const write = octokit.issues.addLabels({ ...place, issue_number: 1, labels: ['kept'] });
  assert.match(await refusal(write), /^500/, 'octokit says 500 when there was no answer');
  assert.deepEqual(pull.labels, ['kept'], 'the write took effect');
  gh.faults.clear();

  const before = await octokit.pulls.listReviews({ ...place, pull_number: 1 });
  await pull.review({ by: 'alice' });
  gh.faults.request({ match: 'pulls/list-reviews', nth: 1, stale: true });
  const stale = await octokit.pulls.listReviews({ ...place, pull_number: 1 });
  assert.equal(stale.data.length, before.data.length);
  const fresh = await octokit.pulls.listReviews({ ...place, pull_number: 1 });
  assert.equal(fresh.data.length, before.data.length + 1);
  gh.faults.clear();

  gh.faults.latencyMs = 40;
  const started = performance.now();
  await read();
  assert.ok(performance.now() - started >= 38);
  gh.faults.clear();
});

test('the allowance of an hour can be used up', async () => {
  const { gh, octokit, place } = world;
  gh.world.requests.length = 0;
  gh.faults.request({ match: 'repos/get', nth: 1, rateLimit: 'primary' });
  assert.match(await refusal(octokit.repos.get(place)), /^403 API rate limit exceeded/);
  gh.faults.clear();
});

test('requests are logged by operation', async () => {
  const { gh, octokit, place } = world;
  const mark = gh.requests.length;
  await octokit.repos.get(place);
  await octokit.pulls.list(place);
  assert.deepEqual({ ...gh.requestsSince(mark) }, { 'repos/get': 1, 'pulls/list': 1 });
});
