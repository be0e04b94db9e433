/** What the frameworks written in JavaScript and TypeScript share: names of files, dependencies. */
import type { Framework, Runner } from '../framework.ts';
import { peek } from '../shared.ts';
import { folderOf, joinPath, nameOf, type TreeView } from '../tree.ts';
import { codeFramework } from './framework.ts';

const FOLDER = /(?:^|\/)(?:[\w-]*migrations?|migrate|versions)$/i;
const FILE = /^(?:\d{2,}|[A-Za-z]*\d{10,}|Migration\d+|[vV]\d+).*\.(?:js|ts|mjs|cjs|mts|cts)$/;
const NO_MIGRATION = /\.(?:d|test|spec)\.[cm]?[jt]s$/;

/** Whether a path is named as a migration written in JavaScript or TypeScript. */
function isScript(path: string): boolean {
  const name = nameOf(path);
  return FILE.test(name) && FOLDER.test(folderOf(path)) && !NO_MIGRATION.test(name);
}

function manifests(view: TreeView): readonly string[] {
  const found = new Set<string>();
  for (const path of view.candidates)
    if (isScript(path)) for (const each of above(path, view)) found.add(each);
  return [...found];
}

/** The `package.json` files above a path, nearest first. */
function above(path: string, view: TreeView): readonly string[] {
  const found: string[] = [];
  let folder = folderOf(path);
  for (;;) {
    const manifest = joinPath(folder, 'package.json') ?? 'package.json';
    if (view.entry(manifest) !== null) found.push(manifest);
    if (folder === '') return found;
    folder = folderOf(folder);
  }
}

export interface ScriptFramework {
  readonly name: string;
  readonly title: string;
  readonly recipe: string;
  readonly scope: Runner['scope'];
  readonly late: { readonly kind: Runner['late']; readonly says: string };
  /** The dependency in `package.json`; null takes what no other framework takes. */
  readonly dependency: RegExp | null;
}

/** A framework of JavaScript files, known by the dependency of the nearest package that has one. */
export function scriptFramework(script: ScriptFramework): Framework {
  const { dependency } = script;
  return codeFramework({
    ...script,
    takes: 'numbered script files directly in the folder',
    by: 'name',
    configs: manifests,
    mayOwn: isScript,
    folderOf: (path, view) => {
      if (!isScript(path)) return null;
      const named =
        dependency === null ||
        above(path, view).some((each) => dependency.test(peek(view, each) ?? ''));
      return named ? folderOf(path) : null;
    },
  });
}
