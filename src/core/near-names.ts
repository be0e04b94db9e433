/** How near two short names are, for "did you mean" and for environments that look alike. */

/**
 * Optimal string alignment distance: the least number of insertions, deletions, replacements and
 * swaps of neighbours that turn one text into the other. Both are cut at 64 characters.
 */
export function editDistance(one: string, other: string): number {
  const a = Array.from(one.slice(0, 64));
  const b = Array.from(other.slice(0, 64));
  const rows: number[][] = [b.map((_, at) => at)];
  rows[0]?.push(b.length);
  const cell = (row: number, column: number): number => rows[row]?.[column] ?? Infinity;
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    rows.push(row);
    for (let j = 1; j <= b.length; j += 1) {
      const replaced = cell(i - 1, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swaps = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swapped = swaps ? cell(i - 2, j - 2) + 1 : Infinity;
      row.push(Math.min(replaced, cell(i - 1, j) + 1, cell(i, j - 1) + 1, swapped));
    }
  }
  return cell(a.length, b.length);
}

/** The nearest of the right names, or null when none is near enough to be meant. */
export function nearestName(name: string, rightNames: readonly string[]): string | null {
  const lower = name.toLowerCase();
  const ranked = rightNames
    .map((right) => ({ right, distance: editDistance(lower, right.toLowerCase()) }))
    .toSorted((x, y) => x.distance - y.distance || (x.right < y.right ? -1 : 1));
  const best = ranked[0];
  if (best === undefined) return null;
  return best.distance <= Math.max(2, Math.floor(name.length / 3)) ? best.right : null;
}
