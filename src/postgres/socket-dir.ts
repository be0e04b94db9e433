/** Short temporary folders for unix sockets, and the removal of those whose processes are dead. */
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { giveTo, type ServiceUser } from './service-user.ts';

const NAME = /^tagout-pg-(\d+)-/;

/** A unix socket's path holds 107 bytes; the longest name in the folder takes 22 of them. */
function home(): string {
  return tmpdir().length <= 60 ? tmpdir() : '/tmp';
}

/** A new folder that only the server's user can enter. */
export function newSocketDir(runAs: ServiceUser | null): string {
  const folder = mkdtempSync(join(home(), `tagout-pg-${process.pid}-`));
  chmodSync(folder, 0o700);
  giveTo(folder, runAs);
  return folder;
}

/** Whether a process with this id is there; one of another user counts. */
export function lives(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** A server's lock file beside its socket names its process id on the first line. */
function inUse(folder: string): boolean {
  const locks = readdirSync(folder).filter((name) => name.endsWith('.lock'));
  return locks.some((name) => lives(Number.parseInt(readFileSync(join(folder, name), 'utf8'), 10)));
}

/** Removes the folders of killed processes; those of others, or still in use, are left alone. */
export function sweepSocketDirs(): void {
  for (const name of readdirSync(home())) {
    const pid = Number(NAME.exec(name)?.[1] ?? 0);
    if (pid === 0 || lives(pid)) continue;
    const folder = join(home(), name);
    try {
      if (!inUse(folder)) rmSync(folder, { recursive: true, force: true });
    } catch {
      // It belongs to another user, whose own processes sweep it.
      continue;
    }
  }
}
