/**
 * Signing in with GitHub and out again. What waits for GitHub's answer is one random text in a
 * cookie of the browser that began; the state and the PKCE verifier are made from it with the
 * server's key, so that an answer fits only the browser and the ten minutes it was asked for.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { Hono, MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { deleteCookie, getCookie, setCookie } from 'hono/cookie';
import { markup } from '../../core/report/html.ts';
import type { WebEnv } from '../app.ts';
import type { Log } from '../log.ts';
import { type Around, type PageContext, say, whoOf } from './frame.ts';
import { type Reader, sameText, type Session, type Sessions } from './session.ts';

/** Who signs people in; GitHub. */
export interface SignIn {
  page(asked: { readonly state: string; readonly challenge: string }): string;
  /** Rejects when it cannot be asked. */
  exchange(code: string, verifier: string): Promise<Reader | { readonly refused: string }>;
}

export interface SignInParts {
  readonly sessions: Sessions;
  /** Where somebody without a session goes: to GitHub, or words on what to do. */
  readonly signIn: SignIn | { readonly words: string };
  /** Cookies are sent over https only. */
  readonly secure: boolean;
  readonly now: () => number;
  readonly log: Log;
}

/** Where GitHub sends people back to, below the public address. */
export const CALLBACK_PATH = '/audit/callback';

const COOKIE = 'tagout_audit';
const WAITING = 'tagout_sign_in';
const WAIT_MS = 600_000;
/** So many answers are remembered as used; each is over after ten minutes anyway. */
const MOST_USED = 10_000;
const MAX_FORM_BYTES = 16 * 1024;

/** With https the browser itself holds that the cookie is this host's alone. */
const prefixOf = ({ secure }: SignInParts) => (secure ? ('host' as const) : undefined);

function rules(parts: SignInParts, maxAge?: number) {
  const prefix = prefixOf(parts);
  return {
    httpOnly: true,
    secure: parts.secure,
    sameSite: 'Lax',
    path: '/',
    ...(prefix === undefined ? {} : { prefix }),
    ...(maxAge === undefined ? {} : { maxAge }),
  } as const;
}

function cookieOf(context: PageContext, parts: SignInParts, name: string): string | undefined {
  const prefix = prefixOf(parts);
  return prefix === undefined ? getCookie(context, name) : getCookie(context, name, prefix);
}

/** The session of a browser, or null. */
export function sessionOf(context: PageContext, parts: SignInParts): Session | null {
  return parts.sessions.read(cookieOf(context, parts, COOKIE), parts.now());
}

/** Gives a browser its session and shows it the first page. */
export function letIn(context: PageContext, parts: SignInParts, reader: Reader): Response {
  setCookie(context, COOKIE, parts.sessions.issue(reader, parts.now()), rules(parts));
  return context.redirect('/audit', 303);
}

/** Nothing of a record stands around these pages. */
export function bare(parts: SignInParts, session: Session | null = null): Around {
  return { who: session === null ? null : whoOf(parts.sessions, session), record: null };
}

/** The page for somebody without a session. */
export function invite(context: PageContext, parts: SignInParts): Response | Promise<Response> {
  if ('words' in parts.signIn) {
    return say(context, 403, { title: 'Not signed in', text: parts.signIn.words }, bare(parts));
  }
  const words = {
    title: 'The audit record',
    text:
      'Every production deployment, who approved it, and what nobody approved. The owners of the ' +
      'organisation may read it, and the teams that its policy names as readers. Each page that ' +
      'is read is itself recorded.',
    more: markup`<p><a class="button" href="/audit/sign-in">Sign in with GitHub</a></p>`,
  };
  return say(context, 403, words, bare(parts));
}

/** Whether a posted form is one of this session's own pages. */
export async function isOwnForm(
  context: PageContext,
  sessions: Sessions,
  session: Session,
): Promise<boolean> {
  const { form } = await context.req.parseBody();
  return typeof form === 'string' && sessions.isOwnForm(session, form);
}

function tooLarge(context: PageContext): Response {
  return context.text('The form is larger than any that these pages make.\n', 413);
}

export const formLimit: MiddlewareHandler = bodyLimit({
  maxSize: MAX_FORM_BYTES,
  onError: tooLarge,
});

interface Waiting {
  readonly nonce: string;
  readonly untilMs: number;
}

function secretsFor(sessions: Sessions, { nonce, untilMs }: Waiting) {
  const text = `${nonce}\n${untilMs}`;
  const verifier = sessions.seal('pkce', text);
  return {
    state: `${untilMs}.${sessions.seal('state', text)}`,
    verifier,
    challenge: createHash('sha256').update(verifier).digest('base64url'),
  };
}

function begin(context: PageContext, parts: SignInParts, signIn: SignIn): Response {
  const waiting = {
    nonce: randomBytes(32).toString('base64url'),
    untilMs: parts.now() + WAIT_MS,
  };
  setCookie(context, WAITING, waiting.nonce, rules(parts, WAIT_MS / 1000));
  return context.redirect(signIn.page(secretsFor(parts.sessions, waiting)), 303);
}

/** The verifier of the sign-in that an answer belongs to; each answer is taken once. */
function verifierFor(context: PageContext, parts: SignInParts, used: Set<string>): string | null {
  const nonce = cookieOf(context, parts, WAITING) ?? '';
  const given = context.req.query('state') ?? '';
  const untilMs = Number(given.split('.')[0]);
  if (nonce === '' || !Number.isSafeInteger(untilMs)) return null;
  const { state, verifier } = secretsFor(parts.sessions, { nonce, untilMs });
  if (!sameText(given, state) || untilMs <= parts.now() || used.has(state)) return null;
  used.add(state);
  const [oldest] = used;
  if (used.size > MOST_USED && oldest !== undefined) used.delete(oldest);
  return verifier;
}

const AGAIN = markup`<p><a class="button" href="/audit/sign-in">Sign in again</a></p>`;

const NOT_OURS =
  'This answer of GitHub’s does not belong to a sign-in that this browser began in the last ten ' +
  'minutes, or it was used before. Nobody was signed in.';

async function callback(
  context: PageContext,
  parts: SignInParts & { readonly signIn: SignIn },
  used: Set<string>,
): Promise<Response> {
  const refuse = (status: 400 | 403 | 502 | 503, text: string) =>
    say(context, status, { title: 'Not signed in', text, more: AGAIN }, bare(parts));
  const verifier = verifierFor(context, parts, used);
  deleteCookie(context, WAITING, rules(parts));
  if (verifier === null) return refuse(400, NOT_OURS);
  const code = context.req.query('code') ?? '';
  if (!/^[\w-]{1,200}$/.test(code)) {
    return refuse(403, 'GitHub did not sign you in: the request was cancelled there.');
  }
  try {
    const found = await parts.signIn.exchange(code, verifier);
    if (!('refused' in found)) return letIn(context, parts, found);
    parts.log.warn({ why: found.refused }, 'GitHub refused a sign-in');
    const text =
      found.refused === 'incorrect_client_credentials'
        ? 'GitHub does not accept CLIENT_ID and CLIENT_SECRET of this server: whoever runs it must ' +
          'compare them with the app’s settings page.'
        : 'GitHub refused the sign-in: its code was used before or is older than ten minutes.';
    return refuse(403, text);
  } catch {
    parts.log.warn({ why: 'unreachable' }, 'GitHub could not be asked for a sign-in');
    return refuse(503, 'GitHub cannot be asked now, so nobody is signed in. Try again.');
  }
}

/** Adds the routes; without a way to sign in only the one that signs out. */
export function addSignIn(app: Hono<WebEnv>, parts: SignInParts): void {
  const { signIn, sessions } = parts;
  app.post('/audit/sign-out', formLimit, async (context) => {
    const session = sessionOf(context, parts);
    if (session === null) return context.redirect('/audit', 303);
    if (!(await isOwnForm(context, sessions, session))) {
      const text = 'This form does not come from a page of yours. You are still signed in.';
      return say(context, 403, { title: 'Not signed out', text }, bare(parts, session));
    }
    sessions.end(session);
    deleteCookie(context, COOKIE, rules(parts));
    return context.redirect('/audit', 303);
  });
  if ('words' in signIn) return;
  const used = new Set<string>();
  app.get('/audit/sign-in', (context) => begin(context, parts, signIn));
  app.get(CALLBACK_PATH, (context) => callback(context, { ...parts, signIn }, used));
}
