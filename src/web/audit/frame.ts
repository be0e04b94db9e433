/** What stands around every audit page: headers, the way to the other pages, who is signed in. */
import type { Context } from 'hono';
import { markup, type Markup, pageText } from '../../core/report/html.ts';
import type { WebEnv } from '../app.ts';
import type { Session, Sessions } from './session.ts';

export type PageContext = Context<WebEnv>;

export const STYLE_PATH = '/audit/style.css';

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

/** One record that a reader may see. */
export interface LogChoice {
  readonly id: number;
  /** The organisation or person that the installation belongs to. */
  readonly name: string;
}

/** Makes the address of a page for the record that is shown; a path may carry a query already. */
export type LinkTo = (path: string) => string;

/** Links name the record where a reader has several to choose from. */
export function linksFor(log: number, several: boolean): LinkTo {
  return (path) => (several ? `${path}${path.includes('?') ? '&' : '?'}log=${log}` : path);
}

export interface Around {
  /** Who is signed in, and the hidden field of their forms. */
  readonly who: { readonly login: string; readonly field: Markup } | null;
  /** What is shown, and what else could be; null: nothing of a record. */
  readonly record: {
    readonly to: LinkTo;
    readonly name: string;
    readonly several: boolean;
  } | null;
}

/** Somebody who is signed in, with the hidden field without which a form of theirs is refused. */
export function whoOf(sessions: Sessions, session: Session): NonNullable<Around['who']> {
  const token = sessions.formToken(session);
  const field = markup`<input type="hidden" name="form" value="${token}">`;
  return { login: session.login, field };
}

/** Nobody is signed in, and nothing of a record is shown. */
export const NOBODY: Around = { who: null, record: null };

function navOf(path: string, { who, record }: Around): Markup {
  const links =
    record === null
      ? []
      : NAV.map(([href, label]) =>
          path === href
            ? markup`<a href="${record.to(href)}" aria-current="page">${label}</a>`
            : markup`<a href="${record.to(href)}">${label}</a>`,
        );
  const nav = links.length === 0 ? null : markup`<nav aria-label="Audit">${links}</nav>`;
  if (who === null) return markup`${nav}`;
  const other = markup` · <a href="/audit">another</a>`;
  const name = record === null ? null : markup`${record.name}${record.several ? other : null} · `;
  return markup`${nav}<form method="post" action="/audit/sign-out" class="who">
<span>${name}${who.login}</span>${who.field}
<button type="submit">Sign out</button></form>`;
}

export type PageStatus = 200 | 400 | 403 | 404 | 410 | 502 | 503;

/** A whole page under the strictest policy; it is kept nowhere. */
export function show(
  context: PageContext,
  page: { readonly title: string; readonly body: Markup },
  around: Around & { readonly status?: PageStatus },
): Response | Promise<Response> {
  context.header('content-security-policy', CSP);
  context.header('cache-control', 'no-store');
  const nav = navOf(context.req.path, around);
  return context.html(pageText({ ...page, nav, styleHref: STYLE_PATH }), around.status ?? 200);
}

/** A page that says why there is nothing to see, and what to do. */
export function say(
  context: PageContext,
  status: PageStatus,
  words: { readonly title?: string; readonly text: string; readonly more?: Markup },
  around: Around,
): Response | Promise<Response> {
  const title = words.title ?? 'Not shown';
  const body = markup`<h1>${title}</h1><p>${words.text}</p>${words.more ?? null}`;
  return show(context, { title, body }, { ...around, status });
}
