/** Numbered script files in a migrations folder whose runner is not known. */
import type { Framework } from '../framework.ts';
import { scriptFramework } from './javascript.ts';

export const scriptOther: Framework = scriptFramework({
  name: 'javascript-other',
  title: 'JavaScript',
  recipe: 'its own runner',
  scope: 'file',
  late: { kind: 'applied', says: 'whether its runner would still apply it is not known' },
  dependency: null,
});
