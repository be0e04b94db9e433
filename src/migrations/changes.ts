/** Which paths a change touches, and whether any of them can matter to migrations. */
import type { SourceTree } from '../core/dry-run.ts';
import { frameworks } from './frameworks.ts';
import { SQL_FILE } from './shared.ts';
import { folderOf, isLink, type TreeView, viewOf } from './tree.ts';

/** Paths that are not the same in both trees, by content and mode. */
export function changedPaths(base: TreeView, head: TreeView): ReadonlySet<string> {
  const changed = new Set<string>();
  for (const path of head.paths) {
    const now = head.entry(path);
    const before = base.entry(path);
    if (now?.blob !== before?.blob || now?.mode !== before?.mode) changed.add(path);
  }
  for (const path of base.paths) if (head.entry(path) === null) changed.add(path);
  return changed;
}

/**
 * A cheap test from names alone: false only when no changed path can belong to migrations, so that
 * planning would find nothing. `paths` are the changed ones, old names of renames included.
 */
export function touchesMigrations(paths: readonly string[], base: SourceTree): boolean {
  const known = viewOf(base, new Map());
  const added = paths.map((path) => {
    return { path, blob: '', mode: known.entry(path)?.mode ?? '100644', sizeBytes: null };
  });
  const view = viewOf({ ...base, entries: [...added, ...base.entries] }, new Map());
  return mayTouch(new Set(paths), view);
}

/** Whether any of the changed paths of these views can matter. */
export function mayTouch(changed: ReadonlySet<string>, ...views: readonly TreeView[]): boolean {
  const sqlFolders = new Set<string>();
  const configs = new Set<string>();
  for (const view of views) {
    for (const path of view.candidates) if (SQL_FILE.test(path)) addFolders(sqlFolders, path);
    for (const framework of frameworks) {
      for (const path of framework.configs(view)) configs.add(path);
    }
  }
  return [...changed].some((path) => {
    if (SQL_FILE.test(path) || configs.has(path)) return true;
    if (views.some((view) => isLinkAt(view, path) || isOwned(view, path))) return true;
    for (let up = folderOf(path); up !== ''; up = folderOf(up)) if (sqlFolders.has(up)) return true;
    return false;
  });
}

function isOwned(view: TreeView, path: string): boolean {
  return frameworks.some((framework) => framework.mayOwn?.(path, view) === true);
}

function isLinkAt(view: TreeView, path: string): boolean {
  const entry = view.entry(path);
  return entry !== null && isLink(entry);
}

function addFolders(folders: Set<string>, path: string): void {
  for (let up = folderOf(path); up !== '' && !folders.has(up); up = folderOf(up)) folders.add(up);
}
