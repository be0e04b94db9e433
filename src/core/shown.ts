/** What a reviewer was shown, as one digest: approvals bind to it (DECISION.md). */
import { radiusOf } from './blast-radius.ts';
import { digestOf, sha256Hex } from './canonical.ts';
import type { ChangedFile, Change } from './evidence.ts';
import type { BlastRadius, Finding } from './findings.ts';
import { policyEvidence } from './findings/files.ts';

/**
 * What is at a path after the change. A blob that GitHub did not name is replaced by the hash of
 * the diff, so that two contents never look the same.
 */
function contentOf(
  file: ChangedFile,
): readonly (readonly [string, string | null, string | null])[] {
  const unnamed = file.blob === null && file.status !== 'removed';
  const blob = unnamed ? `diff:${sha256Hex(file.patch ?? '')}` : file.blob;
  const here = [file.path, file.status === 'removed' ? null : blob, file.mode] as const;
  if (file.previousPath === null || file.status === 'copied') return [here];
  return [[file.previousPath, null, null], here];
}

function line(entry: readonly (string | null)[]): string {
  return JSON.stringify(entry);
}

/** Text order by code units, the same on every machine. */
function sorted(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)].toSorted();
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
    // One hash over the lines, as thousands of files would make a long canonical text.
    files: sha256Hex(sorted(change.files.flatMap(contentOf).map(line)).join('\n')),
    findings: sorted(
      own.map(({ id, level, object, figures }) => digestOf({ id, level, object, figures })),
    ),
    dryRun: change.dryRun.status,
    radius: radius === radiusOf(findings) ? radiusOf(own) : radius,
  });
}
