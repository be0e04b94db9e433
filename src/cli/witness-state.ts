/** What a witness remembers: the newest checkpoint of each log, written whole before it is signed. */
import { createHash } from 'node:crypto';
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { WitnessState } from '../web/audit-witness.ts';
import { makeFolder } from '../postgres/folders.ts';

function pathOf(folder: string, origin: string): string {
  return join(folder, `${createHash('sha256').update(origin).digest('hex')}.checkpoint`);
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

/** One file per log; a crash leaves the old one or the new one, never half of it. */
export function createWitnessState(folder: string): WitnessState {
  makeFolder(folder, 0o700);
  return {
    read(origin) {
      try {
        return readFileSync(pathOf(folder, origin), 'utf8');
      } catch (error) {
        if (isMissing(error)) return null;
        throw error;
      }
    },
    write(origin, note) {
      const path = pathOf(folder, origin);
      const draft = `${path}.${process.pid}.new`;
      const file = openSync(draft, 'w', 0o600);
      writeSync(file, note);
      fsyncSync(file);
      closeSync(file);
      renameSync(draft, path);
    },
  };
}
