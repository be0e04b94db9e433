/** Inclusion proofs of many leaves at once, and their C2SP text (c2sp.org/tlog-proof). */
import { hash } from 'node:crypto';
import {
  type Frontier,
  growFrontier,
  HASH_BYTES,
  type Hash,
  treeRoot,
  verifyInclusion,
} from './merkle.ts';
import { parseCheckpoint } from './note.ts';

/** Every level of a tree, the leaves first; a last one without a partner goes up as it is. */
export function createProofs(leaves: Uint8Array): (index: number) => readonly Hash[] {
  const levels: Uint8Array[] = [leaves];
  // One buffer for every pair: a million small ones at once are a hundred megabytes.
  const pair = Buffer.alloc(1 + 2 * HASH_BYTES, 1);
  for (let level = leaves; level.length > HASH_BYTES; ) {
    const count = level.length / HASH_BYTES;
    const above = Buffer.alloc(Math.ceil(count / 2) * HASH_BYTES);
    for (let at = 0; at < count; at += 2) {
      const left = level.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES);
      const right = level.subarray((at + 1) * HASH_BYTES, (at + 2) * HASH_BYTES);
      if (right.length === 0) {
        above.set(left, (at / 2) * HASH_BYTES);
        continue;
      }
      pair.set(left, 1);
      pair.set(right, 1 + HASH_BYTES);
      above.write(hash('sha256', pair, 'binary'), (at / 2) * HASH_BYTES, 'latin1');
    }
    levels.push(above);
    level = above;
  }
  return (index) => {
    if (!(index >= 0 && index * HASH_BYTES < leaves.length)) {
      throw new RangeError(`Leaf ${index} is not in the tree.`);
    }
    const path: Hash[] = [];
    let at = index;
    for (const level of levels) {
      const sibling = at % 2 === 0 ? at + 1 : at - 1;
      if (sibling * HASH_BYTES < level.length) {
        path.push(level.subarray(sibling * HASH_BYTES, (sibling + 1) * HASH_BYTES));
      }
      at = Math.floor(at / 2);
    }
    return path;
  };
}

/** The part of a tree that one has: a beginning as its frontier, and the leaves after it. */
export interface Stretch {
  readonly from: Frontier;
  /** Hashes of the leaves `from.size` and after, up to the end of the tree. */
  readonly leaves: readonly Hash[];
}

/** The largest power of two below `size`. */
function split(size: number): number {
  let power = 1;
  while (power * 2 < size) power *= 2;
  return power;
}

/**
 * The inclusion proof of a leaf of the stretch. What lies left of a leaf is the frontier before it,
 * so nothing of the tree's beginning has to be read again.
 */
export function inclusionFrom(stretch: Stretch, index: number): readonly Hash[] {
  const { from, leaves } = stretch;
  const size = from.size + leaves.length;
  if (!(index >= from.size && index < size)) {
    throw new RangeError(`Leaf ${index} is not among ${from.size} to ${size}.`);
  }
  const left = [...growFrontier(from, leaves.slice(0, index - from.size)).hashes];
  const path: Hash[] = [];
  const walk = (low: number, high: number): void => {
    if (high - low === 1) return;
    const middle = low + split(high - low);
    if (index < middle) {
      walk(low, middle);
      path.push(treeRoot(leaves.slice(middle - from.size, high - from.size)));
    } else {
      // The largest subtree to the left is the frontier's first that is not used yet.
      const sibling = left.shift();
      if (sibling === undefined) throw new RangeError('The frontier does not fit the tree.');
      walk(middle, high);
      path.push(sibling);
    }
  };
  walk(0, size);
  return path;
}

/** The proof that the stretch's whole tree goes on from its beginning (RFC 6962, 2.1.2). */
export function consistencyFrom(stretch: Stretch): readonly Hash[] {
  const { from, leaves } = stretch;
  const size = from.size + leaves.length;
  if (from.size === 0 || leaves.length === 0) return [];
  const left = [...from.hashes];
  const next = (): Hash => {
    const hash = left.shift();
    if (hash === undefined) throw new RangeError('The frontier does not fit the tree.');
    return hash;
  };
  const walk = (low: number, high: number): readonly Hash[] => {
    if (high === from.size) return low === 0 ? [] : [next()];
    const middle = low + split(high - low);
    if (from.size <= middle) {
      const right = treeRoot(leaves.slice(middle - from.size, high - from.size));
      return [...walk(low, middle), right];
    }
    const sibling = next();
    return [...walk(middle, high), sibling];
  };
  return walk(0, size);
}

/** The text of a proof: who has it and the leaf's bytes needs nothing else but the key. */
export function proofText(index: number, path: readonly Hash[], note: string): string {
  const hashes = path.map((hash) => `${Buffer.from(hash).toString('base64')}\n`).join('');
  return `c2sp.org/tlog-proof@v1\nindex ${index}\n${hashes}\n${note}`;
}

export interface InclusionProof {
  readonly index: number;
  readonly path: readonly Hash[];
  readonly note: string;
}

/** Reads a proof; null when it is malformed. Its note is not verified here. */
export function parseProof(text: string): InclusionProof | null {
  const form =
    /^c2sp\.org\/tlog-proof@v1\n(?:extra [A-Za-z0-9+/]*={0,2}\n)?index (0|[1-9]\d{0,15})\n((?:[A-Za-z0-9+/]{43}=\n){0,63})\n([^]+)$/u;
  const [, digits, hashes, note] = form.exec(text) ?? [];
  if (digits === undefined || hashes === undefined || note === undefined) return null;
  const path = hashes
    .split('\n')
    .slice(0, -1)
    .map((hash) => Buffer.from(hash, 'base64'));
  return { index: Number(digits), path, note };
}

/** Whether a leaf's hash is in the tree of the proof's checkpoint, whose signature is not judged. */
export function provesInclusion(proof: InclusionProof, leaf: Hash): boolean {
  const end = proof.note.lastIndexOf('\n\n');
  const tree = parseCheckpoint(proof.note.slice(0, end + 1));
  return tree !== null && verifyInclusion({ hash: leaf, index: proof.index }, tree, proof.path);
}
