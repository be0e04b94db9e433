/** SQL files that no framework claims: an attacker's way around a gate that looks at folders. */
import type { MigrationPlan, SourceTree } from '../core/dry-run.ts';
import { changedPaths } from './changes.ts';
import { SQL_FILE } from './shared.ts';
import { isBelow, viewOf } from './tree.ts';

/**
 * Paths of `.sql` files (in any case, links included) that the change adds or edits and that
 * belong to none of the plans' folders, in byte order. `plans` are those of `planMigrations` for
 * the same two trees.
 */
export function unclaimedSql(
  base: SourceTree,
  head: SourceTree,
  plans: readonly MigrationPlan[],
): readonly string[] {
  const views = { base: viewOf(base, new Map()), head: viewOf(head, new Map()) };
  const changed = changedPaths(views.base, views.head);
  const known = new Set([
    ...plans.flatMap(companionsOf),
    ...plans.flatMap((plan) =>
      [...plan.pending, ...plan.applied, ...plan.problems].map((each) => each.path),
    ),
  ]);
  return views.head.paths.filter((path) => {
    if (!changed.has(path) || !SQL_FILE.test(path) || known.has(path)) return false;
    return !plans.some((plan) =>
      plan.folder === '' ? !path.includes('/') : isBelow(path, plan.folder),
    );
  });
}

/** Plans that were stored and read again may lack their companions; their folder speaks then. */
function companionsOf(plan: MigrationPlan): readonly string[] {
  const companions: unknown = 'companions' in plan ? plan.companions : [];
  return Array.isArray(companions) ? companions.filter((each) => typeof each === 'string') : [];
}
