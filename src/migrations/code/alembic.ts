/** Alembic: a graph of `versions/*.py` by `revision` and `down_revision`. */
import { peek } from '../shared.ts';
import type { Framework } from '../framework.ts';
import { folderOf, nameOf, type TreeView } from '../tree.ts';
import { codeFramework, headsOf, severalHeads } from './framework.ts';

function folderOfVersion(path: string, view: TreeView): string | null {
  const folder = folderOf(path);
  if (!path.endsWith('.py') || nameOf(path) === '__init__.py' || nameOf(folder) !== 'versions') {
    return null;
  }
  const above = folderOf(folder);
  const at = (name: string): boolean => view.has(above === '' ? name : `${above}/${name}`);
  return at('script.py.mako') || at('env.py') || /alembic|migrations?$/.test(above) ? folder : null;
}

function files(folder: string, view: TreeView): readonly string[] {
  return view.filesIn(folder).filter((path) => folderOfVersion(path, view) === folder);
}

function nodeOf(
  path: string,
  text: string,
): { id: string; parents: string[]; path: string } | null {
  const assigned = (name: string): string | null => {
    const pattern = new RegExp(
      `^${name}\\s*(?::[^=\\n]+)?=\\s*(\\([^)]*\\)|\\[[^\\]]*\\]|.*)$`,
      'm',
    );
    return pattern.exec(text)?.[1] ?? null;
  };
  const strings = (value: string | null): string[] => {
    return [...(value ?? '').matchAll(/["']([^"']+)["']/g)].map((match) => match[1] ?? '');
  };
  const id = strings(assigned('revision'))[0];
  return id === undefined ? null : { id, parents: strings(assigned('down_revision')), path };
}

export const alembic: Framework = codeFramework({
  name: 'alembic',
  title: 'Alembic',
  takes: 'files of the folder versions',
  recipe: 'alembic upgrade head',
  scope: 'batch',
  late: null,
  by: 'state',
  folderOf: folderOfVersion,
  needs: files,
  check: (folder, view) => {
    const nodes = files(folder, view).flatMap((path) => {
      const node = nodeOf(path, peek(view, path) ?? '');
      return node === null ? [] : [node];
    });
    return severalHeads('Alembic', headsOf(nodes), 'Join them with alembic merge heads.');
  },
});
