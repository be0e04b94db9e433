/** Opens the store: an external PostgreSQL, or a cluster of our own when no address is given. */
import { join } from 'node:path';
import { TagoutError } from '../core/errors.ts';
import type { Memory, Progress, Record as RecordPort, SendProgress } from '../core/ports.ts';
import { NO_TRACE, type Trace } from '../core/trace.ts';
import { findEngine } from '../postgres/engine.ts';
import { SUPERUSER } from '../postgres/cluster.ts';
import { openStoreCluster } from '../postgres/store-cluster.ts';
import { type Address, connect, type Sql, storeFault } from './connect.ts';
import { createInbox, type Inbox } from './inbox.ts';
import { type LogKey, openLogKey } from './key.ts';
import { createMemory } from './memory.ts';
import { hasSchema, isMigrated, migrate } from './migrate.ts';
import { createProgress } from './progress.ts';
import { createRecord } from './record.ts';
import { createSealer, type Sealer } from './seal.ts';
import { startWorker, type Worker, type WorkerParts } from './worker.ts';

/** A cluster of our own: its superuser is ours, so the roles can be told apart. */
export interface EmbeddedCluster {
  url(user: string, database: string, password?: string): string;
  readonly connection: { readonly password: string };
  stop(mode: 'fast' | 'immediate'): Promise<void>;
}

export interface StoreOptions {
  readonly databaseUrl: string | null;
  readonly ownerUrl: string | null;
  /** Where the embedded cluster and the log's key lie. */
  readonly dataDir: string;
  /** The log's key, when it does not lie in the data folder. */
  readonly keyPath?: string;
  /** First part of every log's C2SP origin; the installation's id follows. */
  readonly origin?: string;
  readonly startEmbedded?: (dataDir: string) => Promise<EmbeddedCluster>;
  readonly now?: () => number;
  readonly random?: () => number;
  /** Who watches the steps; left out: nobody. */
  readonly trace?: Trace;
  readonly log?: (level: 'warning' | 'info', message: string) => void;
}

export interface Store {
  /** Role tagout_app: inserts and reads the audit tables, owns nothing. */
  readonly sql: Sql;
  /** Role tagout_report: reads the audit tables. */
  readonly reports: Sql;
  readonly inbox: Inbox;
  readonly memory: Memory;
  readonly record: RecordPort;
  /** Long dry runs in the checks that this store knows. */
  progress(send: SendProgress): Progress;
  readonly sealer: Sealer;
  readonly key: LogKey;
  /** False: one login holds every right, and only anchors would show what it changed. */
  readonly rolesSeparated: boolean;
  startWorker(parts: WorkerParts): Promise<Worker>;
  /** Whether the database answers now. */
  ready(): Promise<boolean>;
  /** Ends every connection, and the cluster when it is our own. Stop the worker first. */
  close(): Promise<void>;
}

interface Doors {
  readonly app: Address;
  readonly sealer: Address;
  readonly report: Address;
  readonly rolesSeparated: boolean;
  stop(): Promise<void>;
}

const DATABASE = 'tagout';
const ROLES = ['tagout_app', 'tagout_sealer', 'tagout_report'] as const;

async function startOwnCluster(dataDir: string): Promise<EmbeddedCluster> {
  const engine = await findEngine({});
  return openStoreCluster({ engine, dataDir: join(dataDir, 'store'), database: DATABASE });
}

/** The roles of our own cluster log in themselves; the password is the cluster's. */
async function letIn(url: string, password: string): Promise<void> {
  const sql = connect({ url, role: null }, { name: 'setup', max: 1 });
  try {
    for (const role of ROLES) {
      const literal = `'${password.replaceAll("'", "''")}'`;
      await sql.unsafe(`alter role ${role} login password ${literal}`);
    }
  } finally {
    await sql.end({ timeout: 5 });
  }
}

async function ownDoors(options: StoreOptions): Promise<Doors> {
  const cluster = await (options.startEmbedded ?? startOwnCluster)(options.dataDir);
  try {
    const url = cluster.url(SUPERUSER, DATABASE);
    await migrate(url);
    await letIn(url, cluster.connection.password);
  } catch (error) {
    await cluster.stop('fast');
    throw error;
  }
  const door = (user: string): Address => ({
    url: cluster.url(user, DATABASE, cluster.connection.password),
    role: null,
  });
  return {
    app: door('tagout_app'),
    sealer: door('tagout_sealer'),
    report: door('tagout_report'),
    rolesSeparated: true,
    stop: () => cluster.stop('fast'),
  };
}

interface Login {
  readonly migrated: boolean;
  /** Roles that this login may take on. */
  readonly roles: readonly string[];
  /** It may change tables: the owner, or a superuser. */
  readonly owns: boolean;
}

async function probe(url: string): Promise<Login> {
  const sql = connect({ url, role: null }, { name: 'probe', max: 1 });
  try {
    // Since PostgreSQL 16 a member need not be able to take on the role.
    const rows = await sql<{ role: string }[]>`select rolname as role from pg_roles
      where rolname ^@ 'tagout_' and pg_has_role(current_user, oid,
        case when current_setting('server_version_num')::int >= 160000
        then 'SET' else 'MEMBER' end)`;
    const roles = rows.map((row) => row.role);
    // Without our role the state cannot be read; what is missing is then said instead.
    const member = roles.includes('tagout_app');
    const migrated = member ? await isMigrated(sql) : await hasSchema(sql);
    return { migrated, roles, owns: roles.includes('tagout_owner') };
  } catch (error) {
    throw storeFault(error, 'connecting to DATABASE_URL');
  } finally {
    await sql.end({ timeout: 5 });
  }
}

async function probeMigrated(url: string, ownerUrl: string | null): Promise<Login> {
  const first = await probe(url);
  if (first.migrated) return first;
  await migrate(ownerUrl ?? url);
  return probe(url);
}

/** One login takes on the role that each connection needs. */
async function givenDoors(options: StoreOptions, url: string): Promise<Doors> {
  const login = await probeMigrated(url, options.ownerUrl);
  const missing = ROLES.filter((role) => !login.roles.includes(role));
  if (missing.length > 0) {
    throw new TagoutError(
      'configuration',
      `The login of DATABASE_URL is not a member of ${missing.join(', ')}. As the ` +
        `database's owner run \`grant ${missing.join(', ')} to LOGIN\`, or see "Database roles" in the README.`,
    );
  }
  if (login.owns) {
    options.log?.(
      'warning',
      'Roles are not separated: the login of DATABASE_URL also owns the audit tables and could ' +
        'change them. Give the server a login that is a member of tagout_app, tagout_sealer and ' +
        'tagout_report only, and keep the owner in DATABASE_OWNER_URL for `npx tagout migrate`.',
    );
  }
  return {
    app: { url, role: 'tagout_app' },
    sealer: { url, role: 'tagout_sealer' },
    report: { url, role: 'tagout_report' },
    rolesSeparated: !login.owns,
    stop: () => Promise.resolve(),
  };
}

async function answers(sql: Sql): Promise<boolean> {
  try {
    await sql`select 1`;
    return true;
  } catch {
    return false;
  }
}

function assemble(options: StoreOptions, doors: Doors, key: LogKey): Store {
  const now = options.now ?? Date.now;
  const random = options.random ?? Math.random;
  const trace = options.trace ?? NO_TRACE;
  const sql = connect(doors.app, { name: 'app', max: 8 });
  const seals = connect(doors.sealer, { name: 'sealer', max: 2 });
  // Reading a log takes two at once; a page's reading and a check of all rows may run beside others.
  const reports = connect(doors.report, { name: 'report', max: 6, statementTimeoutMs: 600_000 });
  const sealer = createSealer({ sealer: seals, app: sql, key, now });
  return {
    sql,
    reports,
    inbox: createInbox(sql, trace),
    memory: createMemory(sql),
    record: createRecord(sql, now, trace),
    progress: (send) => createProgress({ sql, send, now }),
    sealer,
    key,
    rolesSeparated: doors.rolesSeparated,
    startWorker: (parts) =>
      startWorker(
        { address: doors.app, sealerAddress: doors.sealer, sql, sealer, now, random, trace },
        parts,
      ),
    ready: () => answers(sql),
    async close() {
      await Promise.all([sql, seals, reports].map((pool) => pool.end({ timeout: 5 })));
      await doors.stop();
    },
  };
}

/**
 * Opens the store and brings its schema up to date. With no `databaseUrl` a cluster in `dataDir` is
 * started, and its roles are separated. Throws TagoutError `configuration` or `store-unavailable`.
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  const keyPath = options.keyPath ?? join(options.dataDir, 'audit.key');
  const key = openLogKey(keyPath, options.origin ?? 'tagout/audit');
  const { databaseUrl } = options;
  const doors =
    databaseUrl === null ? await ownDoors(options) : await givenDoors(options, databaseUrl);
  return assemble(options, doors, key);
}
