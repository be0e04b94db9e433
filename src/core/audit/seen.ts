/**
 * Remembers which keys have been seen in 24 bytes each, so that a log of any length can be checked
 * for repeats. Keys are told apart by 96 bits: over 10^8 keys a false alarm has a chance of 10^-13.
 */
const WORDS = 3;
const FIRST_SLOTS = 1 << 12;

/** Four rounds of 32-bit mixing (the finaliser of MurmurHash3). */
function mixed(value: number): number {
  let hash = value ^ (value >>> 16);
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

export interface Seen {
  /** Adds a key; false when it was there. */
  add(key: string): boolean;
}

export function createSeen(): Seen {
  let slots = FIRST_SLOTS;
  let table = new Uint32Array(slots * WORDS);
  let count = 0;
  const words = new Uint32Array(WORDS);

  function fingerprint(key: string): void {
    // 32-bit integers throughout, so that nothing here becomes a floating-point number.
    let a = 0x011c9dc5 | 0;
    let b = 0x1e3779b9 | 0;
    let c = key.length | 0;
    for (let at = 0; at < key.length; at += 1) {
      const unit = key.charCodeAt(at) | 0;
      a = Math.imul(a ^ unit, 0x01000193);
      b = (Math.imul(b, 31) + unit) | 0;
      c = (Math.imul(c ^ unit, 0x5bd1e995) + (c >>> 15)) | 0;
    }
    words[0] = mixed(a ^ Math.imul(c, 3));
    words[1] = mixed(b ^ a);
    // The last word is never 0, as a free place is known by it.
    words[2] = mixed(c ^ Math.imul(b, 5)) | 1;
  }

  /** The place of the fingerprint in `words`, or the free one where it belongs. */
  function place(into: Uint32Array, size: number): number {
    let slot = (words[0] ?? 0) & (size - 1);
    for (;;) {
      const at = slot * WORDS;
      if (into[at + 2] === 0) return at;
      if (into[at] === words[0] && into[at + 1] === words[1] && into[at + 2] === words[2]) {
        return at;
      }
      slot = (slot + 1) & (size - 1);
    }
  }

  function grow(): void {
    const old = table;
    slots *= 2;
    table = new Uint32Array(slots * WORDS);
    for (let at = 0; at < old.length; at += WORDS) {
      if (old[at + 2] === 0) continue;
      words.set(old.subarray(at, at + WORDS));
      table.set(words, place(table, slots));
    }
  }

  return {
    add(key) {
      if (count * 2 >= slots) grow();
      fingerprint(key);
      const at = place(table, slots);
      if (table[at + 2] !== 0) return false;
      table.set(words, at);
      count += 1;
      return true;
    },
  };
}
