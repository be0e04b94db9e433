/** The blast radius: its order, its table, and how findings become one. DECISION.md holds the rows. */
import type { BlastRadius, Finding } from './findings.ts';

/** From the smallest to the largest. */
export const radii: readonly BlastRadius[] = ['low', 'medium', 'high', 'critical'];

/** Whether a radius is the floor or above it. */
export function atLeast(radius: BlastRadius, floor: BlastRadius): boolean {
  return radii.indexOf(radius) >= radii.indexOf(floor);
}

/** The larger of two. */
export function maxRadius(one: BlastRadius, other: BlastRadius): BlastRadius {
  return atLeast(one, other) ? one : other;
}

/** The largest radius of the findings; a change without any finding is low. */
export function radiusOf(findings: readonly Finding[]): BlastRadius {
  return findings.reduce<BlastRadius>((radius, { radius: next }) => maxRadius(radius, next), 'low');
}

/** A table is large from this many rows on: a rewrite or a blocking lock there is high. */
export const largeTableRows = 10_000;

export interface BlastRadiusRow {
  readonly radius: BlastRadius;
  readonly by: 'proof' | 'paths';
  /** What the row is about, as DECISION.md says it. */
  readonly what: string;
  /** Ids of the findings that are this row. */
  readonly findings: readonly string[];
}

function rowOf(
  radius: BlastRadius,
  by: BlastRadiusRow['by'],
  what: string,
  findings: string,
): BlastRadiusRow {
  return { radius, by, what, findings: findings.split(' ') };
}

/** The table of DECISION.md as data, with the findings behind each row; the docs are made of it. */
export const blastRadiusTable: readonly BlastRadiusRow[] = [
  rowOf('critical', 'proof', 'rows or tables lost', 'rows-lost table-dropped all-rows-removed'),
  rowOf('critical', 'proof', 'a schema dropped', 'schema-dropped'),
  rowOf('critical', 'proof', 'destructive command outside migrations', 'destructive-command'),
  rowOf('critical', 'proof', 'escape attempt', 'escape-attempt'),
  rowOf('critical', 'proof', 'history edited', 'history-edited history-deleted'),
  rowOf('critical', 'paths', 'policy, CODEOWNERS', 'policy-changed codeowners-changed'),
  rowOf('critical', 'paths', 'workflow names a guarded environment', 'guarded-workflow-changed'),
  rowOf(
    'high',
    'proof',
    'values lost, changed or narrowed',
    'values-lost values-changed column-narrowed type-narrowed rows-detached',
  ),
  rowOf(
    'high',
    'proof',
    'privileges widened or row security weakened',
    'privileges-widened owner-changed function-with-owner-rights settings-changed ' +
      'row-security-weakened policy-weakened publication-widened',
  ),
  rowOf(
    'high',
    'proof',
    `rewrite or blocking lock on a table of ${largeTableRows / 1000},000 rows or more, or of unknown size`,
    'table-rewritten blocking-lock',
  ),
  rowOf(
    'high',
    'proof',
    "fails, skipped by the runner, not comparable, or stated by the change's own CI",
    'stated-by-ci migration-fails dry-run-failed skipped-by-runner out-of-order duplicate-version ' +
      'several-heads unreadable not-judged not-comparable',
  ),
  rowOf(
    'high',
    'proof',
    'a drop that is not proven to lose nothing',
    'table-dropped-unproven column-dropped-unproven',
  ),
  rowOf(
    'high',
    'proof',
    'a statement that takes away what the dry run does not have, puts rows back, or stands in a body',
    'destruction-unproven rows-removed destructive-body',
  ),
  rowOf('high', 'proof', 'deletes that take rows of another table along', 'deletes-cascade'),
  rowOf(
    'high',
    'proof',
    'renamed under running code',
    'table-renamed column-renamed schema-renamed',
  ),
  rowOf('high', 'proof', 'code still names what is dropped or renamed', 'still-named'),
  rowOf('high', 'proof', 'SQL that asks where it runs', 'environment-aware-sql'),
  rowOf('high', 'proof', 'migration runner in a deploy path', 'migration-runner-added'),
  rowOf(
    'high',
    'paths',
    'other workflows, git settings, infrastructure as code, container and deploy files, ' +
      'migrations not judged, statistics, commands that could not be read',
    'workflow-changed git-attributes-changed infrastructure-changed container-or-deploy-changed ' +
      'migration-changed statistics-changed file-unread',
  ),
  rowOf(
    'medium',
    'proof',
    'additive schema change, short locks, down part does not restore',
    'down-does-not-restore values-filled suppression-added baseline-incomplete',
  ),
  rowOf(
    'medium',
    'paths',
    'lockfiles, submodules, symlinks, binaries, LFS pointers, hidden characters, ordinary code',
    'lockfile-changed submodule-changed symlink-changed binary-changed lfs-pointer-changed ' +
      'hidden-characters code-changed down-part-changed mode-changed',
  ),
  rowOf('low', 'proof', 'seed or comment only', 'rows-added comment-changed'),
  rowOf(
    'low',
    'paths',
    'documentation, tests, migration files that the dry run judged',
    'documentation-changed tests-changed judged-migration-changed',
  ),
];
