/** What a reviewer was shown, as one digest: approvals bind to it (DECISION.md). */
import { radiusOf } from './blast-radius.ts';
import { digestOf, sha256Hex } from './canonical.ts';
import type { Change } from './evidence.ts';
import type { BlastRadius, Finding } from './findings.ts';
import { policyEvidence } from './findings/files.ts';
import { readFiles } from './findings/readings.ts';

/** Text order by code units, the same on every machine. */
function sorted(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)].toSorted();
}

function isSorted(texts: readonly string[]): boolean {
  let last: string | null = null;
  for (const text of texts) {
    if (last !== null && text <= last) return false;
    last = text;
  }
  return true;
}

/** One hash over the lines, as thousands of files would make a long canonical text. */
function filesDigest(change: Change): string {
  const lines: string[] = [];
  for (const { content } of readFiles(change)) for (const line of content) lines.push(line);
  // Trees are read in order, so that there is mostly nothing to sort.
  return sha256Hex((isSorted(lines) ? lines : sorted(lines)).join('\n'));
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
    files: filesDigest(change),
    findings: sorted(
      own.map(({ id, level, object, figures }) => digestOf({ id, level, object, figures })),
    ),
    dryRun: change.dryRun.status,
    radius: radius === radiusOf(findings) ? radiusOf(own) : radius,
  });
}
