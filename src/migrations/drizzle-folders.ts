/**
 * Drizzle 1.x: `<out>/<14 digits>_<name>/migration.sql` with `snapshot.json` beside it, no journal.
 * Folders apply in the order of their names, all pending ones in one transaction.
 */
import type { PlanProblem } from '../core/dry-run.ts';
import { stepsOfFile } from './drizzle-breakpoints.ts';
import { drizzleConfigPaths, drizzleConfigs } from './drizzle-config.ts';
import type { Found, Framework, History, Migration } from './framework.ts';
import { historyIn, found, migrationOf, readText } from './shared.ts';
import { compareBytes } from './text.ts';
import { folderOf, nameOf, type TreeView } from './tree.ts';

const NAME = /^\d{14}_/;

function find(view: TreeView): readonly Found[] {
  const configs = drizzleConfigs(view);
  const folders = new Set<string>();
  for (const path of view.candidates) {
    const own = folderOf(path);
    if (nameOf(path) !== 'migration.sql' || !NAME.test(nameOf(own))) continue;
    const folder = folderOf(own);
    const named = configs.some((config) => config.folder === folder);
    if (named || view.entry(`${own}/snapshot.json`) !== null) folders.add(folder);
  }
  return [...folders]
    .filter((folder) => view.entry(`${folder}/migration_lock.toml`) === null)
    .map((folder) => {
      const own = configs.filter((config) => config.folder === folder);
      return found(folder, own.length > 0 ? 'config' : 'state', {
        sources: own.map((config) => config.source),
        dialect: own.find((config) => config.dialect !== null)?.dialect ?? 'postgresql',
      });
    });
}

function files(folder: string, view: TreeView): readonly string[] {
  return view
    .filesBelow(folder)
    .filter((path) => folderOf(path) !== folder && folderOf(folderOf(path)) === folder)
    .filter((path) => ['migration.sql', 'snapshot.json'].includes(nameOf(path)));
}

function load(claim: Found, view: TreeView): History {
  const problems: PlanProblem[] = [];
  const all = files(claim.folder, view);
  const migrations = all.flatMap((path) => {
    if (nameOf(path) !== 'migration.sql') return [];
    const text = readText(view, path, problems);
    if (text === null) return [];
    const version = nameOf(folderOf(path));
    const names = { key: version, version, path };
    return [migrationOf(view, names, stepsOfFile(view, names, text))];
  });
  return historyIn(claim, { migrations, problems, files: all, order: order });
}

function order(a: Migration, b: Migration): number {
  return compareBytes(a.version, b.version);
}

export const drizzleFolders: Framework = {
  name: 'drizzle-1',
  title: 'Drizzle 1',
  takes: 'migration.sql in a folder of its own directly below',
  runner: {
    scope: 'batch',
    late: 'applied',
    lateSays:
      'whether Drizzle applies it after the newer ones or skips it without an error depends on ' +
      'the version of drizzle-orm',
    editedSays: 'Drizzle does not run it again, so production and a new database would differ',
    deletedSays: 'production has applied it and a new database would not',
    duplicateSays: 'Drizzle tells them apart by the whole name of the folder',
  },
  code: [],
  configs: drizzleConfigPaths,
  find,
  needs: (claim, view) => files(claim.folder, view).filter((path) => path.endsWith('.sql')),
  load,
  order,
};
