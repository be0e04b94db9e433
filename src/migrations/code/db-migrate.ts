/** db-migrate: script files by name. */
import type { Framework } from '../framework.ts';
import { scriptFramework } from './javascript.ts';

export const dbMigrate: Framework = scriptFramework({
  name: 'db-migrate',
  title: 'db-migrate',
  recipe: 'npx db-migrate up',
  scope: 'file',
  late: {
    kind: 'applied',
    says: 'db-migrate would still apply it, after the newer ones in production',
  },
  dependency: /"db-migrate(?:-pg)?"\s*:/,
});
