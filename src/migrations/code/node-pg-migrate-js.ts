/** node-pg-migrate with script files: all pending ones in a single transaction. */
import type { Framework } from '../framework.ts';
import { scriptFramework } from './javascript.ts';

export const nodePgMigrateJs: Framework = scriptFramework({
  name: 'node-pg-migrate-js',
  title: 'node-pg-migrate',
  recipe: 'npx node-pg-migrate up',
  scope: 'batch',
  late: {
    kind: 'refused',
    says: 'node-pg-migrate stops with an error because it precedes a migration that has run',
  },
  dependency: /"node-pg-migrate"\s*:/,
});
