/**
 * Diesel: a folder per migration with `up.sql` and `down.sql`, and `metadata.toml` where it runs
 * outside a transaction. Every folder whose version is not recorded is applied.
 */
import type { PlanProblem } from '../core/dry-run.ts';
import { manifestsAbove } from './folders.ts';
import type { Found, Framework, History, Migration } from './framework.ts';
import { downAlone } from './problems.ts';
import { historyIn, found, migrationOf, peek, readText, stepOf } from './shared.ts';
import { compareBytes } from './text.ts';
import { folderOf, joinPath, nameOf, type TreeView } from './tree.ts';

const FILE = /^(?:up|down)\.sql$|^metadata\.toml$/;
const NO_TRANSACTION = /^\s*run_in_transaction\s*=\s*false\b/m;

function find(view: TreeView): readonly Found[] {
  const named = new Map<string, string>();
  for (const source of manifestsAbove(view, 'diesel.toml')) {
    const dir = /^\s*dir\s*=\s*["']([^"']+)["']/m.exec(peek(view, source) ?? '')?.[1];
    const folder = joinPath(folderOf(source), dir ?? 'migrations');
    if (folder !== null) named.set(folder, source);
  }
  const folders = new Set(
    view.candidates
      .filter((path) => nameOf(path) === 'up.sql')
      .map((path) => folderOf(folderOf(path))),
  );
  return [...folders].map((folder) => {
    const source = named.get(folder);
    return source === undefined
      ? found(folder, 'name')
      : found(folder, 'config', { sources: [source] });
  });
}

function files(folder: string, view: TreeView): readonly string[] {
  return view
    .filesBelow(folder)
    .filter((path) => FILE.test(nameOf(path)))
    .filter((path) => folderOf(path) !== folder && folderOf(folderOf(path)) === folder);
}

function load(claim: Found, view: TreeView): History {
  const problems: PlanProblem[] = [];
  const all = files(claim.folder, view);
  const migrations = all.flatMap((path) => {
    if (nameOf(path) === 'down.sql' && view.entry(`${folderOf(path)}/up.sql`) === null) {
      problems.push(downAlone(path, 'Diesel stops with an error over a folder without up.sql'));
    }
    if (nameOf(path) !== 'up.sql') return [];
    const sql = readText(view, path, problems);
    if (sql === null) return [];
    const own = folderOf(path);
    const version = (nameOf(own).split('_')[0] ?? '').replaceAll('-', '');
    const downPath = `${own}/down.sql`;
    const down = view.entry(downPath) === null ? null : readText(view, downPath, problems);
    const metadata = peek(view, `${own}/metadata.toml`) ?? '';
    const transaction = NO_TRANSACTION.test(metadata) ? 'none' : 'inherit';
    const step = stepOf(view, { path, version, sql, down, transaction });
    return [migrationOf(view, { key: version, version, path }, [step])];
  });
  return historyIn(claim, { migrations, problems, files: all, order: order });
}

function order(a: Migration, b: Migration): number {
  return compareBytes(a.path, b.path);
}

export const diesel: Framework = {
  name: 'diesel',
  title: 'Diesel',
  takes: 'up.sql and down.sql in a folder of their own directly below',
  runner: {
    scope: 'file',
    late: 'applied',
    lateSays:
      'Diesel would still apply it, after the newer ones in production and before them in a new ' +
      'database',
    editedSays: 'Diesel keeps no checksums and does not run it again',
    deletedSays: 'production has applied it and a new database would not',
    duplicateSays: 'Diesel runs only one of them',
  },
  code: [],
  configs: (view) => manifestsAbove(view, 'diesel.toml'),
  find,
  needs: (claim, view) => files(claim.folder, view),
  load,
  order,
};
