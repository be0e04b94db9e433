/**
 * Plain numbered SQL: files such as `0001_users.sql` that no known framework claims. Its runner is
 * unknown, so every file is taken in the order of its number and a file is one transaction.
 */
import type { PlanProblem } from '../core/dry-run.ts';
import type { Found, Framework, History } from './framework.ts';
import { downAlone } from './problems.ts';
import {
  byNumber,
  emptyHistory,
  found,
  migrationOf,
  plainNumber,
  readText,
  stepOf,
} from './shared.ts';
import { nameOf, type TreeView } from './tree.ts';

const NUMBERED = /^[Vv]?(\d+)(?:[_.-].*)?\.sql$/i;
const DOWN = /(?:[._-])(?:down|undo|rollback|revert)\.sql$/i;
const ALONE = 'it is not known whether the runner would run it like any other file';
const FOLDER =
  /(?:^|[/_.-])(?:migrations?|migrate|migs?|schema[_-]?changes|changes|patches|upgrades?|ddl|versions|drizzle|flyway|sql)(?=$|[/_.-])/i;

function find(view: TreeView, touched: readonly string[]): readonly Found[] {
  const holding = touched.filter((folder) => isPlain(folder, view));
  // A link named like a folder of migrations stands for files that nobody here can see.
  const links = view.links.filter((path) => FOLDER.test(path));
  return [...new Set([...holding, ...links])].map((folder) => found(folder, 'name'));
}

/** Whether the folder is named as one of migrations and holds numbered SQL files. */
export function isPlain(folder: string, view: TreeView): boolean {
  return FOLDER.test(folder) && numbered(folder, view).length > 0;
}

function numbered(folder: string, view: TreeView): readonly string[] {
  return view.filesIn(folder).filter((path) => NUMBERED.test(nameOf(path)));
}

function numberOf(path: string): string {
  return plainNumber(NUMBERED.exec(nameOf(path))?.[1] ?? '0');
}

function load(claim: Found, view: TreeView): History {
  const problems: PlanProblem[] = [];
  const files = numbered(claim.folder, view);
  const downs = new Map(
    files.filter((path) => DOWN.test(path)).map((path) => [upName(path), path]),
  );
  const ups = new Set(files.filter((path) => !DOWN.test(path)).map(upName));
  for (const [name, path] of downs) if (!ups.has(name)) problems.push(downAlone(path, ALONE));
  const migrations = files.flatMap((path) => {
    if (DOWN.test(path)) return [];
    const sql = readText(view, path, problems);
    if (sql === null) return [];
    const downPath = downs.get(upName(path));
    const down = downPath === undefined ? null : readText(view, downPath, problems);
    const version = numberOf(path);
    return [
      migrationOf(view, { key: version, version, path }, [
        stepOf(view, { path, version, sql, down }),
      ]),
    ];
  });
  migrations.sort(byNumber);
  return { ...emptyHistory(claim.dialect), migrations, problems, files };
}

/** `0001_users` for the up and the down file of one migration. */
function upName(path: string): string {
  return path.replace(/(?:[._-](?:up|do|down|undo|rollback|revert))?\.sql$/i, '');
}

export const plain: Framework = {
  name: 'plain',
  title: 'plain numbered SQL',
  takes: 'files such as 0001_name.sql directly in the folder',
  runner: {
    scope: 'file',
    late: 'applied',
    lateSays: 'it is not known whether the runner would still apply it',
    editedSays: 'production has applied the old content',
    deletedSays: 'production has applied it and a new database would not',
    duplicateSays: 'the order of the two is not certain',
  },
  code: ['ts', 'js', 'mjs', 'cjs', 'py', 'rb', 'go', 'php', 'java', 'kt', 'sh'],
  configs: () => [],
  find,
  needs: (claim, view) => numbered(claim.folder, view),
  load,
  order: byNumber,
};
