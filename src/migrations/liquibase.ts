/**
 * Liquibase with formatted SQL: files that begin with `--liquibase formatted sql`, in which each
 * `--changeset author:id` is applied once. The order of the files comes from a changelog that
 * includes them; in the form of a folder (`includeAll`) or without one it is that of their names.
 */
import type { PlanProblem } from '../core/dry-run.ts';
import { byMarker } from './folders.ts';
import type { Found, Framework, History, Migration } from './framework.ts';
import { changelogPaths, includedFiles } from './liquibase-changelog.ts';
import { changesetsIn, type Changeset } from './liquibase-changesets.ts';
import { problem, unreadable } from './problems.ts';
import { emptyHistory, readText, SQL_FILE, stepOf } from './shared.ts';
import { compareBytes, withoutBom } from './text.ts';
import { folderOf, type TreeView } from './tree.ts';

const RAW = 'includeAll:raw';
const NOTES = /^\s*--\s*(?:rollback|comment|preconditions?)\b.*$/gim;
/** `'sql' is required` (liquibase, `AbstractSQLChange.validate`). */
const NO_SQL = 'has a changeset without SQL, and Liquibase stops with an error; write its SQL';
const HEADER = /^\s*--\s*liquibase\s+formatted\s+sql\b/i;

function find(view: TreeView, touched: readonly string[]): readonly Found[] {
  const marker = /^\uFEFF?\s*--\s*liquibase\s+formatted\s+sql\b/i;
  const sources = changelogPaths(view);
  return byMarker(view, touched, marker).map((each) => ({ ...each, sources }));
}

function files(folder: string, view: TreeView): readonly string[] {
  return view.filesIn(folder).filter((path) => SQL_FILE.test(path));
}

function load(claim: Found, view: TreeView): History {
  const problems: PlanProblem[] = [];
  const known: string[] = [];
  const included = includedFiles(view, files(claim.folder, view));
  const migrations = files(claim.folder, view).flatMap((path) => {
    const text = readText(view, path, problems);
    if (text === null) return [];
    if (!HEADER.test(withoutBom(text))) {
      if (included?.has(path) !== true) return [];
      known.push(path);
      if (text.trim() === '') problems.push(unreadable(path, NO_SQL));
      return [wholeFile(view, path, text)];
    }
    known.push(path);
    if (included !== null && !included.has(path)) {
      problems.push(notIncluded(path));
      return [];
    }
    return changesetsIn(text).flatMap((set) => migrationFrom(view, path, { set, problems }));
  });
  const placeOf = (entry: Migration): number => included?.get(entry.path) ?? 0;
  migrations.sort((a, b) => placeOf(a) - placeOf(b) || compareBytes(a.path, b.path));
  return { ...emptyHistory(claim.dialect), migrations, problems, files: known };
}

/**
 * A plain SQL file that a changelog includes is one changeset named `includeAll:raw`, applied again
 * never and as a whole (liquibase, `SqlChangeLogParser`).
 */
function wholeFile(view: TreeView, path: string, sql: string): Migration {
  const step = stepOf(view, { path, version: RAW, sql });
  const key = `${path}::${RAW}`;
  const content = sql.trim();
  return { key, version: RAW, path, blob: step.blob, steps: [step], repeatable: false, content };
}

function migrationFrom(
  view: TreeView,
  path: string,
  { set, problems }: { readonly set: Changeset; readonly problems: PlanProblem[] },
): readonly Migration[] {
  if (set.unknown !== null) problems.push(conditional(path, set));
  if (set.sql.replace(NOTES, '').trim() === '') {
    problems.push({ ...unreadable(path, NO_SQL), line: set.firstLine });
  }
  const transaction = set.attributes['runInTransaction'] === 'false' ? 'none' : 'inherit';
  const { sql, down, firstLine } = set;
  const step = stepOf(view, { path, version: set.id, sql, down, firstLine, transaction });
  const repeatable =
    set.attributes['runOnChange'] === 'true' || set.attributes['runAlways'] === 'true';
  const key = `${path}::${set.id}`;
  return [
    { key, version: set.id, path, blob: step.blob, steps: [step], repeatable, content: sql.trim() },
  ];
}

function conditional(path: string, set: Changeset): PlanProblem {
  const message =
    `The changeset ${set.id} of ${path} has ${set.unknown}, so what production runs depends on ` +
    'what is not in the repository. A person has to judge it from the diff.';
  return problem('not-judged', path, message, set.firstLine);
}

function notIncluded(path: string): PlanProblem {
  const message =
    `${path} is included by no changelog of this repository, so Liquibase never applies it. ` +
    'Include it in the changelog.';
  return problem('skipped-by-runner', path, message);
}

export const liquibase: Framework = {
  name: 'liquibase',
  title: 'Liquibase',
  takes: 'files that begin with --liquibase formatted sql and that a changelog includes',
  runner: {
    scope: 'file',
    late: 'applied',
    lateSays: 'Liquibase applies every changeset that it has not yet recorded',
    editedSays: 'Liquibase stops with an error because the checksum no longer fits',
    deletedSays: 'production has applied it and a new database would not',
    // liquibase/liquibase#5296: refused since 4.19.1 unless allowDuplicatedChangesetIdentifiers.
    duplicateSays:
      'Liquibase stops with an error over the duplicate identifier (before 4.19.1 it applied only ' +
      'the first)',
  },
  code: ['xml', 'yaml', 'yml', 'json'],
  configs: changelogPaths,
  find,
  needs: (claim, view) => files(claim.folder, view),
  load,
  // A changeset is applied whenever it is not recorded, wherever it stands.
  order: (a, b) => (folderOf(a.path) === folderOf(b.path) ? 0 : compareBytes(a.path, b.path)),
};
