/** Answers that are asked for again only after a while: of GitHub, for the doors of the server. */

export interface Remembering<T> {
  readonly lifeMs: number;
  /** All are forgotten when there are so many. */
  readonly most: number;
  readonly now: () => number;
  /** Whether a value may be remembered; every one when absent. */
  readonly keeps?: (value: T) => boolean;
}

/** Makes the function that asks, or gives what it was told lately; a failure is never remembered. */
export function remembering<T>({ lifeMs, most, now, keeps }: Remembering<T>) {
  const kept = new Map<string, { readonly value: T; readonly atMs: number }>();
  return async (key: string, ask: () => Promise<T>): Promise<T> => {
    const known = kept.get(key);
    if (known !== undefined && now() - known.atMs < lifeMs && now() >= known.atMs) {
      return known.value;
    }
    kept.delete(key);
    const value = await ask();
    if (keeps?.(value) === false) return value;
    if (kept.size >= most) kept.clear();
    kept.set(key, { value, atMs: now() });
    return value;
  };
}
