/** TypeORM: classes whose names end in a time stamp, all pending ones in one transaction. */
import type { Framework } from '../framework.ts';
import { scriptFramework } from './javascript.ts';

export const typeorm: Framework = scriptFramework({
  name: 'typeorm',
  title: 'TypeORM',
  recipe: 'npx typeorm migration:run -d dist/data-source.js',
  scope: 'batch',
  late: {
    kind: 'applied',
    says: 'TypeORM would still apply it, after the newer ones in production',
  },
  dependency: /"typeorm"\s*:/,
});
