/** Parts that several frameworks use: reading a file into a step, numbers in names. */
import type { MigrationStep, PlanProblem } from '../core/dry-run.ts';
import type { Dialect, Found, History, Migration } from './framework.ts';
import { statementsOf } from './lexer.ts';
import { unreadable } from './problems.ts';
import { compareBytes } from './text.ts';
import { isLink, type TreeView } from './tree.ts';

export const SQL_FILE: RegExp = /\.sql$/i;

/** The text of a file, or null with a problem pushed when it cannot be read. */
export function readText(view: TreeView, path: string, problems: PlanProblem[]): string | null {
  const decoded = view.text(path);
  if (decoded === null) {
    problems.push(unreadable(path, 'is named and not there; add the file or remove the name'));
    return null;
  }
  if (decoded.ok) return decoded.text;
  problems.push(unreadable(path, decoded.why));
  return null;
}

/** The text of a configuration file; null when it is absent or unreadable. */
export function peek(view: TreeView, path: string): string | null {
  const entry = view.entry(path);
  if (entry === null || isLink(entry)) return null;
  const decoded = view.text(path);
  return decoded?.ok === true ? decoded.text : null;
}

export interface Whole {
  readonly path: string;
  readonly version: string;
  readonly sql: string;
  readonly down?: string | null;
  readonly firstLine?: number;
  readonly transaction?: MigrationStep['transaction'];
}

/** A step of a file, or of a part of one. */
export function stepOf(view: TreeView, whole: Whole): MigrationStep {
  return {
    path: whole.path,
    blob: view.entry(whole.path)?.blob ?? '',
    version: whole.version,
    sql: whole.sql,
    firstLine: whole.firstLine ?? 1,
    down: whole.down ?? null,
    transaction: whole.transaction ?? 'inherit',
  };
}

/**
 * For runners that send a file as one simple query: PostgreSQL wraps several statements in an
 * implicit transaction and runs a single one alone, so that CREATE INDEX CONCURRENTLY works there.
 */
export function simpleQuery(sql: string): MigrationStep['transaction'] {
  return statementsOf(sql).length === 1 ? 'none' : 'inherit';
}

/** A migration of one file. */
export function migrationOf(
  view: TreeView,
  { key, version, path }: { readonly key: string; readonly version: string; readonly path: string },
  steps: readonly MigrationStep[],
): Migration {
  return { key, version, path, blob: view.entry(path)?.blob ?? '', steps, repeatable: false };
}

export function emptyHistory(dialect: Dialect): History {
  return { dialect, migrations: [], problems: [], files: [], broken: false };
}

/** A history that could be listed, its migrations in the runner's order. */
export function historyIn(
  claim: Found,
  read: {
    readonly migrations: readonly Migration[];
    readonly problems: readonly PlanProblem[];
    readonly files: readonly string[];
    readonly order: (a: Migration, b: Migration) => number;
  },
): History {
  const { migrations, problems, files, order } = read;
  const sorted = migrations.toSorted(order);
  return { ...emptyHistory(claim.dialect), migrations: sorted, problems, files };
}

/** A number of any length in its plain form, so that `0007` and `7` are one version. */
export function plainNumber(digits: string): string {
  const trimmed = digits.replace(/^0+(?=\d)/, '');
  return trimmed;
}

/** Compares numbers of any length given as digits. */
export function compareNumbers(a: string, b: string): number {
  const left = plainNumber(a);
  const right = plainNumber(b);
  if (left.length !== right.length) return left.length - right.length;
  return left === right ? 0 : left < right ? -1 : 1;
}

const OTHER_ENGINE =
  /(?:^|[/_.-])(?:clickhouse|mysql|mariadb|sqlite3?|mssql|sqlserver|oracle|cassandra|scylla|spanner|bigquery|snowflake|duckdb|d1|tidb|mongodb)(?=$|[/_.-])/i;

/** The dialect that the name of a folder tells, where nothing else does. */
export function dialectOfName(folder: string): Dialect {
  return OTHER_ENGINE.test(folder) ? 'other' : 'postgresql';
}

/** A folder found by a framework, with what most of them leave at its usual value. */
export function found(folder: string, by: Found['by'], more: Partial<Found> = {}): Found {
  return { folder, by, sources: [], dialect: dialectOfName(folder), options: {}, ...more };
}

/** The order of runners that count: by the version's number, then by path for the same number. */
export function byNumber(a: Migration, b: Migration): number {
  return compareNumbers(a.version, b.version) || compareBytes(a.path, b.path);
}
