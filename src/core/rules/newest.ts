import type { Change } from '../evidence.ts';

/** The pull request of a range that was merged last; null when there is none. */
export function newestOf(changes: readonly Change[]): Change | null {
  const [newest] = changes.toSorted(
    (a, b) => (b.mergedAtMs ?? 0) - (a.mergedAtMs ?? 0) || (b.pull ?? 0) - (a.pull ?? 0),
  );
  return newest ?? null;
}
