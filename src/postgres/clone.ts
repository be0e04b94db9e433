/** Copies a stopped cluster's data folder. */
import { execFile } from 'node:child_process';
import { rmSync } from 'node:fs';
import { promisify } from 'node:util';
import { TagoutError } from '../core/errors.ts';

const run = promisify(execFile);

/**
 * Copies a data folder with owner and modes, sharing blocks where the file system can. The server
 * of `from` must be stopped. Throws TagoutError when the disk is full; nothing is left of `to` then.
 */
export async function cloneDataDir(from: string, to: string): Promise<void> {
  try {
    await run('cp', ['-a', '--reflink=auto', '--', from, to]);
  } catch (cause) {
    rmSync(to, { recursive: true, force: true });
    const detail = cause instanceof Error ? cause.message.slice(-300) : String(cause);
    throw new TagoutError(
      'sandbox-unavailable',
      `A prepared database could not be copied to ${to}; free some disk space. It said: ${detail}`,
      { cause },
    );
  }
}
