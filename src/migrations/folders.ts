/** Ways to find migrations folders that several frameworks share. */
import type { Found } from './framework.ts';
import { found, peek, SQL_FILE } from './shared.ts';
import { folderOf, joinPath, nameOf, type TreeView } from './tree.ts';

/** Touched folders in which a file of such a name has such a marker. */
export function byMarker(
  view: TreeView,
  touched: readonly string[],
  marker: RegExp,
): readonly Found[] {
  return touched
    .filter((folder) =>
      view.filesIn(folder).some((path) => {
        return SQL_FILE.test(path) && marker.test(peek(view, path) ?? '');
      }),
    )
    .map((folder) => found(folder, 'marker'));
}

/** Folders directly holding a file of such a name. */
export function byName(view: TreeView, name: RegExp): readonly Found[] {
  const folders = new Set(view.candidates.filter((path) => name.test(nameOf(path))).map(folderOf));
  return [...folders].map((folder) => found(folder, 'name'));
}

/** Manifests of this name (`package.json`) at or above any folder that holds SQL files. */
export function manifestsAbove(view: TreeView, name: string): readonly string[] {
  const folders = new Set<string>(['']);
  for (const path of view.candidates) {
    if (!SQL_FILE.test(path)) continue;
    for (let up = folderOf(path); !folders.has(up); up = folderOf(up)) folders.add(up);
  }
  return [...folders].flatMap((folder) => {
    const path = joinPath(folder, name);
    return path !== null && view.entry(path) !== null ? [path] : [];
  });
}

/** Folders of this name beside manifests that mention a dependency. */
export function besideManifest(
  view: TreeView,
  manifest: string,
  { mentions, folder }: { readonly mentions: RegExp; readonly folder: string },
): readonly Found[] {
  return manifestsAbove(view, manifest).flatMap((source) => {
    const path = joinPath(folderOf(source), folder);
    if (path === null || !view.has(path) || !mentions.test(peek(view, source) ?? '')) return [];
    return [found(path, 'config', { sources: [source] })];
  });
}
