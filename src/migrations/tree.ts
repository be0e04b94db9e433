/** A tree of files as the frameworks see it: names at once, texts where they were asked for. */
import type { SourceTree, TreeEntry } from '../core/dry-run.ts';
import { TagoutError } from '../core/errors.ts';
import { compareBytes, decode, type Decoded, MAX_FILE_BYTES, tooLarge } from './text.ts';

export interface TreeView {
  /** All paths in byte order. */
  readonly paths: readonly string[];
  /** Paths that detection looks at: all that a name or ending could make a part of migrations. */
  readonly candidates: readonly string[];
  /** Paths of symbolic links and submodules, in byte order. */
  readonly links: readonly string[];
  entry(path: string): TreeEntry | null;
  /** Paths directly in a folder (`''` is the root), in byte order. */
  filesIn(folder: string): readonly string[];
  /** Paths anywhere below a folder, in byte order. */
  filesBelow(folder: string): readonly string[];
  /** Whether a file or folder of this name is there. */
  has(path: string): boolean;
  /** The text of a file that was fetched; null when the path is not a file of the tree. */
  text(path: string): Decoded | null;
  /** Reads these paths in one batch; what is no ordinary file or is known is left out. */
  fetch(paths: Iterable<string>): Promise<void>;
}

const SYMLINK = '120000';
const SUBMODULE = '160000';
const FOLDER = '040000';

export function isLink(entry: TreeEntry): boolean {
  return entry.mode === SYMLINK || entry.mode === SUBMODULE;
}

/** What a link is called in a sentence. */
export function linkName(entry: TreeEntry): string {
  return entry.mode === SYMLINK ? 'a symbolic link' : 'a submodule';
}

/** The folder of a path, `''` for the root. */
export function folderOf(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash < 0 ? '' : path.slice(0, slash);
}

/** The last part of a path. */
export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** Joins a folder of the repository with a relative path; null when it leaves the repository. */
export function joinPath(folder: string, relative: string): string | null {
  const parts = relative.startsWith('/') ? [] : folder.split('/').filter((part) => part !== '');
  for (const part of relative.split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') parts.push(part);
    else if (parts.pop() === undefined) return null;
  }
  return parts.join('/');
}

/** Whether a path lies in the folder or below; everything lies below the root. */
export function isBelow(path: string, folder: string): boolean {
  return folder === '' || path.startsWith(`${folder}/`);
}

/** Texts by blob, shared by the base and head views so that equal content is read once. */
export type Texts = Map<string, Decoded>;

const NOTEWORTHY =
  /\.(?:sql|toml|conf|properties|ya?ml|xml|json|hcl|sum|plan|prisma)$|migrat|versions|changes|change-?log|drizzle|prisma/i;

/** The engine's own order is that of the bytes unless a name has characters beyond U+FFFF. */
function sorted(paths: string[]): readonly string[] {
  const far = paths.some((path) => /[\uD800-\uDFFF]/.test(path));
  return far ? paths.sort(compareBytes) : paths.sort();
}

/** Makes the view of a tree. The order of the tree's entries has no influence. */
export function viewOf(tree: SourceTree, texts: Texts): TreeView {
  const entries = new Map<string, TreeEntry>();
  for (const entry of tree.entries) if (entry.mode !== FOLDER) entries.set(entry.path, entry);
  const paths = sorted([...entries.keys()]);
  const children = new Map<string, string[]>();
  const folders = new Set<string>();
  for (const path of paths) {
    const folder = folderOf(path);
    const siblings = children.get(folder);
    if (siblings === undefined) children.set(folder, [path]);
    else siblings.push(path);
    for (let up = folder; up !== '' && !folders.has(up); up = folderOf(up)) folders.add(up);
  }
  const links = paths.filter((path) => {
    const entry = entries.get(path);
    return entry !== undefined && isLink(entry);
  });
  return {
    paths,
    candidates: paths.filter((path) => NOTEWORTHY.test(path)),
    links,
    entry: (path) => entries.get(path) ?? null,
    filesIn: (folder) => children.get(folder) ?? [],
    filesBelow: (folder) =>
      folder === '' ? paths : paths.filter((path) => path.startsWith(`${folder}/`)),
    has: (path) => entries.has(path) || folders.has(path),
    text: (path) => textOf(entries.get(path), texts),
    fetch: async (wanted) => {
      const missing = [...new Set(wanted)].sort(compareBytes).flatMap((path) => {
        const entry = entries.get(path);
        return entry !== undefined && needsReading(entry, texts) ? [entry] : [];
      });
      await fetchTexts(tree, missing, texts);
    },
  };
}

function needsReading(entry: TreeEntry, texts: Texts): boolean {
  if (isLink(entry) || texts.has(entry.blob)) return false;
  return entry.sizeBytes === null || entry.sizeBytes <= MAX_FILE_BYTES;
}

async function fetchTexts(
  tree: SourceTree,
  missing: readonly TreeEntry[],
  texts: Texts,
): Promise<void> {
  const byBlob = new Map(missing.map((entry) => [entry.blob, entry.path]));
  if (byBlob.size === 0) return;
  const contents = await tree.read([...byBlob.values()]);
  for (const [blob, path] of byBlob) {
    const bytes = contents.get(path);
    texts.set(
      blob,
      bytes === undefined
        ? { ok: false, why: 'is in the tree and could not be read; ask for another look' }
        : decode(bytes),
    );
  }
}

function textOf(entry: TreeEntry | undefined, texts: Texts): Decoded | null {
  if (entry === undefined) return null;
  if (isLink(entry)) {
    const why = `is ${linkName(entry)}, and what it points to is not read; commit the file itself`;
    return { ok: false, why };
  }
  if (entry.sizeBytes !== null && entry.sizeBytes > MAX_FILE_BYTES) {
    return { ok: false, why: tooLarge(entry.sizeBytes) };
  }
  const known = texts.get(entry.blob);
  if (known === undefined) {
    throw new TagoutError('internal', `${entry.path} was looked at before it was fetched`);
  }
  return known;
}
