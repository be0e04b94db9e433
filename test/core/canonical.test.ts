/** Our canonical form beside the package of that name, and the RFC's own example. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import canonicalize from 'canonicalize';
import fc from 'fast-check';
import { canonicalText } from '../../src/core/canonical.ts';

const SEED = 8785;

test("the RFC's own example is byte-equal (RFC 8785, 3.2.2 and 3.2.4)", () => {
  const input: unknown = JSON.parse(String.raw`{
    "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
    "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
    "literals": [null, true, false]
  }`);
  const text = canonicalText(input);
  assert.equal(
    text,
    String.raw`{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}`,
  );
});

test('keys sort by UTF-16 units (RFC 8785, 3.2.3), also those that look like numbers', () => {
  const keys = ['\u20ac', '\r', '\ufb33', '1', '\ud83d\ude00', '\u0080', '\u00f6', '10', '9'];
  const text = canonicalText(Object.fromEntries(keys.map((key) => [key, 0])));
  const parsed = [...text.matchAll(/"((?:[^"\\]|\\.)*)":0/g)].map(([, key]) => key);
  const order = ['\\r', '1', '10', '9', '\u0080', '\u00f6', '\u20ac', '\ud83d\ude00', '\ufb33'];
  assert.deepEqual(parsed, order);
});

test(`any JSON value has the same text as with the package (seed ${SEED})`, () => {
  const string = fc.string({ unit: 'binary', maxLength: 12 });
  const value = fc.letrec((tie) => ({
    any: fc.oneof(
      { depthSize: 'medium' },
      string,
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.maxSafeInteger(),
      fc.constantFrom(null, true, false, -0, 1e21, 1e-7, 5e-324, '\u2028\u2029\u007f\u0000'),
      fc.array(fc.oneof(tie('any'), fc.constant(undefined))),
      fc.dictionary(string, fc.oneof(tie('any'), fc.constant(undefined))),
    ),
  })).any;
  const same = fc.property(value, (one) => {
    assert.equal(canonicalText(one), canonicalize(one));
  });
  fc.assert(same, { seed: SEED, numRuns: 3_000 });
});

test('what is no JSON value is refused, wherever it stands', () => {
  const odd = [Number.NaN, Number.POSITIVE_INFINITY, '\ud800', '\udc00x', 1n, () => 0, Symbol('s')];
  for (const one of odd) {
    for (const value of [one, [one], { a: { b: [one] } }]) {
      assert.throws(() => canonicalText(value), TypeError, String(one));
    }
  }
  assert.throws(() => canonicalText(undefined), TypeError);
  assert.throws(() => canonicalText({ '\ud800': 1 }), TypeError);
});
