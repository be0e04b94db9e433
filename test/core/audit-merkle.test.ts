import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  consistencyProof,
  EMPTY_FRONTIER,
  growFrontier,
  type Hash,
  inclusionProof,
  leafHash,
  rootOf,
  treeRoot,
  verifyConsistency,
  verifyInclusion,
} from '../../src/core/audit/merkle.ts';

/** Inputs of the known-answer tree of Certificate Transparency (RFC 6962 reference tests). */
const INPUTS: readonly string[] = [
  '',
  '00',
  '10',
  '2021',
  '3031',
  '40414243',
  '5051525354555657',
  '606162636465666768696a6b6c6d6e6f',
];
const ROOTS: readonly string[] = [
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];

const hex = (hash: Hash): string => Buffer.from(hash).toString('hex');
const leaves = (count: number): Hash[] =>
  Array.from({ length: count }, (_, at) => leafHash(`entry ${at}`));

describe('the Merkle tree', () => {
  test('gives the known answers of Certificate Transparency', () => {
    const hashes = INPUTS.map((input) => leafHash(Buffer.from(input, 'hex')));
    ROOTS.forEach((root, at) => assert.equal(hex(treeRoot(hashes.slice(0, at + 1))), root));
    assert.equal(
      hex(treeRoot([])),
      'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    );
  });

  test('grows in any batches to the same root', () => {
    for (const cut of [0, 1, 2, 31, 32, 33, 64]) {
      const all = leaves(65);
      const first = growFrontier(EMPTY_FRONTIER, all.slice(0, cut));
      assert.equal(hex(rootOf(growFrontier(first, all.slice(cut)))), hex(treeRoot(all)));
    }
  });

  test('proves every leaf of every tree up to 33, and nothing else', () => {
    for (let size = 1; size <= 33; size += 1) {
      const all = leaves(size);
      const tree = { size, root: treeRoot(all) };
      all.forEach((hash, index) => {
        const proof = inclusionProof(all, index);
        assert.ok(verifyInclusion({ hash, index }, tree, proof), `${index} of ${size}`);
        const other = { hash: leafHash('other'), index };
        assert.ok(!verifyInclusion(other, tree, proof));
        assert.ok(!verifyInclusion({ hash, index: index + 1 }, tree, proof));
        assert.ok(!verifyInclusion({ hash, index }, tree, [...proof, hash]));
        if (proof.length > 0) assert.ok(!verifyInclusion({ hash, index }, tree, proof.slice(1)));
      });
    }
  });

  test('proves that every tree up to 33 is a beginning of the later ones', () => {
    for (let size = 1; size <= 33; size += 1) {
      const all = leaves(size);
      const newer = { size, root: treeRoot(all) };
      for (let before = 0; before <= size; before += 1) {
        const older = { size: before, root: treeRoot(all.slice(0, before)) };
        const proof = consistencyProof(all, before);
        assert.ok(verifyConsistency(older, newer, proof), `${before} of ${size}`);
        const forged = { size: before, root: leafHash('forged') };
        assert.ok(!verifyConsistency(forged, newer, proof), `forged ${before} of ${size}`);
        proof.forEach((step, at) => {
          const flipped = Buffer.from(step);
          flipped.writeUInt8(flipped.readUInt8(0) ^ 1, 0);
          const bent = proof.with(at, flipped);
          assert.ok(!verifyConsistency(older, newer, bent), `step ${at}: ${before} of ${size}`);
        });
      }
    }
  });
});
