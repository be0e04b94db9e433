/**
 * sqlx: `<number>_<description>.sql` or `.up.sql` with `.down.sql`; every version that is not
 * recorded is applied in order, and a changed checksum of an old one stops the runner.
 */
import type { PlanProblem } from '../core/dry-run.ts';
import { besideManifest, manifestsAbove } from './folders.ts';
import type { Found, Framework, History } from './framework.ts';
import { downAlone } from './problems.ts';
import {
  byNumber,
  historyIn,
  found,
  migrationOf,
  peek,
  plainNumber,
  readText,
  stepOf,
} from './shared.ts';
import { folderOf, joinPath, nameOf, type TreeView } from './tree.ts';

const NAME = /^(\d+)_.*\.sql$/;
const ALONE = 'sqlx migrate run passes over it without an error';
const DEPENDENCY = /^\s*(?:\[[\w.-]*dependencies\.sqlx\]|sqlx\b\s*[=.])/m;

function find(view: TreeView): readonly Found[] {
  const named = manifestsAbove(view, 'sqlx.toml').flatMap((source) => {
    const folder = /^\s*migrations-dir\s*=\s*["']([^"']+)["']/m.exec(peek(view, source) ?? '')?.[1];
    const path = folder === undefined ? null : joinPath(folderOf(source), folder);
    return path === null ? [] : [found(path, 'config', { sources: [source] })];
  });
  const usual = besideManifest(view, 'Cargo.toml', { mentions: DEPENDENCY, folder: 'migrations' });
  return [...named, ...usual.filter((each) => hasFiles(each.folder, view))];
}

function hasFiles(folder: string, view: TreeView): boolean {
  return files(folder, view).length > 0 || view.links.includes(folder);
}

function files(folder: string, view: TreeView): readonly string[] {
  return view.filesIn(folder).filter((path) => NAME.test(nameOf(path)));
}

function load(claim: Found, view: TreeView): History {
  const problems: PlanProblem[] = [];
  const all = files(claim.folder, view);
  const downs = new Set(all.filter((path) => path.endsWith('.down.sql')));
  const migrations = all.flatMap((path) => {
    if (downs.has(path)) return [];
    const sql = readText(view, path, problems);
    if (sql === null) return [];
    const version = plainNumber(NAME.exec(nameOf(path))?.[1] ?? '0');
    const downPath = path.replace(/\.up\.sql$/, '.down.sql');
    const down = downs.has(downPath) ? readText(view, downPath, problems) : null;
    const transaction = sql.startsWith('-- no-transaction') ? 'none' : 'inherit';
    const step = stepOf(view, { path, version, sql, down, transaction });
    return [migrationOf(view, { key: version, version, path }, [step])];
  });
  const ups = new Set(migrations.map((entry) => entry.path.replace(/\.up\.sql$/, '')));
  for (const path of downs) {
    if (!ups.has(path.replace(/\.down\.sql$/, ''))) problems.push(downAlone(path, ALONE));
  }
  return historyIn(claim, { migrations, problems, files: all, order: byNumber });
}

export const sqlx: Framework = {
  name: 'sqlx',
  title: 'sqlx',
  takes: 'files such as 20260101000000_name.sql directly in the folder',
  runner: {
    scope: 'file',
    late: 'applied',
    lateSays:
      'sqlx would still apply it, after the newer ones in production and before them in a new ' +
      'database',
    editedSays: 'sqlx stops with an error because an applied migration has been modified',
    deletedSays: 'sqlx stops with an error because an applied migration is missing',
    duplicateSays:
      'sqlx stops with an error, because the checksum is not that of the applied one or the version ' +
      'is recorded twice',
  },
  code: [],
  configs: (view) => [...manifestsAbove(view, 'Cargo.toml'), ...manifestsAbove(view, 'sqlx.toml')],
  find,
  needs: (claim, view) => files(claim.folder, view),
  load,
  order: byNumber,
};
