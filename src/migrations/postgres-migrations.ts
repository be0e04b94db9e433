/**
 * postgres-migrations: `<number>_<name>.sql`, numbers without a gap from 0 or 1, a hash of each file
 * in the database. A file runs in a transaction unless its first line switches that off.
 */
import type { PlanProblem } from '../core/dry-run.ts';
import { besideManifest, manifestsAbove } from './folders.ts';
import type { Found, Framework, History, Migration } from './framework.ts';
import { problem } from './problems.ts';
import { byNumber, emptyHistory, migrationOf, plainNumber, readText, stepOf } from './shared.ts';
import { nameOf, type TreeView } from './tree.ts';

const NAME = /^(\d+)[-_]?.*\.sql$/i;
const DEPENDENCY = /"(?:@[\w-]+\/)?postgres-migrations"\s*:/;
const NO_TRANSACTION = /^\s*--\s*postgres-migrations\s+disable-transaction/;
const FOLDERS = ['migrations', 'db/migrations', 'src/migrations', 'server/migrations', 'sql'];

function find(view: TreeView): readonly Found[] {
  const all = FOLDERS.flatMap((folder) =>
    besideManifest(view, 'package.json', { mentions: DEPENDENCY, folder }),
  );
  return all.filter((each) => files(each.folder, view).length > 0);
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
    const version = plainNumber(NAME.exec(nameOf(path))?.[1] ?? '0');
    const transaction = NO_TRANSACTION.test(sql) ? 'none' : 'inherit';
    const step = stepOf(view, { path, version, sql, transaction });
    return [migrationOf(view, { key: version, version, path }, [step])];
  });
  migrations.sort(byNumber);
  problems.push(...gaps(migrations));
  return { ...emptyHistory(claim.dialect), migrations, problems, files: all };
}

function gaps(migrations: readonly Migration[]): readonly PlanProblem[] {
  return migrations.flatMap((entry, index) => {
    const before = migrations[index - 1];
    if (before === undefined || BigInt(entry.version) - BigInt(before.version) <= 1n) return [];
    const message =
      `${entry.path} has version ${entry.version} and follows version ${before.version}; ` +
      'postgres-migrations stops with an error over the gap and applies nothing. ' +
      'Number the files without a gap.';
    return [problem('skipped-by-runner', entry.path, message)];
  });
}

export const postgresMigrations: Framework = {
  name: 'postgres-migrations',
  title: 'postgres-migrations',
  takes: 'files such as 1_name.sql directly in the folder',
  runner: {
    scope: 'file',
    late: 'refused',
    lateSays: 'postgres-migrations stops with an error and applies nothing',
    editedSays: 'postgres-migrations compares hashes and stops with an error',
    deletedSays: 'postgres-migrations stops with an error over the gap',
    duplicateSays: 'postgres-migrations stops with an error over the duplicate number',
  },
  code: ['js'],
  configs: (view) => manifestsAbove(view, 'package.json'),
  find,
  needs: (claim, view) => files(claim.folder, view),
  load,
  order: byNumber,
};
