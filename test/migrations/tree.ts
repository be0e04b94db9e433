/** Small in-memory trees for tests: files by path, as text or bytes, with git's modes. */
import { createHash } from 'node:crypto';
import type { SourceTree, TreeEntry } from '../../src/core/dry-run.ts';

export type Content =
  | string
  | Uint8Array
  | { readonly mode: string; readonly content: string }
  | { readonly sizeBytes: number; readonly content: string };

export type Files = Readonly<Record<string, Content>>;

/** A SourceTree over these files, which also counts what was read. */
export interface MemoryTree extends SourceTree {
  readonly reads: string[][];
}

export function treeOf(files: Files): MemoryTree {
  const bytes = new Map<string, Uint8Array>();
  const entries = Object.entries(files).map(([path, content]): TreeEntry => {
    const raw = rawOf(content);
    bytes.set(path, raw);
    const blob = createHash('sha1').update(`blob ${raw.length}\0`).update(raw).digest('hex');
    const plain = typeof content === 'string' || content instanceof Uint8Array;
    const mode = !plain && 'mode' in content ? content.mode : '100644';
    const sizeBytes = !plain && 'sizeBytes' in content ? content.sizeBytes : raw.length;
    return { path, blob, mode, sizeBytes };
  });
  const reads: string[][] = [];
  return {
    entries,
    reads,
    read: (paths) => {
      reads.push([...paths]);
      const found = paths.flatMap((path) => {
        const content = bytes.get(path);
        return content === undefined ? [] : [[path, content] as const];
      });
      return Promise.resolve(new Map(found));
    },
  };
}

function rawOf(content: Content): Uint8Array {
  if (content instanceof Uint8Array) return content;
  return new TextEncoder().encode(typeof content === 'string' ? content : content.content);
}

/** The files with a change laid over them; `null` deletes. */
export function laidOver(base: Files, change: Readonly<Record<string, Content | null>>): Files {
  const all: Record<string, Content> = { ...base };
  for (const [path, content] of Object.entries(change)) {
    if (content === null) delete all[path];
    else all[path] = content;
  }
  return all;
}
