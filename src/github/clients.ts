/**
 * The two doors to GitHub. The reading one can send GET and GraphQL queries only, the writing one
 * POST, PATCH and DELETE only, so that the types forbid a write while gathering. Paths begin with a
 * slash and are filled in from our own values: an installation's token never leaves for another host.
 */
import { z } from 'zod';
import type { Effect } from '../core/effect.ts';
import { TagoutError } from '../core/errors.ts';
import { fetchBytes } from './download.ts';
import { GitHubFault, githubFault } from './faults.ts';

/** The part of Octokit that we use. */
export interface OctokitLike {
  // oxlint-disable-next-line typescript/no-explicit-any -- Octokit's own overloads end in any.
  readonly request: ((route: string, parameters?: Record<string, unknown>) => Promise<Response>) & {
    readonly endpoint?: { readonly DEFAULTS?: { readonly baseUrl?: string } };
  };
}

interface Response {
  readonly status: number;
  readonly headers: object;
  readonly data: unknown;
}

/** What a client is for: to read, or to write effects of one kind to one repository. */
export type Use = 'read' | { readonly writesTo: number; readonly effect: Effect['kind'] };

/** The client of an installation, with the rights of its use alone. */
export type OctokitFor = (
  installationId: number,
  /** What the rest of GitHub's allowance is kept for; a pull request when left out. */
  urgency?: 'gate' | 'pull' | 'background',
  /** To read, when left out. */
  use?: Use,
) => Promise<OctokitLike>;

export interface Answer {
  readonly status: number;
  readonly data: unknown;
  /** `Date` header of the answer; our own clock when it is missing. */
  readonly atMs: number;
  /** Path and query of the next page, if GitHub names one. */
  readonly next: string | null;
}

export interface GraphqlError {
  readonly type: string | null;
  readonly path: readonly (string | number)[];
  readonly message: string;
}

export interface GraphqlAnswer {
  readonly data: unknown;
  readonly errors: readonly GraphqlError[];
  readonly atMs: number;
}

export type Parameters = Readonly<Record<string, unknown>>;

export interface ReadClient {
  /** One GET. Throws GitHubFault. */
  get(path: `/${string}`, parameters?: Parameters): Promise<Answer>;
  /** One GraphQL query. Errors of single fields come back beside the data. Throws GitHubFault. */
  query(document: string, variables: Parameters): Promise<GraphqlAnswer>;
  /**
   * The bytes behind a path that GitHub answers with a signed address of its storage; null when
   * they are more than `maxBytes`. No token goes to that address. Throws GitHubFault.
   */
  download(path: `/${string}`, maxBytes: number): Promise<Uint8Array | null>;
}

export interface WriteClient {
  /** One write. Throws GitHubFault. */
  send(method: 'POST' | 'PATCH' | 'DELETE', path: `/${string}`, body: Parameters): Promise<Answer>;
}

/** How long one request may take before it counts as unanswered. */
const TIMEOUT_MS = 20_000;

const headerSchema = z.object({
  date: z.string().optional().catch(undefined),
  link: z.string().optional().catch(undefined),
});

const graphqlSchema = z.object({
  data: z.unknown().optional(),
  errors: z
    .array(
      z.object({
        type: z.string().nullish(),
        path: z.array(z.union([z.string(), z.number()])).nullish(),
        message: z.string(),
      }),
    )
    .optional(),
});

export type Clock = () => number;

function answerOf(response: Response, now: Clock): Answer {
  const headers = headerSchema.parse(response.headers);
  const dateMs = Date.parse(headers.date ?? '');
  return {
    status: response.status,
    data: response.data,
    atMs: Number.isFinite(dateMs) ? dateMs : now(),
    next: nextOf(headers.link),
  };
}

/** The `rel="next"` address of a Link header, as path and query: the host is always our own. */
export function nextOf(link: string | undefined): string | null {
  for (const part of (link ?? '').split(/,\s*(?=<)/)) {
    const [, url, rel] = /^<([^>]+)>;\s*rel="([^"]+)"/.exec(part.trim()) ?? [];
    if (rel !== 'next' || url === undefined || !URL.canParse(url)) continue;
    return new URL(url).search;
  }
  return null;
}

async function send(
  octokit: OctokitLike,
  route: string,
  parameters: Parameters,
  { now, timeoutMs = TIMEOUT_MS }: { readonly now: Clock; readonly timeoutMs?: number },
): Promise<Answer> {
  const timeout = AbortSignal.timeout(timeoutMs);
  try {
    const response = await octokit.request(route, { ...parameters, request: { signal: timeout } });
    return answerOf(response, now);
  } catch (thrown) {
    throw githubFault(thrown, route, now());
  }
}

/** Where a redirect leads. It is followed by our own hands, as an Authorization must not go along. */
async function signedAddress(octokit: OctokitLike, route: string, now: Clock): Promise<URL> {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  let response: Response;
  try {
    response = await octokit.request(route, { request: { signal, redirect: 'manual' } });
  } catch (thrown) {
    throw githubFault(thrown, route, now());
  }
  const { location } = locationSchema.parse(response.headers);
  const base = octokit.request.endpoint?.DEFAULTS?.baseUrl ?? '';
  if (response.status !== 302 || location === undefined || !isStorage(location, base)) {
    throw new GitHubFault(
      'github-unavailable',
      `GitHub answered ${response.status} to ${route} without a usable address; it is tried again`,
      { httpStatus: response.status },
    );
  }
  return new URL(location);
}

const locationSchema = z.object({ location: z.string().max(8192).optional().catch(undefined) });

/** Storage is asked over TLS only, except at the very server that we speak to anyhow. */
function isStorage(address: string, baseUrl: string): boolean {
  if (!URL.canParse(address)) return false;
  const { protocol, origin, username, password } = new URL(address);
  if (username !== '' || password !== '') return false;
  return protocol === 'https:' || (URL.canParse(baseUrl) && origin === new URL(baseUrl).origin);
}

/** The reading door. */
export function readClient(octokit: OctokitLike, now: Clock): ReadClient {
  return {
    get: (path, parameters = {}) => send(octokit, `GET ${path}`, parameters, { now }),
    async query(document, variables) {
      if (!/^\s*query\b/.test(document)) {
        throw new TagoutError('internal', 'the reading client sends GraphQL queries only');
      }
      const body = { query: document, variables };
      const answer = await send(octokit, `POST ${graphqlPath(octokit)}`, body, { now });
      return graphqlAnswer(answer);
    },
    download: async (path, maxBytes) => {
      const address = await signedAddress(octokit, `GET ${path}`, now);
      return fetchBytes(address, { maxBytes, what: `the content of GET ${path}`, nowMs: now() });
    },
  };
}

/** The writing door. `timeoutMs`: for one request. */
export function writeClient(
  octokit: OctokitLike,
  now: Clock,
  timeoutMs: number = TIMEOUT_MS,
): WriteClient {
  const how = { now, timeoutMs };
  return { send: (method, path, body) => send(octokit, `${method} ${path}`, body, how) };
}

/** GitHub Enterprise Server has its GraphQL beside `/api/v3`, not under it. */
function graphqlPath(octokit: OctokitLike): string {
  const baseUrl = octokit.request.endpoint?.DEFAULTS?.baseUrl ?? '';
  return /\/api\/v3\/?$/.test(baseUrl) ? `${baseUrl.replace(/\/v3\/?$/, '')}/graphql` : '/graphql';
}

function graphqlAnswer(answer: Answer): GraphqlAnswer {
  const parsed = graphqlSchema.safeParse(answer.data);
  if (!parsed.success) {
    throw new GitHubFault(
      'github-unavailable',
      'GitHub answered to a GraphQL query in an unknown form',
      {
        httpStatus: answer.status,
      },
    );
  }
  const errors = (parsed.data.errors ?? []).map((error) => ({
    type: error.type ?? null,
    path: error.path ?? [],
    message: error.message.slice(0, 300),
  }));
  if (errors.some((error) => error.type === 'RATE_LIMITED')) {
    const message = 'GitHub limits our GraphQL queries; it is tried again in 60 s';
    throw new GitHubFault('github-limited', message, {
      httpStatus: answer.status,
      retryAfterMs: 60_000,
    });
  }
  return { data: parsed.data.data ?? null, errors, atMs: answer.atMs };
}

/**
 * Reads a list to its end. `limit` bounds the pages; `complete` is false when the list went on.
 * `rows` picks the list out of one page.
 */
export async function getPages<Row>(
  client: ReadClient,
  path: `/${string}`,
  list: {
    readonly parameters: Parameters;
    readonly rows: (data: unknown) => readonly Row[];
    readonly pages: number;
    /** Whether what comes after this page is not wanted; the list then counts as read in part. */
    readonly enough?: (page: readonly Row[]) => boolean;
  },
): Promise<{ rows: readonly Row[]; complete: boolean }> {
  const rows: Row[] = [];
  let parameters: Parameters = { per_page: 100, ...list.parameters };
  for (let page = 1; page <= list.pages; page += 1) {
    // Each page names the next one, so that they can only be read one after the other.
    const answer = await client.get(path, parameters);
    const found = list.rows(answer.data);
    rows.push(...found);
    if (answer.next === null) return { rows, complete: true };
    if (list.enough?.(found) === true) break;
    parameters = { ...parameters, ...Object.fromEntries(new URLSearchParams(answer.next)) };
  }
  return { rows, complete: false };
}
