/** Deployers outside of GitHub's workflows: the decision endpoint, its tokens, and `tagout wait`. */
import assert from 'node:assert/strict';
import { createSign, generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { run } from '../../src/cli.ts';
import { createOidcCheck, issuerOf } from '../../src/github/oidc.ts';
import { createDeployerToken } from '../../src/store/deployers.ts';
import type { Repo } from '../github/index.ts';
import { tagoutCheck, until } from '../story/scene.ts';
import { work } from './line.ts';
import { openServer, type Server } from './server.ts';

let server: Server;
let repo: Repo;
let token: string;
before(async () => {
  server = await openServer();
  repo = await server.shop();
  const { sql } = server.tagout.served.store;
  const place = { repository: 'Acme/App-1', environment: 'Production' };
  token = await createDeployerToken(sql, place, Date.now());
});
after(() => server.close());

function ask(path: string, bearer: string | null): Promise<Response> {
  const headers = bearer === null ? {} : { authorization: `Bearer ${bearer}` };
  return fetch(`${server.url}/api/decisions/${path}`, { headers });
}

async function wait(sha: string, bearer = token): Promise<{ code: number; said: string }> {
  let said = '';
  const flags = ['--environment', 'production', '--sha', sha, '--repo', 'acme/app-1'];
  const code = await run(['wait', ...flags, '--url', server.url, '--minutes', '0.1'], {
    env: { TAGOUT_TOKEN: bearer },
    cwd: '/',
    now: Date.now,
    out: (text) => {
      said += text;
    },
    err: (text) => {
      said += text;
    },
  });
  return { code, said };
}

test('B17 without the token of this very environment nothing is told', async () => {
  const sha = repo.sha();
  const other = `tagout_${'x'.repeat(43)}`;
  for (const bearer of [null, 'short', other, `${token}x`, 'a.b.c'.padEnd(30, 'd')]) {
    assert.equal((await ask(`acme/app-1/production/${sha}`, bearer)).status, 401);
  }
  assert.equal((await ask(`acme/app-1/staging/${sha}`, token)).status, 401);
  assert.equal((await ask(`acme/other/production/${sha}`, token)).status, 401);
  assert.equal((await ask('acme/app-1/production/main', token)).status, 400);
  assert.equal((await wait(sha, other)).code, 64);
});

test('a commit is held, approved, and then allowed to a pipeline anywhere', async () => {
  await repo.startRun({ actor: 'maria' });
  const pull = await work(repo);
  await until('held', () => tagoutCheck(repo, pull.headSha));
  const sha = await pull.merge({ by: 'maria' });
  const held = await wait(sha);
  assert.equal(held.code, 10);
  assert.match(held.said, /hold: merged-past, approvals-missing/, 'the merge did not wait either');
  await pull.review({ by: 'octavia' });
  const { sql } = server.tagout.served.store;
  await sql`update tagout.subject set read_at_ms = read_at_ms - 60000 where key like '%:sha:%'`;
  const allowed = await wait(sha);
  assert.deepEqual([allowed.code, allowed.said], [0, 'allow\n']);
  const check = await until('the commit carries the answer', () => {
    const found = repo.checkRuns(sha).findLast((one) => one.name === 'tagout/production');
    return found?.conclusion === 'success' ? found : null;
  });
  assert.equal(check.headSha, sha);
  await repo.deploy({ by: 'ben', sha });
  await server.gh.settled();
  assert.equal(
    (await server.codes(repo, 'bypass-detected')).length,
    0,
    'what was allowed is no incident',
  );
});

const keys = generateKeyPairSync('rsa', { modulusLength: 2048 });

function jwt(claims: object, header: object = { alg: 'RS256', kid: 'k1' }): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const text = `${part(header)}.${part(claims)}`;
  const signature = createSign('RSA-SHA256').update(text).sign(keys.privateKey, 'base64url');
  return `${text}.${signature}`;
}

test("a workflow job's identity is believed only whole, signed, fresh and for its own place", async () => {
  const jwk = { ...keys.publicKey.export({ format: 'jwk' }), kid: 'k1', alg: 'RS256', use: 'sig' };
  let isDown = false;
  const http = createServer((_, answer) => {
    answer.statusCode = isDown ? 503 : 200;
    answer.end(isDown ? 'away' : JSON.stringify({ keys: [jwk] }));
  });
  await new Promise<void>((resolve) => {
    http.listen(0, '127.0.0.1', resolve);
  });
  const issuer = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  const nowMs = 1_795_000_000_000;
  let laterMs = 0;
  const now = (): number => nowMs + laterMs;
  const check = createOidcCheck({ issuer, audience: 'tagout', now });
  const at = nowMs / 1000;
  const good = {
    iss: issuer,
    aud: 'tagout',
    iat: at - 5,
    nbf: at - 5,
    exp: at + 300,
    repository: 'acme/shop',
    environment: 'production',
  };
  const place = { repository: 'acme/shop', environment: 'production' };
  assert.equal(await check(jwt(good), place), true);
  const bad: readonly object[] = [
    { ...good, iss: 'https://evil.example' },
    { ...good, aud: 'other' },
    { ...good, exp: at - 60 },
    { ...good, iat: at + 60 },
    { ...good, nbf: at + 60 },
    { ...good, repository: 'acme/other' },
    { ...good, environment: 'staging' },
    { ...good, environment: undefined },
  ];
  for (const claims of bad)
    assert.equal(await check(jwt(claims), place), false, JSON.stringify(claims));
  assert.equal(await check(jwt(good, { alg: 'none', kid: 'k1' }), place), false);
  assert.equal(await check(jwt(good, { alg: 'HS256', kid: 'k1' }), place), false);
  assert.equal(await check(jwt(good, { alg: 'RS256', kid: 'k2' }), place), false);
  const [head, , signature] = jwt(good).split('.');
  const forged = Buffer.from(JSON.stringify({ ...good, exp: at + 900 })).toString('base64url');
  assert.equal(await check(`${head}.${forged}.${signature}`, place), false);
  isDown = true;
  const long = jwt({ ...good, exp: at + 7200 });
  laterMs = 601_000;
  assert.equal(await check(long, place), false, 'without keys nobody is believed');
  isDown = false;
  laterMs += 5_000;
  assert.equal(await check(long, place), false, 'keys are not asked for at every knock');
  laterMs += 6_000;
  assert.equal(await check(long, place), true);
  http.close();
  http.closeAllConnections();
});

test('B17 the endpoint believes a job of this environment only', async () => {
  const { world } = server.gh;
  const issuer = issuerOf(server.gh.url);
  const jwk = { ...keys.publicKey.export({ format: 'jwk' }), kid: 'k1', alg: 'RS256', use: 'sig' };
  const at = Math.floor(Date.now() / 1000);
  const good = {
    iss: issuer,
    aud: 'tagout',
    iat: at - 5,
    exp: at + 600,
    repository: 'acme/app-1',
    environment: 'production',
  };
  const sha = repo.sha();
  const status = async (claims: object, header?: object): Promise<number> =>
    (await ask(`acme/app-1/production/${sha}`, jwt(claims, header))).status;
  world.jobKeys = [jwk];
  assert.equal(await status(good), 200);
  const bad: readonly (readonly [object, object?])[] = [
    [{ ...good, iss: 'https://token.actions.githubusercontent.com' }],
    [{ ...good, repository: 'acme/app-2' }],
    [{ ...good, environment: 'staging' }],
    [{ ...good, environment: undefined }],
    [{ ...good, aud: 'https://github.com/acme' }],
    [{ ...good, exp: at - 60 }],
    [good, { alg: 'none', kid: 'k1' }],
    [good, { alg: 'RS256', kid: 'k2' }],
  ];
  for (const [claims, header] of bad) {
    assert.equal(await status(claims, header), 401, JSON.stringify([claims, header]));
  }
  assert.equal(await status(good), 200, 'what was refused takes nothing away');
});

test('identities come from the GitHub that the server talks to', () => {
  const com = 'https://token.actions.githubusercontent.com';
  assert.equal(issuerOf('https://api.github.com'), com);
  assert.equal(issuerOf('https://git.acme.dev/api/v3'), 'https://git.acme.dev/_services/token');
});
