/** The cluster of the app's own store, for when no DATABASE_URL is given. */
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import postgres from 'postgres';
import { TagoutError } from '../core/errors.ts';
import {
  addressOf,
  type Cluster,
  initCluster,
  passwordOf,
  startCluster,
  SUPERUSER,
} from './cluster.ts';
import type { Engine } from './engine.ts';
import { isServing, readPostmaster } from './postmaster.ts';
import { storeUser } from './service-user.ts';
import { sweepSocketDirs } from './socket-dir.ts';

export interface StoreClusterOptions {
  readonly engine: Engine;
  /** `.tagout/store`; made when it is missing. */
  readonly dataDir: string;
  /** Made when it is missing. */
  readonly database: string;
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}

/** A server of ours that already runs on the folder, as when `tagout report` runs beside it. */
function running(dataDir: string, database: string): Cluster | null {
  const postmaster = readPostmaster(dataDir);
  if (postmaster === null || !postmaster.ready || !isServing(dataDir, postmaster)) return null;
  const password = passwordOf(dataDir, 'store-unavailable');
  const { socketDir: host, port, pid } = postmaster;
  return {
    connection: { host, port, user: SUPERUSER, password, database },
    pid,
    owned: false,
    url: addressOf({ host: '127.0.0.1', port }, password),
    stop: () => Promise.resolve(),
    ended: new Promise(() => {}),
  };
}

async function startOnFreePort(options: StoreClusterOptions): Promise<Cluster> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await startCluster({
        engine: options.engine,
        dataDir: options.dataDir,
        durable: true,
        runAs: storeUser(),
        fault: 'store-unavailable',
        tcp: { host: '127.0.0.1', port: await freePort() },
        settings: { max_connections: '60', shared_buffers: '64MB' },
      });
    } catch (error) {
      const taken = error instanceof TagoutError && error.message.includes('port is taken');
      if (!taken || attempt === 5) throw error;
    }
  }
}

async function ensureDatabase(cluster: Cluster, database: string): Promise<void> {
  const sql = postgres(cluster.url(SUPERUSER, 'postgres'), { max: 1, onnotice: () => {} });
  try {
    const there = await sql`select 1 from pg_database where datname = ${database}`;
    if (there.length === 0) await sql`create database ${sql(database)}`;
  } finally {
    await sql.end({ timeout: 5 });
  }
}

/**
 * Starts the store's cluster (made first when new), or joins it when another process of ours serves
 * the folder. It listens on 127.0.0.1 with SCRAM and a random password that lies in the data folder,
 * so another user of the machine cannot get in. Throws TagoutError('store-unavailable').
 */
export async function openStoreCluster(wish: StoreClusterOptions): Promise<Cluster> {
  const options = { ...wish, dataDir: resolve(wish.dataDir) };
  const joined = running(options.dataDir, options.database);
  if (joined !== null) return joined;
  sweepSocketDirs();
  if (!existsSync(join(options.dataDir, 'PG_VERSION'))) {
    await initCluster({
      engine: options.engine,
      dataDir: options.dataDir,
      durable: true,
      runAs: storeUser(),
      fault: 'store-unavailable',
    });
  }
  const cluster = await startOnFreePort(options);
  await ensureDatabase(cluster, options.database);
  return { ...cluster, connection: { ...cluster.connection, database: options.database } };
}
