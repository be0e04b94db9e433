/** `/audit`: the record for people, rendered on the server, without any script. */
import { Hono } from 'hono';
import type { Context } from 'hono';
import { getCookie, setCookie } from 'hono/cookie';
import { markup, type Markup, pageText, STYLE } from '../../core/report/html.ts';
import type { Wish } from '../../core/report/period.ts';
import type { WebEnv } from '../app.ts';
import type { Log } from '../log.ts';
import type { Reader, Sessions } from './session.ts';
import type { LogSource, LogView } from './source.ts';
import {
  deploymentMarkup,
  type Filter,
  overviewMarkup,
  registerMarkup,
  tablesMarkup,
  verificationMarkup,
} from './views.ts';

export interface AuditParts {
  readonly source: LogSource;
  readonly sessions: Sessions;
  /** Every read is an event, before anything is shown; when it cannot be written, nothing is. */
  readonly recordRead: (read: {
    readonly installationId: number;
    readonly what: string;
    readonly reader: Reader;
    readonly wish: Wish;
  }) => Promise<void>;
  /** Where somebody without a session goes: a path, or words on what to do. */
  readonly signIn: { readonly path: string } | { readonly words: string };
  /** Cookies are sent over https only. */
  readonly secure: boolean;
  readonly now: () => number;
  readonly log: Log;
}

const CSP =
  "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

const NAV: readonly (readonly [string, string])[] = [
  ['/audit', 'Overview'],
  ['/audit/register', 'Register'],
  ['/audit/exceptions', 'Exceptions'],
  ['/audit/agents', 'Agents and approvers'],
  ['/audit/posture', 'Policy, access, gate'],
  ['/audit/verification', 'Verification'],
];

const COOKIE = 'tagout_audit';

type PageContext = Context<WebEnv>;

function answer(
  context: PageContext,
  page: { title: string; body: Markup },
  status: 200 | 403 | 404 | 503 = 200,
) {
  const links = NAV.map(([href, label]) =>
    context.req.path === href
      ? markup`<a href="${href}" aria-current="page">${label}</a>`
      : markup`<a href="${href}">${label}</a>`,
  );
  const nav = markup`<nav aria-label="Audit">${links}</nav>`;
  context.header('content-security-policy', CSP);
  return context.html(pageText({ ...page, nav, styleHref: '/audit/style.css' }), status);
}

function say(context: PageContext, status: 403 | 404 | 503, words: string) {
  return answer(
    context,
    { title: 'Audit', body: markup`<h1>Not shown</h1><p>${words}</p>` },
    status,
  );
}

function dayMs(text: string): number | null {
  const atMs = /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(`${text}T00:00Z`) : Number.NaN;
  return Number.isNaN(atMs) ? null : atMs;
}

function filterOf(context: PageContext): Filter {
  const query = (name: string): string => (context.req.query(name) ?? '').slice(0, 200).trim();
  const page = Number(query('page'));
  return {
    from: query('from'),
    to: query('to'),
    repo: query('repo'),
    disposition: query('disposition'),
    agent: query('agent'),
    page: Number.isSafeInteger(page) && page > 0 ? page : 1,
  };
}

function wishOf({ from, to, repo }: Filter): Wish {
  return { fromMs: dayMs(from), toMs: dayMs(to), repo: repo === '' ? null : repo };
}

interface Shown {
  readonly view: LogView;
  readonly filter: Filter;
  readonly wish: Wish;
  readonly log: number;
}

/** Lets a reader through to one log, and records it first. */
function guarded(
  parts: AuditParts,
  what: string,
  show: (context: PageContext, shown: Shown) => Promise<Response> | Response,
) {
  return async (context: PageContext): Promise<Response> => {
    const reader = parts.sessions.read(getCookie(context, COOKIE), parts.now());
    if (reader === null) {
      if ('path' in parts.signIn) return context.redirect(parts.signIn.path);
      return say(context, 403, parts.signIn.words);
    }
    const asked = Number(context.req.query('log') ?? reader.logs[0]);
    if (!reader.logs.includes(asked)) {
      return say(context, 403, 'You may not read this record. Ask an owner of the organisation.');
    }
    const filter = filterOf(context);
    const wish = wishOf(filter);
    try {
      await parts.recordRead({ installationId: asked, what, reader, wish });
      const view = await parts.source.view(asked);
      return await show(context, { view, filter, wish, log: asked });
    } catch (error) {
      const why = error instanceof Error ? error.name : 'unknown';
      parts.log.error({ page: what, why }, 'an audit page failed');
      return say(context, 503, 'The record cannot be read now, so nothing is shown. Try again.');
    }
  };
}

function tables(parts: AuditParts, title: string, names: readonly string[]) {
  return guarded(parts, title.toLowerCase(), (context, { view, wish }) => {
    const body = tablesMarkup(view, view.period(wish), { title, names });
    return answer(context, { title, body });
  });
}

/** Gives a browser its session; the cookie goes nowhere but here. */
export function letIn(
  context: PageContext,
  parts: Pick<AuditParts, 'sessions' | 'secure' | 'now'>,
  reader: Reader,
): Response {
  setCookie(context, COOKIE, parts.sessions.issue(reader, parts.now()), {
    httpOnly: true,
    secure: parts.secure,
    sameSite: 'Lax',
    path: '/audit',
  });
  return context.redirect('/audit');
}

/** The pages, to be mounted at the root: their paths begin with /audit. */
export function createAuditPages(parts: AuditParts): Hono<WebEnv> {
  const app = new Hono<WebEnv>();
  app.get('/audit/style.css', (context) => {
    context.header('cache-control', 'max-age=300');
    return context.body(STYLE, 200, { 'content-type': 'text/css; charset=utf-8' });
  });
  app.get(
    '/audit',
    guarded(parts, 'overview', (context, { view, wish }) =>
      answer(context, { title: 'Overview', body: overviewMarkup(view, view.period(wish)) }),
    ),
  );
  app.get(
    '/audit/register',
    guarded(parts, 'register', (context, { view, filter, wish }) =>
      answer(context, { title: 'Register', body: registerMarkup(view.period(wish), filter) }),
    ),
  );
  app.get(
    '/audit/deployment/:leaf{[0-9]{1,15}}',
    guarded(parts, 'deployment', (context, { view }) => {
      const leaf = Number(context.req.param('leaf'));
      const row = view.collected.deployments.find((one) => one.leafIndex === leaf);
      if (row === undefined) return say(context, 404, 'No deployment of this record has this row.');
      return answer(context, { title: row.repo, body: deploymentMarkup(view, row) });
    }),
  );
  app.get(
    '/audit/exceptions',
    tables(parts, 'Exceptions', ['exceptions', 'population', 'samples']),
  );
  app.get('/audit/agents', tables(parts, 'Agents and approvers', ['agents', 'approvers']));
  app.get(
    '/audit/posture',
    tables(parts, 'Policy, access, gate', [
      'policy_changes',
      'break_glass',
      'access',
      'gate_health',
    ]),
  );
  app.on(
    ['GET', 'POST'],
    '/audit/verification',
    guarded(parts, 'verification', async (context, { view, log }) => {
      const run = context.req.method === 'POST';
      const verdict = run ? await parts.source.verify(log) : null;
      return answer(context, { title: 'Verification', body: verificationMarkup(view, verdict) });
    }),
  );
  return app;
}
