/** The set-up page by itself: who may use it, what it checks, and what it sends to GitHub. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TagoutError } from '../../src/core/errors.ts';
import { createSetupApp, sameSecret } from '../../src/web/setup.ts';
import type { Created, SetupParts, Where } from '../../src/web/setup.ts';

const TOKEN = 'the-token-of-the-terminal';
const HOST = '127.0.0.1:3000';
const quiet = { info() {}, warn() {}, error() {} };

interface Kept {
  readonly created: { code: string; where: Where }[];
  readonly done: Created[];
  nowMs: number;
}

function setup(change: Partial<SetupParts> = {}) {
  const kept: Kept = { created: [], done: [], nowMs: Date.UTC(2026, 0, 1) };
  let secrets = 0;
  const app = createSetupApp({
    token: TOKEN,
    publicUrl: null,
    fixedGitHub: null,
    secret: () => `secret-${(secrets += 1)}`,
    now: () => kept.nowMs,
    register: (where, redirectUrl) => ({
      page: `${where.githubUrl}/organizations/${where.organisation}/settings/apps/new`,
      manifest: { name: `"><script>alert(1)</script>`, redirect_url: redirectUrl },
      webhookUrl: `${where.publicUrl}/api/github/webhooks`,
      permissions: { checks: 'write' },
      events: ['push'],
    }),
    create: async (code, where) => {
      kept.created.push({ code, where });
      return {
        slug: 'tagout-acme',
        htmlUrl: 'https://github.com/apps/tagout-acme',
        owner: 'acme',
        appId: 7,
        storedIn: '/data/credentials.json',
        checkName: 'tagout',
      };
    },
    onCreated: (made) => void kept.done.push(made),
    log: quiet,
    ...change,
  });
  const get = (path: string, headers: Record<string, string> = {}) =>
    app.request(path, { headers: { host: HOST, ...headers } });
  const post = (fields: Record<string, string>, headers: Record<string, string> = {}) =>
    app.request('/setup/where', {
      method: 'POST',
      body: new URLSearchParams(fields),
      headers: { host: HOST, origin: `http://${HOST}`, ...headers },
    });
  return { app, kept, get, post };
}

async function opened(change: Partial<SetupParts> = {}) {
  const one = setup(change);
  const answer = await one.get(`/setup?token=${TOKEN}`);
  const cookie = (answer.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
  const text = await (await one.get('/setup', { cookie })).text();
  const csrf = /name="csrf" value="([^"]+)"/.exec(text)?.[1] ?? '';
  const fields = {
    csrf,
    organisation: 'acme',
    githubUrl: 'https://github.com',
    publicUrl: 'https://tagout.acme.dev/',
  };
  return { ...one, cookie, csrf, fields };
}

type Opened = Awaited<ReturnType<typeof opened>>;

async function stateOf(one: Opened): Promise<string> {
  const text = await (await one.post(one.fields, { cookie: one.cookie })).text();
  return /new\?state=([\w-]+)"/.exec(text)?.[1] ?? '';
}

test('the link works once and leaves the address; the session is a strict cookie', async () => {
  const { get } = setup();
  const first = await get(`/setup?token=${TOKEN}`);
  assert.equal(first.status, 303);
  assert.equal(first.headers.get('location'), '/setup');
  const cookie = first.headers.get('set-cookie') ?? '';
  assert.match(cookie, /HttpOnly/);
  assert.match(cookie, /SameSite=Lax/);
  assert.match(cookie, /Path=\/setup/);
  assert.equal((await get('/setup', { cookie: cookie.split(';')[0] ?? '' })).status, 200);
  const second = await get(`/setup?token=${TOKEN}`);
  assert.equal(second.status, 403);
  assert.match(await second.text(), /works once.*npm start/s);
});

test('without the token, with a wrong one or a wrong cookie nothing is shown', async () => {
  const { get } = await opened();
  assert.equal((await get('/setup')).status, 403);
  assert.equal((await get('/setup?token=')).status, 403);
  assert.equal((await get(`/setup?token=${TOKEN}x`)).status, 403);
  assert.equal((await get('/setup', { cookie: 'tagout_setup=secret-9' })).status, 403);
  assert.equal((await get('/setup/created?code=abc&state=secret-3')).status, 403);
});

test('a name that only leads to loopback is refused, as a rebound page would use it', async () => {
  const { get } = setup();
  for (const host of ['evil.example', 'localhost.evil.example:3000', '127.0.0.1.nip.io', '']) {
    const answer = await get(`/setup?token=${TOKEN}`, { host });
    assert.equal(answer.status, 421, host);
    assert.match(answer.headers.get('content-security-policy') ?? '', /default-src 'none'/);
  }
  // The refused requests have not used the link up.
  assert.equal((await get(`/setup?token=${TOKEN}`)).status, 303);
});

test('a form of another site, or without the hidden value, is refused', async () => {
  const one = await opened();
  const { cookie, fields } = one;
  assert.equal((await one.post(fields, { cookie, origin: 'https://evil.example' })).status, 403);
  assert.equal((await one.post(fields, { cookie, origin: 'null' })).status, 403);
  assert.equal((await one.post({ ...fields, csrf: 'x' }, { cookie })).status, 403);
  assert.equal((await one.post(fields)).status, 403);
  assert.equal((await one.post(fields, { cookie })).status, 200);
});

test('the second page posts the manifest to GitHub only, and escapes all of it', async () => {
  const one = await opened();
  const answer = await one.post(one.fields, { cookie: one.cookie });
  const text = await answer.text();
  const policy = answer.headers.get('content-security-policy') ?? '';
  assert.match(policy, /form-action https:\/\/github\.com;/);
  assert.doesNotMatch(policy, /unsafe|script-src/);
  assert.match(
    text,
    /action="https:\/\/github\.com\/organizations\/acme\/settings\/apps\/new\?state=/,
  );
  assert.doesNotMatch(text, /<script/i);
  const manifest = /name="manifest" value="([^"]+)"/.exec(text)?.[1] ?? '';
  assert.match(
    manifest.replaceAll('&quot;', '"'),
    /"redirect_url":"http:\/\/127\.0\.0\.1:3000\/setup\/created"/,
  );
  assert.match(text, /https:\/\/tagout\.acme\.dev\/api\/github\/webhooks/);
});

const wrong: readonly (readonly [string, string, RegExp])[] = [
  ['organisation', '../settings', /not a name that GitHub gives/],
  ['organisation', 'a b', /not a name that GitHub gives/],
  ['publicUrl', 'http://tagout.acme.dev', /https address/],
  ['publicUrl', 'https://u:p@tagout.acme.dev', /https address/],
  ['publicUrl', '', /https address/],
  ['githubUrl', 'javascript:alert(1)', /https address/],
  ['githubUrl', 'https://github.com/?x=1', /https address/],
];

for (const [name, value, says] of wrong) {
  test(`${name} = ${JSON.stringify(value)} is told at its field, and what was typed stays`, async () => {
    const one = await opened();
    const answer = await one.post({ ...one.fields, [name]: value }, { cookie: one.cookie });
    const text = await answer.text();
    assert.equal(answer.status, 400);
    assert.match(text, says);
    assert.match(text, new RegExp(`id="${name}"[^>]*aria-invalid="true"`));
    assert.match(text, /value="acme"|value="\.\.\/settings"|value="a b"/);
  });
}

test('the code is exchanged once, with the state that this page made', async () => {
  const one = await opened();
  const { cookie } = one;
  const state = await stateOf(one);
  const strange = await one.get('/setup/created?code=abc123&state=other', { cookie });
  assert.equal(strange.status, 410);
  const good = await one.get(`/setup/created?code=abc123&state=${state}`, { cookie });
  const text = await good.text();
  assert.equal(good.status, 200, text);
  assert.deepEqual(one.kept.created, [
    {
      code: 'abc123',
      where: {
        organisation: 'acme',
        githubUrl: 'https://github.com',
        publicUrl: 'https://tagout.acme.dev',
      },
    },
  ]);
  assert.equal(one.kept.done.length, 1);
  for (const step of [/Install the app/, /Enable the gate/, /Require the check/, /tagout doctor/]) {
    assert.match(text, step);
  }
  const again = await one.get(`/setup/created?code=abc123&state=${state}`, { cookie });
  assert.equal(again.status, 404);
  assert.equal(one.kept.created.length, 1);
});

test('a state dies after an hour, and only the newest of many are kept', async () => {
  const one = await opened();
  const { cookie } = one;
  const late = await stateOf(one);
  one.kept.nowMs += 60 * 60 * 1000;
  assert.equal((await one.get(`/setup/created?code=a&state=${late}`, { cookie })).status, 410);
  const first = await stateOf(one);
  for (let at = 0; at < 20; at += 1) await stateOf(one);
  assert.equal((await one.get(`/setup/created?code=a&state=${first}`, { cookie })).status, 410);
  assert.equal(one.kept.created.length, 0);
});

test('an answer without a code, or one that GitHub refuses, stores nothing and can be repeated', async () => {
  const refusing = async (): Promise<Created> => {
    throw new TagoutError('bad-input', 'GitHub does not know this registration.');
  };
  const one = await opened({ create: refusing });
  const { cookie } = one;
  const none = await one.get(`/setup/created?state=${await stateOf(one)}`, { cookie });
  assert.equal(none.status, 400);
  const answer = await one.get(`/setup/created?code=abc&state=${await stateOf(one)}`, { cookie });
  const text = await answer.text();
  assert.equal(answer.status, 502);
  assert.match(text, /does not know this registration\. Nothing was stored\./);
  assert.match(text, /Begin again/);
  assert.equal(one.kept.done.length, 0);
});

test('every answer has strict headers, and a large body is refused', async () => {
  const one = await opened();
  const { cookie } = one;
  const answers = [
    await one.get('/setup', { cookie }),
    await one.get('/setup'),
    await one.get('/nothing'),
    await one.get('/setup/style.css'),
  ];
  for (const { headers } of answers) {
    assert.match(
      headers.get('content-security-policy') ?? '',
      /default-src 'none'.*frame-ancestors 'none'/,
    );
    assert.equal(headers.get('x-content-type-options'), 'nosniff');
    assert.equal(headers.get('cache-control'), 'no-store');
    assert.equal(headers.get('referrer-policy'), 'strict-origin');
  }
  const large = await one.post({ ...one.fields, organisation: 'a'.repeat(20_000) }, { cookie });
  assert.equal(large.status, 413);
});

test('secrets are compared by hash, so that lengths may differ', () => {
  assert.equal(sameSecret('a', 'a'), true);
  assert.equal(sameSecret('a', 'ab'), false);
  assert.equal(sameSecret('', 'a'), false);
});
