/** Reads an installation's sealed log back, in leaf order, as it is verified and bundled. */
import type { Detail } from '../core/audit/scribe.ts';
import type { SealedLeaf, StoredCheckpoint } from '../core/audit/verify.ts';
import { type Sql, storeFault } from './connect.ts';
import { copyRows, type RawRow } from './copy.ts';

/** A leaf with the bytes that are hashed: 0x00 and the body. */
export interface StoredLeaf extends SealedLeaf {
  /** Its place as the table says it. */
  readonly index: number;
  readonly marked: Uint8Array;
}

/** A checkpoint with the columns that must say the same as its note. */
export interface CheckpointColumns extends StoredCheckpoint {
  readonly treeSize: number;
  readonly rootHash: string;
  readonly frontier: readonly string[];
}

/** Every signed checkpoint of a log, by size. */
export async function readCheckpoints(
  sql: Sql,
  installationId: number,
): Promise<readonly CheckpointColumns[]> {
  try {
    return await sql<CheckpointColumns[]>`select note, sealed_ms as "sealedMs",
        tree_size as "treeSize", encode(root_hash, 'hex') as "rootHash",
        array(select encode(h, 'hex') from unnest(frontier) with ordinality as f(h, n) order by n)
          as frontier
      from audit.checkpoint where log_id = ${installationId} order by tree_size`;
  } catch (error) {
    throw storeFault(error, 'reading checkpoints');
  }
}

/** The newest signed checkpoint of a log, or null before the first seal. */
export async function readLastCheckpoint(
  sql: Sql,
  installationId: number,
): Promise<StoredCheckpoint | null> {
  try {
    const [row] = await sql<StoredCheckpoint[]>`select note, sealed_ms as "sealedMs"
      from audit.checkpoint where log_id = ${installationId} order by tree_size desc limit 1`;
    return row ?? null;
  } catch (error) {
    throw storeFault(error, 'reading the last checkpoint');
  }
}

interface IndexedDetail extends Detail {
  readonly leaf: number;
}

function bytesAt(row: RawRow, at: number): Buffer {
  return row[at] ?? Buffer.alloc(0);
}

function detailOf(row: RawRow): IndexedDetail {
  return {
    leaf: Number(bytesAt(row, 0).readBigInt64BE()),
    path: bytesAt(row, 1).toString('utf8'),
    salt: bytesAt(row, 2),
    value: bytesAt(row, 3).toString('utf8'),
  };
}

function detailsQuery(logId: number, from: number): string {
  return `select l.leaf_index, d.path, d.salt, d.value
    from audit.leaf l join audit.detail d on d.event_row = l.event_row
    where l.log_id = ${logId} and l.leaf_index >= ${from}
    order by l.leaf_index, d.path collate "C"`;
}

function leavesQuery(logId: number, from: number): string {
  return `select l.leaf_index, l.leaf_hash, e.body
    from audit.leaf l join audit.event e on e.id = l.event_row
    where l.log_id = ${logId} and l.leaf_index >= ${from} order by l.leaf_index`;
}

/** Hands out the details of one leaf after the other, as both come in leaf order. */
function createDetails(sql: Sql, logId: number, from: number) {
  const batches = copyRows(sql, detailsQuery(logId, from));
  let rows: readonly IndexedDetail[] = [];
  let at = 0;
  let ended = false;
  return {
    /** Reads on until everything up to a leaf is here. */
    async through(leaf: number): Promise<void> {
      while (!ended && (rows.at(-1)?.leaf ?? -1) <= leaf) {
        const next = await batches.next();
        ended = next.done === true;
        if (!next.done) rows = [...rows.slice(at), ...next.value.map(detailOf)];
        if (!next.done) at = 0;
      }
    },
    take(leaf: number): readonly Detail[] {
      const from = at;
      while ((rows[at]?.leaf ?? Number.POSITIVE_INFINITY) <= leaf) at += 1;
      return from === at ? NO_DETAILS : rows.slice(from, at);
    },
    /** Reads to the end: a connection that is still sending could not be used again. */
    async close(): Promise<void> {
      while (!ended) ended = (await batches.next()).done === true;
    },
  };
}

const NO_DETAILS: readonly Detail[] = [];

function leafOf(row: RawRow, details: readonly Detail[]): StoredLeaf {
  const field = bytesAt(row, 2);
  const body = field.toString('utf8');
  // The byte before the field is the end of its length, which has been read.
  const marked = Buffer.from(field.buffer, field.byteOffset - 1, field.byteLength + 1);
  marked[0] = 0;
  return {
    index: indexOf(row),
    body,
    marked,
    details,
    storedHash: bytesAt(row, 1).toString('latin1'),
  };
}

/** The leaves from an index on in batches, with the personal texts that are still there. */
export async function* readLeafBatches(
  sql: Sql,
  installationId: number,
  fromIndex: number = 0,
): AsyncGenerator<readonly StoredLeaf[], void, undefined> {
  const [logId, from] = [Math.trunc(installationId), Math.trunc(fromIndex)];
  const details = createDetails(sql, logId, from);
  try {
    for await (const rows of copyRows(sql, leavesQuery(logId, from))) {
      const last = rows.at(-1);
      if (last !== undefined) await details.through(indexOf(last));
      yield rows.map((row) => leafOf(row, details.take(indexOf(row))));
    }
  } catch (error) {
    throw storeFault(error, 'reading the audit log');
  } finally {
    await details.close();
  }
}

function indexOf(row: RawRow): number {
  return Number(bytesAt(row, 0).readBigInt64BE());
}

/**
 * The leaves by index. A place whose event is gone is left out, so that the tree no longer fits its
 * checkpoint.
 */
export async function* readLeaves(
  sql: Sql,
  installationId: number,
): AsyncGenerator<StoredLeaf, void, undefined> {
  for await (const batch of readLeafBatches(sql, installationId)) yield* batch;
}

/** The logs that there are, by installation. */
export async function readLogIds(sql: Sql): Promise<readonly number[]> {
  try {
    // From one log's first row to the next one's: there are few logs, and a row for each seal.
    const rows = await sql<{ logId: number }[]>`
      with recursive log as (
        (select log_id from audit.checkpoint order by log_id limit 1)
        union all
        select (select c.log_id from audit.checkpoint c where c.log_id > log.log_id
          order by c.log_id limit 1) from log where log.log_id is not null
      ) select log_id as "logId" from log where log_id is not null order by log_id`;
    return rows.map((row) => row.logId);
  } catch (error) {
    throw storeFault(error, 'reading which logs there are');
  }
}

/** Events of a log that have been waiting for their place for longer than a minute. */
export async function countOrphans(sql: Sql, installationId: number): Promise<number> {
  try {
    const [row] = await sql<{ count: number }[]>`select count(*)::int as count
      from audit.event e where e.log_id = ${installationId}
        and e.db_clock < clock_timestamp() - interval '1 minute'
        and not exists (select from audit.leaf l where l.event_row = e.id)`;
    return row?.count ?? 0;
  } catch (error) {
    throw storeFault(error, 'looking for events without a place');
  }
}
