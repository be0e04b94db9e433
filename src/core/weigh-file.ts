/** The file with production statistics: what `tagout stats` writes and every gate reads. */
import { z } from 'zod';
import type { ProductionSize } from './dry-run.ts';

export interface TableStatistics {
  /** Named as everywhere: without the schema in `public`. */
  readonly table: string;
  readonly rows: number;
  /** The table with its TOAST part. */
  readonly bytes: number;
  readonly indexBytes: number;
  /** Share of nulls by column, where the reader may see it. */
  readonly nulls?: Readonly<Record<string, number>>;
}

export interface StatisticsFile {
  readonly tagout: 1;
  /** ISO 8601. */
  readonly takenAt: string;
  /** As the server prints it. */
  readonly postgres: string;
  readonly tables: readonly TableStatistics[];
}

const count = z.number().int().nonnegative();

const schema: z.ZodType<StatisticsFile> = z.strictObject({
  tagout: z.literal(1),
  takenAt: z.iso.datetime(),
  postgres: z.string(),
  tables: z
    .array(
      z.strictObject({
        table: z.string(),
        rows: count,
        bytes: count,
        indexBytes: count,
        nulls: z.record(z.string(), z.number().min(0).max(1)).exactOptional(),
      }),
    )
    .max(100_000),
});

export type StatisticsRead =
  | { readonly tables: readonly TableStatistics[] }
  | { readonly problem: string; readonly why: 'missing' | 'unreadable' };

/** Reads the file's bytes; undefined: the base branch has none. The problem names its remedy. */
export function readStatistics(path: string, bytes: Uint8Array | undefined): StatisticsRead {
  if (bytes === undefined) {
    const problem =
      `The policy names the statistics ${path}, which the base branch does not have: write them ` +
      'with `npx tagout stats` and commit them there, or take the line out of the policy.';
    return { problem, why: 'missing' };
  }
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return { tables: schema.parse(JSON.parse(text)).tables };
  } catch {
    const problem =
      `The statistics ${path} of the base branch are not what \`npx tagout stats\` writes: write ` +
      'them anew.';
    return { problem, why: 'unreadable' };
  }
}

/** What of the statistics becomes evidence. */
export function sizesOf(tables: readonly TableStatistics[]): readonly ProductionSize[] {
  return tables.map(({ table, rows, bytes, indexBytes }) => ({ table, rows, bytes, indexBytes }));
}
