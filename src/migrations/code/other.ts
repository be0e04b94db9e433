/**
 * Numbered files of other languages in a migrations folder (Laravel, Ecto, Entity Framework, Go,
 * and runners that nobody has described here): nothing there may pass as "no migrations".
 */
import type { Framework } from '../framework.ts';
import { codeFramework } from './framework.ts';

const FILE =
  /^((?:.*\/)?(?:[\w-]*migrations?|migrate|[Mm]igrations|db\/changes))\/(?:[VvRr]?\d{2,}|m\d{6,})[^/]*\.(?:php|exs?|cs|fs|go|kts?|java|scala|py|rb|rs|swift|pl|sh|groovy)$/;

export const otherCode: Framework = codeFramework({
  name: 'code',
  title: 'framework-specific',
  takes: 'numbered source files directly in the folder',
  recipe: 'its own runner',
  scope: 'file',
  late: { kind: 'applied', says: 'whether its runner would still apply it is not known' },
  by: 'name',
  folderOf: (path) => FILE.exec(path)?.[1] ?? null,
});
