/**
 * The set-up page of a first start: registers a GitHub App through GitHub's manifest flow. It
 * listens on loopback only. The link in the terminal opens it once and becomes a session; the
 * answer from GitHub must carry a state that this page made, and each state works once.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { HttpBindings } from '@hono/node-server';
import { Hono } from 'hono';
import type { Context } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { getCookie, setCookie } from 'hono/cookie';
import { TagoutError } from '../core/errors.ts';
import type { Log } from './log.ts';
import { createdPage, refusedPage, registerPage, wherePage } from './setup-pages.ts';
import type { Html, WhereProblems, WhereText } from './setup-pages.ts';
import { SETUP_STYLE } from './setup-style.ts';

/** Where the app is to be registered, checked. */
export interface Where {
  /** Null: the person's own account. */
  readonly organisation: string | null;
  /** `https://github.com`, without a slash at its end. */
  readonly githubUrl: string;
  readonly publicUrl: string;
}

/** What the second page sends to GitHub. */
export interface Registration {
  /** The page at GitHub that takes the manifest. */
  readonly page: string;
  readonly manifest: object;
  readonly webhookUrl: string;
  readonly permissions: Readonly<Record<string, string>>;
  readonly events: readonly string[];
}

export interface Created {
  readonly slug: string;
  readonly htmlUrl: string;
  readonly owner: string;
  readonly appId: number;
  readonly storedIn: string;
  readonly checkName: string;
}

export interface SetupParts {
  /** What the terminal's link carries. It works once. */
  readonly token: string;
  readonly publicUrl: string | null;
  /** The web address of the GitHub that the environment names, or null: it is asked. */
  readonly fixedGitHub: string | null;
  /** A fresh secret of at least 128 bits, in characters that a URL can hold. */
  readonly secret: () => string;
  readonly now: () => number;
  readonly register: (where: Where, redirectUrl: string) => Registration;
  /** Exchanges and stores. Throws TagoutError with a sentence for the page. */
  readonly create: (code: string, where: Where) => Promise<Created>;
  /** Called when the last page has been made. */
  readonly onCreated: (created: Created) => void;
  readonly log: Log;
}

interface SetupEnv {
  readonly Bindings: HttpBindings;
}

type Page = Context<SetupEnv>;

const COOKIE = 'tagout_setup';
/** GitHub's code lives for an hour, and so does what waits for it. */
const STATE_LIFE_MS = 60 * 60 * 1000;
const MOST_STATES = 20;
const MAX_BODY_BYTES = 16 * 1024;

interface Waiting {
  readonly where: Where;
  readonly untilMs: number;
}

/** What one set-up remembers between its pages. */
interface Memory {
  token: string | null;
  session: string | null;
  csrf: string;
  created: boolean;
  readonly states: Map<string, Waiting>;
}

/** Compares in constant time; the hash makes the lengths equal. */
export function sameSecret(one: string, other: string): boolean {
  const hash = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(hash(one), hash(other));
}

function isLoopback(host: string): boolean {
  return /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?$/.test(host);
}

/** Builds the application. It keeps its state for the life of one set-up. */
export function createSetupApp(parts: SetupParts): Hono<SetupEnv> {
  const memory: Memory = {
    token: parts.token,
    session: null,
    csrf: parts.secret(),
    created: false,
    states: new Map(),
  };
  const app = new Hono<SetupEnv>();
  app.use(async (context, next) => {
    // A page of another site could otherwise reach this one under a name of its own.
    const host = context.req.header('host') ?? '';
    if (isLoopback(host)) await next();
    else context.res = await refuse(context, 421, 'This page answers on loopback only.');
    protect(context);
  });
  app.get('/', (context) => context.redirect('/setup', 303));
  app.get('/setup/style.css', (context) => {
    context.header('content-type', 'text/css; charset=utf-8');
    return context.body(SETUP_STYLE);
  });
  app.get('/setup', (context) => first(context, parts, memory));
  const tooLarge = (context: Page): Promise<Response> =>
    refuse(context, 413, 'The form is larger than any that this page makes.');
  app.post('/setup/where', bodyLimit({ maxSize: MAX_BODY_BYTES, onError: tooLarge }), (context) =>
    where(context, parts, memory),
  );
  app.get('/setup/created', (context) => created(context, parts, memory));
  app.notFound((context) => refuse(context, 404, 'Nothing is here. The page is at /setup.'));
  app.onError((error, context) => {
    parts.log.error({ name: error.name, path: context.req.path }, 'set-up request failed');
    return refuse(context, 500, 'The request failed; the terminal says why.');
  });
  return app;
}

/** Headers of every answer; a page that posts to GitHub has named its target before. */
function protect(context: Page): void {
  const { headers } = context.res;
  if (!headers.has('content-security-policy')) {
    headers.set('content-security-policy', policyOf("'self'"));
  }
  headers.set('x-content-type-options', 'nosniff');
  headers.set('x-frame-options', 'DENY');
  // With no referrer at all a browser would hide the origin of our own form from us.
  headers.set('referrer-policy', 'strict-origin');
  headers.set('cross-origin-opener-policy', 'same-origin');
  headers.set('cross-origin-resource-policy', 'same-origin');
  headers.set('cache-control', 'no-store');
}

function policyOf(formAction: string): string {
  return [
    "default-src 'none'",
    "style-src 'self'",
    'img-src data:',
    `form-action ${formAction}`,
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ].join('; ');
}

async function show(context: Page, status: 200 | 400, body: Html): Promise<Response> {
  return context.html(await body, status);
}

type Refusal = 400 | 403 | 404 | 410 | 413 | 421 | 500 | 502;

async function refuse(context: Page, status: Refusal, sentence: string): Promise<Response> {
  const again = status === 400 || status === 410 || status === 502;
  return context.html(await refusedPage('This did not work', sentence, again), status);
}

const STRANGER =
  'This browser has not opened the link that the terminal shows, or the link was opened before: ' +
  'each link works once. Stop Tagout in the terminal and run npm start again for a fresh one.';

function isKnown(context: Page, memory: Memory): boolean {
  const given = getCookie(context, COOKIE) ?? '';
  return memory.session !== null && sameSecret(given, memory.session);
}

/** The link from the terminal becomes a session, so that the token does not stay in the address. */
async function first(context: Page, parts: SetupParts, memory: Memory): Promise<Response> {
  const token = context.req.query('token');
  if (token !== undefined) {
    if (memory.token === null || !sameSecret(token, memory.token)) {
      return refuse(context, 403, STRANGER);
    }
    memory.token = null;
    memory.session = parts.secret();
    // Lax, as the way back from GitHub is a navigation from another site.
    const rules = { httpOnly: true, sameSite: 'Lax', path: '/setup' } as const;
    setCookie(context, COOKIE, memory.session, rules);
    return context.redirect('/setup', 303);
  }
  if (!isKnown(context, memory)) return refuse(context, 403, STRANGER);
  const text: WhereText = {
    organisation: '',
    githubUrl: parts.fixedGitHub ?? 'https://github.com',
    publicUrl: parts.publicUrl ?? '',
  };
  return show(context, 200, whereForm(parts, memory, text, {}));
}

function whereForm(
  parts: SetupParts,
  memory: Memory,
  text: WhereText,
  problems: WhereProblems,
): Html {
  return wherePage({ csrf: memory.csrf, text, problems, fixedGitHub: parts.fixedGitHub });
}

async function where(context: Page, parts: SetupParts, memory: Memory): Promise<Response> {
  const origin = context.req.header('origin');
  const own = `http://${context.req.header('host') ?? ''}`;
  const form = await context.req.parseBody();
  const given = (name: string): string => {
    const value = form[name];
    return typeof value === 'string' ? value.trim().slice(0, 300) : '';
  };
  const foreign = origin !== undefined && origin !== own;
  if (foreign || !isKnown(context, memory) || !sameSecret(given('csrf'), memory.csrf)) {
    return refuse(context, 403, STRANGER);
  }
  const text: WhereText = {
    organisation: given('organisation'),
    githubUrl: parts.fixedGitHub ?? given('githubUrl'),
    publicUrl: given('publicUrl'),
  };
  const problems = problemsOf(text);
  if (Object.keys(problems).length > 0) {
    return show(context, 400, whereForm(parts, memory, text, problems));
  }
  const asked: Where = {
    organisation: text.organisation === '' ? null : text.organisation,
    githubUrl: bare(text.githubUrl),
    publicUrl: bare(text.publicUrl),
  };
  return register(context, parts, memory, asked);
}

async function register(
  context: Page,
  parts: SetupParts,
  memory: Memory,
  asked: Where,
): Promise<Response> {
  const state = remember(parts, memory, asked);
  const redirectUrl = `http://${context.req.header('host') ?? ''}/setup/created`;
  const registration = parts.register(asked, redirectUrl);
  const action = `${registration.page}?state=${encodeURIComponent(state)}`;
  context.header('content-security-policy', policyOf(new URL(action).origin));
  const body = registerPage({
    action,
    manifest: JSON.stringify(registration.manifest),
    owner: asked.organisation ?? 'your own account',
    webhookUrl: registration.webhookUrl,
    permissions: registration.permissions,
    events: registration.events,
  });
  return show(context, 200, body);
}

/** A state for one registration; old ones make room, so that nothing grows without bound. */
function remember(parts: SetupParts, memory: Memory, asked: Where): string {
  const state = parts.secret();
  const oldest = memory.states.keys().next().value;
  if (memory.states.size >= MOST_STATES && oldest !== undefined) memory.states.delete(oldest);
  memory.states.set(state, { where: asked, untilMs: parts.now() + STATE_LIFE_MS });
  return state;
}

/** The waiting registration of a state, which is used up by asking. */
function taken(memory: Memory, given: string, nowMs: number): Where | null {
  for (const [state, waiting] of memory.states) {
    if (!sameSecret(given, state)) continue;
    memory.states.delete(state);
    return waiting.untilMs > nowMs ? waiting.where : null;
  }
  return null;
}

async function created(context: Page, parts: SetupParts, memory: Memory): Promise<Response> {
  if (!isKnown(context, memory)) return refuse(context, 403, STRANGER);
  if (memory.created) return refuse(context, 404, 'The app is registered; this page is closed.');
  const asked = taken(memory, context.req.query('state') ?? '', parts.now());
  if (asked === null) {
    const sentence =
      'GitHub’s answer does not belong to a registration that this page began, or it came twice ' +
      'or too late. Nothing was stored.';
    return refuse(context, 410, sentence);
  }
  const code = context.req.query('code') ?? '';
  if (!/^[\w-]{1,200}$/.test(code)) {
    return refuse(context, 400, 'GitHub’s answer carries no code. Nothing was stored.');
  }
  try {
    const made = await parts.create(code, asked);
    memory.created = true;
    context.header('connection', 'close');
    const answer = await show(context, 200, createdPage(made));
    parts.onCreated(made);
    return answer;
  } catch (error) {
    if (!(error instanceof TagoutError)) throw error;
    parts.log.warn({ fault: error.code, detail: error.message }, 'the app was not stored');
    return refuse(context, 502, `${error.message} Nothing was stored.`);
  }
}

function problemsOf(text: WhereText): WhereProblems {
  const problems: { -readonly [Name in keyof WhereProblems]: string } = {};
  if (!/^(?:[a-z\d](?:[a-z\d]|[-_](?=[a-z\d])){0,99})?$/i.test(text.organisation)) {
    problems.organisation =
      'This is not a name that GitHub gives to an organisation: take it from the address of its page.';
  }
  if (!isAddress(text.githubUrl)) {
    problems.githubUrl = 'Write an https address, such as https://github.example.com.';
  }
  if (!isAddress(text.publicUrl)) {
    problems.publicUrl = 'Write an https address, such as https://tagout.example.com.';
  }
  return problems;
}

/** https, or plain http on this machine; no name, password, query or fragment in it. */
function isAddress(text: string): boolean {
  const url = URL.parse(text);
  if (url === null || url.username !== '' || url.password !== '') return false;
  if (url.search !== '' || url.hash !== '') return false;
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.host));
}

function bare(text: string): string {
  return text.replace(/\/+$/, '');
}
