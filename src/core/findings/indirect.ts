/**
 * Content that a deploy path runs although its own lines do not show it: a file that was moved to
 * where commands live, a link, and a test or a document that a command file names.
 */
import type { ChangedFile } from '../evidence.ts';
import { readPath } from '../paths.ts';
import { linesAfter } from '../patch.ts';

/** Documentation and tests are not read for commands as what is run is. */
function isHardlyRead(path: string): boolean {
  const { isCommand, kind } = readPath(path);
  return !isCommand && (kind.name === 'documentation' || kind.name === 'tests');
}

/** Lines that were there before are in no patch, and where they were nobody looked for commands. */
export function isMovedToCommands({ path, previousPath, status }: ChangedFile): boolean {
  if (previousPath === null || status === 'removed') return false;
  return readPath(path).isCommand && isHardlyRead(previousPath);
}

/** `scripts/../docs/x` as a path from the root; null when it leaves the repository. */
function resolved(from: string, target: string): string | null {
  if (target.startsWith('/')) return null;
  const parts = from.split('/').slice(0, -1);
  for (const part of target.split('/')) {
    if (part === '..') {
      if (parts.pop() === undefined) return null;
    } else if (part !== '.' && part !== '') parts.push(part);
  }
  return parts.join('/');
}

/** A link at a place where commands live, to something that is not read as such. */
export function isLinkToUnread(file: ChangedFile): boolean {
  const { path, mode, status, patch } = file;
  if (mode !== '120000' || status === 'removed') return false;
  if (!readPath(path).isCommand && !readPath(`${path}/file`).isCommand) return false;
  const added = patch === null ? [] : linesAfter(patch).filter((line) => line.added);
  const [only, second] = added;
  if (only === undefined || second !== undefined) return true;
  const target = resolved(path, only.text);
  return target === null || isHardlyRead(target) || isHardlyRead(`${target}/file.txt`);
}

function basename(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

const program = /\.(?:sh|bash|zsh|ps1|bat|cmd|py|rb|[cm]?[jt]s|php|pl)$/i;

/** The tests and documents of a change that its own command files name: they are run. */
export function namedByCommands(files: readonly ChangedFile[]): ReadonlySet<string> {
  const candidates = files.filter(({ path, status }) => status !== 'removed' && isHardlyRead(path));
  if (candidates.length === 0) return new Set();
  const words = new Set<string>();
  for (const { path, patch } of files) {
    if (patch === null || !readPath(path).isCommand) continue;
    for (const { text, added } of linesAfter(patch)) {
      if (!added) continue;
      for (const word of text.split(/[^\w./@+-]+/)) {
        if (word === '') continue;
        words.add(word.replace(/^\.\//, ''));
        words.add(resolved(path, word) ?? word);
      }
    }
  }
  return new Set(
    candidates
      .map(({ path }) => path)
      .filter((path) => words.has(path) || (program.test(path) && words.has(basename(path)))),
  );
}
