/** One line of the table that `npm run bench` prints. */
export interface Row {
  readonly what: string;
  /** As the figure was asked for: `≤ 60 ms`. */
  readonly reach: string;
  readonly measured: string;
  readonly ok: boolean;
}

export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].toSorted((a, b) => a - b);
  const index = Math.min(sorted.length - 1, Math.floor(share * sorted.length));
  return sorted[index] ?? Number.NaN;
}

export function ms(value: number): string {
  return `${value.toFixed(value < 10 ? 1 : 0)} ms`;
}
