/** Reads an installation's sealed log back, in leaf order, as it is verified and bundled. */
import type { SealedLeaf, StoredCheckpoint } from '../core/audit/verify.ts';
import { type Sql, storeFault } from './connect.ts';

interface LeafRow {
  readonly body: string;
  readonly paths: readonly string[] | null;
  readonly salts: readonly string[] | null;
  readonly values: readonly string[] | null;
}

/** The three lists are null together when no text is left. */
function leafOf(row: LeafRow): SealedLeaf {
  const details = (row.paths ?? []).map((path, at) => ({
    path,
    salt: Buffer.from(row.salts?.[at] ?? '', 'hex'),
    value: row.values?.[at] ?? '',
  }));
  return { body: row.body, details };
}

/** Every signed checkpoint of a log, by size. */
export async function readCheckpoints(
  sql: Sql,
  installationId: number,
): Promise<readonly StoredCheckpoint[]> {
  try {
    return await sql<StoredCheckpoint[]>`select note, sealed_ms as "sealedMs"
      from audit.checkpoint where log_id = ${installationId} order by tree_size`;
  } catch (error) {
    throw storeFault(error, 'reading checkpoints');
  }
}

/**
 * The leaves by index, with the personal texts that are still there. A place whose event is gone is
 * left out, so that the tree no longer fits its checkpoint.
 */
export async function* readLeaves(
  sql: Sql,
  installationId: number,
): AsyncGenerator<SealedLeaf, void, undefined> {
  const cursor = sql<LeafRow[]>`
    select e.body,
      array_agg(d.path order by d.path) filter (where d.path is not null) as paths,
      array_agg(encode(d.salt, 'hex') order by d.path) filter (where d.path is not null) as salts,
      array_agg(d.value order by d.path) filter (where d.path is not null) as values
    from audit.leaf l join audit.event e on e.id = l.event_row
    left join audit.detail d on d.event_row = e.id
    where l.log_id = ${installationId}
    group by l.leaf_index, e.id order by l.leaf_index`.cursor(1_000);
  try {
    for await (const batch of cursor) {
      for (const row of batch) yield leafOf(row);
    }
  } catch (error) {
    throw storeFault(error, 'reading the audit log');
  }
}
