/**
 * Characters that a reader does not see or that change the order of what is seen: bidirectional
 * controls, zero-width and filler characters, tags, variation selectors that can carry data, and
 * control characters. A byte order mark at the start of a file and joiners between emoji are not.
 */

/** First and last code point of each range, by the Unicode code charts. */
const ranges: readonly (readonly [number, number])[] = [
  [0x00, 0x08],
  [0x0b, 0x0b],
  [0x0e, 0x1f],
  [0x7f, 0x9f],
  [0xad, 0xad],
  [0x34f, 0x34f],
  [0x61c, 0x61c],
  [0x115f, 0x1160],
  [0x17b4, 0x17b5],
  [0x180e, 0x180e],
  [0x200b, 0x200f],
  [0x202a, 0x202e],
  [0x2060, 0x206f],
  [0x3164, 0x3164],
  [0xfeff, 0xfeff],
  [0xffa0, 0xffa0],
  [0xfff9, 0xfffb],
  [0xe0000, 0xe007f],
  [0xe0100, 0xe01ef],
];

const plain = /^[\t\n\f\r\x20-\x7e]*$/;
const emoji = /[\p{Extended_Pictographic}\p{Emoji_Modifier}\ufe0f]/u;
const joiner = 0x200d;

/** Whether a text has such a character. */
export function hasHiddenCharacters(text: string): boolean {
  if (plain.test(text)) return false;
  let previous = '';
  for (const char of text) {
    const code = char.codePointAt(0) ?? 0;
    const between = code === joiner && emoji.test(previous);
    if (!between && ranges.some(([first, last]) => code >= first && code <= last)) return true;
    previous = char;
  }
  return false;
}
