/**
 * Frameworks written in code. The repository's code is never run, so new files are named as not
 * judged, with the recipe by which the repository's own workflow can print the SQL.
 */
import type { PlanProblem } from '../../core/dry-run.ts';
import { selectPending } from '../compare.ts';
import type { Claimed, Found, Framework, History, Migration, Runner } from '../framework.ts';
import { isPlain } from '../plain.ts';
import { problem, writtenInCode } from '../problems.ts';
import { emptyHistory, found, migrationOf } from '../shared.ts';
import { compareBytes } from '../text.ts';
import { nameOf, type TreeView } from '../tree.ts';

export interface CodeFramework {
  readonly name: string;
  readonly title: string;
  readonly takes: string;
  /** The command that runs what is pending on DATABASE_URL, for a step of a workflow. */
  readonly recipe: string;
  readonly scope: Runner['scope'];
  /** How late files are treated; null where the order is a graph and not the name. */
  readonly late: { readonly kind: Runner['late']; readonly says: string } | null;
  readonly by: Claimed;
  configs?(view: TreeView): readonly string[];
  /** Whether the name alone may be one; left out where `folderOf` looks at names only. */
  mayOwn?(path: string): boolean;
  /** The migrations folder that a path belongs to as a migration, or null. */
  folderOf(path: string, view: TreeView): string | null;
  needs?(folder: string, view: TreeView): readonly string[];
  /** Problems of a whole history: several heads. */
  check?(folder: string, view: TreeView): readonly PlanProblem[];
}

/** Makes the framework of one written in code. */
export function codeFramework(code: CodeFramework): Framework {
  const framework: Framework = {
    name: code.name,
    title: code.title,
    takes: code.takes,
    runner: runnerOf(code),
    code: [],
    recipe: code.recipe,
    mayOwn: (path, view) => code.mayOwn?.(path) ?? code.folderOf(path, view) !== null,
    configs: (view) => code.configs?.(view) ?? [],
    find: (view) => findIn(code, view),
    needs: (claim, view) => code.needs?.(claim.folder, view) ?? [],
    load: (claim, view) => loadIn(code, claim, view),
    order: (a, b) => (code.late === null ? 0 : compareBytes(nameOf(a.path), nameOf(b.path))),
    select: (base, head) => {
      const general = selectPending(framework, base, head);
      const old = new Map(base.migrations.map((entry) => [entry.path, entry.blob]));
      const touched = head.migrations.filter((entry) => old.get(entry.path) !== entry.blob);
      return {
        pending: [],
        problems: [...general.problems, ...touched.map((entry) => notRun(code, entry))],
      };
    },
  };
  return framework;
}

function runnerOf(code: CodeFramework): Runner {
  return {
    scope: code.scope,
    late: code.late?.kind ?? 'applied',
    lateSays: code.late?.says ?? '',
    editedSays: `${code.title} does not run it again`,
    deletedSays: 'production has applied it and a new database would not',
    duplicateSays: `${code.title} cannot tell the two apart`,
  };
}

function findIn(code: CodeFramework, view: TreeView): readonly Found[] {
  const folders = new Set<string>();
  for (const path of view.candidates) {
    const folder = code.folderOf(path, view);
    if (folder !== null) folders.add(folder);
  }
  // A folder with numbered SQL as well belongs to plain SQL, which names the scripts among it.
  return [...folders]
    .filter((folder) => code.by !== 'name' || !isPlain(folder, view))
    .map((folder) => found(folder, code.by));
}

function loadIn(code: CodeFramework, claim: Found, view: TreeView): History {
  const files = view
    .filesBelow(claim.folder)
    .filter((path) => code.folderOf(path, view) === claim.folder);
  const migrations = files.map((path): Migration => {
    return migrationOf(view, { key: path, version: nameOf(path), path }, []);
  });
  migrations.sort((a, b) => compareBytes(nameOf(a.path), nameOf(b.path)));
  const problems = code.check?.(claim.folder, view) ?? [];
  return { ...emptyHistory(claim.dialect), migrations, files, problems };
}

function notRun(code: CodeFramework, entry: Migration): PlanProblem {
  const message =
    `${entry.path} is a ${code.title} migration written in code, and the code of a repository is ` +
    `never run here. Let the workflow of this repository run \`${code.recipe}\` on an empty ` +
    'PostgreSQL that writes its statements down, and upload their SQL as the artifact tagout-plan ' +
    "(docs/migrations.md has the steps); it is then run and shown as the change's own word.";
  return writtenInCode(entry.path, message);
}

/** Revisions and the ones they stand on: those that nothing stands on are the heads. */
export function headsOf(
  nodes: readonly {
    readonly id: string;
    readonly parents: readonly string[];
    readonly path: string;
  }[],
): readonly { readonly id: string; readonly path: string }[] {
  const parents = new Set(nodes.flatMap((node) => node.parents));
  return nodes.filter((node) => !parents.has(node.id));
}

/** The problem of a history that ends in several heads; none when there is one. */
export function severalHeads(
  title: string,
  heads: readonly { readonly id: string; readonly path: string }[],
  cure: string,
): readonly PlanProblem[] {
  const first = heads[0];
  if (first === undefined || heads.length < 2) return [];
  const names = heads.map((head) => head.id).sort(compareBytes);
  const message =
    `The ${title} history has several heads (${names.join(', ')}), and the runner stops with an ` +
    `error. ${cure}`;
  return [problem('several-heads', first.path, message)];
}
