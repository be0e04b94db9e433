/** fizz, the language of pop and soda: `<digits>_<name>.up.fizz` and `.down.fizz`. */
import type { Framework } from '../framework.ts';
import { SQL_FILE } from '../shared.ts';
import { codeFramework } from './framework.ts';

const FILE = /^((?:.*\/)?[\w-]*migrations?)\/\d+_[^/]*\.(?:up|down)\.fizz$/i;

export const fizz: Framework = codeFramework({
  name: 'fizz',
  title: 'fizz',
  takes: 'files such as 20260101000000_name.up.fizz',
  recipe: 'soda migrate up',
  scope: 'file',
  late: { kind: 'applied', says: 'soda would still apply it, after the newer ones in production' },
  by: 'name',
  mayOwn: (path) => FILE.test(path),
  // With SQL beside it the folder belongs to the framework of the SQL, which names the .fizz files.
  folderOf: (path, view) => {
    const folder = FILE.exec(path)?.[1] ?? null;
    if (folder === null || view.filesIn(folder).some((each) => SQL_FILE.test(each))) return null;
    return folder;
  },
});
