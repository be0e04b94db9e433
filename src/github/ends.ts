/** Both ends of a change with what lies between them. */
import type { TreeEntry } from '../core/dry-run.ts';
import {
  type ChangeFiles,
  type Comparison,
  readChangeFiles,
  readComparison,
} from './change-files.ts';
import type { Reading } from './reading.ts';
import { readTree } from './trees.ts';

export interface Ends {
  readonly comparison: Comparison;
  readonly files: ChangeFiles;
  /** The tree of the base commit. */
  readonly base: readonly TreeEntry[];
}

/** Comparison, trees and files between a base and a head. */
export async function readEnds(
  reading: Reading,
  number: number,
  ends: { readonly baseSha: string; readonly headSha: string },
): Promise<Ends> {
  const comparison = await readComparison(reading, ends.baseSha, ends.headSha);
  return readEndsOf(reading, number, { comparison, headSha: ends.headSha });
}

/** Trees and files of a comparison that was read. */
export async function readEndsOf(
  reading: Reading,
  number: number,
  { comparison, headSha }: { readonly comparison: Comparison; readonly headSha: string },
): Promise<Ends> {
  const [files, base] = await Promise.all([
    readChangeFiles(reading, number, { comparison, headSha }),
    readTree(reading, comparison.baseTree),
  ]);
  return { comparison, files, base };
}
