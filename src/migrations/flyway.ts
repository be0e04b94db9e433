/**
 * Flyway: `V<version>__<description>.sql` by version, compared part by part, then every changed
 * `R__<description>.sql` by description; locations are searched with their subfolders. Checksums
 * and out-of-order versions stop it as long as `outOfOrder` is off.
 */
import type { MigrationStep, PlanProblem } from '../core/dry-run.ts';
import { flywayConfigPaths, flywayConfigs } from './flyway-config.ts';
import type { Found, Framework, History, Migration } from './framework.ts';
import { statementsOf } from './lexer.ts';
import { downAlone, problem } from './problems.ts';
import {
  compareNumbers,
  emptyHistory,
  found,
  migrationOf,
  plainNumber,
  peek,
  readText,
  stepOf,
} from './shared.ts';
import { compareBytes, lineAt, withoutBom } from './text.ts';
import { folderOf, isBelow, nameOf, type TreeView } from './tree.ts';

const NAME = /^(?:([VUB])(\d+(?:[._]\d+)*)__|(R)__)(.*)\.sql$/;
const ALONE =
  /^\s*(?:(?:create|drop)\s+(?:unique\s+)?index\s+concurrently|reindex\b.*\bconcurrently|vacuum|alter\s+system|(?:create|drop)\s+(?:database|tablespace|subscription)|alter\s+subscription|discard\s+all)\b/i;

const ALONE_UNDO = 'flyway migrate runs no undo migrations and passes over it without an error';

function find(view: TreeView): readonly Found[] {
  const configs = flywayConfigs(view);
  const named = new Set(configs.flatMap((config) => config.folders));
  const byName = new Set<string>();
  for (const path of view.candidates) {
    if (NAME.test(nameOf(path))) byName.add(location(folderOf(path)));
  }
  const roots = [...byName].filter((folder) => {
    return ![...named, ...byName].some((other) => other !== folder && isBelow(folder, other));
  });
  return [...new Set([...named, ...roots])].map((folder) => {
    const own = configs.filter((config) => config.folders.includes(folder));
    const options = own[0]?.options ?? {};
    const sources = own.map((config) => config.source);
    return found(folder, own.length > 0 ? 'config' : 'name', { sources, options });
  });
}

/** The usual location `db/migration` above a folder, or the folder itself. */
function location(folder: string): string {
  return /^(.*?(?:^|\/)db\/migrations?)(?:\/|$)/.exec(folder)?.[1] ?? folder;
}

interface Named {
  readonly path: string;
  readonly kind: string;
  readonly version: string;
}

function filesOf(claim: Found, view: TreeView): readonly Named[] {
  const usual = claim.options['sqlMigrationPrefix'] ?? 'V';
  const suffixes = (claim.options['sqlMigrationSuffixes'] ?? '.sql').split(',');
  return view.filesBelow(claim.folder).flatMap((path) => {
    const suffix = suffixes.find((each) => path.endsWith(each));
    if (suffix === undefined) return [];
    const stem = nameOf(path).slice(0, -suffix.length);
    const plainName = stem.startsWith(usual) ? `V${stem.slice(usual.length)}` : stem;
    const match = NAME.exec(`${plainName}.sql`);
    if (match === null) return [];
    const kind = match[1] ?? 'R';
    const version = kind === 'R' ? (match[4] ?? '') : normal(match[2] ?? '0');
    return [{ path, kind, version }];
  });
}

/** `1.0` and `01` are version 1. */
function normal(version: string): string {
  return version
    .split(/[._]/)
    .map(plainNumber)
    .join('.')
    .replace(/(?:\.0)+$/, '');
}

function load(claim: Found, view: TreeView): History {
  const problems: PlanProblem[] = [];
  const all = filesOf(claim, view);
  const undo = new Map(
    all.filter((each) => each.kind === 'U').map((each) => [each.version, each.path]),
  );
  const versions = new Set(all.filter((each) => each.kind === 'V').map((each) => each.version));
  for (const [version, path] of undo) {
    if (!versions.has(version)) problems.push(downAlone(path, ALONE_UNDO));
  }
  const migrations = all.flatMap(({ path, kind, version }) => {
    if (kind === 'B') problems.push(baseline(path));
    if (kind !== 'V' && kind !== 'R') return [];
    const raw = readText(view, path, problems);
    if (raw === null) return [];
    const sql = filled(path, withoutBom(raw), { claim, problems });
    const downPath = kind === 'V' ? undo.get(version) : undefined;
    const down = downPath === undefined ? null : readText(view, downPath, problems);
    const transaction = transactionOf(view, path, sql);
    const step = stepOf(view, { path, version, sql, down, transaction });
    const key = kind === 'R' ? `R ${version}` : version;
    return [{ ...migrationOf(view, { key, version, path }, [step]), repeatable: kind === 'R' }];
  });
  const files = view.filesBelow(claim.folder).filter((path) => {
    return all.some((each) => each.path === path || `${each.path}.conf` === path);
  });
  const history = {
    ...emptyHistory(claim.dialect),
    migrations: migrations.sort(order),
    problems,
    files,
  };
  return claim.options['outOfOrder'] === 'true' ? { ...history, late: 'applied' } : history;
}

function transactionOf(view: TreeView, path: string, sql: string): MigrationStep['transaction'] {
  const conf = peek(view, `${path}.conf`) ?? '';
  if (/^\s*executeInTransaction\s*=\s*false\b/m.test(conf)) return 'none';
  const statements = statementsOf(sql);
  const alone = statements.filter(({ start, end }) => ALONE.test(sql.slice(start, end)));
  return alone.length > 0 && alone.length === statements.length ? 'none' : 'inherit';
}

/** The text with its placeholders filled in; a value that is not known here is a problem. */
function filled(
  path: string,
  sql: string,
  { claim, problems }: { readonly claim: Found; readonly problems: PlanProblem[] },
): string {
  if (claim.options['placeholderReplacement'] === 'false') return sql;
  return sql.replace(/\$\{([^}\n]*)\}/g, (whole, name: string, offset: number) => {
    const value = claim.options[`placeholders.${name}`];
    if (value !== undefined) return value;
    const message =
      `${path} uses the placeholder ${whole}, whose value only the production runner knows. ` +
      'Set it in the configuration file in the repository, or write the value into the file.';
    problems.push(problem('not-judged', path, message, lineAt(sql, offset)));
    return whole;
  });
}

function baseline(path: string): PlanProblem {
  const message =
    `${path} is a baseline migration, which Flyway runs in place of older versions in a new ` +
    'database only; production would not run it. A person has to judge it from the diff.';
  return problem('skipped-by-runner', path, message);
}

function order(a: Migration, b: Migration): number {
  if (a.repeatable !== b.repeatable) return a.repeatable ? 1 : -1;
  if (a.repeatable) return compareBytes(a.version, b.version) || compareBytes(a.path, b.path);
  const left = a.version.split('.');
  const right = b.version.split('.');
  for (let at = 0; at < Math.max(left.length, right.length); at += 1) {
    const difference = compareNumbers(left[at] ?? '0', right[at] ?? '0');
    if (difference !== 0) return difference;
  }
  return compareBytes(a.path, b.path);
}

export const flyway: Framework = {
  name: 'flyway',
  title: 'Flyway',
  takes: 'files such as V7__name.sql and R__name.sql',
  runner: {
    scope: 'file',
    late: 'refused',
    lateSays:
      'Flyway stops at validation or ignores it, and applies it only where outOfOrder is on',
    editedSays: 'Flyway stops with an error because the checksum no longer fits',
    deletedSays: 'Flyway stops with an error because an applied migration is missing',
    duplicateSays: 'Flyway stops with an error over more than one migration with that version',
  },
  code: ['java', 'kt', 'groovy', 'scala'],
  configs: flywayConfigPaths,
  find,
  needs: (claim, view) => [
    ...filesOf(claim, view).map((each) => each.path),
    ...view.filesBelow(claim.folder).filter((path) => path.endsWith('.sql.conf')),
  ],
  load,
  order,
};
