/**
 * The tree of merkle.ts for the reader of millions of rows: hashes are binary strings of 32
 * characters, as making a Buffer for each costs more than SHA-256 itself.
 */
import { hash } from 'node:crypto';

/** 32 bytes as a binary (latin1) string. */
export type BinaryHash = string;

const HASH_CHARS = 32;

/** SHA-256 over bytes that already begin with 0x00, the mark of a leaf. */
export function markedLeafHash(marked: Uint8Array): BinaryHash {
  return hash('sha256', marked, 'binary');
}

/** A hash as 64 hexadecimal digits. */
export function hashText(binary: BinaryHash): string {
  return Buffer.from(binary, 'latin1').toString('hex');
}

export interface GrowingTree {
  readonly size: number;
  add(leaf: BinaryHash): void;
  root(): BinaryHash;
  /** The roots of its perfect subtrees, the largest first. */
  frontier(): readonly BinaryHash[];
  /** The tree as it is now, to go on from in another way. */
  copy(): GrowingTree;
}

/** A tree that is read once, from its first leaf to its last. */
export function createTree(from: readonly BinaryHash[] = [], startSize = 0): GrowingTree {
  const stack: BinaryHash[] = [...from];
  const pair = Buffer.alloc(1 + 2 * HASH_CHARS, 1);
  let size = startSize;
  const join = (left: BinaryHash, right: BinaryHash): BinaryHash => {
    pair.write(left, 1, 'latin1');
    pair.write(right, 1 + HASH_CHARS, 'latin1');
    return hash('sha256', pair, 'binary');
  };
  return {
    get size() {
      return size;
    },
    add(leaf) {
      let node = leaf;
      for (let rest = size; rest % 2 === 1; rest = (rest - 1) / 2) {
        node = join(stack.pop() ?? '', node);
      }
      stack.push(node);
      size += 1;
    },
    root() {
      let node = stack.at(-1);
      if (node === undefined) return hash('sha256', '', 'binary');
      for (let at = stack.length - 2; at >= 0; at -= 1) node = join(stack[at] ?? '', node);
      return node;
    },
    frontier: () => [...stack],
    copy: () => createTree(stack, size),
  };
}
