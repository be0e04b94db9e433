/** `tagout report --serve`: the audit pages on this machine alone, behind a one-time address. */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { Hono } from 'hono';
import { secureHeaders } from 'hono/secure-headers';
import { TagoutError } from '../core/errors.ts';
import type { Wish } from '../core/report/period.ts';
import { operator, recordRead } from '../store/access.ts';
import type { Store } from '../store/open.ts';
import { readLogIds } from '../store/read-log.ts';
import type { WebEnv } from '../web/app.ts';
import { type AuditParts, createAuditPages } from '../web/audit/pages.ts';
import { createSessions } from '../web/audit/session.ts';
import { letIn } from '../web/audit/sign-in.ts';
import { createLogSource } from '../web/audit/source.ts';
import { listen, type Listening } from '../web/server.ts';
import { EXIT } from './io.ts';
import type { Io } from './io.ts';
import { createLog } from './log.ts';
import { webUrlOf } from './report-place.ts';

const GRACE_MS = 2_000;

/** A secret that opens once. */
function oneTime(): { readonly token: string; opens(given: string): boolean } {
  const token = randomBytes(32).toString('base64url');
  let left = true;
  return {
    token,
    opens(given) {
      const [is, should] = [Buffer.from(given), Buffer.from(token)];
      const same = is.length === should.length && timingSafeEqual(is, should);
      if (!same || !left) return false;
      left = false;
      return true;
    },
  };
}

/** Starts the pages on loopback; answers the address to open. */
export async function openPages(
  store: Store,
  about: { readonly now: () => number; readonly port?: number; readonly webUrl?: string | null },
): Promise<Listening & { readonly enter: string }> {
  const logs = await readLogIds(store.reports);
  if (logs.length === 0) throw new TagoutError('usage', 'There is no sealed record yet.');
  const parts: AuditParts = {
    source: createLogSource({
      sql: store.reports,
      keys: store.key,
      webUrl: about.webUrl ?? null,
      now: about.now,
    }),
    sessions: createSessions(randomBytes(32)),
    rightsOf: () =>
      Promise.resolve({ logs: logs.map((id) => ({ id, name: `log ${id}` })), unread: false }),
    recordRead: ({ installationId, what, wish }) =>
      recordRead(store, { installationId, what, how: 'web', wish }, about.now),
    recordRefusal: () => Promise.resolve(),
    signIn: { words: 'Open the address that `npx tagout report --serve` printed; it opens once.' },
    secure: false,
    now: about.now,
    log: createLog({ level: 'error', secrets: [] }),
  };
  const key = oneTime();
  const app = new Hono<WebEnv>();
  app.use(secureHeaders({ referrerPolicy: 'no-referrer', xFrameOptions: 'DENY' }));
  app.use(async (context, next) => {
    // A page elsewhere must not reach this one under another name of loopback.
    const host = (context.req.header('host') ?? '').replace(/:\d+$/, '');
    if (host !== '127.0.0.1') return context.text('Use 127.0.0.1.\n', 403);
    context.header('cache-control', 'no-store');
    await next();
    return undefined;
  });
  app.get('/audit/enter', (context) => {
    if (!key.opens(context.req.query('token') ?? '')) {
      return context.text(
        'This address has been used. Start `npx tagout report --serve` anew.\n',
        403,
      );
    }
    const reader = { id: null, login: operator().login ?? 'unknown' };
    return letIn(context, parts, reader);
  });
  app.get('/', (context) => context.redirect('/audit'));
  app.route('/', createAuditPages(parts));
  const listening = await listen(app, { host: '127.0.0.1', port: about.port ?? 0 });
  return { ...listening, enter: `${listening.url}/audit/enter?token=${key.token}` };
}

/** Serves until the process is told to end; answers the exit code. */
export async function serveReport(store: Store, _wish: Wish, io: Io): Promise<number> {
  for (const id of await readLogIds(store.reports)) await store.sealer.sealNow(id);
  const pages = await openPages(store, { now: io.now, webUrl: webUrlOf(io) });
  io.out(`Open this address; it opens once: ${pages.enter}\nEnd with Ctrl+C.\n`);
  await new Promise<void>((ended) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => ended());
  });
  await pages.close(GRACE_MS);
  return EXIT.allow;
}
