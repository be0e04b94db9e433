/** Liquibase changelogs in XML, YAML or JSON that hold changesets themselves, not only includes. */
import type { Framework } from '../framework.ts';
import { changelogPaths } from '../liquibase-changelog.ts';
import { peek } from '../shared.ts';
import { folderOf, nameOf } from '../tree.ts';
import { codeFramework } from './framework.ts';

const CHANGELOG = /change-?log.*\.(?:xml|ya?ml|json)$/i;
const CHANGESET = /<changeSet\b|["']?changeSet["']?\s*:/;

export const liquibaseChangelog: Framework = codeFramework({
  name: 'liquibase-changelog',
  title: 'Liquibase changelog',
  takes: 'changelog files',
  recipe: 'liquibase update --url "$JDBC_URL"',
  scope: 'file',
  late: null,
  by: 'name',
  configs: changelogPaths,
  mayOwn: (path) => CHANGELOG.test(nameOf(path)),
  folderOf: (path, view) => {
    if (!CHANGELOG.test(nameOf(path))) return null;
    return CHANGESET.test(peek(view, path) ?? '') ? folderOf(path) : null;
  },
});
