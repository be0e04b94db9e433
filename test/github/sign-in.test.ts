/** Signing in for an app, as GitHub documents it. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { LocalGitHub } from './index.ts';

const CALLBACK = 'https://tagout.example.com/audit/callback';
const VERIFIER = 'v'.repeat(43);
const CHALLENGE = createHash('sha256').update(VERIFIER).digest('base64url');

describe('signing in for an app', () => {
  let gh: LocalGitHub;
  let nowMs = 1_790_000_000_000;
  before(async () => {
    gh = await LocalGitHub.start({ now: () => nowMs });
    gh.user('alice');
    gh.app.callbackUrls = [CALLBACK];
  });
  after(() => gh.close());

  async function authorize(more: Record<string, string>, by: string | null): Promise<URL | null> {
    const query = new URLSearchParams({ client_id: gh.app.clientId, state: 's1', ...more });
    const answer = await fetch(`${gh.url}/login/oauth/authorize?${query.toString()}`, {
      method: 'POST',
      redirect: 'manual',
      body: new URLSearchParams(by === null ? {} : { by }),
    });
    return URL.parse(answer.headers.get('location') ?? '');
  }

  async function exchange(fields: Record<string, string>): Promise<Record<string, unknown>> {
    const secret = { client_id: gh.app.clientId, client_secret: gh.app.clientSecret };
    const answer = await fetch(`${gh.url}/login/oauth/access_token`, {
      method: 'POST',
      headers: { accept: 'application/json' },
      body: new URLSearchParams({ ...secret, ...fields }),
    });
    assert.equal(answer.status, 200, 'GitHub answers 200 to refusals too');
    return (await answer.json()) as Record<string, unknown>;
  }

  const pkce = { code_challenge: CHALLENGE, code_challenge_method: 'S256' };
  const codeOf = async (more: Record<string, string> = {}): Promise<string> =>
    (await authorize(more, 'alice'))?.searchParams.get('code') ?? '';

  test('the page names the people, and a code becomes a token of the chosen one, once', async () => {
    const page = await fetch(`${gh.url}/login/oauth/authorize?client_id=${gh.app.clientId}`);
    assert.match(await page.text(), /Sign in as alice/);
    const to = await authorize({ redirect_uri: CALLBACK, ...pkce }, 'alice');
    assert.equal(to?.searchParams.get('state'), 's1');
    const code = to?.searchParams.get('code') ?? '';
    const fields = { code, code_verifier: VERIFIER, redirect_uri: CALLBACK };
    const made = await exchange(fields);
    assert.equal(made['token_type'], 'bearer');
    const me = await fetch(`${gh.url}/user`, {
      headers: { authorization: `bearer ${String(made['access_token'])}` },
    });
    assert.equal(((await me.json()) as { login: string }).login, 'alice');
    assert.equal((await exchange(fields))['error'], 'bad_verification_code');
  });

  test('another verifier, a late code, a wrong secret and a wrong address are refused', async () => {
    const wrong = { code: await codeOf(pkce), code_verifier: 'w'.repeat(43) };
    assert.equal((await exchange(wrong))['error'], 'bad_verification_code');
    const late = await codeOf();
    nowMs += 601_000;
    assert.equal((await exchange({ code: late }))['error'], 'bad_verification_code');
    const secret = { code: await codeOf(), client_secret: 'x' };
    assert.equal((await exchange(secret))['error'], 'incorrect_client_credentials');
    const moved = { code: await codeOf({ redirect_uri: CALLBACK }) };
    assert.equal((await exchange(moved))['error'], 'redirect_uri_mismatch');
    const elsewhere = await authorize({ redirect_uri: 'https://evil.example/audit' }, 'alice');
    assert.equal(elsewhere, null, 'nobody is sent to an address that is not registered');
  });

  test('who says no comes back with access_denied', async () => {
    const to = await authorize({}, null);
    assert.equal(to?.searchParams.get('error'), 'access_denied');
  });
});
