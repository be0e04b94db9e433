/**
 * The sealer: gives events their place in their log and signs what is there. Writers never wait for
 * it; only it assigns order, one sealer per log at a time.
 */
import { keyEvent } from '../core/audit/effect-event.ts';
import {
  EMPTY_FRONTIER,
  type Frontier,
  growFrontier,
  isFrontier,
  rootOf,
} from '../core/audit/merkle.ts';
import { signCheckpoint } from '../core/audit/note.ts';
import { TagoutError } from '../core/errors.ts';
import { appendEvent, stamp } from './append.ts';
import { type Sql, storeFault, type Tx } from './connect.ts';
import type { LogKey } from './key.ts';
import { createUnsealed, type Unsealed, type UnsealedRow } from './unsealed.ts';

export interface Sealer {
  /** Seals everything committed so far in one log; answers the log's size. */
  sealNow(installationId: number): Promise<number>;
  /** Seals every log that has something to seal. */
  sealAll(): Promise<void>;
}

export interface SealerParts {
  /** Role tagout_sealer. */
  readonly sealer: Sql;
  /** Role tagout_app, for the event that announces the key. */
  readonly app: Sql;
  readonly key: LogKey;
  readonly now: () => number;
}

interface CheckpointRow {
  readonly treeSize: number;
  readonly rootHash: string;
  readonly frontier: readonly string[];
  readonly sealedMs: number;
}

/** Two keys for the lock, so that it meets no other lock of ours. */
const SEAL_LOCK = 1_934_188_033;

function frontierOf(row: CheckpointRow | undefined): Frontier {
  if (row === undefined) return EMPTY_FRONTIER;
  const hashes = row.frontier.map((hash) => Buffer.from(hash, 'hex'));
  const frontier = { size: row.treeSize, hashes };
  const matches = Buffer.from(rootOf(frontier)).toString('hex') === row.rootHash;
  if (isFrontier(frontier) && matches) return frontier;
  throw new TagoutError(
    'internal',
    'The newest checkpoint of the audit log does not fit its own root; run `npx tagout verify`.',
  );
}

function hex(hash: Uint8Array): string {
  return Buffer.from(hash).toString('hex');
}

async function lastCheckpoint(tx: Tx, logId: number): Promise<CheckpointRow | undefined> {
  const [row] = await tx<CheckpointRow[]>`
    select tree_size as "treeSize", encode(root_hash, 'hex') as "rootHash",
      array(select encode(h, 'hex') from unnest(frontier) with ordinality as f(h, n) order by n)
        as frontier, sealed_ms as "sealedMs"
    from audit.checkpoint where log_id = ${logId}::bigint order by tree_size desc limit 1`;
  return row;
}

function insertLeaves(
  tx: Tx,
  logId: number,
  first: number,
  rows: readonly UnsealedRow[],
): PromiseLike<unknown> {
  return tx`insert into audit.leaf (log_id, leaf_index, event_row, leaf_hash)
    select ${logId}::bigint, ${first}::bigint + n - 1, event_row, decode(hash, 'hex')
    from unnest(${rows.map((row) => row.id)}::bigint[], ${rows.map((row) => row.hash)}::text[])
      with ordinality as r(event_row, hash, n)`;
}

interface Sealed {
  readonly size: number;
  readonly rows: readonly UnsealedRow[];
  readonly more: boolean;
}

/** One batch; answers the log's size, what was sealed, and whether there may be more. */
async function sealBatch(
  tx: Tx,
  parts: SealerParts & { readonly unsealed: Unsealed },
  logId: number,
): Promise<Sealed> {
  // In one round trip. The server runs one statement after the other and takes a snapshot for each
  // only when it begins, so that both see what the lock waited for; were it otherwise, the primary
  // key of the leaves would refuse the batch.
  // Sent first: the driver sends a statement no earlier than somebody waits for it.
  const locked = tx`select pg_advisory_xact_lock(${SEAL_LOCK},
    hashint8(${logId}::bigint))`.execute();
  const [, last, seen] = await Promise.all([
    locked,
    lastCheckpoint(tx, logId),
    parts.unsealed.look(tx, logId),
  ]);
  const frontier = frontierOf(last);
  const { rows, more } = seen ?? { rows: [], more: true };
  if (rows.length === 0) return { size: frontier.size, rows, more };
  const grown = growFrontier(
    frontier,
    rows.map((row) => Buffer.from(row.hash, 'hex')),
  );
  const root = rootOf(grown);
  // Checkpoints of one log never run backwards, also when the machine's clock does.
  // Whole seconds, as the note signs them.
  const sealedMs = Math.max(Math.floor(parts.now() / 1000) * 1000, last?.sealedMs ?? 0);
  const origin = parts.key.origin(logId);
  const head = { origin, size: grown.size, root };
  const note = signCheckpoint(head, parts.key.privateKey, sealedMs);
  const insertCheckpoint = tx`insert into audit.checkpoint values (${logId}::bigint, ${grown.size}::bigint,
    decode(${hex(root)}, 'hex'),
    array(select decode(h, 'hex') from unnest(${grown.hashes.map(hex)}::text[])
      with ordinality as f(h, n) order by n),
    ${note}, ${sealedMs}::bigint)`;
  await Promise.all([insertLeaves(tx, logId, frontier.size, rows), insertCheckpoint]);
  return { size: grown.size, rows, more };
}

/**
 * The sealer of all logs. Its key is announced in a log before it signs there for the first time.
 */
export function createSealer(parts: SealerParts): Sealer {
  const announced = new Set<number>();
  const unsealed = createUnsealed(parts.sealer, parts.now);

  async function announce(logId: number): Promise<void> {
    if (announced.has(logId)) return;
    const vkey = parts.key.vkey(logId);
    const log = { installationId: logId, vkey, origin: parts.key.origin(logId) };
    await appendEvent(parts.app, keyEvent(log, stamp(`key:${vkey}`, parts.now())));
    announced.add(logId);
  }

  async function seal(logId: number): Promise<number> {
    await announce(logId);
    for (;;) {
      await unsealed.ready();
      const done = await parts.sealer.begin((tx) => sealBatch(tx, { ...parts, unsealed }, logId));
      unsealed.sealed(logId, done.rows);
      if (!done.more) return done.size;
    }
  }

  /** Logs that have something to seal, as far as is committed now. */
  async function waitingLogs(): Promise<readonly number[]> {
    for (;;) {
      await unsealed.ready();
      const seen = await unsealed.look(parts.sealer, null);
      if (seen?.more === false) return unsealed.logs();
    }
  }

  async function guarded<T>(action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (error) {
      unsealed.forget();
      throw storeFault(error, 'sealing the audit log');
    }
  }

  return {
    sealNow: (installationId) => guarded(() => seal(installationId)),
    sealAll: () =>
      guarded(async () => {
        for (const logId of await waitingLogs()) await seal(logId);
      }),
  };
}
