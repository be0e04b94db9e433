/**
 * Starts a server program so that it cannot outlive us: the kernel sends it a signal when this
 * process dies (`setpriv --pdeathsig`). Where the machine has no setpriv, an orphan is found by its
 * postmaster.pid at the next start (postmaster.ts).
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { openSync } from 'node:fs';
import { canReach, type ServiceUser } from './service-user.ts';

export interface Limits {
  /** Address space of each process, in bytes; null sets none. */
  readonly memoryBytes: number | null;
  /** Size of each file, in bytes; null sets none. */
  readonly fileBytes: number | null;
}

export interface LaunchOptions {
  readonly runAs: ServiceUser | null;
  /** `INT` is PostgreSQL's fast shutdown, `QUIT` its immediate one. */
  readonly deathSignal: 'INT' | 'QUIT';
  /** No network beside unix sockets, where the kernel allows a namespace. */
  readonly noNetwork: boolean;
  readonly limits: Limits | null;
}

const works = new Map<string, boolean>();

/** Tries a wrapper once per process: kernels and containers differ in what they allow. */
function tried(command: readonly string[]): boolean {
  const key = command.join(' ');
  const known = works.get(key);
  if (known !== undefined) return known;
  const [program, ...args] = command;
  const answer = spawnSync(program ?? '', [...args, 'true'], { stdio: 'ignore', timeout: 5000 });
  works.set(key, answer.status === 0);
  return answer.status === 0;
}

/** The words before the program that take its network away; null when the kernel refuses. */
function withoutNetwork(): readonly string[] | null {
  const asRoot = ['unshare', '-n'];
  const asUser = ['unshare', '--map-current-user', '-n'];
  const command = process.getuid?.() === 0 ? asRoot : asUser;
  return tried(command) ? command : null;
}

/** Whether servers can be started in a network namespace of their own on this machine. */
export function canTakeNetwork(): boolean {
  return withoutNetwork() !== null;
}

function wrappers(options: LaunchOptions): { words: string[]; identity: boolean } {
  const words: string[] = [];
  if (options.noNetwork) words.push(...(withoutNetwork() ?? []));
  const limits = [
    ...(options.limits?.memoryBytes ? [`--as=${options.limits.memoryBytes}`] : []),
    ...(options.limits?.fileBytes ? [`--fsize=${options.limits.fileBytes}`] : []),
    '--core=0',
  ];
  if (options.limits !== null && tried(['prlimit', ...limits])) words.push('prlimit', ...limits);
  const death = ['setpriv', '--pdeathsig', options.deathSignal];
  const user = options.runAs;
  const identity =
    user === null ? [] : [`--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups'];
  if (tried([...death, ...identity])) words.push(...death, ...identity);
  else return { words, identity: false };
  return { words, identity: true };
}

/** A path by which the server's user gets at a folder, with the descriptor it needs, if any. */
export interface Door {
  readonly path: string;
  readonly descriptor: number | null;
}

/**
 * A folder below one that the user may not walk through (a checkout in /root) is handed over as an
 * open descriptor: /proc/self/fd/3 leads straight to it. The caller closes the descriptor.
 */
export function doorTo(folder: string, user: ServiceUser | null): Door {
  if (canReach(folder, user)) return { path: folder, descriptor: null };
  return { path: '/proc/self/fd/3', descriptor: openSync(folder, 'r') };
}

/** Starts a program under the wrappers; stdout and stderr come through one pipe each. */
export function launch(
  program: string,
  args: readonly string[],
  door: Door,
  options: LaunchOptions,
): ChildProcess {
  const { words, identity } = wrappers(options);
  const [command = program, ...rest] = [...words, program, ...args];
  const user = options.runAs;
  return spawn(command, rest, {
    stdio: ['ignore', 'pipe', 'pipe', door.descriptor ?? 'ignore'],
    cwd: '/',
    env: { LC_ALL: 'C', PATH: '/usr/local/bin:/usr/bin:/bin', TZ: 'UTC' },
    ...(identity || user === null ? {} : { uid: user.uid, gid: user.gid }),
  });
}
