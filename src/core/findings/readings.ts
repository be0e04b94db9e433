/** What the name and the patch of every changed file say, before any policy is asked. */
import { sha256Hex } from '../canonical.ts';
import type { Change, ChangedFile } from '../evidence.ts';
import { kept } from '../memo.ts';
import { isUnread, type PatchReading, readPatch } from '../patch.ts';
import { classesOfFile, type PathClass, type PathReading, readPath } from '../paths.ts';
import { isModeAlone } from './indirect.ts';

/** A changed file with what its path, its mode and its patch say, each looked up once. */
export interface Reading {
  readonly file: ChangedFile;
  readonly path: PathReading;
  readonly classes: readonly PathClass[];
  readonly patch: PatchReading | null;
  /** What is at the paths of the file after the change, one line for each path. */
  readonly content: readonly string[];
  /** Whether nothing in the file asks for more than its class: no line of it can tell anything. */
  readonly isPlain: boolean;
}

const lately = kept<readonly Reading[]>(10_000_000);
const known = new WeakMap<Change, readonly Reading[]>();

/** The readings of a change's files, in their order, made once. */
export function readFiles(change: Change): readonly Reading[] {
  const found = known.get(change);
  if (found !== undefined) return found;
  const made = readAll(change);
  known.set(change, made);
  return made;
}

/**
 * A pull request comes with the same files at every event: what was read of one is taken again
 * while all of it is the same, character for character. The pull request only says where to look
 * for what was read.
 */
function readAll({ files, headRepoId, pull }: Change): readonly Reading[] {
  const key = `${headRepoId} ${pull}`;
  const before = lately.get(key) ?? [];
  const readings: Reading[] = [];
  let at = 0;
  let isNew = false;
  for (const file of files) {
    // Both lists are in the order of the tree.
    let last = before[at];
    while (last !== undefined && last.file.path < file.path) last = before[(at += 1)];
    if (last !== undefined && isSame(last.file, file)) at += 1;
    else {
      last = readFile(file);
      isNew = true;
    }
    readings.push(last);
  }
  if (isNew) lately.set(key, readings, charsOf(readings));
  return readings;
}

/** Whether two files agree in every field; those that carry whole texts are read anew. */
function isSame(one: ChangedFile, other: ChangedFile): boolean {
  return (
    one.path === other.path &&
    one.previousPath === other.previousPath &&
    one.status === other.status &&
    one.blob === other.blob &&
    one.previousBlob === other.previousBlob &&
    one.mode === other.mode &&
    one.additions === other.additions &&
    one.deletions === other.deletions &&
    one.patch === other.patch &&
    one.content === other.content
  );
}

function readFile(file: ChangedFile): Reading {
  const path = readPath(file.path);
  const patch = file.patch === null ? null : readPatch(file.patch);
  const isTelling = path.isCommand || path.isSql || path.isHidden || patch?.telling !== false;
  const isMoved = file.previousPath !== null || file.mode === '120000' || isModeAlone(file);
  const isPlain = !isTelling && !isMoved && !isUnread(file, patch);
  const classes = classesOfFile(file, path.kind);
  return { file, path, classes, patch, content: contentOf(file), isPlain };
}

/** One path and what is there after the change, as a line; NUL is in no path that git holds. */
function lineOf(path: string, content: string | null, mode: string | null): string {
  if (path.includes('\0')) return JSON.stringify([path, content, mode]);
  return [path, content ?? '', mode ?? ''].join('\0');
}

/**
 * A blob that GitHub did not name is replaced by the hash of the diff, so that two contents never
 * look the same.
 */
function contentOf(file: ChangedFile): readonly string[] {
  const { path, previousPath, status, blob, mode, patch } = file;
  const after = status === 'removed' ? null : (blob ?? `diff:${sha256Hex(patch ?? '')}`);
  const line = lineOf(path, after, mode);
  if (previousPath === null || status === 'copied') return [line];
  return [lineOf(previousPath, null, null), line];
}

function charsOf(readings: readonly Reading[]): number {
  let chars = 0;
  for (const { file, content } of readings) {
    const { before = '', after = '' } = file.content ?? {};
    for (const text of [file.path, file.patch, before, after, ...content]) {
      chars += text?.length ?? 0;
    }
  }
  return chars;
}
