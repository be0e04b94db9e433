/** The HTTP side: one request in, GitHub's headers, limits and faults around the route. */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { GitHubRefusal } from './acts-code.ts';
import { authenticate } from './auth.ts';
import type { RequestFault } from './faults.ts';
import { graphql } from './graphql.ts';
import { HttpError, isRecord, checkNeed, whose, type Auth, type Call, type Reply } from './http.ts';
import { page } from './pages.ts';
import { countRequest, giveBack, spent } from './rate.ts';
import { match, type Matched } from './router.ts';
import { stored } from './storage.ts';
import type { Json } from './state.ts';
import type { World } from './world.ts';

/** What a judge of the contract sees of one exchange. */
export interface Exchange {
  readonly operationId: string;
  readonly method: string;
  readonly path: string;
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly body: unknown;
  readonly status: number;
  readonly answer: unknown;
  readonly type: string;
}

interface Request {
  readonly world: World;
  readonly incoming: IncomingMessage;
  readonly method: string;
  readonly path: string;
  readonly url: URL;
  readonly raw: string;
  readonly matched: Matched | null;
  readonly startedAt: number;
}

async function readBody(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString('utf8');
}

function parseBody(raw: string): { readonly json: unknown; readonly record: Json } {
  if (raw === '') return { json: undefined, record: {} };
  try {
    const json: unknown = JSON.parse(raw);
    return { json, record: isRecord(json) ? json : { list: json } };
  } catch {
    throw new HttpError(400, 'Problems parsing JSON');
  }
}

function errorReply(error: unknown): Reply {
  const docs = { documentation_url: 'https://docs.github.com/rest' };
  if (error instanceof HttpError) {
    const { status, message, errors, headers } = error;
    const detail = errors === undefined ? {} : { errors };
    return { status, headers, json: { message, ...detail, ...docs, status: String(status) } };
  }
  if (error instanceof GitHubRefusal) {
    const { status, message } = error;
    return { status, json: { message, ...docs, status: String(status) } };
  }
  const stack = error instanceof Error ? error.stack : String(error);
  return { status: 500, json: { message: 'Server Error', detail: stack } };
}

function limited(fault: RequestFault): Reply {
  const retry = { 'retry-after': String(fault.retryAfter ?? 60) };
  const secondary = fault.rateLimit === 'secondary';
  const message = secondary
    ? 'You have exceeded a secondary rate limit. Please wait a few minutes before you try again.'
    : 'API rate limit exceeded for installation.';
  const headers = secondary || fault.retryAfter !== undefined ? retry : {};
  const status = fault.status ?? 403;
  const empty = secondary ? {} : { 'x-ratelimit-remaining': '0' };
  const docs = 'https://docs.github.com/rest/overview/rate-limits-for-the-rest-api';
  return { status, headers: { ...headers, ...empty }, json: { message, documentation_url: docs } };
}

function faulty(fault: RequestFault): Reply | null {
  if (fault.rateLimit !== undefined) return limited(fault);
  if (fault.status === undefined) return null;
  const headers = fault.retryAfter === undefined ? {} : { 'retry-after': String(fault.retryAfter) };
  return {
    status: fault.status,
    headers,
    json: { message: 'Server Error (asked for by the test)' },
  };
}

export class LocalServer {
  readonly http: Server;
  private readonly world: World;
  /** Hears every exchange after its answer has left. */
  private readonly hear: (exchange: Exchange) => void;
  private readonly lastAnswers = new Map<string, Reply>();

  constructor(world: World, hear: (exchange: Exchange) => void) {
    this.world = world;
    this.hear = hear;
    this.http = createServer((incoming, outgoing) => {
      this.serve(incoming, outgoing).catch((error: unknown) => {
        world.violations.push(`the local GitHub failed: ${String(error)}`);
        outgoing.destroy();
      });
    });
    this.http.keepAliveTimeout = 30_000;
  }

  private async serve(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const startedAt = performance.now();
    const { world } = this;
    const url = new URL(incoming.url ?? '/', world.url);
    // GitHub Enterprise Server and Probot's setup put the API below this prefix.
    const path = url.pathname.replace(/^\/api\/v3(?=\/)/, '').replace('/api/graphql', '/graphql');
    const method = incoming.method ?? 'GET';
    const raw = await readBody(incoming);
    const matched = match(method, path);
    const request = { world, incoming, method, path, url, raw, matched, startedAt };
    const name = matched?.route.operationId ?? (path === '/graphql' ? 'graphql' : null);
    const fault = world.faults.forRequest(`${method} ${path}`, name);
    if (path === '/_services/token/.well-known/jwks') {
      // Where GitHub Enterprise Server publishes the keys of its workflow jobs' identities.
      outgoing.statusCode = world.jobKeys === null ? 503 : 200;
      outgoing.end(JSON.stringify({ keys: world.jobKeys ?? [] }));
      return;
    }
    const delay = world.faults.delayMs() + (fault?.latencyMs ?? 0);
    if (delay > 0) await new Promise((resolve) => setTimeout(resolve, delay));
    await this.answer(request, outgoing, fault);
  }

  private async answer(
    request: Request,
    outgoing: ServerResponse,
    fault: RequestFault | null,
  ): Promise<void> {
    const { method, path, matched, world, url } = request;
    let auth: Auth = { kind: 'none' };
    let reply = fault === null ? null : faulty(fault);
    const forced = reply !== null;
    if (reply === null && matched === null && path !== '/graphql') {
      const tokenGiven = request.incoming.headers.authorization !== undefined;
      const accept = request.incoming.headers.accept ?? '';
      const asked = { method, path, query: url.searchParams, raw: request.raw, accept };
      reply = stored(world, url, tokenGiven) ?? (await page(world, asked));
    }
    try {
      if (!isHtml(reply)) auth = authenticate(world, request.incoming.headers.authorization);
      reply ??= await this.route(request, auth);
    } catch (error) {
      reply ??= errorReply(error);
    }
    const key = `${method} ${request.incoming.url ?? ''} ${method === 'GET' ? '' : request.raw}`;
    if (fault?.stale === true) reply = this.lastAnswers.get(key) ?? reply;
    else if (reply.status === 200) this.remember(key, reply);
    fault?.act?.();
    if (fault?.drop === true) {
      this.log(request, reply.status, auth);
      outgoing.socket?.destroy();
      return;
    }
    const sent = this.send(request, { reply, auth, outgoing });
    this.log(request, sent, auth);
    if (matched !== null && !forced && sent !== 304) this.judge(request, matched, reply);
  }

  private async route(request: Request, auth: Auth): Promise<Reply> {
    const { world, matched, method, path, url, incoming, raw } = request;
    if (spent(world, auth)) return limited({ match: '', rateLimit: 'primary' });
    const { record } = parseBody(raw);
    const accept = incoming.headers.accept ?? '';
    const base = { world, method, path, query: url.searchParams, body: record, auth, accept };
    if (method === 'POST' && path === '/graphql') return graphql({ ...base, params: {} });
    if (matched === null) throw new HttpError(404, 'Not Found');
    const call: Call = { ...base, params: matched.params };
    if (matched.route.path.startsWith('/repos/') && matched.route.need !== 'jwt') {
      return matched.route.handle(call);
    }
    checkNeed(call, matched.route.need);
    return matched.route.handle(call);
  }

  private remember(key: string, reply: Reply): void {
    this.lastAnswers.delete(key);
    this.lastAnswers.set(key, reply);
    const oldest = this.lastAnswers.keys().next().value;
    if (this.lastAnswers.size > 400 && oldest !== undefined) this.lastAnswers.delete(oldest);
  }

  /** Writes the answer and tells its status, which is 304 when the caller has it already. */
  private send(
    request: Request,
    { reply, auth, outgoing }: { reply: Reply; auth: Auth; outgoing: ServerResponse },
  ): number {
    const { world, method, incoming } = request;
    const text = reply.text ?? (reply.json === undefined ? '' : JSON.stringify(reply.json));
    const id = world.token(`request ${world.requests.length}`).slice(0, 24).toUpperCase();
    const headers: Record<string, string> = {
      date: new Date(world.now()).toUTCString(),
      server: 'github.com',
      'content-type': reply.type ?? 'application/json; charset=utf-8',
      'x-github-media-type': 'github.v3; format=json',
      'x-github-api-version-selected': '2022-11-28',
      'x-github-request-id': id.replace(/(.{4})/g, '$1:').slice(0, 29),
      'access-control-expose-headers': 'ETag, Link, Retry-After',
      ...(isHtml(reply) ? {} : countRequest(world, auth)),
      ...reply.headers,
    };
    let { status } = reply;
    if (status === 200 && method === 'GET' && !isHtml(reply)) {
      const hash = createHash('sha256').update(text).digest('hex');
      headers['etag'] = `W/"${hash}"`;
      headers['cache-control'] = 'private, max-age=60, s-maxage=60';
      if (incoming.headers['if-none-match']?.includes(hash) === true) {
        status = 304;
        giveBack(world, auth);
      }
    }
    const body = status === 304 || status === 204 ? '' : (reply.bytes ?? text);
    outgoing.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) });
    outgoing.end(method === 'HEAD' ? '' : body);
    return status;
  }

  private log(request: Request, status: number, auth: Auth): void {
    const { method, path, url, matched, world, startedAt } = request;
    const other = path === '/graphql' ? 'graphql' : null;
    world.requests.push({
      method,
      path: `${path}${url.search}`,
      operationId: matched?.route.operationId ?? other,
      status,
      ms: performance.now() - startedAt,
      atMs: world.now(),
      by: whose(auth),
      rights: auth.kind === 'token' && auth.token.kind !== 'user' ? auth.token.permissions : null,
    });
  }

  private judge(request: Request, matched: Matched, reply: Reply): void {
    let body: unknown;
    try {
      body = parseBody(request.raw).json;
    } catch {
      return;
    }
    this.hear({
      operationId: matched.route.operationId,
      method: request.method,
      path: matched.route.path,
      params: matched.params,
      query: request.url.searchParams,
      body,
      status: reply.status,
      answer: reply.json,
      type: reply.type ?? 'application/json',
    });
  }
}

function isHtml(reply: Reply | null): boolean {
  return reply?.type?.startsWith('text/html') === true;
}
