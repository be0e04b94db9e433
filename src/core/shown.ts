/** What a reviewer was shown, as one digest: approvals bind to it (DECISION.md). */
import { radiusOf } from './blast-radius.ts';
import { digestOf, sha256Hex } from './canonical.ts';
import type { ChangedFile, Change } from './evidence.ts';
import type { BlastRadius, Finding } from './findings.ts';
import { policyEvidence } from './findings/files.ts';

/** One path and what is there after the change, as a line; NUL is in no path that git holds. */
function lineOf(path: string, content: string | null, mode: string | null): string {
  if (path.includes('\0')) return JSON.stringify([path, content, mode]);
  return `${path}\0${content ?? ''}\0${mode ?? ''}`;
}

/**
 * What is at the paths of a file after the change. A blob that GitHub did not name is replaced by
 * the hash of the diff, so that two contents never look the same.
 */
function addLines(file: ChangedFile, lines: string[]): void {
  const { path, previousPath, status, blob, mode } = file;
  if (previousPath !== null && status !== 'copied') lines.push(lineOf(previousPath, null, null));
  if (status === 'removed') lines.push(lineOf(path, null, mode));
  else lines.push(lineOf(path, blob ?? `diff:${sha256Hex(file.patch ?? '')}`, mode));
}

/** Text order by code units, the same on every machine. */
function sorted(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)].toSorted();
}

/** One hash over the lines, as thousands of files would make a long canonical text. */
function filesDigest(files: readonly ChangedFile[]): string {
  const lines: string[] = [];
  for (const file of files) addLines(file, lines);
  return sha256Hex((isInOrder(files) ? lines : sorted(lines)).join('\n'));
}

/** Trees are read in order, so that there is mostly nothing to sort. */
function isInOrder(files: readonly ChangedFile[]): boolean {
  let last = '';
  for (const { path, previousPath } of files) {
    if (previousPath !== null || path <= last || path.includes('\0')) return false;
    last = path;
  }
  return true;
}

/**
 * The digest of what a reviewer judges: the difference by content, the findings by id, level,
 * object and figures, the status of the dry run, and the blast radius. Times, the base SHA, the
 * policy, reviews and the engine's version are not in it. What only the policy raised (its `paths`,
 * its environments) is left out too, findings and radius alike, as a changed policy is applied to
 * existing approvals and does not void them; a radius above that of the findings (a range's) stays.
 */
export function shownDigest(
  change: Change,
  findings: readonly Finding[],
  radius: BlastRadius,
): string {
  const own = findings.filter(({ evidence }) => evidence !== policyEvidence);
  return digestOf({
    v: 1,
    files: filesDigest(change.files),
    findings: sorted(
      own.map(({ id, level, object, figures }) => digestOf({ id, level, object, figures })),
    ),
    dryRun: change.dryRun.status,
    radius: radius === radiusOf(findings) ? radiusOf(own) : radius,
  });
}
