/** The HTTP application: the webhook's door, health, and later the audit pages. */
import type { HttpBindings } from '@hono/node-server';
import { Hono } from 'hono';
import type { MiddlewareHandler } from 'hono';
import { bodyReader } from './body.ts';
import type { BodyLimits } from './body.ts';
import { takeIn } from './intake.ts';
import type { ReceiveWebhook } from './intake.ts';
import type { Log } from './log.ts';

export interface WebParts {
  readonly receiveWebhook: ReceiveWebhook;
  /** Resolves when the store answers; rejects when it does not. */
  readonly ready: () => Promise<void>;
  readonly log: Log;
  readonly limits?: Partial<WebLimits>;
}

export interface WebLimits extends BodyLimits {
  /** GitHub hangs up after 10 seconds; an answer after that would be lost. */
  readonly receiveTimeoutMs: number;
  readonly readyTimeoutMs: number;
}

const MB = 1024 * 1024;

const LIMITS: WebLimits = {
  maxBodyBytes: 25 * MB,
  bodyTimeoutMs: 10_000,
  maxBytesInFlight: 128 * MB,
  receiveTimeoutMs: 8_000,
  readyTimeoutMs: 2_000,
};

export const WEBHOOK_PATH = '/api/github/webhooks';

export interface WebEnv {
  readonly Bindings: HttpBindings;
}

/** Strict for everything: nothing here is meant to be framed, embedded, sniffed or kept. */
const HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'strict-transport-security': 'max-age=31536000',
  'cache-control': 'no-store',
};

const securityHeaders: MiddlewareHandler = async (context, next) => {
  await next();
  for (const [name, value] of Object.entries(HEADERS)) {
    if (!context.res.headers.has(name)) context.res.headers.set(name, value);
  }
};

/** Builds the application over its parts; it keeps nothing itself. */
export function createWebApp(parts: WebParts): Hono<WebEnv> {
  const limits = { ...LIMITS, ...parts.limits };
  const bodies = bodyReader(limits);
  const intake = { ...parts, bodies, receiveTimeoutMs: limits.receiveTimeoutMs };
  const app = new Hono<WebEnv>();
  app.use(securityHeaders);
  app.post(WEBHOOK_PATH, async (context) => {
    const answer = await takeIn(context.env.incoming, intake);
    if (answer.retryAfterSeconds !== undefined) {
      context.header('retry-after', String(answer.retryAfterSeconds));
    }
    // The rest of a body that was not read to its end must not be taken for a next request.
    if (!context.env.incoming.complete) context.header('connection', 'close');
    if (answer.error === null) return context.json({ status: 'accepted' }, answer.status);
    return context.json({ error: answer.error }, answer.status);
  });
  app.all(WEBHOOK_PATH, (context) => {
    context.header('allow', 'POST');
    return context.json({ error: 'Webhooks come with POST.' }, 405);
  });
  app.get('/healthz', (context) => context.json({ status: 'alive' }));
  app.get('/readyz', async (context) => {
    const ready = await answers(parts.ready, limits.readyTimeoutMs);
    if (ready) return context.json({ status: 'ready' });
    context.header('retry-after', '5');
    return context.json({ status: 'not ready', error: 'The database does not answer.' }, 503);
  });
  app.notFound((context) => context.json({ error: 'Nothing is here.' }, 404));
  app.onError((error, context) => {
    parts.log.error({ name: error.name, path: context.req.path }, 'request failed');
    return context.json({ error: 'The request failed; the log says why.' }, 500);
  });
  return app;
}

async function answers(ready: () => Promise<void>, limitMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), limitMs);
  });
  const asked = ready().then(
    () => true,
    () => false,
  );
  return Promise.race([asked, late]).finally(() => clearTimeout(timer));
}
