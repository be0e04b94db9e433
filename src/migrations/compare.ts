/** What a change does to a folder's history: what is new, which old migrations were touched. */
import type { MigrationStep, PlanProblem } from '../core/dry-run.ts';
import type { Framework, History, Migration, Selection } from './framework.ts';
import {
  alreadyApplied,
  deleted,
  downEdited,
  duplicate,
  edited,
  late,
  renamed,
} from './problems.ts';

/** The general runner: it knows versions by their key and runs those it does not know, in order. */
export function selectPending(framework: Framework, base: History, head: History): Selection {
  const known = new Map(base.migrations.map((entry) => [entry.key, entry]));
  const last = base.migrations.filter((entry) => !entry.repeatable).at(-1) ?? null;
  const pending: Migration[] = [];
  const problems: PlanProblem[] = [];
  const lateness = base.late ?? framework.runner.late;
  for (const entry of head.migrations) {
    const before = known.get(entry.key);
    if (before !== undefined) {
      if (entry.repeatable && contentOf(before) !== contentOf(entry)) pending.push(entry);
      else if (isSwapped(entry, before, head)) {
        problems.push(alreadyApplied(framework, entry.path, entry.version));
      }
      continue;
    }
    if (last !== null && !entry.repeatable && framework.order(entry, last) < 0) {
      problems.push(late(framework, entry.path, { after: last.path, lateness }));
      if (lateness !== 'applied') continue;
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
  const now = new Map(head.migrations.map((entry) => [unitOf(entry), entry]));
  const oldPaths = new Set(base.migrations.map((entry) => entry.path));
  return base.migrations.flatMap((before) => {
    const after = now.get(unitOf(before));
    if (after === undefined) return [gone(framework, before, { head, oldPaths })];
    if (before.repeatable) return [];
    if (contentOf(after) !== contentOf(before)) return [edited(framework, before)];
    return downOf(after) === downOf(before) ? [] : [downEdited(framework, before)];
  });
}

/** What a person edits as one: a file, or a part of a file that holds several. */
function unitOf(entry: Migration): string {
  return entry.content === undefined ? entry.path : `\0${entry.key}`;
}

function contentOf(entry: Migration): string {
  return entry.content ?? entry.blob;
}

function downOf(entry: Migration): string {
  return entry.steps.map((step) => step.down ?? '').join('\0');
}

function gone(
  framework: Framework,
  before: Migration,
  { head, oldPaths }: { readonly head: History; readonly oldPaths: ReadonlySet<string> },
): PlanProblem {
  const other = head.migrations.find(
    (entry) => contentOf(entry) === contentOf(before) && !oldPaths.has(entry.path),
  );
  return other === undefined
    ? deleted(framework, before)
    : renamed(framework, before.path, other.path);
}

/** Versions that two files of one tree share, and names that two parts of one file share. */
export function duplicates(
  framework: Framework,
  base: History,
  head: History,
): readonly PlanProblem[] {
  const oldPaths = new Set(base.migrations.map((entry) => entry.path));
  const byKey = Map.groupBy(head.migrations, (entry) => entry.key);
  const before = new Map<string, number>();
  for (const { key } of base.migrations) before.set(key, (before.get(key) ?? 0) + 1);
  return [...byKey.values()].flatMap((same) => {
    const paths = [...new Set(same.map((entry) => entry.path))];
    const fresh = paths.filter((path) => !oldPaths.has(path));
    const [path, second] = paths;
    if (path !== undefined && second === undefined) {
      // Parts of one file that share a name, one of them new.
      const parts = same.length > 1 && same.every((entry) => entry.content !== undefined);
      const isNew = same.length > (before.get(same[0]?.key ?? '') ?? 0);
      return parts && isNew ? [duplicate(framework, path, path)] : [];
    }
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
