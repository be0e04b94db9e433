/** Makes, starts, clones and stops a PostgreSQL cluster. */
import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, closeSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { TagoutError, type FaultCode } from '../core/errors.ts';
import type { Engine } from './engine.ts';
import { startFault } from './faults.ts';
import { type Door, doorTo, launch, type Limits } from './launch.ts';
import { dropStalePid, readPostmaster } from './postmaster.ts';
import { giveTo, type ServiceUser } from './service-user.ts';
import { newSocketDir } from './socket-dir.ts';
import { makeFolder } from './folders.ts';

/** The superuser of every cluster that we make. */
export const SUPERUSER = 'tagout_superuser';

export interface InitOptions {
  readonly engine: Engine;
  readonly dataDir: string;
  /** False leaves fsync out: for clusters that may be thrown away. */
  readonly durable: boolean;
  readonly runAs: ServiceUser | null;
  readonly fault?: FaultCode;
  /** More arguments of initdb. */
  readonly initArgs?: readonly string[];
}

export interface StartOptions extends InitOptions {
  /** Loopback address to listen on beside the unix socket; port 0 takes a free one. */
  readonly tcp?: { readonly host: string; readonly port: number } | null;
  readonly settings?: Readonly<Record<string, string>>;
  readonly noNetwork?: boolean;
  readonly limits?: Limits | null;
}

export interface Connection {
  /** Folder of the unix socket. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
}

export interface Cluster {
  readonly connection: Connection;
  readonly pid: number;
  /** False when another process of ours had already started it. */
  readonly owned: boolean;
  /**
   * Address for the packages `postgres` and `pg`; they need a TCP address, as the first reads no
   * socket folder from an address. Throws when the cluster was started without one.
   */
  url(user: string, database: string, password?: string): string;
  stop(mode: 'fast' | 'immediate'): Promise<void>;
  /** Resolves when the server has ended, for whatever reason; never rejects. */
  readonly ended: Promise<{ readonly log: string }>;
}

const PASSWORD_FILE = 'tagout.password';
const SOCKET_PORT = 5432;
const LAST_WORDS_MS = 500;

/** Collects the end of what a program says, for error messages. */
function tail(child: ChildProcess, limit: number): () => string {
  let text = '';
  const add = (chunk: Buffer): void => {
    text = (text + chunk.toString('utf8')).slice(-limit);
  };
  child.stdout?.on('data', add);
  child.stderr?.on('data', add);
  return () => text;
}

function exited(child: ChildProcess): Promise<number | string> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(code ?? signal ?? 'unknown'));
  });
}

/** A program's last words can come after its end. What it started may hold the pipe for longer. */
async function lastWords(child: ChildProcess): Promise<void> {
  const late = new AbortController();
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const limit = sleep(LAST_WORDS_MS, undefined, { signal: late.signal }).catch(() => undefined);
  if (child.stdout?.closed !== true || child.stderr?.closed !== true) {
    await Promise.race([closed, limit]);
  }
  late.abort();
}

function hold(door: Door): void {
  if (door.descriptor !== null) closeSync(door.descriptor);
}

/** Unicode letters with sorting by code point, the same on every machine (from PostgreSQL 17). */
function localeArgs(engine: Engine): readonly string[] {
  if (engine.major < 17) return ['--locale=C'];
  return ['--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'];
}

/**
 * Makes a new cluster in an empty or missing folder: UTF-8, C collation, a superuser with a random
 * password that is kept in the data folder, readable by the server's user alone.
 */
export async function initCluster(options: InitOptions): Promise<void> {
  makeFolder(options.dataDir, 0o700);
  chmodSync(options.dataDir, 0o700);
  giveTo(options.dataDir, options.runAs);
  const scratch = newSocketDir(options.runAs);
  const passwordFile = join(scratch, 'password');
  const password = randomBytes(24).toString('hex');
  writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
  giveTo(passwordFile, options.runAs);
  const door = doorTo(options.dataDir, options.runAs);
  try {
    const args = ['-D', door.path, '-U', SUPERUSER, `--pwfile=${passwordFile}`, '-E', 'UTF8'];
    args.push('--auth-local=password', '--auth-host=scram-sha-256', ...localeArgs(options.engine));
    args.push(...(options.initArgs ?? []));
    if (!options.durable) args.push('--no-sync');
    const child = launch(join(options.engine.binDir, 'initdb'), args, door, {
      runAs: options.runAs,
      deathSignal: 'QUIT',
      noNetwork: false,
      limits: null,
    });
    const log = tail(child, 8000);
    const code = await exited(child);
    if (code !== 0) {
      await lastWords(child);
      throw startFault('made', { log: `${log()}\n${code}`, ...options });
    }
    const kept = join(options.dataDir, PASSWORD_FILE);
    writeFileSync(kept, password, { mode: 0o600 });
    giveTo(kept, options.runAs);
  } finally {
    hold(door);
    rmSync(scratch, { recursive: true, force: true });
  }
}

const BASE_SETTINGS: Readonly<Record<string, string>> = {
  log_min_messages: 'warning',
  log_timezone: 'UTC',
  timezone: 'UTC',
};

const THROWAWAY_SETTINGS: Readonly<Record<string, string>> = {
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
};

function serverArgs(options: StartOptions, door: Door, socketDir: string): string[] {
  const tcp = options.tcp ?? null;
  const settings: Record<string, string> = {
    ...BASE_SETTINGS,
    ...(options.durable ? {} : THROWAWAY_SETTINGS),
    ...options.settings,
    listen_addresses: tcp?.host ?? '',
    port: String(tcp?.port ?? SOCKET_PORT),
    unix_socket_directories: socketDir,
    unix_socket_permissions: '0700',
  };
  const pairs = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  return ['-D', door.path, ...pairs];
}

interface Running {
  readonly child: ChildProcess;
  readonly done: Promise<number | string>;
  readonly log: () => string;
}

async function untilReady(options: StartOptions, running: Running): Promise<void> {
  const deadline = performance.now() + 60_000;
  const over: { code: number | string | null } = { code: null };
  void running.done.then((code) => {
    over.code = code;
  });
  while (performance.now() < deadline) {
    if (over.code !== null) {
      await lastWords(running.child);
      throw startFault('started', { log: `${running.log()}\n${over.code}`, ...options });
    }
    const postmaster = readPostmaster(options.dataDir);
    if (postmaster?.ready === true && postmaster.pid === running.child.pid) return;
    await sleep(2);
  }
  running.child.kill('SIGKILL');
  throw startFault('started', { log: `${running.log()}\nno answer within 60 s`, ...options });
}

async function stopChild(running: Running, mode: 'fast' | 'immediate'): Promise<void> {
  running.child.kill(mode === 'fast' ? 'SIGINT' : 'SIGQUIT');
  const patienceMs = mode === 'fast' ? 30_000 : 3000;
  const waiter = new AbortController();
  const late = sleep(patienceMs, 'late', { signal: waiter.signal }).catch(() => 'over');
  const first = await Promise.race([running.done, late]);
  waiter.abort();
  if (first === 'late') running.child.kill('SIGKILL');
  await running.done;
}

/** The superuser's password of a data folder. Throws when the cluster was not made by us. */
export function passwordOf(dataDir: string, fault: FaultCode = 'sandbox-unavailable'): string {
  try {
    return readFileSync(join(dataDir, PASSWORD_FILE), 'utf8').trim();
  } catch (cause) {
    throw new TagoutError(
      fault,
      `The PostgreSQL data folder ${dataDir} has no ${PASSWORD_FILE}: it was not made by Tagout ` +
        'or is damaged. Name another folder, or move this one away.',
      { cause },
    );
  }
}

/** The address of a cluster for drivers that take an address. */
export function addressOf(
  tcp: { readonly host: string; readonly port: number } | null,
  password: string,
): Cluster['url'] {
  return (user, database, other) => {
    if (tcp === null) throw new TagoutError('internal', 'This cluster has no TCP address.');
    const secret = encodeURIComponent(other ?? password);
    const path = encodeURIComponent(database);
    return `postgres://${encodeURIComponent(user)}:${secret}@${tcp.host}:${tcp.port}/${path}`;
  };
}

/**
 * Starts the server of a data folder and waits until it answers. Crash recovery runs by itself.
 * Throws TagoutError with a remedy: port taken, disk full, folder not ours, another version.
 */
export async function startCluster(options: StartOptions): Promise<Cluster> {
  const password = passwordOf(options.dataDir, options.fault);
  dropStalePid(options.dataDir);
  const socketDir = newSocketDir(options.runAs);
  const door = doorTo(options.dataDir, options.runAs);
  const args = serverArgs(options, door, socketDir);
  const child = launch(join(options.engine.binDir, 'postgres'), args, door, {
    runAs: options.runAs,
    deathSignal: options.durable ? 'INT' : 'QUIT',
    noNetwork: options.noNetwork ?? false,
    limits: options.limits ?? null,
  });
  const running: Running = { child, done: exited(child), log: tail(child, 8000) };
  const ended = running.done.then(() => {
    rmSync(socketDir, { recursive: true, force: true });
    return { log: running.log() };
  });
  try {
    await untilReady(options, running);
  } finally {
    hold(door);
  }
  const port = options.tcp?.port ?? SOCKET_PORT;
  return {
    connection: { host: socketDir, port, user: SUPERUSER, password, database: 'postgres' },
    pid: child.pid ?? 0,
    owned: true,
    url: addressOf(options.tcp ?? null, password),
    stop: async (mode) => {
      await stopChild(running, mode);
      await ended;
    },
    ended,
  };
}
