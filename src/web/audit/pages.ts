/** `/audit`: the record for people, rendered on the server, without any script. */
import { Hono } from 'hono';
import { markup, type Markup } from '../../core/report/html.ts';
import type { Wish } from '../../core/report/period.ts';
import type { WebEnv } from '../app.ts';
import { type Around, linksFor, type LogChoice, type PageContext } from './frame.ts';
import { NOBODY, say, show, STYLE_PATH, whoOf } from './frame.ts';
import type { Reader, Session } from './session.ts';
import { addSignIn, bare, formLimit, invite, isOwnForm, sessionOf } from './sign-in.ts';
import type { SignInParts } from './sign-in.ts';
import type { LogSource, LogView } from './source.ts';
import { AUDIT_STYLE } from './style.ts';
import {
  deploymentMarkup,
  type Filter,
  overviewMarkup,
  registerMarkup,
  tableOf,
  verificationMarkup,
} from './views.ts';

/** What a reader may see now. */
export interface Rights {
  readonly logs: readonly LogChoice[];
  /** A record could not be asked about, so it is not among them. */
  readonly unread: boolean;
}

export interface AuditParts extends SignInParts {
  readonly source: LogSource;
  readonly rightsOf: (reader: Reader) => Promise<Rights>;
  /** Every read is an event, before anything is shown; when it cannot be written, nothing is. */
  readonly recordRead: (read: {
    readonly installationId: number;
    readonly what: string;
    readonly reader: Reader;
    readonly wish: Wish;
  }) => Promise<void>;
  /** So is a refusal. `asked`: the record that was named; null: none was. */
  readonly recordRefusal: (reader: Reader, asked: number | null) => Promise<void>;
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
  readonly log: LogChoice;
  readonly session: Session;
  readonly around: { readonly [Part in keyof Around]: NonNullable<Around[Part]> };
}

type Show = (context: PageContext, shown: Shown) => Promise<Response> | Response;

const STRANGER =
  'This account may not read the record. Its readers are the owners of the organisation and the ' +
  'teams under audit.readers in .github/tagout.yml of the organisation’s repository .github: ask ' +
  'an owner to add you to one of them. The attempt is recorded.';

const UNASKED =
  'GitHub cannot be asked now whether you may read this, so nothing is shown. Try again.';

const BROKEN = 'The record cannot be read now, so nothing is shown. Try again.';

/** The record that is asked for, if this reader may see it; else the page that says why not. */
async function chosen(
  context: PageContext,
  parts: AuditParts,
  session: Session,
): Promise<{ readonly log: LogChoice; readonly several: boolean } | Response> {
  const around = bare(parts, session);
  const { logs, unread } = await parts.rightsOf(session);
  const query = context.req.query('log');
  const asked = query === undefined ? null : Number(query);
  const [first] = logs;
  const log = asked === null ? first : logs.find(({ id }) => id === asked);
  const several = logs.length > 1;
  if (log === undefined && unread) return say(context, 503, { text: UNASKED }, around);
  if (log === undefined) {
    await parts.recordRefusal(session, asked);
    return say(context, 403, { text: STRANGER }, around);
  }
  if (asked !== null || !several) return { log, several };
  const items = logs.map(({ id, name }) => markup`<li><a href="/audit?log=${id}">${name}</a></li>`);
  const body = markup`<h1>Choose a record</h1><ul>${items}</ul>`;
  return show(context, { title: 'Choose a record', body }, around);
}

/** So long a page waits for the first reading of a record; a long one takes many seconds. */
const SOON_MS = 200;

async function isReadSoon(source: LogSource, id: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), SOON_MS);
  });
  const read = source.prepare(id).then(() => true);
  // Who waits no longer must not leave a fault that nobody catches.
  read.catch(() => {});
  return Promise.race([read, late]).finally(() => clearTimeout(timer));
}

/** The page while the record is read for the first time since the start; it asks again by itself. */
function wait(context: PageContext, parts: AuditParts, session: Session, log: LogChoice) {
  context.header('refresh', '2');
  context.header('retry-after', '2');
  const rows = parts.source.rowsRead(log.id).toLocaleString('en-US');
  const title = 'The record is being read';
  const text = `${rows} rows so far, since this server was started. This page asks again by itself.`;
  return say(context, 503, { title, text }, bare(parts, session));
}

/** Lets a reader through to one record, and records it first. */
function guarded(parts: AuditParts, what: string, showPage: Show, fresh = false) {
  return async (context: PageContext): Promise<Response> => {
    const session = sessionOf(context, parts);
    if (session === null) return invite(context, parts);
    const filter = filterOf(context);
    const wish = wishOf(filter);
    try {
      const choice = await chosen(context, parts, session);
      if (choice instanceof Response) return choice;
      const { log, several } = choice;
      if (!(await isReadSoon(parts.source, log.id))) return wait(context, parts, session, log);
      const reader = { id: session.id, login: session.login };
      await parts.recordRead({ installationId: log.id, what, reader, wish });
      const view = await parts.source.view(log.id, fresh);
      const record = { to: linksFor(log.id, several), name: log.name, several };
      const around = { who: whoOf(parts.sessions, session), record };
      return await showPage(context, { view, filter, wish, log, session, around });
    } catch (error) {
      const why = error instanceof Error ? error.name : 'unknown';
      parts.log.error({ page: what, why }, 'an audit page failed');
      return say(context, 503, { text: BROKEN }, bare(parts, session));
    }
  };
}

/** Tables that every reading of the record adds to; the others are remembered. */
const READS: ReadonlySet<string> = new Set(['access']);

function tables(parts: AuditParts, title: string, names: readonly string[], fresh = false) {
  const showTables: Show = async (context, { view, wish, around }) => {
    const period = await view.period(wish);
    const parts = names.map((wanted) => {
      const about = { title, name: wanted, to: around.record.to };
      const make = (): Markup => tableOf(view, period, about) ?? markup``;
      const key = `${wanted} ${JSON.stringify(wish)} ${around.record.several}`;
      return READS.has(wanted) ? make() : view.once(key, make);
    });
    return show(context, { title, body: markup`<h1>${title}</h1>${parts}` }, around);
  };
  return guarded(parts, title.toLowerCase(), showTables, fresh);
}

/** The check of every row runs when it is asked for by a form of one's own. */
function verification(parts: AuditParts) {
  return guarded(parts, 'verification', async (context, { view, log, session, around }) => {
    const asked = context.req.method === 'POST';
    const run = asked && (await isOwnForm(context, parts.sessions, session));
    const verdict = run ? await parts.source.verify(log.id) : null;
    const action = around.record.to('/audit/verification');
    const body = verificationMarkup(view, verdict, { action, field: around.who.field });
    return show(context, { title: 'Verification', body }, around);
  });
}

/** The pages, to be mounted at the root: their paths begin with /audit. */
export function createAuditPages(parts: AuditParts): Hono<WebEnv> {
  const app = new Hono<WebEnv>();
  app.get(STYLE_PATH, (context) => {
    context.header('cache-control', 'max-age=300');
    return context.body(AUDIT_STYLE, 200, { 'content-type': 'text/css; charset=utf-8' });
  });
  addSignIn(app, parts);
  app.get(
    '/audit',
    guarded(parts, 'overview', async (context, { view, wish, around }) => {
      const period = await view.period(wish);
      const make = (): Markup => overviewMarkup(view, period);
      const body = view.once(`overview ${JSON.stringify(wish)}`, make);
      return show(context, { title: 'Overview', body }, around);
    }),
  );
  app.get(
    '/audit/register',
    guarded(parts, 'register', async (context, { view, filter, wish, log, around }) => {
      const hidden = around.record.several ? log.id : null;
      const links = { to: around.record.to, hidden };
      const body = registerMarkup(await view.period(wish), filter, links);
      return show(context, { title: 'Register', body }, around);
    }),
  );
  app.get(
    '/audit/deployment/:leaf{[0-9]{1,15}}',
    guarded(parts, 'deployment', (context, { view, around }) => {
      const leaf = Number(context.req.param('leaf'));
      const row = view.collected.deployments.ofLeaf(leaf);
      const text = 'No deployment of this record has this row.';
      if (row === null) return say(context, 404, { title: 'Not there', text }, around);
      return show(context, { title: row.repo, body: deploymentMarkup(view, row) }, around);
    }),
  );
  app.get(
    '/audit/exceptions',
    tables(parts, 'Exceptions', ['exceptions', 'population', 'samples']),
  );
  app.get('/audit/agents', tables(parts, 'Agents and approvers', ['agents', 'approvers']));
  const posture = ['scope', 'posture', 'policy_changes', 'break_glass', 'access', 'gate_health'];
  app.get('/audit/posture', tables(parts, 'Policy, access, gate', posture, true));
  app.on(['GET', 'POST'], '/audit/verification', formLimit, verification(parts));
  return app;
}

/** What `/audit` says where nobody can sign in: what is missing, and how to set it. */
export function createAuditClosed(parts: { readonly callbackUrl: string | null }): Hono<WebEnv> {
  const app = new Hono<WebEnv>();
  const where = parts.callbackUrl ?? 'PUBLIC_URL/audit/callback';
  app.get(STYLE_PATH, (context) =>
    context.body(AUDIT_STYLE, 200, { 'content-type': 'text/css; charset=utf-8' }),
  );
  app.on('GET', ['/audit', '/audit/*'], (context) => {
    const more = markup`<p>To read the record here, whoever runs this server sets
<code>CLIENT_ID</code> and <code>CLIENT_SECRET</code> from the app’s settings page at GitHub, adds
<code>${where}</code> there as a callback URL, and starts it again.</p>
<p>On the server itself <code>npx tagout report --serve</code> shows the same pages without it.</p>`;
    const text = 'Nobody can sign in on this server yet, so nothing of the record is shown.';
    return say(context, 404, { text, more }, NOBODY);
  });
  return app;
}
