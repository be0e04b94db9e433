/**
 * The Merkle tree of RFC 6962, section 2.1 (the same as RFC 9162): hashes, compact ranges,
 * inclusion and consistency proofs. Sizes are exact up to 2^53.
 */
import { createHash } from 'node:crypto';

export type Hash = Uint8Array;

const LEAF = Uint8Array.of(0x00);
const NODE = Uint8Array.of(0x01);
export const HASH_BYTES = 32;

/** SHA-256(0x00 ‖ entry). */
export function leafHash(entry: Uint8Array | string): Hash {
  const hash = createHash('sha256').update(LEAF);
  return typeof entry === 'string'
    ? hash.update(entry, 'utf8').digest()
    : hash.update(entry).digest();
}

/** SHA-256(0x01 ‖ left ‖ right). */
export function nodeHash(left: Hash, right: Hash): Hash {
  return createHash('sha256').update(NODE).update(left).update(right).digest();
}

export function sameHash(a: Hash, b: Hash): boolean {
  return a.byteLength === b.byteLength && Buffer.compare(a, b) === 0;
}

function at(hashes: readonly Hash[], index: number): Hash {
  const hash = hashes[index];
  if (hash === undefined) throw new RangeError(`The tree has no hash at ${index}.`);
  return hash;
}

/**
 * A compact range from 0: the roots of the perfect subtrees that the size's bits name, the largest
 * first. With it a tree grows without being read again.
 */
export interface Frontier {
  readonly size: number;
  readonly hashes: readonly Hash[];
}

export const EMPTY_FRONTIER: Frontier = { size: 0, hashes: [] };

function bitCount(size: number): number {
  let count = 0;
  for (let rest = size; rest > 0; rest = Math.floor(rest / 2)) count += rest % 2;
  return count;
}

/** Whether a stored frontier can belong to its size. */
export function isFrontier(frontier: Frontier): boolean {
  const { size, hashes } = frontier;
  return (
    Number.isSafeInteger(size) &&
    size >= 0 &&
    hashes.length === bitCount(size) &&
    hashes.every((hash) => hash.byteLength === HASH_BYTES)
  );
}

/** The frontier with these leaf hashes added. */
export function growFrontier(frontier: Frontier, leaves: readonly Hash[]): Frontier {
  const hashes = [...frontier.hashes];
  let { size } = frontier;
  for (const leaf of leaves) {
    let hash = leaf;
    for (let rest = size; rest % 2 === 1; rest = Math.floor(rest / 2)) {
      hash = nodeHash(at(hashes, hashes.length - 1), hash);
      hashes.pop();
    }
    hashes.push(hash);
    size += 1;
  }
  return { size, hashes };
}

/** The tree's root; for no leaves SHA-256 of nothing. */
export function rootOf(frontier: Frontier): Hash {
  const { hashes } = frontier;
  if (hashes.length === 0) return createHash('sha256').digest();
  return hashes
    .slice(0, -1)
    .reduceRight((right, left) => nodeHash(left, right), at(hashes, hashes.length - 1));
}

/** The root over a list of leaf hashes. */
export function treeRoot(leaves: readonly Hash[]): Hash {
  return rootOf(growFrontier(EMPTY_FRONTIER, leaves));
}

/** The largest power of two below `size`. */
function split(size: number): number {
  let power = 1;
  while (power * 2 < size) power *= 2;
  return power;
}

/** The path from a leaf to the root, nearest first (RFC 6962, 2.1.1). */
export function inclusionProof(leaves: readonly Hash[], index: number): readonly Hash[] {
  if (!(index >= 0 && index < leaves.length)) {
    throw new RangeError(`Leaf ${index} is not in a tree of ${leaves.length}.`);
  }
  if (leaves.length === 1) return [];
  const middle = split(leaves.length);
  const [left, right] = [leaves.slice(0, middle), leaves.slice(middle)];
  return index < middle
    ? [...inclusionProof(left, index), treeRoot(right)]
    : [...inclusionProof(right, index - middle), treeRoot(left)];
}

function subproof(leaves: readonly Hash[], size: number, whole: boolean): readonly Hash[] {
  if (size === leaves.length) return whole ? [] : [treeRoot(leaves)];
  const middle = split(leaves.length);
  const [left, right] = [leaves.slice(0, middle), leaves.slice(middle)];
  return size <= middle
    ? [...subproof(left, size, whole), treeRoot(right)]
    : [...subproof(right, size - middle, false), treeRoot(left)];
}

/** That the tree of the first `size` leaves is a beginning of this one (RFC 6962, 2.1.2). */
export function consistencyProof(leaves: readonly Hash[], size: number): readonly Hash[] {
  if (!(size >= 0 && size <= leaves.length)) {
    throw new RangeError(`A tree of ${leaves.length} has no beginning of ${size}.`);
  }
  return size === 0 ? [] : subproof(leaves, size, true);
}

/** Whether a leaf stands at an index of the tree with this size and root (RFC 9162, 2.1.3.2). */
export function verifyInclusion(
  leaf: { readonly hash: Hash; readonly index: number },
  tree: { readonly size: number; readonly root: Hash },
  proof: readonly Hash[],
): boolean {
  if (!(leaf.index >= 0 && leaf.index < tree.size)) return false;
  let [fn, sn, hash] = [leaf.index, tree.size - 1, leaf.hash];
  for (const step of proof) {
    if (sn === 0) return false;
    if (fn % 2 === 1 || fn === sn) {
      hash = nodeHash(step, hash);
      while (fn % 2 === 0 && fn !== 0) [fn, sn] = [fn / 2, Math.floor(sn / 2)];
    } else {
      hash = nodeHash(hash, step);
    }
    [fn, sn] = [Math.floor(fn / 2), Math.floor(sn / 2)];
  }
  return sn === 0 && sameHash(hash, tree.root);
}

interface Tree {
  readonly size: number;
  readonly root: Hash;
}

function walkConsistency(older: Tree, newer: Tree, path: readonly Hash[]): boolean {
  let [fn, sn] = [older.size - 1, newer.size - 1];
  while (fn % 2 === 1) [fn, sn] = [Math.floor(fn / 2), Math.floor(sn / 2)];
  let [fr, sr] = [at(path, 0), at(path, 0)];
  for (const step of path.slice(1)) {
    if (sn === 0) return false;
    if (fn % 2 === 1 || fn === sn) {
      [fr, sr] = [nodeHash(step, fr), nodeHash(step, sr)];
      while (fn % 2 === 0 && fn !== 0) [fn, sn] = [fn / 2, Math.floor(sn / 2)];
    } else {
      sr = nodeHash(sr, step);
    }
    [fn, sn] = [Math.floor(fn / 2), Math.floor(sn / 2)];
  }
  return sn === 0 && sameHash(fr, older.root) && sameHash(sr, newer.root);
}

/** Whether one tree is a beginning of another (RFC 9162, 2.1.4.2). */
export function verifyConsistency(older: Tree, newer: Tree, proof: readonly Hash[]): boolean {
  if (older.size > newer.size) return false;
  if (older.size === newer.size) return proof.length === 0 && sameHash(older.root, newer.root);
  if (older.size === 0) return proof.length === 0 && sameHash(older.root, treeRoot([]));
  if (proof.length === 0) return false;
  // A perfect older tree is itself the first step and is left out of the proof.
  const perfect = bitCount(older.size) === 1;
  return walkConsistency(older, newer, perfect ? [older.root, ...proof] : proof);
}
