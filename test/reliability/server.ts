/** Servers as processes of their own on one PostgreSQL, with a wire between them that can be cut. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findEngine } from '../../src/postgres/engine.ts';
import { SUPERUSER } from '../../src/postgres/cluster.ts';
import { openStoreCluster } from '../../src/postgres/store-cluster.ts';
import { connect, type Sql } from '../../src/store/connect.ts';
import type { LocalGitHub, Repo } from '../github/index.ts';
import { deployOnce, type People, raise } from '../story/scene.ts';
import { manifest } from '../story/tagout.ts';
import { Wire } from './wire.ts';

const MAIN = join(import.meta.dirname, '..', '..', 'src', 'main.ts');

export interface Replica {
  readonly url: string;
  readonly child: ChildProcess;
  readonly said: () => string;
  readonly ended: Promise<number | null>;
  /** Ends it at once, as a machine that loses its power. */
  kill(): Promise<void>;
  /** Asks it to stop; answers its exit code and how long it took. */
  stop(): Promise<{ readonly code: number | null; readonly ms: number }>;
}

export interface Ground {
  readonly gh: LocalGitHub;
  readonly repo: Repo;
  readonly people: People;
  readonly wire: Wire;
  /** Straight to PostgreSQL, past the wire. */
  readonly sql: Sql;
  /** What a command of `tagout` needs to know to work beside the servers. */
  readonly env: Readonly<Record<string, string>>;
  start(
    extra?: Readonly<Record<string, string>>,
    args?: readonly string[],
    /** Another program than `src/main.ts`, which says `listens on URL` as that one does. */
    program?: string,
  ): Promise<Replica>;
  /** Ends PostgreSQL without a checkpoint, as a machine that loses its power. */
  killPostgres(): Promise<void>;
  /** Starts it again on the same folder. */
  raisePostgres(): Promise<void>;
  close(): Promise<void>;
}

/**
 * A local GitHub and a PostgreSQL; no server yet. `straight`: the servers' way to PostgreSQL does not
 * lead through this process, so that a bench does not measure it.
 */
export async function openGround(options: { readonly straight?: boolean } = {}): Promise<Ground> {
  const raised = await raise(await manifest(), false);
  await deployOnce(raised);
  const dataDir = mkdtempSync(join(tmpdir(), 'tagout-ground-'));
  const engine = await findEngine({});
  const place = { engine, dataDir: join(dataDir, 'store'), database: 'tagout' };
  const straight = (): Sql =>
    connect({ url: cluster.url(SUPERUSER, 'tagout'), role: null }, { name: 'test', max: 2 });
  const portOf = (): number => Number(new URL(cluster.url(SUPERUSER, 'tagout')).port);
  let cluster = await openStoreCluster(place);
  let sql = straight();
  const wire = new Wire(portOf());
  const url = new URL(cluster.url(SUPERUSER, 'tagout'));
  const wirePort = await wire.listen();
  if (options.straight !== true) url.port = String(wirePort);
  const { app, url: github } = raised.gh;
  const common = {
    APP_ID: String(app.id),
    PRIVATE_KEY: app.privateKey,
    WEBHOOK_SECRET: app.webhookSecret,
    GITHUB_API_URL: github,
    DATABASE_URL: url.href,
    TAGOUT_DATA: join(dataDir, 'data'),
  };
  const replicas: Replica[] = [];
  return {
    ...raised,
    wire,
    env: common,
    get sql() {
      return sql;
    },
    async killPostgres() {
      await sql.end({ timeout: 0 });
      await cluster.stop('immediate');
    },
    async raisePostgres() {
      cluster = await openStoreCluster(place);
      wire.target = portOf();
      sql = straight();
    },
    async start(extra = {}, args = [], program = MAIN) {
      const env = {
        ...common,
        PORT: '0',
        HOST: '127.0.0.1',
        LOG_LEVEL: 'error',
        SWEEP_MINUTES: '0',
        ...extra,
      };
      const replica = await startReplica(env, [program, ...args]);
      replicas.push(replica);
      if (!args.includes('--only=worker')) {
        raised.gh.app.webhookUrl = `${replica.url}/api/github/webhooks`;
      }
      return replica;
    },
    async close() {
      await Promise.all(replicas.map((replica) => replica.kill()));
      await sql.end({ timeout: 5 });
      wire.close();
      await raised.gh.close();
      await cluster.stop('fast');
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

async function startReplica(
  env: Readonly<Record<string, string>>,
  args: readonly string[],
): Promise<Replica> {
  const child = spawn(process.execPath, [...args], {
    env: { PATH: process.env['PATH'], ...env },
  });
  let said = '';
  child.stderr.on('data', (part: Buffer) => {
    said += part.toString();
  });
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout.on('data', (part: Buffer) => {
      const found = /listens on (\S+)/.exec(part.toString())?.[1];
      if (found !== undefined) resolve(found);
    });
    void ended.then((code) => reject(new Error(`the server ended with ${code}: ${said}`)));
  });
  return {
    url,
    child,
    said: () => said,
    ended,
    async kill() {
      child.kill('SIGKILL');
      await ended;
    },
    async stop() {
      const startedMs = performance.now();
      child.kill('SIGTERM');
      const code = await ended;
      return { code, ms: performance.now() - startedMs };
    },
  };
}

/** What a dead process held is free after 40 s; here at once. What is put off comes at once too. */
export async function hurry(sql: Sql): Promise<void> {
  await sql`update graphile_worker._private_jobs set run_at = now()
    where locked_at is null and run_at > now()`;
  await sql`update tagout.outbox set next_at_ms = 0 where status in ('pending', 'sending')`;
}

/** Makes everything that dead processes hold as old as if a minute had gone by. */
export async function age(sql: Sql): Promise<void> {
  await sql`update tagout.replica set beat_at = beat_at - interval '1 minute'`;
  await ageLocks(sql);
}

/** Makes every lock of the queue as old as if a minute had gone by. */
export async function ageLocks(sql: Sql): Promise<void> {
  await sql`update graphile_worker._private_jobs set locked_at = locked_at - interval '1 minute'
    where locked_at is not null`;
  await sql`update graphile_worker._private_job_queues set locked_at = locked_at - interval '1 minute'
    where locked_at is not null`;
}

/** Waits until nothing is left to do, hurrying what waits. */
export async function rest(
  { gh, sql }: Pick<Ground, 'gh' | 'sql'>,
  limitMs = 40_000,
): Promise<void> {
  const end = Date.now() + limitMs;
  for (let quiet = 0; quiet < 3; ) {
    if (Date.now() > end) {
      const jobs =
        await sql`select key, attempts, locked_by, last_error from graphile_worker._private_jobs`;
      throw new Error(`it does not come to rest: ${JSON.stringify(jobs)}`);
    }
    await gh.settled();
    await hurry(sql);
    const [row] = await sql`select
      (select count(*)::int from graphile_worker._private_jobs
        where key is not null or attempts < max_attempts) +
      (select count(*)::int from tagout.outbox where status in ('pending', 'sending')) as n`;
    quiet = row?.['n'] === 0 ? quiet + 1 : 0;
    await sleep(40);
  }
}
