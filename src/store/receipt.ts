/** The proof that an event lies under a committed, signed checkpoint. */
import { inclusionFrom, proofText } from '../core/audit/proof.ts';
import type { Sql } from './connect.ts';

interface ReceiptRow {
  readonly leafIndex: number;
  readonly note: string;
  /** Size and frontier of the checkpoint before; the proof starts from there. */
  readonly fromSize: number;
  readonly frontier: readonly string[];
  /** Leaves from there up to the end of the covering checkpoint. */
  readonly leaves: readonly string[];
}

/**
 * The C2SP `tlog-proof` of an event in the first checkpoint that covers it: always the same text,
 * however often it is asked for. Null: it is not sealed.
 */
export async function readReceipt(sql: Sql, eventId: string): Promise<string | null> {
  const [row] = await sql<ReceiptRow[]>`
    select l.leaf_index as "leafIndex", c.note, coalesce(p.tree_size, 0)::bigint as "fromSize",
      array(select encode(h, 'hex') from unnest(p.frontier) with ordinality as f(h, n) order by n)
        as frontier,
      array(select encode(s.leaf_hash, 'hex') from audit.leaf s
        where s.log_id = l.log_id and s.leaf_index >= coalesce(p.tree_size, 0)
          and s.leaf_index < c.tree_size order by s.leaf_index) as leaves
    from audit.event e
      join audit.leaf l on l.event_row = e.id
      cross join lateral (select tree_size, note from audit.checkpoint k
        where k.log_id = l.log_id and k.tree_size > l.leaf_index order by tree_size limit 1) c
      left join lateral (select tree_size, frontier from audit.checkpoint k
        where k.log_id = l.log_id and k.tree_size <= l.leaf_index
        order by tree_size desc limit 1) p on true
    where e.event_id = ${eventId}::uuid`;
  if (row === undefined) return null;
  const bytesOf = (hash: string): Buffer => Buffer.from(hash, 'hex');
  const from = { size: row.fromSize, hashes: row.frontier.map(bytesOf) };
  const path = inclusionFrom({ from, leaves: row.leaves.map(bytesOf) }, row.leafIndex);
  return proofText(row.leafIndex, path, row.note);
}
