import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  consistencyProof,
  EMPTY_FRONTIER,
  growFrontier,
  inclusionProof,
  leafHash,
} from '../../src/core/audit/merkle.ts';
import { consistencyFrom, inclusionFrom } from '../../src/core/audit/proof.ts';

/** merkle.ts makes proofs from all leaves, as RFC 6962 writes it down; these from a part of them. */
test('proofs from a frontier are those from the whole tree, for every size up to 40', () => {
  const all = Array.from({ length: 40 }, (_, at) => leafHash(`leaf ${at}`));
  let proofs = 0;
  for (let size = 1; size <= all.length; size += 1) {
    const tree = all.slice(0, size);
    for (let old = 0; old <= size; old += 1) {
      const from = growFrontier(EMPTY_FRONTIER, tree.slice(0, old));
      const stretch = { from, leaves: tree.slice(old) };
      assert.deepEqual(consistencyFrom(stretch), consistencyProof(tree, old), `${old} of ${size}`);
      for (let index = old; index < size; index += 1) {
        assert.deepEqual(inclusionFrom(stretch, index), inclusionProof(tree, index));
        proofs += 1;
      }
    }
  }
  assert.equal(proofs, 11_480);
});

test('a leaf outside the stretch has no proof', () => {
  const from = growFrontier(EMPTY_FRONTIER, [leafHash('a'), leafHash('b')]);
  const stretch = { from, leaves: [leafHash('c')] };
  for (const index of [-1, 0, 1, 3, Number.NaN]) {
    assert.throws(() => inclusionFrom(stretch, index), RangeError);
  }
});
