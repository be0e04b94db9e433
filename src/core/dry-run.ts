/**
 * Migrations and what running them showed, as plain values. A MigrationPlan is made from the
 * repository's files alone; a DryRun is a plan that was observed and not enacted.
 */

/** One entry of a git tree. `blob` is the git object id, `mode` the octal git mode (`100644`). */
export interface TreeEntry {
  readonly path: string;
  readonly blob: string;
  readonly mode: string;
  readonly sizeBytes: number | null;
}

/**
 * The files of one commit (or of a commit with a change laid over it). `read` takes paths in one
 * batch, for each adapter pays per call, and leaves out of its answer what does not exist.
 * It throws TagoutError when something exists and cannot be read.
 */
export interface SourceTree {
  readonly entries: readonly TreeEntry[];
  read(paths: readonly string[]): Promise<ReadonlyMap<string, Uint8Array>>;
}

export type TransactionScope = 'statement' | 'file' | 'batch';

/** One unit that the framework's runner applies: a file, or a part of one. */
export interface MigrationStep {
  readonly path: string;
  readonly blob: string;
  /** The framework's own version or tag, the key of its state table. */
  readonly version: string;
  /** SQL that the runner would send, templating resolved; the up part only. */
  readonly sql: string;
  /** 1-based line of `path` on which `sql` starts. */
  readonly firstLine: number;
  readonly down: string | null;
  /** `none`: the runner runs this step outside any transaction. */
  readonly transaction: 'inherit' | 'none';
}

export type PlanProblemCode =
  | 'skipped-by-runner' // the production runner would not apply this file
  | 'out-of-order' // sorts before one that production has already applied
  | 'history-edited' // a file that is already on the base branch was changed
  | 'history-deleted' // … or deleted or renamed
  | 'duplicate-version'
  | 'several-heads'
  | 'unreadable' // broken journal, invalid UTF-8, too large
  | 'not-judged' // another dialect, or a framework written in code
  | 'suppression-added';

export interface PlanProblem {
  readonly code: PlanProblemCode;
  readonly path: string;
  readonly line: number | null;
  readonly message: string;
  /** Given for a migration written in code: its SQL is known only when a workflow prints it. */
  readonly inCode?: true;
}

/** Name of the artifact, and the folder that the steps of a printed plan are shown in. */
export const PRINTED_PLAN = 'tagout-plan';

/** SQL that the change's own workflow printed, in place of migrations written in code. */
export interface StatedPlan {
  /** Hash of the names and texts that were run: an approval holds for these alone. */
  readonly sha256: string;
  /** The workflow's file, or the file or folder that `tagout check --plan` names. */
  readonly source: string;
  /** The workflow run that printed it; null for a local file. */
  readonly runId: number | null;
  /** How many migrations written in code it stands for. */
  readonly migrations: number;
}

/** Everything about one migrations folder that the sandbox needs. */
export interface MigrationPlan {
  readonly framework: string;
  readonly folder: string;
  readonly dialect: 'postgresql' | 'other';
  readonly scope: TransactionScope;
  /** The base branch's history in the runner's order. */
  readonly applied: readonly MigrationStep[];
  /** What the change adds, in the runner's order, without what the runner would skip. */
  readonly pending: readonly MigrationStep[];
  readonly problems: readonly PlanProblem[];
}

export interface SqlError {
  readonly sqlstate: string;
  readonly message: string;
  readonly path: string | null;
  readonly line: number | null;
  readonly column: number | null;
}

export interface LockTaken {
  readonly object: string;
  /** PostgreSQL's name without the suffix: `AccessExclusive`, `ShareRowExclusive`. */
  readonly mode: string;
  /** Stated by PostgreSQL's documentation for such a statement, and not observed. */
  readonly stated?: true;
}

/**
 * What a statement asks about its surroundings: which server, database or setting; which role it
 * runs as; the time or chance, in a condition; how long to wait; text that it has put together; or a
 * condition of any kind before what it writes.
 */
export type EnvironmentSign = 'chance' | 'condition' | 'dynamic' | 'role' | 'server' | 'sleep';

/**
 * What a statement would take away by its own text, whatever it did to the rows of the sandbox.
 * What it can only take from itself (tables, columns and rows of the same change) is left out.
 */
export interface Destruction {
  /**
   * `rule`: a rule lets writes do nothing. `dynamic`: text that is put together when it runs.
   * `unread`: a body in another language, or a statement too long to parse.
   */
  readonly verb:
    | 'delete'
    | 'truncate'
    | 'update'
    | 'merge'
    | 'drop'
    | 'rule'
    | 'dynamic'
    | 'unread';
  /** As in ObjectChange: `users`, `users.email`; empty when it is not known. */
  readonly object: string;
  /** Columns that an UPDATE sets. */
  readonly columns?: readonly string[];
  /** It speaks of all rows. */
  readonly whole?: boolean;
  /** `part`: in a WITH; `body`: in a DO block, a function or a rule. */
  readonly place: 'statement' | 'part' | 'body';
}

export interface StatementRun {
  readonly path: string;
  readonly line: number;
  readonly column: number;
  /** The statement, cut at 200 characters. */
  readonly text: string;
  readonly durationMs: number;
  readonly rows: number | null;
  readonly locks: readonly LockTaken[];
  /** Tables whose file was rewritten. */
  readonly rewrites: readonly string[];
  readonly error: SqlError | null;
  /**
   * What the statement made, changed or dropped by the server's own word, cascades with it, named as
   * in ObjectChange as far as that is a plain name: `users`, `users.email`.
   */
  readonly objects?: readonly string[];
  /** Left out: it asks nothing. */
  readonly environment?: readonly EnvironmentSign[];
  /** Left out: it takes nothing away. */
  readonly destroys?: readonly Destruction[];
}

export type ObjectKind =
  | 'schema'
  | 'table'
  | 'column'
  | 'default'
  | 'constraint'
  | 'index'
  | 'view'
  | 'function'
  | 'trigger'
  | 'policy'
  | 'row-security'
  | 'grant'
  | 'owner'
  | 'sequence'
  | 'type'
  | 'extension'
  | 'operator'
  | 'cast'
  | 'publication'
  | 'comment' // named as what it stands on
  | 'object'; // any other kind, which its name begins with: `collation de`

/** A difference of the catalog. Names in `public` are written without the schema: `users.email`. */
export interface ObjectChange {
  readonly kind: ObjectKind;
  readonly object: string;
  readonly change: 'added' | 'removed' | 'changed';
  readonly before: string | null;
  readonly after: string | null;
}

/**
 * Rows of a table, or non-null values of a column, before and after. `lost` counts those that are
 * gone, `changed` those that are there with another value.
 */
export interface DataChange {
  readonly object: string;
  readonly measure: 'rows' | 'values';
  readonly before: number;
  readonly after: number;
  readonly lost: number;
  readonly added: number;
  readonly changed: number;
}

/** Size of a table when the change began, as the sandbox held it. */
export interface TableSize {
  readonly table: string;
  readonly rows: number;
  /** `synthetic`: rows were made from the catalog; `seed`: they came from the repository. */
  readonly origin: 'empty' | 'seed' | 'synthetic' | 'snapshot';
}

export interface Observation {
  readonly objects: readonly ObjectChange[];
  readonly data: readonly DataChange[];
  readonly tables: readonly TableSize[];
  /** Tables that no rows could be made for, with the reason. */
  readonly unfilled: readonly { readonly table: string; readonly reason: string }[];
  /** What the dump before it has and the sandbox may not make; left out: nothing. */
  readonly leftOut?: readonly string[];
  /** Whether running the down parts brought the schema back; null when there are none. */
  readonly downRestores: boolean | null;
  readonly downDifference: readonly string[];
}

/** One migrations folder as it ran. Statements are those of the pending steps only. */
export interface FolderRun {
  readonly framework: string;
  readonly folder: string;
  readonly scope: TransactionScope;
  readonly steps: readonly {
    readonly path: string;
    readonly version: string;
    readonly blob: string;
  }[];
  readonly statements: readonly StatementRun[];
  readonly observation: Observation | null;
  readonly error: SqlError | null;
}

export type DryRunStatus = 'ok' | 'failed' | 'not-comparable' | 'none';

/** Size of a table in production; `bytes` with its TOAST part, both left out when not known. */
export interface ProductionSize {
  readonly table: string;
  readonly rows: number;
  readonly bytes?: number;
  readonly indexBytes?: number;
}

/** A restore drill: how old the dump was, how large, and how long restoring it took. */
export interface Restore {
  readonly takenAtMs: number;
  readonly sizeBytes: number;
  readonly restoreMs: number;
}

/** One remark of a linter on a statement. */
export interface AdviceRow {
  readonly path: string;
  readonly line: number;
  readonly rule: string;
  readonly message: string;
  /** The safer form, where the linter knows one. */
  readonly safer: string | null;
}

/** What a linter says of the SQL. It decides nothing: no finding, no radius, no part of a digest. */
export interface Advice {
  /** Name and version: `squawk 2.66.0`. */
  readonly by: string;
  readonly rows: readonly AdviceRow[];
  /** False when there was more than is kept. */
  readonly complete: boolean;
}

/** The dry run of one change over all its migrations folders. Never contains row content. */
export interface DryRun {
  readonly status: DryRunStatus;
  /** Why it failed or cannot be compared, one sentence with the remedy; null when ok or none. */
  readonly reason: string | null;
  readonly engine: { readonly name: 'PostgreSQL'; readonly version: string } | null;
  readonly durationsMs: { readonly baseline: number; readonly run: number; readonly total: number };
  readonly baselineCached: boolean;
  readonly folders: readonly FolderRun[];
  readonly problems: readonly PlanProblem[];
  /** Rows in production by the base branch's statistics file; absent: sizes there are not known. */
  readonly statistics?: readonly ProductionSize[];
  /** The snapshot that the baseline was restored from; absent: there was none. */
  readonly restore?: Restore;
  /** The printed plan that took the place of migrations in code; absent: none was needed or taken. */
  readonly stated?: StatedPlan;
  /** Advice beside the proof; null: not available here; absent: nothing was run. */
  readonly advice?: Advice | null;
}

export interface DryRunSettings {
  /** Major version of the production server; null takes the embedded one. */
  readonly postgres: number | null;
  /** Seed SQL from the repository, run after the baseline's migrations. */
  readonly seed: readonly { readonly path: string; readonly sql: string }[];
  /** Synthetic rows for each table that has none; 0 makes none. */
  readonly rows: number;
  readonly timeoutMs: number;
  /** Left out: the history is replayed. A schema dump of the base branch, or the server's snapshot. */
  readonly baseline?: 'snapshot' | { readonly path: string; readonly sql: string };
}

/** What a dry run is doing. */
export interface DryRunProgress {
  readonly phase: 'waiting' | 'baseline' | 'running' | 'comparing' | 'down';
  readonly unit: 'migration' | 'statement';
  /** The one at hand, from 1, and how many there are; both 0 where nothing is counted. */
  readonly done: number;
  readonly of: number;
  readonly path: string | null;
}

export interface DryRunRequest {
  /** Whose baseline may be shared: `installation:repository` or the checkout's path. */
  readonly owner: string;
  /** `owner/name`, by which the operator names a snapshot; left out: not known. */
  readonly repository?: string;
  readonly plans: readonly MigrationPlan[];
  readonly settings: DryRunSettings;
  /** Told as it goes on; it must not throw. No part of what is looked up again. */
  readonly onProgress?: (progress: DryRunProgress) => void;
}

/** Runs plans in a throwaway cluster. Answers a DryRun for everything that SQL can do; throws
 * TagoutError('sandbox-unavailable') only when there is no sandbox to run in. */
export type RunDry = (request: DryRunRequest) => Promise<DryRun>;

/** A change without migrations: nothing ran, nothing had to. */
export const NO_DRY_RUN: DryRun = {
  status: 'none',
  reason: null,
  engine: null,
  durationsMs: { baseline: 0, run: 0, total: 0 },
  baselineCached: false,
  folders: [],
  problems: [],
};
