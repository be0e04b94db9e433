/**
 * Connections to the store: one place for their time-outs, their roles and how numbers are read.
 */
import postgres from 'postgres';
import { TagoutError } from '../core/errors.ts';

export type Sql = postgres.Sql<{ bigint: number }>;
export type Tx = postgres.TransactionSql<{ bigint: number }>;

/** Where and as whom to connect; `role` is taken on at once by every connection. */
export interface Address {
  readonly url: string;
  readonly role: string | null;
}

export interface PoolOptions {
  readonly name: string;
  readonly max: number;
  /** 0: none, as migrations wait for each other and may rewrite large tables. */
  readonly statementTimeoutMs?: number;
}

/** Transactions live shorter than this, or they die; the sealer counts on it. */
export const TRANSACTION_LIMIT_MS = 30_000;
const IDLE_IN_TRANSACTION_MS = 10_000;

function safeNumber(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value)) return value;
  throw new TagoutError('internal', `The store holds ${text}, a number too large to be exact.`);
}

/** Opens a pool. No connection is made before the first statement. */
export function connect(address: Address, options: PoolOptions): Sql {
  const statementTimeoutMs = options.statementTimeoutMs ?? TRANSACTION_LIMIT_MS;
  return postgres(address.url, {
    max: options.max,
    connect_timeout: 10,
    // Connections are renewed, so that a moved or failed-over server is found again.
    max_lifetime: 1800,
    onnotice: () => {},
    types: { bigint: { to: 20, from: [20], serialize: String, parse: safeNumber } },
    connection: {
      application_name: `tagout ${options.name}`,
      statement_timeout: statementTimeoutMs,
      lock_timeout: statementTimeoutMs === 0 ? 0 : IDLE_IN_TRANSACTION_MS,
      idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
      ...(address.role === null ? {} : { role: address.role }),
    },
  });
}

/**
 * The same address for the package `pg`, which graphile-worker brings and which reads only a URL.
 * `settings` are of the session, as `name=value`.
 */
export function urlWithRole(address: Address, settings: readonly string[] = []): string {
  const wanted = [...settings, ...(address.role === null ? [] : [`role=${address.role}`])];
  if (wanted.length === 0) return address.url;
  const url = new URL(address.url);
  const given = url.searchParams.get('options');
  const options = [...(given === null ? [] : [given]), ...wanted.map((one) => `-c ${one}`)];
  url.searchParams.set('options', options.join(' '));
  return url.href.replaceAll('+', '%20');
}

/** SQLSTATE of an error that PostgreSQL answered with, through whatever wraps it. */
export function sqlStateOf(error: unknown): string | null {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 5; depth += 1) {
    if ('code' in at && typeof at.code === 'string') return at.code;
    at = at.cause;
  }
  return null;
}

/** PostgreSQL answered, so that it is up: of a group that it refused, one may be at fault. */
export function wasRefused(error: unknown): boolean {
  return /^[0-9A-Z]{5}$/.test(sqlStateOf(error) ?? '');
}

/** Turns what the driver throws into the store's fault; a fault of ours passes as it is. */
export function storeFault(error: unknown, doing: string): TagoutError {
  if (error instanceof TagoutError) return error;
  const state = sqlStateOf(error);
  const why = error instanceof Error ? error.message : String(error);
  return new TagoutError(
    'store-unavailable',
    `The store failed while ${doing}: ${why}${state === null ? '' : ` (${state})`}.`,
    { cause: error },
  );
}

/**
 * Whether an uncaught exception is postgres.js's own: it throws outside any promise when a backend
 * dies (porsager/postgres #1066, #1154, #1208). What was under way is lost and will be done again
 * from the store; the process must end and be started anew.
 */
export function isDriverCrash(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return /[\\/]node_modules[\\/](postgres|pg|pg-pool|pg-protocol)[\\/]/.test(error.stack ?? '');
}
