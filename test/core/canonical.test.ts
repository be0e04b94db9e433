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

/** The bits of IEEE 754 doubles and their text. */
const NUMBERS: readonly (readonly [string, string])[] = [
  ['0000000000000000', '0'],
  ['8000000000000000', '0'],
  ['0000000000000001', '5e-324'],
  ['8000000000000001', '-5e-324'],
  ['7fefffffffffffff', '1.7976931348623157e+308'],
  ['ffefffffffffffff', '-1.7976931348623157e+308'],
  ['4340000000000000', '9007199254740992'],
  ['c340000000000000', '-9007199254740992'],
  ['4430000000000000', '295147905179352830000'],
  ['44b52d02c7e14af5', '9.999999999999997e+22'],
  ['44b52d02c7e14af6', '1e+23'],
  ['44b52d02c7e14af7', '1.0000000000000001e+23'],
  ['444b1ae4d6e2ef4e', '999999999999999700000'],
  ['444b1ae4d6e2ef4f', '999999999999999900000'],
  ['444b1ae4d6e2ef50', '1e+21'],
  ['3eb0c6f7a0b5ed8c', '9.999999999999997e-7'],
  ['3eb0c6f7a0b5ed8d', '0.000001'],
  ['41b3de4355555553', '333333333.3333332'],
  ['41b3de4355555554', '333333333.33333325'],
  ['41b3de4355555555', '333333333.3333333'],
  ['41b3de4355555556', '333333333.3333334'],
  ['41b3de4355555557', '333333333.33333343'],
  ['becbf647612f3696', '-0.0000033333333333333333'],
  ['43143ff3c1cb0959', '1424953923781206.2'],
];

test('numbers are written as the RFC lists them (RFC 8785, appendix B)', () => {
  for (const [bits, expected] of NUMBERS) {
    assert.equal(canonicalText(Buffer.from(bits, 'hex').readDoubleBE()), expected, bits);
  }
  for (const bits of ['7fffffffffffffff', '7ff0000000000000']) {
    assert.throws(() => canonicalText(Buffer.from(bits, 'hex').readDoubleBE()), TypeError, bits);
  }
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
