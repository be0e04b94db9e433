/** What a route sees and answers, with GitHub's errors, pagination and access rules. */
import type { Account, AppRecord, Json, Level, RepoRecord, Token } from './state.ts';
import { fullName } from './state.ts';
import type { World } from './world.ts';

export type Auth =
  | { readonly kind: 'none' }
  | { readonly kind: 'app'; readonly app: AppRecord }
  | { readonly kind: 'token'; readonly token: Token };

export interface Reply {
  readonly status: number;
  readonly json?: unknown;
  readonly text?: string;
  readonly bytes?: Buffer;
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Call {
  readonly world: World;
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly params: Readonly<Record<string, string>>;
  readonly body: Json;
  readonly auth: Auth;
  readonly accept: string;
}

/** Any of these permissions opens the operation. `jwt`: the app itself; `any`: every caller. */
export type Need = 'jwt' | 'any' | 'token' | readonly (readonly [string, Level])[];

export interface Route {
  readonly method: string;
  /** GitHub's template: `/repos/{owner}/{repo}/pulls`. */
  readonly path: string;
  readonly operationId: string;
  readonly need: Need;
  readonly handle: (call: Call) => Reply | Promise<Reply>;
}

/** An answer that is an error, thrown from anywhere inside a route. */
export class HttpError extends Error {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly errors: readonly Json[] | undefined;
  constructor(
    status: number,
    message: string,
    extra: { readonly headers?: Readonly<Record<string, string>>; readonly errors?: Json[] } = {},
  ) {
    super(message);
    this.status = status;
    this.headers = extra.headers ?? {};
    this.errors = extra.errors;
  }
}

export function notFound(): HttpError {
  return new HttpError(404, 'Not Found');
}

export function ok(json: unknown, status = 200): Reply {
  return { status, json };
}

/** The value a route must have, or GitHub's 404. */
export function found<T>(value: T | null | undefined): T {
  if (value === null || value === undefined) throw notFound();
  return value;
}

export function param(call: Call, name: string): string {
  return found(call.params[name]);
}

export function number(call: Call, name: string): number {
  const value = Number(call.params[name]);
  if (!Number.isSafeInteger(value)) throw notFound();
  return value;
}

/** A text field of the body; 422 names it when it is missing or something else. */
export function text(call: Call, name: string): string {
  const value = call.body[name];
  if (typeof value !== 'string') {
    const errors = [{ resource: 'Request', field: name, code: 'missing_field' }];
    throw new HttpError(422, 'Validation Failed', { errors });
  }
  return value;
}

export function textOr<T>(call: Call, name: string, otherwise: T): string | T {
  const value = call.body[name];
  return typeof value === 'string' ? value : otherwise;
}

export function isRecord(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The account behind a call: the app's bot for an installation. */
export function actor(call: Call): Account {
  const { auth } = call;
  if (auth.kind === 'app') return auth.app.bot;
  if (auth.kind === 'none') throw new HttpError(401, 'Requires authentication');
  return auth.token.user ?? found(auth.token.app?.bot);
}

export function actingApp(call: Call): AppRecord | null {
  if (call.auth.kind === 'app') return call.auth.app;
  return call.auth.kind === 'token' ? call.auth.token.app : null;
}

const ranks: Readonly<Record<string, number>> = {
  none: 0,
  read: 1,
  triage: 1,
  write: 2,
  maintain: 2,
  admin: 3,
};

function grants(held: string | undefined, level: Level): boolean {
  return (ranks[held ?? 'none'] ?? 0) >= (ranks[level] ?? 9);
}

function refuse(need: readonly (readonly [string, Level])[]): HttpError {
  const accepted = need.map(([name, level]) => `${name}=${level}`).join('; ');
  const headers = { 'x-accepted-github-permissions': accepted };
  return new HttpError(403, 'Resource not accessible by integration', { headers });
}

/** The repository of a call, if the caller may do this there; 404 hides what cannot be seen. */
export function repoOf(call: Call, need: Need): RepoRecord {
  const name = `${param(call, 'owner')}/${param(call, 'repo')}`;
  const repo = found(call.world.repo(name));
  if (typeof need === 'string') return repo;
  const { auth, world } = call;
  const reading = call.method === 'GET' || call.method === 'HEAD';
  if (auth.kind === 'app') throw new HttpError(401, 'A JSON web token could not be decoded');
  if (auth.kind === 'none') {
    if (repo.private || !reading) throw notFound();
    return repo;
  }
  const { token } = auth;
  if (token.kind === 'user') {
    const permission = token.user === null ? 'none' : world.permission(repo, token.user);
    if (permission === 'none') throw notFound();
    if (need.some(([, level]) => grants(permission, level))) return repo;
    throw reading ? notFound() : new HttpError(403, 'Must have admin rights to Repository.');
  }
  const covered =
    token.installation !== null &&
    token.app !== null &&
    world.installed(token.app, repo) === token.installation &&
    (token.repositories === null || token.repositories.has(repo.id));
  if (!covered) {
    if (!repo.private && reading) return repo;
    throw repo.private ? notFound() : refuse(need);
  }
  if (need.some(([permission, level]) => grants(token.permissions[permission], level))) return repo;
  throw refuse(need);
}

/** Routes that stand outside a repository. */
export function checkNeed(call: Call, need: Need): void {
  const { auth } = call;
  if (need === 'any') return;
  if (need === 'jwt') {
    if (auth.kind === 'app') return;
    throw new HttpError(401, 'A JSON web token could not be decoded');
  }
  if (auth.kind === 'none') throw new HttpError(401, 'Requires authentication');
  if (auth.kind === 'app') throw new HttpError(401, 'A JSON web token could not be decoded');
  if (need === 'token' || auth.token.kind === 'user') return;
  const held = auth.token.permissions;
  if (!need.some(([permission, level]) => grants(held[permission], level))) throw refuse(need);
}

export interface Paged<T> {
  readonly items: readonly T[];
  readonly render: (item: T) => Json | Promise<Json>;
  /** Wraps the page: GitHub gives some lists as `{total_count, check_runs: […]}`. */
  readonly wrap?: (page: readonly Json[], total: number) => Json;
  readonly perPageDefault?: number;
}

function perPage(call: Call, otherwise: number): number {
  const asked = Number(call.query.get('per_page') ?? otherwise);
  return Number.isInteger(asked) && asked > 0 ? Math.min(asked, 100) : otherwise;
}

function linkTo(call: Call, changes: Readonly<Record<string, string>>): string {
  const query = new URLSearchParams(call.query);
  for (const [name, value] of Object.entries(changes)) query.set(name, value);
  return `${call.world.url}${call.path}?${query.toString()}`;
}

/** One page of a list by number, with GitHub's Link header. */
export async function paged<T>(call: Call, list: Paged<T>): Promise<Reply> {
  const size = perPage(call, list.perPageDefault ?? 30);
  const page = Math.max(1, Number(call.query.get('page') ?? 1) || 1);
  const last = Math.max(1, Math.ceil(list.items.length / size));
  const slice = list.items.slice((page - 1) * size, page * size);
  const shown = await Promise.all(slice.map(async (one) => list.render(one)));
  const links: string[] = [];
  const add = (rel: string, to: number): void => {
    links.push(`<${linkTo(call, { page: String(to) })}>; rel="${rel}"`);
  };
  if (page > 1) add('prev', Math.min(page - 1, last));
  if (page < last) add('next', page + 1);
  if (page < last) add('last', last);
  if (page > 1) add('first', 1);
  const json = list.wrap === undefined ? shown : list.wrap(shown, list.items.length);
  const headers = links.length === 0 ? {} : { link: links.join(', ') };
  return { status: 200, json, headers };
}

/** One page of a list by cursor: `cursor` (deliveries) or `after` (activity). */
export async function byCursor<T extends { readonly id: number }>(
  call: Call,
  list: Paged<T>,
  name: 'cursor' | 'after',
): Promise<Reply> {
  const size = perPage(call, 30);
  const after = call.query.get(name);
  const start = after === null ? 0 : list.items.findIndex((one) => String(one.id) === after) + 1;
  const slice = list.items.slice(start, start + size);
  const json = await Promise.all(slice.map(async (one) => list.render(one)));
  const end = slice.at(-1);
  const more = end !== undefined && start + size < list.items.length;
  const headers = more ? { link: `<${linkTo(call, { [name]: String(end.id) })}>; rel="next"` } : {};
  return { status: 200, json, headers };
}

export function whose(auth: Auth): string | null {
  if (auth.kind === 'none') return null;
  if (auth.kind === 'app') return auth.app.slug;
  return auth.token.user?.login ?? auth.token.app?.bot.login ?? null;
}

/** The commit that a ref names, or GitHub's answer for none. */
export async function commitOf(call: Call, repo: RepoRecord, ref: string): Promise<string> {
  const sha = await call.world.resolve(repo, ref);
  if (sha === null) throw new HttpError(422, `No commit found for SHA: ${ref}`);
  return sha;
}

export { fullName };
