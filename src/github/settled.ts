/**
 * What can never change about a merged pull request: how its head compares with what it was merged
 * onto, who pushed to it until then, and through which app it was opened. Read once, kept by all
 * the commits that it depends on. Reviews and what else can change are read at every decision.
 */
import { z } from 'zod';
import type { Push } from '../core/evidence.ts';
import type { Comparison } from './change-files.ts';
import type { PullFacts } from './pull-shapes.ts';
import type { MergeGroup } from './range.ts';
import { type Reading, shaSchema } from './reading.ts';

/** What is kept of a merged pull request. */
export interface Settled {
  readonly comparison: Comparison;
  readonly pushes: readonly Push[];
  readonly viaApp: string | null;
}

/** GitHub's own end of the files of a comparison: there its list may go on elsewhere. */
const COMPARE_FILES = 300;
/** Larger ones are read again when they are needed. */
const LARGEST_CHARS = 2 * 1024 * 1024;

const accountSchema = z
  .object({
    id: z.int(),
    login: z.string(),
    type: z.enum(['User', 'Bot', 'Organization', 'Mannequin', 'Unknown']),
  })
  .nullable();

const settledSchema = z.object({
  v: z.literal(1),
  comparison: z.object({
    mergeBaseSha: shaSchema,
    mergeBaseTree: shaSchema,
    baseTree: shaSchema,
    totalCommits: z.int(),
    accounts: z.array(
      z.tuple([shaSchema, z.object({ author: accountSchema, committer: accountSchema })]),
    ),
    files: z.array(
      z.object({
        filename: z.string(),
        previous_filename: z.string().optional(),
        status: z.string(),
        additions: z.int(),
        deletions: z.int(),
        patch: z.string().optional(),
      }),
    ),
  }),
  pushes: z.array(
    z.object({ actor: accountSchema, atMs: z.int(), kind: z.string(), after: z.string() }),
  ),
  viaApp: z.string().nullable(),
});

/** By what it is kept: another head, or another commit that it was merged onto, is another row. */
export function settledKey(number: number, headSha: string, group: MergeGroup): string {
  return `${number}:${headSha}:${group.ontoSha}:${group.lastSha}`;
}

/** Those that are kept, by their keys; a row that has not our form counts as not kept. */
export async function readSettled(
  { memory, repo }: Reading,
  keys: readonly string[],
): Promise<ReadonlyMap<string, Settled>> {
  const rows = (await memory.settled?.(repo, keys)) ?? new Map<string, string>();
  const found = new Map<string, Settled>();
  for (const [key, text] of rows) {
    const kept = parsed(text);
    if (kept !== null) found.set(key, kept);
  }
  return found;
}

function parsed(text: string): Settled | null {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch {
    return null;
  }
  const read = settledSchema.safeParse(data).data;
  if (read === undefined) return null;
  const { comparison, pushes, viaApp } = read;
  return {
    comparison: { ...comparison, accounts: new Map(comparison.accounts) },
    pushes,
    viaApp,
  };
}

/** Keeps what was read to its end; what has gaps, or a push by nobody known, is read again. */
export async function keepSettled(
  { memory, repo }: Reading,
  key: string,
  facts: PullFacts,
  settled: Settled,
): Promise<void> {
  const { comparison, pushes, viaApp } = settled;
  const isWhole =
    facts.pull.state === 'MERGED' &&
    comparison.files.length < COMPARE_FILES &&
    comparison.totalCommits === comparison.accounts.size &&
    pushes.every(({ kind }) => kind !== 'unknown');
  if (!isWhole) return;
  const files = comparison.files.map(
    ({ filename, previous_filename, status, additions, deletions, patch }) => ({
      filename,
      previous_filename,
      status,
      additions,
      deletions,
      patch,
    }),
  );
  const accounts = [...comparison.accounts];
  const kept = { v: 1, comparison: { ...comparison, accounts, files }, pushes, viaApp };
  const text = JSON.stringify(kept);
  if (text.length <= LARGEST_CHARS) await memory.keepSettled?.(repo, key, text);
}
