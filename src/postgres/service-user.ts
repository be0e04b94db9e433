/**
 * Under which operating system user a server runs. PostgreSQL refuses to run as root, so a root
 * process hands its servers to an unprivileged user; any other process runs them as itself.
 */
import { chownSync, readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

export interface ServiceUser {
  readonly uid: number;
  readonly gid: number;
}

/** Numeric ids of a name in /etc/passwd; null when the machine does not know it. */
function lookUp(name: string): ServiceUser | null {
  let passwd: string;
  try {
    passwd = readFileSync('/etc/passwd', 'utf8');
  } catch {
    return null;
  }
  for (const line of passwd.split('\n')) {
    const [user, , uid, gid] = line.split(':');
    if (user === name && uid !== undefined && gid !== undefined && uid !== '0') {
      return { uid: Number(uid), gid: Number(gid) };
    }
  }
  return null;
}

function firstKnown(names: readonly string[]): ServiceUser | null {
  if (process.getuid?.() !== 0) return null;
  for (const name of names) {
    const user = lookUp(name);
    if (user !== null) return user;
  }
  return { uid: 65534, gid: 65534 };
}

/** Who runs the app's own store; null: this process's own user, as it is not root. */
export function storeUser(): ServiceUser | null {
  return firstKnown(['postgres', 'daemon', 'nobody']);
}

/**
 * Who runs throwaway clusters; null: this process's own user. It is another user than the store's,
 * so that SQL which broke out of a sandbox could still not read the store's files.
 */
export function sandboxUser(): ServiceUser | null {
  return firstKnown(['nobody', 'daemon', 'postgres']);
}

/** Gives a path to the user when there is one to give it to. */
export function giveTo(path: string, user: ServiceUser | null): void {
  if (user !== null) chownSync(path, user.uid, user.gid);
}

/** Whether the user may walk down to a path: every folder above it has the right x bit. */
export function canReach(path: string, user: ServiceUser | null): boolean {
  if (user === null) return true;
  for (let folder = resolve(path); ; folder = dirname(folder)) {
    const stat = statSync(folder);
    const bit = stat.uid === user.uid ? 0o100 : stat.gid === user.gid ? 0o010 : 0o001;
    if ((stat.mode & bit) === 0) return false;
    if (folder === dirname(folder)) return true;
  }
}
