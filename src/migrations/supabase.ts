/**
 * Supabase: `supabase/migrations/<14 digits>_<name>.sql`, by version. `supabase db push` stops over
 * files that sort before the newest one applied, unless it is told to include them.
 */
import type { PlanProblem } from '../core/dry-run.ts';
import type { Found, Framework, History, Migration } from './framework.ts';
import { historyIn, found, migrationOf, readText, simpleQuery, stepOf } from './shared.ts';
import { compareBytes } from './text.ts';
import { folderOf, nameOf, type TreeView } from './tree.ts';

const NAME = /^(\d+)_.*\.sql$/;

function configs(view: TreeView): readonly string[] {
  return view.candidates.filter((path) => /(?:^|\/)supabase\/config\.toml$/.test(path));
}

function find(view: TreeView): readonly Found[] {
  const byConfig = configs(view).map((path) => `${folderOf(path)}/migrations`);
  const byPath = view.candidates
    .map(folderOf)
    .filter((folder) => /(?:^|\/)supabase\/migrations$/.test(folder));
  return [...new Set([...byConfig, ...byPath])]
    .filter((folder) => view.has(folder))
    .map((folder) => found(folder, 'state', { sources: [], dialect: 'postgresql' }));
}

function files(folder: string, view: TreeView): readonly string[] {
  return view.filesIn(folder).filter((path) => NAME.test(nameOf(path)));
}

function load(claim: Found, view: TreeView): History {
  const problems: PlanProblem[] = [];
  const all = files(claim.folder, view);
  const migrations = all.flatMap((path) => {
    const sql = readText(view, path, problems);
    if (sql === null) return [];
    const version = NAME.exec(nameOf(path))?.[1] ?? '';
    const step = stepOf(view, { path, version, sql, transaction: simpleQuery(sql) });
    return [migrationOf(view, { key: version, version, path }, [step])];
  });
  return historyIn(claim, { migrations, problems, files: all, order: order });
}

function order(a: Migration, b: Migration): number {
  return compareBytes(nameOf(a.path), nameOf(b.path));
}

export const supabase: Framework = {
  name: 'supabase',
  title: 'Supabase',
  takes: 'files such as 20260101000000_name.sql directly in the folder',
  runner: {
    scope: 'file',
    late: 'refused',
    lateSays:
      'supabase db push stops with an error and applies nothing, unless it is started with ' +
      '--include-all',
    editedSays: 'supabase db push compares versions only and does not run it again',
    deletedSays:
      'supabase db push stops with an error because the remote has a version that is not here',
    duplicateSays: 'supabase db push stops with an error when it records the second one',
  },
  code: [],
  configs: () => [],
  find,
  needs: (claim, view) => files(claim.folder, view),
  load,
  order,
};
