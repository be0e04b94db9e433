/** Objects of a repository, read in batches by id. */
import { TagoutError } from '../core/errors.ts';
import type { SourceTree, TreeEntry } from '../core/dry-run.ts';
import type { Git } from './program.ts';

/** More than this in one batch is refused: what is judged has to fit into memory. */
const MAX_BATCH_BYTES = 256 * 1024 * 1024;

/** The content of each object, by id. Throws TagoutError when one cannot be read. */
export async function readObjects(
  git: Git,
  ids: readonly string[],
): Promise<ReadonlyMap<string, Uint8Array>> {
  const wanted = [...new Set(ids)];
  if (wanted.length === 0) return new Map();
  const output = await git.must(['cat-file', '--batch', '--buffer'], {
    input: `${wanted.join('\n')}\n`,
    maxBytes: MAX_BATCH_BYTES,
  });
  const found = new Map<string, Uint8Array>();
  let at = 0;
  for (const id of wanted) {
    const end = output.indexOf(10, at);
    const header = output.subarray(at, end).toString('utf8');
    const match = /^([0-9a-f]+) (blob|commit|tree|tag) (\d+)$/.exec(header);
    if (end < 0 || match === null || match[1] !== id) throw unreadable(git, id);
    const sizeBytes = Number(match[3]);
    found.set(id, output.subarray(end + 1, end + 1 + sizeBytes));
    at = end + 1 + sizeBytes + 1;
  }
  if (at !== output.length) throw unreadable(git, wanted.at(-1) ?? '');
  return found;
}

function unreadable(git: Git, id: string): TagoutError {
  return new TagoutError(
    'git',
    `Git object ${id} of ${git.folder} could not be read: the clone is partial or damaged. ` +
      'Fetch it whole (git fetch --refetch --no-filter) and check it with git fsck.',
  );
}

/** A path as text; `exact` is false when its bytes are not UTF-8. */
export function pathText(bytes: Uint8Array): { readonly path: string; readonly exact: boolean } {
  const path = Buffer.from(bytes).toString('utf8');
  return { path, exact: Buffer.from(path, 'utf8').equals(bytes) };
}

/** Cuts NUL-terminated fields. */
export function fields(output: Buffer): readonly Buffer[] {
  const found: Buffer[] = [];
  let at = 0;
  for (let end = output.indexOf(0, at); end >= 0; end = output.indexOf(0, at)) {
    found.push(output.subarray(at, end));
    at = end + 1;
  }
  return found;
}

/** Every file of a commit, in git's order. Submodules are entries of mode 160000 without size. */
export async function listTree(git: Git, commit: string): Promise<readonly TreeEntry[]> {
  const args = ['ls-tree', '-r', '-z', '-l', '--full-tree', '--end-of-options', commit];
  return fields(await git.must(args)).map((field) => {
    const tab = field.indexOf(9);
    const [mode, , blob, size] = field.subarray(0, tab).toString('utf8').split(/ +/);
    if (mode === undefined || blob === undefined || size === undefined) {
      throw new TagoutError('internal', `git ls-tree gave a line that is not understood`);
    }
    const sizeBytes = size === '-' ? null : Number(size);
    return { path: pathText(field.subarray(tab + 1)).path, blob, mode, sizeBytes };
  });
}

const SUBMODULE = '160000';

/** A tree of given entries whose content comes from the repository's objects. */
export function sourceTree(git: Git, entries: readonly TreeEntry[]): SourceTree {
  const byPath = new Map(entries.map((entry) => [entry.path, entry]));
  return {
    entries,
    async read(paths) {
      const files = paths.flatMap((path) => {
        const entry = byPath.get(path);
        return entry === undefined || entry.mode === SUBMODULE ? [] : [entry];
      });
      const content = await readObjects(
        git,
        files.map((entry) => entry.blob),
      );
      return new Map(
        files.flatMap((entry) => {
          const bytes = content.get(entry.blob);
          return bytes === undefined ? [] : [[entry.path, bytes] as const];
        }),
      );
    },
  };
}
