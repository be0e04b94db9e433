/** What a change does to a folder's history: which migrations are new, which old ones were touched. */
import type { MigrationStep, PlanProblem } from '../core/dry-run.ts';
import type { Framework, History, Migration, Selection } from './framework.ts';
import { alreadyApplied, deleted, duplicate, edited, late, renamed } from './problems.ts';

/** The general runner: it knows versions by their key and runs those it does not know, in order. */
export function selectPending(framework: Framework, base: History, head: History): Selection {
  const known = new Map(base.migrations.map((entry) => [entry.key, entry]));
  const last = base.migrations.filter((entry) => !entry.repeatable).at(-1) ?? null;
  const pending: Migration[] = [];
  const problems: PlanProblem[] = [];
  for (const entry of head.migrations) {
    const before = known.get(entry.key);
    if (before !== undefined) {
      if (entry.repeatable && before.blob !== entry.blob) pending.push(entry);
      else if (isSwapped(entry, before, head)) {
        problems.push(alreadyApplied(framework, entry.path, entry.version));
      }
      continue;
    }
    if (last !== null && !entry.repeatable && framework.order(entry, last) < 0) {
      problems.push(late(framework, entry.path, last.path));
      if (framework.runner.late !== 'applied') continue;
    }
    pending.push(entry);
  }
  return { pending, problems };
}

/** Another file under an old version; a mere rename is told apart as deleted history. */
function isSwapped(entry: Migration, before: Migration, head: History): boolean {
  if (entry.path === before.path || entry.blob === before.blob) return false;
  return !head.migrations.some((other) => other.path === before.path);
}

/** Old files that the change edited, deleted or renamed. */
export function touchedHistory(
  framework: Framework,
  base: History,
  head: History,
): readonly PlanProblem[] {
  const byPath = new Map(head.migrations.map((entry) => [entry.path, entry]));
  const oldPaths = new Set(base.migrations.map((entry) => entry.path));
  const found = new Map<string, PlanProblem>();
  for (const before of base.migrations) {
    const now = byPath.get(before.path);
    if (now === undefined) found.set(before.path, gone(framework, before, { head, oldPaths }));
    else if (now.blob !== before.blob && !before.repeatable) {
      found.set(before.path, edited(framework, before.path));
    }
  }
  return [...found.values()];
}

function gone(
  framework: Framework,
  before: Migration,
  { head, oldPaths }: { readonly head: History; readonly oldPaths: ReadonlySet<string> },
): PlanProblem {
  const other = head.migrations.find(
    (entry) => entry.blob === before.blob && !oldPaths.has(entry.path),
  );
  return other === undefined
    ? deleted(framework, before.path)
    : renamed(framework, before.path, other.path);
}

/** Versions that two files of one tree share. */
export function duplicates(
  framework: Framework,
  base: History,
  head: History,
): readonly PlanProblem[] {
  const oldPaths = new Set(base.migrations.map((entry) => entry.path));
  const byKey = Map.groupBy(head.migrations, (entry) => entry.key);
  return [...byKey.values()].flatMap((same) => {
    const paths = [...new Set(same.map((entry) => entry.path))];
    const fresh = paths.filter((path) => !oldPaths.has(path));
    if (paths.length < 2) return [];
    return fresh.map((path) => {
      const other = paths.find((each) => each !== path && oldPaths.has(each));
      return duplicate(framework, path, other ?? paths.find((each) => each !== path) ?? path);
    });
  });
}

/** All steps of migrations in their order. */
export function stepsOf(migrations: readonly Migration[]): readonly MigrationStep[] {
  return migrations.flatMap((entry) => entry.steps);
}
