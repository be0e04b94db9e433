/** Verifies a log where it lies, with a connection of its own that only reads. */
import type { LogVerdict } from '../core/audit/verify.ts';
import { connect } from '../store/connect.ts';
import { type Progress, type Trusted, verifyStored } from '../store/verify-stored.ts';

/** Connects, verifies, and ends the connection. */
export async function verifyDatabase(
  url: string,
  trusted: Trusted,
  progress: Progress,
): Promise<LogVerdict> {
  const sql = connect({ url, role: null }, { name: 'verify', max: 3, statementTimeoutMs: 0 });
  try {
    return await verifyStored(sql, trusted, progress);
  } finally {
    await sql.end({ timeout: 5 });
  }
}
