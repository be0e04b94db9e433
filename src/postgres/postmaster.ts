/** Reads postmaster.pid, the file by which PostgreSQL says who serves a data folder. */
import { readFileSync, readlinkSync, rmSync } from 'node:fs';
import { join } from 'node:path';

export interface Postmaster {
  readonly pid: number;
  readonly port: number;
  readonly socketDir: string;
  readonly ready: boolean;
}

/** What the file says; null when there is none or it is cut short. Lines: PostgreSQL's miscadmin.h. */
export function readPostmaster(dataDir: string): Postmaster | null {
  let text: string;
  try {
    text = readFileSync(join(dataDir, 'postmaster.pid'), 'utf8');
  } catch {
    return null;
  }
  const lines = text.split('\n');
  const pid = Number(lines[0]);
  if (!Number.isInteger(pid) || pid <= 1) return null;
  return {
    pid,
    port: Number(lines[3] ?? 0),
    socketDir: lines[4] ?? '',
    ready: (lines[7] ?? '').trim() === 'ready',
  };
}

/** Whether that process lives and is a PostgreSQL server in that folder, not one that got its id. */
export function isServing(dataDir: string, postmaster: Postmaster): boolean {
  try {
    process.kill(postmaster.pid, 0);
  } catch (error) {
    const denied = error instanceof Error && 'code' in error && error.code === 'EPERM';
    if (!denied) return false;
  }
  try {
    return readlinkSync(`/proc/${postmaster.pid}/cwd`) === dataDir;
  } catch {
    return isPostgres(postmaster.pid);
  }
}

function isPostgres(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('postgres');
  } catch {
    return false;
  }
}

/**
 * Removes a postmaster.pid whose server is dead. PostgreSQL would refuse to start when another
 * program happens to have the old process id, as is usual after a container restart.
 */
export function dropStalePid(dataDir: string): void {
  const postmaster = readPostmaster(dataDir);
  if (postmaster !== null && isServing(dataDir, postmaster)) return;
  rmSync(join(dataDir, 'postmaster.pid'), { force: true });
}
