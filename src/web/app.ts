/** The HTTP application: the webhook's door, health, and later the audit pages. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { HttpBindings } from '@hono/node-server';
import { Hono } from 'hono';
import type { MiddlewareHandler } from 'hono';
import { bodyReader } from './body.ts';
import type { BodyLimits } from './body.ts';
import { takeIn } from './intake.ts';
import type { ReceiveWebhook } from './intake.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';

export interface WebParts {
  /** Null: this process takes no webhooks (`serve --only=worker`). */
  readonly receiveWebhook: ReceiveWebhook | null;
  /** Resolves when the store answers; rejects when it does not. */
  readonly ready: () => Promise<void>;
  readonly log: Log;
  /** `/metrics`, for who knows the token. */
  readonly metrics?: { readonly from: Metrics; readonly token: string | null };
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
  const app = new Hono<WebEnv>();
  app.use(securityHeaders);
  const { receiveWebhook } = parts;
  if (receiveWebhook !== null) addIntake(app, { ...parts, receiveWebhook }, limits);
  app.get('/healthz', (context) => context.json({ status: 'alive' }));
  app.get('/readyz', async (context) => {
    const ready = await answers(parts.ready, limits.readyTimeoutMs);
    if (ready) return context.json({ status: 'ready' });
    context.header('retry-after', '5');
    return context.json({ status: 'not ready', error: 'The database does not answer.' }, 503);
  });
  const { metrics } = parts;
  app.get('/metrics', async (context) => {
    if (metrics === undefined || metrics.token === null) {
      return context.json({ error: 'Set METRICS_TOKEN to have metrics here.' }, 404);
    }
    if (!isBearer(context.req.header('authorization'), metrics.token)) {
      context.header('www-authenticate', 'Bearer');
      return context.json({ error: 'Send METRICS_TOKEN as the bearer token.' }, 401);
    }
    return context.text(await metrics.from.text());
  });
  app.notFound((context) => context.json({ error: 'Nothing is here.' }, 404));
  app.onError((error, context) => {
    parts.log.error({ name: error.name, path: context.req.path }, 'request failed');
    return context.json({ error: 'The request failed; the log says why.' }, 500);
  });
  return app;
}

/** The webhook's door. */
function addIntake(
  app: Hono<WebEnv>,
  parts: WebParts & { readonly receiveWebhook: ReceiveWebhook },
  limits: WebLimits,
): void {
  const bodies = bodyReader(limits);
  const intake = { ...parts, bodies, receiveTimeoutMs: limits.receiveTimeoutMs };
  app.post(WEBHOOK_PATH, async (context) => {
    const startedMs = performance.now();
    const answer = await takeIn(context.env.incoming, intake);
    parts.metrics?.from.tookIn(answer.status, performance.now() - startedMs);
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
}

/** Compares in a time that does not depend on where the texts differ. */
function isBearer(header: string | undefined, token: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(header ?? ''), digest(`Bearer ${token}`));
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
