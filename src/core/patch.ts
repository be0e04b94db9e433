/** Unified diff hunks as lines with numbers: what a change adds, and where. */
import { mayHoldCommand } from './commands/prefilter.ts';
import type { ChangedFile } from './evidence.ts';

export interface PatchLine {
  /** 1-based line in the file after the change. */
  readonly line: number;
  readonly text: string;
  readonly added: boolean;
}

/** Git's object id of an empty file, in SHA-1 and in SHA-256 repositories. */
const emptyBlobs = new Set([
  'e69de29bb2d1d6434b8b29ae775ad8c2e48c5391',
  '473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813',
]);

/** Lines of the file after the change that the patch shows, added ones and their context. */
export function linesAfter(patch: string): readonly PatchLine[] {
  const lines: PatchLine[] = [];
  let at = 0;
  for (const raw of patch.split('\n')) {
    const hunk = /^@@ -\d+(?:,\d+)? \+(\d+)/.exec(raw);
    if (hunk !== null) at = Number(hunk[1]);
    else if (raw.startsWith('+') || raw.startsWith(' ')) {
      lines.push({ line: at, text: raw.slice(1).replace(/\r$/, ''), added: raw.startsWith('+') });
      at += 1;
    }
  }
  return lines;
}

/** Whether content was added that the patch (null: none) does not show: binary, too large, cut. */
export function isUnread(file: ChangedFile, reading: PatchReading | null): boolean {
  if (reading !== null && reading.added >= file.additions) return false;
  if (file.status === 'removed' || file.blob === file.previousBlob) return false;
  if (file.mode === '160000') return false;
  return reading !== null || file.blob === null || !emptyBlobs.has(file.blob);
}

export interface PatchReading {
  /** How many added lines the patch shows. */
  readonly added: number;
  /** Whether any line can hold a command, a hidden character or a pointer. */
  readonly telling: boolean;
}

/** What a patch holds. */
export function readPatch(patch: string): PatchReading {
  const telling = /[^\t\n\r\x20-\x7e]|git-lfs/.test(patch) || mayHoldCommand(patch);
  return { telling, added: addedIn(patch) };
}

function addedIn(patch: string): number {
  let added = patch.startsWith('+') ? 1 : 0;
  for (let at = patch.indexOf('\n+'); at >= 0; at = patch.indexOf('\n+', at + 1)) added += 1;
  return added;
}
