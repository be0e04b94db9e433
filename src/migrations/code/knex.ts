/** Knex: script files in the order of their names over all folders. */
import type { Framework } from '../framework.ts';
import { scriptFramework } from './javascript.ts';

export const knex: Framework = scriptFramework({
  name: 'knex',
  title: 'Knex',
  recipe: 'npx knex migrate:latest',
  scope: 'file',
  late: {
    kind: 'refused',
    says: 'Knex stops with an error when the folder and its table differ in order',
  },
  dependency: /"knex"\s*:/,
});
