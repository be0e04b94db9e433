/** Whether the base branch's code still names what a dry run dropped or renamed. */
import { Buffer } from 'node:buffer';
import type { DryRun, TreeEntry } from '../core/dry-run.ts';
import type { Mention } from '../core/evidence.ts';
import { mentionsIn, namesToLookFor } from '../core/mentions.ts';
import { readBlobs } from './blobs.ts';
import type { Reading } from './reading.ts';

const CODE =
  /\.(?:[cm]?[jt]sx?|vue|svelte|py|rb|go|java|kt|scala|cs|php|rs|ex|exs|graphql|gql|prisma|erb)$/i;
/** Migrations name what they drop; tests and generated files fail before production does. */
const NOT_CODE =
  /(?:^|\/)(?:migrations?|drizzle|node_modules|vendor|dist|build|tests?|__tests__|spec)\//i;
/** Where a schema is usually named; read first when there is more than the limit. */
const LIKELY = /schema|model|entit|repositor|quer|dao|\bdb\b|database|store|prisma/i;

/** A look costs few requests: GitHub gives about 60 small files, or 100 KB, to one query. */
const MAX_FILES = 180;
const MAX_BYTES = 300_000;
const MAX_FILE_BYTES = 100_000;
const MAX_MENTIONS = 60;

/**
 * Lines of the base branch that name what is gone; empty when nothing is. In a large code base the
 * likely places are read and others are not, so that a mention proves and silence does not.
 */
export async function readMentions(
  reading: Reading,
  dryRun: DryRun,
  base: readonly TreeEntry[],
): Promise<readonly Mention[]> {
  const names = namesToLookFor(dryRun);
  if (names.length === 0) return [];
  const files = chosen(base);
  const contents = await readBlobs(
    reading,
    files.map(({ blob, sizeBytes }) => ({ sha: blob, sizeBytes })),
  );
  return files
    .flatMap(({ path, blob }) => {
      const content = contents.get(blob);
      if (content === undefined) return [];
      const text = Buffer.from(content).toString('utf8');
      return mentionsIn(text, names).map(({ name, line }) => ({ object: name, path, line }));
    })
    .slice(0, MAX_MENTIONS);
}

/** The same files for the same tree, so that what was shown can be shown again. */
function chosen(base: readonly TreeEntry[]): readonly TreeEntry[] {
  const code = base.filter(
    ({ path, mode, sizeBytes }) =>
      mode.startsWith('100') &&
      CODE.test(path) &&
      !NOT_CODE.test(path) &&
      (sizeBytes ?? MAX_FILE_BYTES) < MAX_FILE_BYTES,
  );
  const likely = code.filter(({ path }) => LIKELY.test(path));
  const others = code.filter(({ path }) => !LIKELY.test(path));
  const files: TreeEntry[] = [];
  let bytes = 0;
  for (const entry of [...likely, ...others]) {
    bytes += entry.sizeBytes ?? 0;
    if (files.length >= MAX_FILES || bytes > MAX_BYTES) break;
    files.push(entry);
  }
  return files;
}
