/** All findings of a change: what its dry run proved, what its files are, what their lines hold. */
import type { Change } from './evidence.ts';
import type { Finding } from './findings.ts';
import { findFiles } from './findings/files.ts';
import { findMentions } from './findings/mentions.ts';
import { findRun } from './findings/run.ts';
import { radii } from './blast-radius.ts';
import type { Policy } from './policy.ts';

function order(one: Finding, other: Finding): number {
  const byRadius = radii.indexOf(other.radius) - radii.indexOf(one.radius);
  if (byRadius !== 0) return byRadius;
  const key = ({ id, object, line }: Finding): string => `${id}\n${object}\n${line ?? 0}`;
  return key(one) < key(other) ? -1 : 1;
}

/** The run and the files may say the same of one object; the run knows the place better. */
function once(findings: readonly Finding[]): readonly Finding[] {
  const seen = new Map<string, Finding>();
  for (const finding of findings) {
    const { id, object, line, message } = finding;
    const key = JSON.stringify(
      id === 'environment-aware-sql' ? [id, object, message] : [id, object, line, message],
    );
    if (!seen.has(key)) seen.set(key, finding);
  }
  return [...seen.values()];
}

/**
 * Everything that a reviewer should know about a change, the worst first. The radius of a change is
 * the largest of them; a change with no file and no migration has none.
 */
export function findingsOf(change: Change, policy: Policy): readonly Finding[] {
  const found = [...findRun(change.dryRun), ...findMentions(change), ...findFiles(change, policy)];
  return once(found).toSorted(order);
}
