/** Sequelize and Umzug: script files by name, without a transaction of their own. */
import type { Framework } from '../framework.ts';
import { scriptFramework } from './javascript.ts';

export const sequelize: Framework = scriptFramework({
  name: 'sequelize',
  title: 'Sequelize',
  recipe: 'npx sequelize-cli db:migrate --url "$DATABASE_URL"',
  scope: 'statement',
  late: {
    kind: 'applied',
    says: 'Sequelize would still apply it, after the newer ones in production',
  },
  dependency: /"(?:sequelize|sequelize-cli|umzug)"\s*:/,
});
