/** Tools whose migrations are operations in JSON, YAML or TOML: they make the SQL themselves. */
import type { Framework } from '../framework.ts';
import { peek } from '../shared.ts';
import { folderOf, nameOf, type TreeView } from '../tree.ts';
import { codeFramework } from './framework.ts';

const FOLDER = /(?:^|\/)(?:[\w-]*migrations?|pgroll)$/i;
const FILE = /^\d+[\w.-]*\.(?:json|ya?ml|toml)$/;

function isDeclared(path: string): boolean {
  return FILE.test(nameOf(path)) && FOLDER.test(folderOf(path));
}

/** The first file of a folder tells the tool for all of them, so that one is read and not all. */
function sampleIn(folder: string, view: TreeView): string | null {
  return view.filesIn(folder).find(isDeclared) ?? null;
}

function samples(view: TreeView): readonly string[] {
  const folders = new Set(view.candidates.filter(isDeclared).map(folderOf));
  return [...folders].flatMap((folder) => sampleIn(folder, view) ?? []);
}

function declared(
  tool: { readonly name: string; readonly title: string; readonly recipe: string },
  marker: RegExp,
): Framework {
  return codeFramework({
    ...tool,
    takes: 'numbered JSON, YAML or TOML files directly in the folder',
    scope: 'file',
    late: { kind: 'refused', says: `${tool.title} stops with an error or runs it out of order` },
    by: 'marker',
    configs: samples,
    mayOwn: isDeclared,
    folderOf: (path, view) => {
      if (!isDeclared(path)) return null;
      const sample = sampleIn(folderOf(path), view);
      return sample !== null && marker.test(peek(view, sample) ?? '') ? folderOf(path) : null;
    },
  });
}

/** pgroll: `operations` in JSON or YAML, started and completed apart. */
export const pgroll: Framework = declared(
  { name: 'pgroll', title: 'pgroll', recipe: 'pgroll migrate migrations --complete' },
  /^\s*(?:operations:|\{[^]*"operations"\s*:)/m,
);

/** Reshape: `actions` in TOML or JSON, started and completed apart. */
export const reshape: Framework = declared(
  { name: 'reshape', title: 'Reshape', recipe: 'reshape migrate --complete' },
  /^\s*(?:\[\[actions\]\]|\{[^]*"actions"\s*:)/m,
);
