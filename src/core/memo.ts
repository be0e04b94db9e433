/** Answers that are kept by their text, so that a repository is not looked at anew at every event. */

export interface Kept<T> {
  get(key: string): T | undefined;
  /** Keeps a value in the place of what the key had; `chars` is how much text it holds on to. */
  set(key: string, value: T, chars: number): void;
}

/**
 * Values by their keys. All of them are forgotten when they hold more than `maxChars` characters
 * together; a value that holds more than a tenth of that is not kept.
 */
export function kept<T>(maxChars: number): Kept<T> {
  const known = new Map<string, { readonly value: T; readonly chars: number }>();
  let sum = 0;
  return {
    get: (key) => known.get(key)?.value,
    set: (key, value, chars) => {
      sum -= known.get(key)?.chars ?? 0;
      known.delete(key);
      if (chars > maxChars / 10) return;
      if (sum + chars > maxChars) {
        known.clear();
        sum = 0;
      }
      known.set(key, { value, chars });
      sum += chars;
    },
  };
}

/** A pure function of a text that remembers its answers, of at most `maxChars` of texts. */
export function remembered<T>(maxChars: number, answer: (text: string) => T): (text: string) => T {
  const answers = kept<{ readonly answer: T }>(maxChars);
  return (text) => {
    const found = answers.get(text);
    if (found !== undefined) return found.answer;
    const made = answer(text);
    answers.set(text, { answer: made }, text.length);
    return made;
  };
}
