/** Django: a graph of `<app>/migrations/NNNN_<name>.py` by `dependencies`. */
import type { Framework } from '../framework.ts';
import { peek, SQL_FILE } from '../shared.ts';
import { folderOf, nameOf, type TreeView } from '../tree.ts';
import { codeFramework, headsOf, severalHeads } from './framework.ts';

const FILE = /^((?:.*\/)?migrations)\/\d{4}_\w+\.py$/;

function files(folder: string, view: TreeView): readonly string[] {
  return view.filesIn(folder).filter((path) => FILE.test(path) && !SQL_FILE.test(path));
}

/** Parents within the same app only; `replaces` of a squashed migration counts as parents too. */
function parentsIn(text: string, app: string): string[] {
  return [...text.matchAll(/\(\s*["'](\w+)["']\s*,\s*["'](\w+)["']\s*\)/g)].flatMap((match) => {
    return match[1] === app ? [match[2] ?? ''] : [];
  });
}

export const django: Framework = codeFramework({
  name: 'django',
  title: 'Django',
  takes: 'files such as migrations/0002_name.py',
  recipe: 'python manage.py migrate',
  scope: 'file',
  late: null,
  by: 'state',
  folderOf: (path) => FILE.exec(path)?.[1] ?? null,
  needs: files,
  check: (folder, view) => {
    const app = nameOf(folderOf(folder));
    const nodes = files(folder, view).map((path) => {
      const id = nameOf(path).replace(/\.py$/, '');
      return { id, parents: parentsIn(peek(view, path) ?? '', app), path };
    });
    const cure = 'Join them with manage.py makemigrations --merge.';
    return severalHeads(`Django (${app})`, headsOf(nodes), cure);
  },
});
