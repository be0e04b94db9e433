/**
 * The log's signing key: a file outside the database, so that who holds the database cannot sign.
 */
import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { linkSync, readFileSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { vkeyOf } from '../core/audit/note.ts';
import { TagoutError } from '../core/errors.ts';
import { makeFolder } from '../postgres/folders.ts';

export interface LogKey {
  readonly privateKey: KeyObject;
  /** C2SP origin of an installation's log; also the key's name. */
  origin(installationId: number): string;
  /** Verifier key of an installation's log: what an auditor is given. */
  vkey(installationId: number): string;
}

function isThere(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EEXIST';
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

/** What to do when the folder refuses; the system's own word names the rest. */
const REMEDIES: Readonly<Record<string, string>> = {
  EROFS: 'Its file system is read-only: mount it writable, or name another folder in TAGOUT_DATA.',
  ENOSPC: 'The disk is full: free some space.',
  EACCES: 'The server runs as a user who may not use it: correct the permissions of the folder.',
  EPERM: 'The server runs as a user who may not use it: correct the permissions of the folder.',
};

function remedyFor(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const remedy = REMEDIES[code];
  return remedy === undefined ? '' : ` ${remedy}`;
}

/** Written whole under another name and then linked: two first starts at once end with one key. */
function writeNewKey(path: string): void {
  const { privateKey } = generateKeyPairSync('ed25519');
  const text = privateKey.export({ type: 'pkcs8', format: 'pem' });
  const draft = `${path}.${process.pid}.new`;
  makeFolder(dirname(path), 0o700);
  writeFileSync(draft, text, { mode: 0o600 });
  try {
    linkSync(draft, path);
  } catch (error) {
    if (!isThere(error)) throw error;
  } finally {
    unlinkSync(draft);
  }
}

function readKey(path: string): KeyObject | null {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
  const mode = statSync(path).mode & 0o777;
  if ((mode & 0o077) !== 0) {
    throw new TagoutError(
      'configuration',
      `The audit log's key ${path} can be read by others (mode ${mode.toString(8)}). ` +
        `Run \`chmod 600 ${path}\`; if somebody may have copied it, move it away, so that ` +
        'a new one is made and announced.',
    );
  }
  const key = createPrivateKey(text);
  if (key.asymmetricKeyType === 'ed25519') return key;
  throw new TagoutError('configuration', `The audit log's key ${path} is not an Ed25519 key.`);
}

/** Reads the key, or makes one on the first start. Throws TagoutError('configuration'). */
export function openLogKey(path: string, originBase: string): LogKey {
  try {
    if (readKey(path) === null) writeNewKey(path);
    const privateKey = readKey(path);
    if (privateKey === null) throw new Error('it was removed meanwhile');
    const origin = (installationId: number): string => `${originBase}/${installationId}`;
    return { privateKey, origin, vkey: (id) => vkeyOf(origin(id), privateKey) };
  } catch (error) {
    if (error instanceof TagoutError) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new TagoutError(
      'configuration',
      `The audit log's key ${path} cannot be used: ${why}.${remedyFor(error)} ` +
        'Without it nothing can be released.',
      { cause: error },
    );
  }
}
