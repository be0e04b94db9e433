/**
 * Signing in with GitHub for an app: the page on which a person says who they are, and the exchange
 * of the code (docs.github.com: generating a user access token for a GitHub App).
 */
import { createHash } from 'node:crypto';
import type { Reply } from './http.ts';
import { isRecord } from './http.ts';
import { button, html, layout, list, notice, section } from './page-parts.ts';
import type { PageRequest } from './pages.ts';
import type { AppRecord, SignInCode } from './state.ts';
import type { World } from './world.ts';

const CODE_LIFE_MS = 600_000;
const TOKEN_LIFE_MS = 8 * 3_600_000;

function appOf(world: World, clientId: string | null): AppRecord | null {
  return world.apps.find((app) => app.clientId === clientId) ?? null;
}

/** The address to come back to: a registered one, or below it on the same host. */
function returnTo(app: AppRecord, asked: string | null): string | null {
  const [first] = app.callbackUrls;
  if (asked === null) return first ?? null;
  const url = URL.parse(asked);
  const fits = app.callbackUrls.some((registered) => {
    const base = new URL(registered);
    return url !== null && url.origin === base.origin && url.pathname.startsWith(base.pathname);
  });
  return fits ? asked : null;
}

function back(to: string, values: Readonly<Record<string, string | null>>): Reply {
  const url = new URL(to);
  for (const [name, value] of Object.entries(values)) {
    if (value !== null) url.searchParams.set(name, value);
  }
  const headers = { location: url.href };
  return { status: 302, headers, text: '', type: 'text/html; charset=utf-8' };
}

function authorize(world: World, { method, query, raw }: PageRequest): Reply {
  const app = appOf(world, query.get('client_id'));
  if (app === null) return html(layout('Not found', ''), 404);
  const state = query.get('state');
  const to = returnTo(app, query.get('redirect_uri'));
  if (to === null) {
    const message = 'The redirect_uri is not associated with this application.';
    return html(layout('Be careful!', notice(message, 'bad')));
  }
  if (method !== 'POST') return html(choice(world, app, query));
  const form = new URLSearchParams(raw);
  if (form.get('by') === null) {
    const error_description = 'The user has denied your application access.';
    return back(to, { error: 'access_denied', error_description, state });
  }
  const code = world.token(`sign-in ${world.nextId('sign-in')}`).slice(0, 20);
  world.signInCodes.set(code, {
    app,
    user: world.account(form.get('by') ?? ''),
    redirectUri: query.get('redirect_uri'),
    challenge: query.get('code_challenge'),
    expiresAtMs: world.now() + CODE_LIFE_MS,
  });
  return back(to, { code, state });
}

function choice(world: World, app: AppRecord, query: URLSearchParams): string {
  const action = `/login/oauth/authorize?${query.toString()}`;
  const people = [...world.accounts.values()].filter(
    ({ type, login }) => type === 'User' && !['web-flow', 'ghost'].includes(login),
  );
  const who = list(people.map(({ login }) => button(action, `Sign in as ${login}`, { by: login })));
  const none = button(action, 'Cancel', {});
  return layout(`Authorize ${app.name}`, section('Who are you?', who + none));
}

/** GitHub answers 200 to a refused exchange too; the form is the one that was asked for. */
function answer(values: Readonly<Record<string, string | number>>, accept: string): Reply {
  if (accept.includes('application/json')) return { status: 200, json: values };
  const pairs = Object.entries(values).map(([name, value]) => [name, String(value)] as const);
  const text = new URLSearchParams(Object.fromEntries(pairs)).toString();
  return { status: 200, text, type: 'application/x-www-form-urlencoded; charset=utf-8' };
}

const WHERE = 'https://docs.github.com/apps/oauth-apps/maintaining-oauth-apps/troubleshooting';

function refused(error: string, error_description: string, accept: string): Reply {
  return answer({ error, error_description, error_uri: `${WHERE}#${error}` }, accept);
}

function fieldsOf(raw: string): URLSearchParams {
  if (!raw.startsWith('{')) return new URLSearchParams(raw);
  const body: unknown = JSON.parse(raw);
  const pairs = Object.entries(isRecord(body) ? body : {});
  return new URLSearchParams(
    Object.fromEntries(pairs.map(([name, value]) => [name, String(value)])),
  );
}

function proves(code: SignInCode, verifier: string | null): boolean {
  if (code.challenge === null) return true;
  const hash = createHash('sha256')
    .update(verifier ?? '')
    .digest('base64url');
  return hash === code.challenge;
}

function accessToken(world: World, { raw, accept }: PageRequest): Reply {
  const fields = fieldsOf(raw);
  const app = appOf(world, fields.get('client_id'));
  if (app === null || fields.get('client_secret') !== app.clientSecret) {
    const message = 'The client_id and/or client_secret passed are incorrect.';
    return refused('incorrect_client_credentials', message, accept);
  }
  const given = fields.get('code') ?? '';
  const code = world.signInCodes.get(given);
  world.signInCodes.delete(given);
  const known = code !== undefined && code.app === app && code.expiresAtMs > world.now();
  if (!known || !proves(code, fields.get('code_verifier'))) {
    const message = 'The code passed is incorrect or expired.';
    return refused('bad_verification_code', message, accept);
  }
  if (code.redirectUri !== fields.get('redirect_uri')) {
    const message = 'The redirect_uri MUST match the registered callback URL for this application.';
    return refused('redirect_uri_mismatch', message, accept);
  }
  const token = `ghu_${world.token(`user token ${world.nextId('token')}`).slice(0, 36)}`;
  const expiresAtMs = world.now() + TOKEN_LIFE_MS;
  const none = { installation: null, repositories: null, permissions: {} };
  world.tokens.set(token, { token, kind: 'user', app, user: code.user, expiresAtMs, ...none });
  const refresh_token = `ghr_${world.token(`refresh ${token}`)}`;
  return answer(
    {
      access_token: token,
      expires_in: TOKEN_LIFE_MS / 1000,
      refresh_token,
      refresh_token_expires_in: 15_811_200,
      scope: '',
      token_type: 'bearer',
    },
    accept,
  );
}

/** The pages below `/login/oauth`, or null when there is none. */
export function signIn(world: World, request: PageRequest): Reply | null {
  const { method, path } = request;
  if (path === '/login/oauth/authorize') return authorize(world, request);
  if (path === '/login/oauth/access_token' && method === 'POST') return accessToken(world, request);
  return null;
}
