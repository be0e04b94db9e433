/** Verifies a log where it lies, over a connection that only reads. */
import {
  createLogVerifier,
  type LogToVerify,
  type LogVerdict,
  type LogVerifier,
  type Problem,
} from '../core/audit/verify.ts';
import { hashText } from '../core/audit/tree.ts';
import { parseCheckpoint } from '../core/audit/note.ts';
import { type Sql, storeFault } from './connect.ts';
import {
  type CheckpointColumns,
  countOrphans,
  readCheckpoints,
  readLeafBatches,
} from './read-log.ts';

/** What the reader knows by themselves. */
export type Trusted = Omit<LogToVerify, 'checkpoints'>;

export type Progress = (done: number, of: number) => void;

/** The columns beside a note must say what the note signed. */
function checkColumns(rows: readonly CheckpointColumns[], report: (found: Problem) => void): void {
  for (const { note, treeSize, rootHash } of rows) {
    const signed = parseCheckpoint(note.slice(0, note.lastIndexOf('\n\n') + 1));
    const root = Buffer.from(signed?.root ?? []).toString('hex');
    if (signed?.size === treeSize && root === rootHash) continue;
    const message = `The columns of the checkpoint of size ${treeSize} are not what it signed.`;
    report({ kind: 'tampered', code: 'note-invalid', leafIndex: null, message });
  }
}

/** The stored frontiers, from which the sealer goes on, must be those of the leaves. */
function frontierChecker(rows: readonly CheckpointColumns[], verifier: LogVerifier) {
  const bySize = new Map(rows.map((row) => [row.treeSize, row.frontier]));
  return (size: number): void => {
    const stored = bySize.get(size);
    if (stored === undefined || verifier.frontier().map(hashText).join() === stored.join()) return;
    const message = `The frontier stored with the checkpoint of size ${size} is another.`;
    verifier.report({ kind: 'tampered', code: 'note-invalid', leafIndex: null, message });
  };
}

async function readLog(
  sql: Sql,
  trusted: Trusted,
  about: { readonly rows: readonly CheckpointColumns[]; readonly verifier: LogVerifier },
  progress: Progress,
): Promise<void> {
  const { rows, verifier } = about;
  const size = rows.at(-1)?.treeSize ?? 0;
  const checkFrontier = frontierChecker(rows, verifier);
  let index = 0;
  for await (const batch of readLeafBatches(sql, trusted.installationId)) {
    for (const leaf of batch) {
      // What was sealed after the checkpoints were read belongs to the next verification.
      if (index >= size && size > 0) continue;
      if (trusted.depth === 'tree') verifier.addBytes(leaf.marked);
      else verifier.add(leaf, leaf.marked);
      if (leaf.index !== index) {
        const message = `Row ${index} stands at ${leaf.index}: a row before it is gone or moved.`;
        const code = 'row-differs';
        verifier.report({ kind: 'tampered', code, leafIndex: index, message });
      }
      index += 1;
      checkFrontier(index);
    }
    progress(index, size);
  }
}

/** Evidence that an event names and that is not there as it was, and texts that were changed. */
async function checkEvidence(
  sql: Sql,
  logId: number,
  report: (found: Problem) => void,
): Promise<void> {
  try {
    const [row] = await sql<{ missing: number | null; changed: number }[]>`select
      (select min(l.leaf_index) from audit.event e join audit.leaf l on l.event_row = e.id
        where e.log_id = ${logId} and e.kind = 'decision.made' and not exists
          (select from audit.evidence v where v.sha256 = e.doc->'evidence'->>'sha256')) as missing,
      (select count(*)::int from audit.evidence_text t
        where encode(sha256(t.salt || convert_to(t.value, 'UTF8')), 'base64') <> t.commitment)
        as changed`;
    const missing = row?.missing ?? null;
    if (missing !== null) {
      const message = `The evidence that row ${missing} names is not there as it was judged.`;
      report({ kind: 'tampered', code: 'evidence-differs', leafIndex: missing, message });
    }
    if ((row?.changed ?? 0) > 0) {
      const message = `${row?.changed} texts of evidence are not those that it commits to.`;
      report({ kind: 'tampered', code: 'evidence-differs', leafIndex: null, message });
    }
  } catch (error) {
    throw storeFault(error, 'checking the evidence');
  }
}

/** Verifies over an open connection. */
export async function verifyStored(
  sql: Sql,
  trusted: Trusted,
  progress: Progress = () => {},
): Promise<LogVerdict> {
  const rows = await readCheckpoints(sql, trusted.installationId);
  const verifier = createLogVerifier({ ...trusted, checkpoints: rows });
  checkColumns(rows, (found) => verifier.report(found));
  await readLog(sql, trusted, { rows, verifier }, progress);
  if (trusted.depth !== 'tree') {
    await checkEvidence(sql, trusted.installationId, (found) => verifier.report(found));
  }
  const orphans = await countOrphans(sql, trusted.installationId);
  if (orphans > 0) {
    const message =
      `${orphans} events are older than a minute and have no place in the log: ` +
      'either no server runs that seals, or somebody keeps them out.';
    verifier.report({ kind: 'unverifiable', code: 'leaves-unsealed', leafIndex: null, message });
  }
  return verifier.finish();
}
