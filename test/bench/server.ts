/** The server as a process of its own, as `npm start` runs it, so that a bench measures it alone. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LocalGitHub } from '../github/index.ts';
import { deployOnce, raise } from '../story/scene.ts';
import { manifest } from '../story/tagout.ts';
import type { Held } from './collect.ts';

export interface ServerProcess {
  readonly url: string;
  readonly readyMs: number;
  /** Resident memory of the server process now, in MB. */
  rssMb(): number;
  /** The most resident memory that it had since its start, in MB. */
  peakRssMb(): number;
  /** Processor time that it and every process below it (its PostgreSQL) has used, in ms. */
  cpuMs(): number;
  /** Collects its garbage and answers what it holds then; only with `collects`. */
  held(): Promise<Held>;
  /** Ends it as an operator would and waits for its end. */
  stop(): Promise<void>;
}

function addressOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = '';
    child.stdout?.on('data', (part: Buffer) => {
      said += part.toString();
      const url = /listens on (http\S+)/.exec(said)?.[1];
      if (url !== undefined) resolve(url);
    });
    child.once('exit', (code) => reject(new Error(`the server ended with ${code}: ${said}`)));
  });
}

/** A tick of /proc is 10 ms on every Linux that Node runs on (USER_HZ). */
const TICK_MS = 10;

interface Used {
  readonly parent: number;
  readonly ms: number;
}

/** Of every process: its parent, and its own time with that of its children that have ended. */
function used(): ReadonlyMap<number, Used> {
  const all = new Map<number, Used>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
      // Fields 4 and 14 to 17 of proc(5); the name before them may hold anything.
      const fields = stat
        .slice(stat.lastIndexOf(')') + 2)
        .split(' ')
        .map(Number);
      const ticks = fields.slice(11, 15).reduce((sum, one) => sum + one, 0);
      all.set(Number(name), { parent: fields[1] ?? 0, ms: ticks * TICK_MS });
    } catch {
      // It has ended since the folder was listed.
    }
  }
  return all;
}

function cpuMsOf(root: number): number {
  const all = used();
  const isBelow = (pid: number): boolean =>
    pid === root || (all.has(pid) && isBelow(all.get(pid)?.parent ?? 0));
  return [...all].reduce((sum, [pid, { ms }]) => (isBelow(pid) ? sum + ms : sum), 0);
}

export interface ServerOptions {
  /** Whether its garbage can be collected from here; what is measured otherwise has nothing added. */
  readonly collects?: boolean;
  /** Further settings of the server. */
  readonly env?: Readonly<Record<string, string>>;
}

const ROOT = join(import.meta.dirname, '../..');

/** What `npm start` says after `node`. */
function startArgs(): readonly string[] {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const [program, ...args] = String(scripts.start).split(' ');
  if (program !== 'node') throw new Error(`npm start runs ${program} and not node`);
  return args;
}

/** Starts the server against a local GitHub, with its store in `dataDir`. */
export async function startServer(
  gh: LocalGitHub,
  dataDir: string,
  { collects = false, env = {} }: ServerOptions = {},
): Promise<ServerProcess> {
  const startedMs = performance.now();
  const before = collects ? ['--import', join(import.meta.dirname, 'collect.ts')] : [];
  const child = spawn(process.execPath, [...before, ...startArgs()], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe', ...(collects ? (['ipc'] as const) : [])],
    env: {
      ...process.env,
      APP_ID: String(gh.app.id),
      PRIVATE_KEY: gh.app.privateKey,
      WEBHOOK_SECRET: gh.app.webhookSecret,
      GITHUB_API_URL: gh.url,
      TAGOUT_DATA: dataDir,
      PORT: '0',
      LOG_LEVEL: 'error',
      ...env,
    },
  });
  child.stderr?.pipe(process.stderr);
  const url = await addressOf(child);
  const readyMs = performance.now() - startedMs;
  const memoryMb = (field: 'VmRSS' | 'VmHWM'): number => {
    const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
    return Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)?.[1]) / 1024;
  };
  return {
    url,
    readyMs,
    rssMb: () => memoryMb('VmRSS'),
    peakRssMb: () => memoryMb('VmHWM'),
    cpuMs: () => cpuMsOf(child.pid ?? 0),
    async held() {
      const answer = once(child, 'message');
      child.send('collect');
      const [held] = (await answer) as [Held];
      return held;
    },
    stop: () =>
      new Promise((resolve) => {
        child.once('exit', () => resolve());
        child.kill('SIGTERM');
      }),
  };
}

export type BenchScene = Awaited<ReturnType<typeof raise>> & {
  readonly server: ServerProcess;
  close(): Promise<void>;
};

/** The story's organisation with the server in its own process. */
export async function openBenchScene(options: ServerOptions = {}): Promise<BenchScene> {
  const raised = await raise(await manifest(), false);
  await deployOnce(raised);
  const dataDir = mkdtempSync(join(tmpdir(), 'bench-server-'));
  const server = await startServer(raised.gh, dataDir, options);
  raised.gh.app.webhookUrl = `${server.url}/api/github/webhooks`;
  return {
    ...raised,
    server,
    async close() {
      await raised.gh.settled();
      await server.stop();
      await raised.gh.close();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}
