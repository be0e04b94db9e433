/** Rails: `db/migrate/<digits>_<name>.rb`, every version that is not recorded, in order. */
import type { Framework } from '../framework.ts';
import { codeFramework } from './framework.ts';

export const rails: Framework = codeFramework({
  name: 'rails',
  title: 'Rails',
  takes: 'files such as db/migrate/20260101000000_name.rb',
  recipe: 'bin/rails db:migrate',
  scope: 'file',
  late: { kind: 'applied', says: 'Rails would still apply it, after the newer ones in production' },
  by: 'state',
  folderOf: (path) => {
    return /^((?:.*\/)?db\/(?:\w+_)?migrate)\/(?:.*\/)?\d+_[^/]*\.rb$/.exec(path)?.[1] ?? null;
  },
});
