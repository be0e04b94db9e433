/** Answers that are kept by their text, so that a repository is not looked at anew at every event. */

/**
 * A pure function of a text that remembers its answers. All of them are forgotten when the texts
 * kept are longer than `maxChars` together; a text that is longer than a tenth of that is not kept.
 */
export function remembered<T>(maxChars: number, answer: (text: string) => T): (text: string) => T {
  const known = new Map<string, T>();
  let kept = 0;
  return (text) => {
    const found = known.get(text);
    if (found !== undefined) return found;
    const made = answer(text);
    if (text.length > maxChars / 10) return made;
    if (kept + text.length > maxChars) {
      known.clear();
      kept = 0;
    }
    known.set(text, made);
    kept += text.length;
    return made;
  };
}
