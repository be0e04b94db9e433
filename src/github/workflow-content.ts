/** The whole text of changed workflow files: only it tells which environments their jobs name. */
import { Buffer } from 'node:buffer';
import type { TreeEntry } from '../core/dry-run.ts';
import type { ChangedFile } from '../core/evidence.ts';
import { readBlobs, type WantedBlob } from './blobs.ts';
import type { Reading } from './reading.ts';

const WORKFLOW = /^\.github\/workflows\/[^/]+\.ya?ml$/i;
/** What is not read counts as naming every environment, so that the limits only raise. */
const MAX_FILES = 40;
const MAX_BYTES = 200_000;

/** Adds the text before and after to each changed workflow file. */
export async function withWorkflowContent(
  reading: Reading,
  files: readonly ChangedFile[],
  trees: { readonly before: readonly TreeEntry[]; readonly after: readonly TreeEntry[] },
): Promise<readonly ChangedFile[]> {
  const wanted = files.filter(isWorkflow).slice(0, MAX_FILES);
  if (wanted.length === 0) return files;
  const sizes = new Map(
    [...trees.before, ...trees.after].map((entry) => [entry.blob, entry.sizeBytes]),
  );
  const isSmall = ({ sizeBytes }: WantedBlob): boolean =>
    sizeBytes !== null && sizeBytes <= MAX_BYTES;
  const blobs = wanted
    .flatMap(({ previousBlob, blob }) => [previousBlob, blob])
    .flatMap((sha) => (sha === null ? [] : [{ sha, sizeBytes: sizes.get(sha) ?? null }]))
    .filter(isSmall);
  const contents = await readBlobs(reading, blobs);
  const text = (sha: string | null): string | null => {
    const content = sha === null ? undefined : contents.get(sha);
    return content === undefined ? null : Buffer.from(content).toString('utf8');
  };
  const isWanted = new Set(wanted);
  return files.map((file) =>
    isWanted.has(file)
      ? { ...file, content: { before: text(file.previousBlob), after: text(file.blob) } }
      : file,
  );
}

/** A link or a submodule in a workflow's place has no text that GitHub would run. */
function isWorkflow(file: ChangedFile): boolean {
  const isPath = WORKFLOW.test(file.path) || WORKFLOW.test(file.previousPath ?? '');
  return isPath && (file.mode?.startsWith('100') ?? false);
}
