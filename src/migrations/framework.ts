/** What one migration framework has to tell; each lives in a file of its own. */
import type { MigrationStep, PlanProblem, TransactionScope } from '../core/dry-run.ts';
import type { TreeView } from './tree.ts';

export type Dialect = 'postgresql' | 'other';

/**
 * How sure it is that a folder belongs to a framework, strongest first: the organisation's policy,
 * a configuration file, a state file, a marker in the files, their names alone.
 */
export type Claimed = 'policy' | 'config' | 'state' | 'marker' | 'name';

/** A migrations folder as one framework claims it. */
export interface Found {
  readonly folder: string;
  readonly by: Claimed;
  /** Configuration files that name or steer this folder. */
  readonly sources: readonly string[];
  readonly dialect: Dialect;
  /** What the configuration says to `load`: prefixes, file names. */
  readonly options: Readonly<Record<string, string>>;
}

/** One entry of the runner's state table, with the steps that applying it runs. */
export interface Migration {
  /** What the runner's state table knows it by. */
  readonly key: string;
  readonly version: string;
  readonly path: string;
  readonly blob: string;
  readonly steps: readonly MigrationStep[];
  /** Applied again whenever its content changes (Flyway's `R__`). */
  readonly repeatable: boolean;
  /** Set where a file holds several: this one's own content, compared in place of the blob. */
  readonly content?: string;
}

/** A folder's history as the runner would read it from one tree. */
export interface History {
  readonly dialect: Dialect;
  /** In the runner's order. */
  readonly migrations: readonly Migration[];
  readonly problems: readonly PlanProblem[];
  /** All files that belong to the framework: migrations, down files, journals, checksums. */
  readonly files: readonly string[];
  /** The runner could not even list its migrations; nothing is compared then. */
  readonly broken: boolean;
  /** What the configuration makes of late migrations, where it differs from the usual. */
  readonly late?: Runner['late'];
}

/** What the production runner does, for the model and for the reader. */
export interface Runner {
  readonly scope: TransactionScope;
  /** A file that sorts before one already applied. */
  readonly late: 'applied' | 'skipped' | 'refused';
  /** Sentences without subject or full stop: "goose stops with an error and applies nothing". */
  readonly lateSays: string;
  readonly editedSays: string;
  readonly deletedSays: string;
  readonly duplicateSays: string;
}

/** What of a head history is new to production, beside the general rules. */
export interface Selection {
  readonly pending: readonly Migration[];
  readonly problems: readonly PlanProblem[];
}

export interface Framework {
  /** The name that policies use. */
  readonly name: string;
  readonly title: string;
  /** Which names of files the runner takes, for the sentence about one that it does not. */
  readonly takes: string;
  readonly runner: Runner;
  /** Extensions of migrations in code that this runner would also run: `go`, `js`. */
  readonly code: readonly string[];
  /** Set where migrations are code: the command that runs those which are pending. */
  readonly recipe?: string;
  /** Whether a path's name alone may be a migration of this framework; asked before any reading. */
  mayOwn?(path: string, view: TreeView): boolean;
  /** Configuration and state files whose text `find` needs, from the paths alone. */
  configs(view: TreeView): readonly string[];
  /**
   * The folders of a tree. `touched` are folders whose numbered `.sql` files were read as well,
   * so that markers can be looked for.
   */
  find(view: TreeView, touched: readonly string[]): readonly Found[];
  /** Files whose text `load` needs. */
  needs(found: Found, view: TreeView): readonly string[];
  load(found: Found, view: TreeView): History;
  /** Order of two migrations; negative when `a` comes first. */
  order(a: Migration, b: Migration): number;
  /** Replaces the general choice of pending migrations where the runner chooses otherwise. */
  select?(base: History, head: History): Selection;
}
