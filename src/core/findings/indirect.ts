/**
 * Content that a deploy path runs although its own lines do not show it: a file that was moved to
 * where commands live, a link, and a test or a document that a command file names.
 */
import type { ChangedFile } from '../evidence.ts';
import type { Finding } from '../findings.ts';
import { type PathReading, readPath } from '../paths.ts';
import { linesAfter, type PatchLine } from '../patch.ts';
import { makeFinding } from './make.ts';

/** Documentation and tests are not read for commands as what is run is. */
function isHardlyRead(path: string): boolean {
  return isTextOrTest(readPath(path));
}

function isTextOrTest({ isCommand, kind }: PathReading): boolean {
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
export function namedByCommands(
  readings: readonly { readonly file: ChangedFile; readonly path: PathReading }[],
): ReadonlySet<string> {
  const commands = readings.filter(({ file, path }) => file.patch !== null && path.isCommand);
  if (commands.length === 0) return new Set();
  const candidates = readings.flatMap(({ file, path }) =>
    file.status !== 'removed' && isTextOrTest(path) ? [file] : [],
  );
  if (candidates.length === 0) return new Set();
  const words = new Set<string>();
  for (const { path, patch } of commands.map(({ file }) => file)) {
    if (patch === null) continue;
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

/** Scripts of package.json that something runs when it is installed, built, released or started. */
const RUN_BY_DEPLOY =
  /^\s*"(?:pre|post)?(?:deploy|release|start|build|install|prepare|publish|migrate|serve)(?::[\w:-]+)?"\s*:\s*"(.*)"/;

/** A command file that is about releases by its own name. */
const ABOUT_DEPLOYING = /(?:^|[/._-])(?:deploy|release|migrate|start|entrypoint)[^/]*$/i;

/** What a line has a deploy path run; null when it is of another path. */
function deployed(path: string, text: string): string | null {
  if (/(?:^|\/)package\.json$/.test(path)) return RUN_BY_DEPLOY.exec(text)?.[1] ?? null;
  return ABOUT_DEPLOYING.test(path) ? text.replace(/(?:^|\s)#.*$/, '') : null;
}

interface NewlyNamed {
  readonly line: number;
  /** As the line names it. */
  readonly program: string;
}

/**
 * Programs among the tests and documents that a deploy path names from now on and the change does
 * not hold: they lie there already, and nobody reads them as what is run.
 */
function newlyNamed(
  { path, patch }: ChangedFile,
  lines: readonly PatchLine[],
  inChange: () => ReadonlySet<string>,
): readonly NewlyNamed[] {
  if (!readPath(path).isCommand) return [];
  const before = new Set(
    (patch ?? '')
      .split('\n')
      .filter((raw) => /^[- ]/.test(raw))
      .flatMap(words),
  );
  return lines.flatMap(({ line, text, added }) => {
    const command = added ? deployed(path, text) : null;
    return [...new Set(command === null ? [] : words(command))].flatMap((word) => {
      const target = resolved(path, word) ?? word;
      const isProgram = program.test(word) && isHardlyRead(target) && !before.has(word);
      return isProgram && !inChange().has(target) ? [{ line, program: word }] : [];
    });
  });
}

function words(text: string): readonly string[] {
  return text
    .split(/[^\w./@+-]+/)
    .map((word) => word.replace(/^-(?=[\w./])/, ''))
    .filter((word) => word !== '');
}

/** A file that became a program, or ceased to be one, with nothing else changed. */
export function isModeAlone({ status, previousPath, blob, previousBlob }: ChangedFile): boolean {
  if (status === 'added' || status === 'removed' || previousPath !== null) return false;
  return blob !== null && blob === previousBlob;
}

/** A mode that changed alone shows no line in a diff, and can make a program of a text. */
export function modeFinding({ path, mode }: ChangedFile): readonly Finding[] {
  const message =
    mode === '100755'
      ? `${path} can be run from now on (mode ${mode}); its content is as it was`
      : `${path} has another mode than before (now ${mode ?? 'unknown'}); its content is as it was`;
  return [
    makeFinding({ id: 'mode-changed', radius: 'medium', object: path, message, ...at(path) }),
  ];
}

/** A test or a document that a deploy path runs from now on: its lines are in no diff. */
export function newlyRun(
  file: ChangedFile,
  lines: readonly PatchLine[],
  inChange: () => ReadonlySet<string>,
): readonly Finding[] {
  const { path } = file;
  return newlyNamed(file, lines, inChange).map(({ line, program: named }) => {
    const message =
      `${path} runs ${named} from now on, which the change does not show, so what it runs is not ` +
      'known';
    const base = { id: 'file-unread', radius: 'high', object: path, message } as const;
    return makeFinding({ ...base, ...at(path), line });
  });
}

function at(path: string): { readonly evidence: 'diff'; readonly path: string } {
  return { evidence: 'diff', path };
}
