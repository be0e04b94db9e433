/** What an approval binds to: what was shown last before it, or first after it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Posting, Review } from '../../src/core/evidence.ts';
import { bindingOf, shownSinceMs } from '../../src/core/rules/binding.ts';
import { aChange } from './change.ts';

const headSha = 'c'.repeat(40);
const review: Review = {
  id: 1,
  author: { id: 9, login: 'olaf', type: 'User' },
  state: 'APPROVED',
  commitSha: headSha,
  submittedAtMs: 10_000,
  editedAtMs: null,
  viaEmail: false,
  body: '',
};

/** `A5 B8 tagout/production:R9`: what was shown from which second on. */
function postings(text: string): readonly Posting[] {
  return text.split(' ').flatMap((word) => {
    const [, check = 'tagout', shown = '', at = ''] =
      /^(?:([^:]+):)?([A-Z])(\d+)$/.exec(word) ?? [];
    return word === '' ? [] : [{ headSha, baseRef: 'main', shown, atMs: Number(at) * 1000, check }];
  });
}

/** The approval comes at second 10, and the check would show A now. */
const CASES: readonly (readonly [string, string, string | null])[] = [
  ['shown before', 'A5', null],
  ['shown, gone and back', 'A5 B7 A9', null],
  ['gone when it came, and back after it', 'A5 B7 A12', 'shown'],
  ['never in view, although shown once', 'A5 B7', 'shown'],
  ['two things in the same second: the last one', 'A9 B9', 'shown'],
  ['a write of the same second counts as before', 'B9 A10', null],
  ['what another check shows does not hide it', 'A5 tagout/production:R9', null],
  ['another check shows it', 'B5 tagout/production:A9', null],
  ['nothing was posted yet', '', null],
  ['the first posting shows the same', 'A12', null],
  ['the first posting shows it, later ones did not, now they do', 'A12 B14 A16', null],
  ['the first posting shows something else', 'B12 A14', 'shown'],
];

for (const [name, shown, broken] of CASES) {
  test(`${broken ?? 'binds'}: ${name}`, () => {
    const change = aChange({ headSha, postings: postings(shown) });
    const besides = new Set<string>();
    const context = { change, shown: 'A', mustBeShownFirst: false, besides };
    assert.equal(bindingOf(review, context).broken, broken);
  });
}

test('what is shown counts from when it came back', () => {
  assert.equal(shownSinceMs(postings('R5 A7 R9'), 'R'), 9000);
  assert.equal(shownSinceMs(postings('R5 A7'), 'R'), null);
  assert.equal(shownSinceMs(postings('x:R5 A7'), 'R'), 5000);
  assert.equal(shownSinceMs([], 'R'), null);
});
