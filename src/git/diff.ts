/** What a change did to files: from the common commit to its head, by content. */
import { TagoutError } from '../core/errors.ts';
import type { TreeEntry } from '../core/dry-run.ts';
import type { ChangedFile, Gap } from '../core/evidence.ts';
import { fields, pathText } from './objects.ts';
import { patchReader } from './patches.ts';
import type { Section } from './patches.ts';
import type { Git } from './program.ts';

/** Fixed, so that neither the user's nor the repository's settings shape what is judged. */
const COMMON = [
  'diff-tree',
  '-r',
  '-M50%',
  '-l1000',
  '--no-commit-id',
  '--full-index',
  '--no-relative',
  '--no-ext-diff',
  '--no-textconv',
  '--no-color',
  '--ignore-submodules=none',
];
const PATCH = ['-p', '--text', '-U3', '--submodule=short', '--src-prefix=a/', '--dst-prefix=b/'];

export interface Difference {
  readonly files: readonly ChangedFile[];
  readonly gaps: readonly Gap[];
}

/** The files that differ between two commits, with renames found and patches as GitHub gives them. */
export async function readDifference(git: Git, from: string, to: string): Promise<Difference> {
  const range = ['--end-of-options', from, to];
  const raw = await git.must([...COMMON, '--raw', '-z', ...range]);
  const files = rawFiles(raw);
  const reader = patchReader();
  await git.must([...COMMON, ...PATCH, ...range], { onData: (chunk) => reader.take(chunk) });
  const { sections, cut } = reader.finish();
  const gaps = [...files.flatMap(pathGaps), ...(cut ? [CUT] : [])];
  return { files: withPatches(files, sections, cut), gaps };
}

const CUT: Gap = {
  what: 'files',
  why: 'too-large',
  detail:
    'The difference is larger than 256 MB, so not every file of it could be shown: ' +
    'split the change.',
};

interface RawFile {
  readonly file: Omit<ChangedFile, 'additions' | 'deletions' | 'patch'>;
  readonly sections: number;
  readonly exact: boolean;
}

function rawFiles(raw: Buffer): readonly RawFile[] {
  const parts = fields(raw);
  const found: RawFile[] = [];
  for (let at = 0; at < parts.length; ) {
    const header = (parts[at] ?? Buffer.alloc(0)).toString('utf8');
    const match = /^:(\d{6}) (\d{6}) ([0-9a-f]+) ([0-9a-f]+) ([A-Z])\d*$/.exec(header);
    if (match === null) throw notUnderstood();
    const two = match[5] === 'R' || match[5] === 'C';
    const paths = parts.slice(at + 1, at + (two ? 3 : 2));
    found.push(rawFile(match, paths));
    at += two ? 3 : 2;
  }
  return found;
}

const STATUS: Readonly<Record<string, ChangedFile['status']>> = {
  A: 'added',
  M: 'modified',
  D: 'removed',
  R: 'renamed',
  C: 'copied',
  T: 'changed',
};

function rawFile(match: RegExpExecArray, paths: readonly Buffer[]): RawFile {
  const [, oldMode = '', newMode = '', oldBlob = '', newBlob = '', letter = ''] = match;
  const first = paths[0];
  const last = paths.at(-1);
  const status = STATUS[letter];
  if (first === undefined || last === undefined || status === undefined) throw notUnderstood();
  const before = pathText(first);
  const after = pathText(last);
  return {
    file: {
      path: after.path,
      previousPath: paths.length === 2 ? before.path : null,
      status,
      previousBlob: objectOrNull(oldBlob),
      blob: objectOrNull(newBlob),
      mode: status === 'removed' ? oldMode : newMode,
    },
    // A changed type (a file that becomes a symlink) is shown as one removal and one addition.
    sections: status === 'changed' ? 2 : 1,
    exact: before.exact && after.exact,
  };
}

function objectOrNull(id: string): string | null {
  return /^0+$/.test(id) ? null : id;
}

function pathGaps(raw: RawFile): readonly Gap[] {
  if (raw.exact) return [];
  const detail = `The path ${JSON.stringify(raw.file.path)} is not UTF-8: rename the file.`;
  return [{ what: 'files', why: 'unreadable', detail }];
}

function withPatches(
  files: readonly RawFile[],
  sections: readonly Section[],
  cut: boolean,
): readonly ChangedFile[] {
  const expected = files.reduce((sum, file) => sum + file.sections, 0);
  if (cut ? sections.length > expected : sections.length !== expected) throw notUnderstood();
  let at = 0;
  return files.map((raw) => {
    const own = sections.slice(at, at + raw.sections);
    at += raw.sections;
    return { ...raw.file, ...joined(own) };
  });
}

function joined(sections: readonly Section[]): Section {
  const patches = sections.map((section) => section.patch);
  return {
    additions: sections.reduce((sum, section) => sum + section.additions, 0),
    deletions: sections.reduce((sum, section) => sum + section.deletions, 0),
    patch: patches.length === 0 || patches.includes(null) ? null : patches.join('\n'),
  };
}

function notUnderstood(): TagoutError {
  return new TagoutError(
    'git',
    'git diff-tree gave an output that is not understood: use git 2.30 or newer.',
  );
}

/**
 * The base's tip with the change laid over it, by path: what the repository would hold after a
 * merge. A file that both sides changed takes the change's content.
 */
export function laidOver(
  base: readonly TreeEntry[],
  head: readonly TreeEntry[],
  files: readonly ChangedFile[],
): readonly TreeEntry[] {
  const result = new Map(base.map((entry) => [entry.path, entry]));
  const after = new Map(head.map((entry) => [entry.path, entry]));
  for (const file of files) {
    const gone = file.status === 'renamed' ? file.previousPath : null;
    if (gone !== null) result.delete(gone);
    const entry = after.get(file.path);
    if (file.status === 'removed' || entry === undefined) result.delete(file.path);
    else result.set(file.path, entry);
  }
  return [...result.values()].sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
}
