/** A seeded source of chance and the ways in which a text is spoilt. */

export interface Chance {
  /** From 0 up to and without `below`. */
  int(below: number): number;
  pick<T>(list: readonly T[]): T;
}

/** xorshift32: the same seed gives the same case on every machine. */
export function chanceOf(seed: number): Chance {
  let state = (seed ^ 0x9e3779b9) >>> 0 || 1;
  const next = (): number => {
    state ^= state << 13;
    state >>>= 0;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state;
  };
  const int = (below: number): number => next() % Math.max(1, below);
  return {
    int,
    pick: (list) => {
      const found = list[int(list.length)];
      if (found === undefined) throw new Error('nothing to pick from');
      return found;
    },
  };
}

/** Pieces that parsers stumble over. */
const ODD: readonly string[] = [
  '\u0000',
  '\u202e',
  '\ufeff',
  '\ud800',
  '\r',
  '\t',
  '"',
  "'",
  '\\',
  '$$',
  '/*',
  '*/',
  '--',
  ';',
  '{',
  '}',
  '[',
  ']',
  ':',
  ',',
  '&a',
  '*a',
  '<<: *a',
  '!!js',
  '---\n',
  '@@ -1 +1 @@',
  '+++',
  '-1',
  '9007199254740993',
  '1e999',
  'NaN',
  'null',
  'true',
  '__proto__',
  'constructor',
  '%s',
  '../',
  '\u{1f4a3}',
  'ß',
  'ﬀ',
  '0'.repeat(300),
  'a'.repeat(5_000),
  '('.repeat(400),
];

/** One to six changes: cut, doubled, swapped, replaced, or something odd put in. */
export function spoil(text: string, chance: Chance): string {
  let out = text;
  for (let left = 1 + chance.int(6); left > 0; left -= 1) {
    const at = chance.int(out.length + 1);
    const to = Math.min(out.length, at + chance.int(40));
    switch (chance.int(6)) {
      case 0:
        out = out.slice(0, at) + out.slice(to);
        break;
      case 1:
        out = out.slice(0, to) + out.slice(at);
        break;
      case 2:
        out = out.slice(0, at) + chance.pick(ODD) + out.slice(at);
        break;
      case 3:
        out = out.slice(0, at) + String.fromCharCode(chance.int(0x10000)) + out.slice(at + 1);
        break;
      case 4:
        out = out.slice(0, at);
        break;
      default:
        out = out.slice(0, at) + chance.pick(ODD) + out.slice(to);
    }
  }
  return out.slice(0, 200_000);
}
