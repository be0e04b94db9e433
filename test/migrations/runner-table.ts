/**
 * What each production runner does with each change, from its own code or documentation, and what
 * the plan says of it. The table of docs/migrations.md is made from this one.
 */
import type { CaseName } from './runner-cases.ts';

/**
 * `applies`: as any new file. `late`: applied after newer ones. `again`: an applied one runs a second
 * time. `skips`: exits 0 and never runs it. `ignores`: exits 0, production stays as it was.
 * `refuses`: stops with an error. `unknown`: nothing that we found says it.
 */
export type Outcome = 'applies' | 'late' | 'again' | 'skips' | 'ignores' | 'refuses' | 'unknown';

export interface Row {
  readonly framework: string;
  /** Where the runner's own text says it. */
  readonly source: string;
  /** The outcome and the codes of the plan; a case that cannot be is left out. */
  readonly cells: Readonly<Partial<Record<CaseName, readonly [Outcome, ...string[]]>>>;
}

const edited = 'history-edited';
const deleted = 'history-deleted';
const skipped = 'skipped-by-runner';
const doubled = 'duplicate-version';
const order = 'out-of-order';

export const runnerTable: readonly Row[] = [
  {
    framework: 'prisma',
    source: 'prisma.io/docs, About migration histories; prisma-engines, apply_migrations.rs',
    cells: {
      late: ['late', order],
      edited: ['ignores', edited],
      deleted: ['ignores', deleted],
      // The whole name of the folder tells migrations apart.
      duplicate: ['late', order],
      twins: ['applies'],
      gap: ['applies'],
      renamed: ['again', deleted, order],
      moved: ['again', deleted],
      empty: ['applies'],
      'down only': ['refuses', skipped],
    },
  },
  {
    framework: 'drizzle',
    source: 'drizzle-orm 0.45, migrator.js and pg-core/dialect.js',
    cells: {
      late: ['skips', skipped],
      edited: ['ignores', edited],
      deleted: ['ignores', deleted],
      duplicate: ['skips', skipped],
      twins: ['applies'],
      gap: ['applies'],
      checksum: ['skips', skipped],
      // The time of the journal entry decides, not its name.
      renamed: ['ignores', deleted, skipped],
      moved: ['again', deleted],
      empty: ['applies'],
      'down only': ['skips', skipped],
    },
  },
  {
    framework: 'drizzle-1',
    source: 'drizzle-orm 1, migrator.utils: getMigrationsToRun',
    cells: {
      late: ['late', order],
      edited: ['ignores', edited],
      deleted: ['ignores', deleted],
      duplicate: ['late', order],
      twins: ['applies'],
      gap: ['applies'],
      renamed: ['again', deleted, order],
      moved: ['again', deleted],
      empty: ['applies'],
      'down only': ['unknown', skipped],
    },
  },
  {
    framework: 'golang-migrate',
    source: 'golang-migrate, migrate.go: readUp, versionExists, newMigration; source/driver.go',
    cells: {
      late: ['skips', skipped],
      edited: ['ignores', edited],
      deleted: ['ignores', deleted],
      duplicate: ['refuses', doubled],
      twins: ['refuses', doubled],
      gap: ['applies'],
      renamed: ['ignores', deleted],
      moved: ['again', deleted],
      empty: ['applies'],
      // The version is recorded all the same.
      'down only': ['skips', skipped],
    },
  },
  {
    framework: 'goose',
    source: 'pressly/goose, up.go (missing migrations), migrate.go, the SQL parser',
    cells: {
      late: ['refuses', skipped],
      edited: ['ignores', edited],
      deleted: ['ignores', deleted],
      duplicate: ['refuses', doubled],
      twins: ['refuses', doubled],
      gap: ['applies'],
      renamed: ['ignores', deleted],
      moved: ['again', deleted],
      empty: ['refuses', 'unreadable'],
      'down only': ['refuses', 'unreadable'],
    },
  },
  {
    framework: 'dbmate',
    source: 'amacneil/dbmate, pkg/dbmate/db.go: Migrate, FindMigrations; migration.go',
    cells: {
      late: ['late', order],
      edited: ['ignores', edited],
      deleted: ['ignores', deleted],
      duplicate: ['skips', doubled],
      twins: ['refuses', doubled],
      gap: ['applies'],
      renamed: ['ignores', deleted],
      moved: ['again', deleted],
      empty: ['refuses', 'unreadable'],
      'down only': ['refuses', 'unreadable'],
    },
  },
  {
    framework: 'sqlx',
    source: 'launchbadge/sqlx, sqlx-core/src/migrate/migrator.rs',
    cells: {
      late: ['late', order],
      edited: ['refuses', edited],
      deleted: ['refuses', deleted],
      duplicate: ['refuses', doubled],
      twins: ['refuses', doubled],
      gap: ['applies'],
      renamed: ['ignores', deleted],
      moved: ['refuses', deleted],
      empty: ['applies'],
      'down only': ['skips', skipped],
    },
  },
  {
    framework: 'diesel',
    source: 'diesel-rs/diesel, diesel_migrations: migration_harness.rs, file_based_migrations.rs',
    cells: {
      late: ['late', order],
      edited: ['ignores', edited],
      deleted: ['ignores', deleted],
      duplicate: ['skips', doubled],
      // One of the two, by chance.
      twins: ['unknown', doubled],
      gap: ['applies'],
      renamed: ['ignores', deleted],
      moved: ['again', deleted],
      empty: ['applies'],
      'down only': ['refuses', skipped],
    },
  },
  {
    framework: 'flyway',
    source: 'documentation.red-gate.com/fd: Validate, Out Of Order, Ignore Migration Patterns',
    cells: {
      late: ['refuses', skipped],
      edited: ['refuses', edited],
      deleted: ['refuses', deleted],
      duplicate: ['refuses', doubled],
      twins: ['refuses', doubled],
      gap: ['applies'],
      renamed: ['refuses', deleted],
      moved: ['refuses', deleted],
      empty: ['applies'],
      'down only': ['skips', skipped],
    },
  },
  {
    framework: 'liquibase',
    source: 'docs.liquibase.com, changeset identifiers; SqlChangeLogParser, AbstractSQLChange',
    cells: {
      // Changesets have no numbers: author, id and path tell them apart.
      late: ['applies'],
      edited: ['refuses', edited],
      deleted: ['ignores', deleted],
      duplicate: ['applies'],
      twins: ['applies'],
      gap: ['applies'],
      checksum: ['skips', skipped],
      renamed: ['again', deleted],
      moved: ['again', deleted],
      empty: ['refuses', 'unreadable'],
      'down only': ['refuses', 'unreadable'],
    },
  },
  {
    framework: 'supabase',
    source: 'supabase/cli, pkg/migration/apply.go: FindPendingMigrations; list.go',
    cells: {
      late: ['refuses', skipped],
      edited: ['ignores', edited],
      deleted: ['refuses', deleted],
      duplicate: ['refuses', doubled],
      twins: ['refuses', doubled],
      gap: ['applies'],
      renamed: ['ignores', deleted],
      moved: ['refuses', deleted],
      empty: ['applies'],
      // Every numbered file is one to apply.
      'down only': ['applies'],
    },
  },
  {
    framework: 'node-pg-migrate',
    source: 'salsita/node-pg-migrate, src/runner.ts: checkOrder; sqlMigration.ts',
    cells: {
      late: ['refuses', skipped],
      edited: ['ignores', edited],
      deleted: ['refuses', deleted],
      duplicate: ['refuses', skipped],
      twins: ['applies'],
      gap: ['applies'],
      renamed: ['refuses', deleted, skipped],
      moved: ['refuses', deleted],
      empty: ['applies'],
      // Without an up marker the whole file is the up part.
      'down only': ['applies'],
    },
  },
  {
    framework: 'postgrator',
    source: 'rickbergfalk/postgrator, postgrator.js: getMigrations, getRelevantMigrations',
    cells: {
      late: ['skips', skipped],
      edited: ['refuses', edited],
      deleted: ['ignores', deleted],
      duplicate: ['refuses', doubled],
      twins: ['refuses', doubled],
      gap: ['applies'],
      renamed: ['ignores', deleted],
      moved: ['again', deleted],
      empty: ['applies'],
      'down only': ['skips', skipped],
    },
  },
  {
    framework: 'postgres-migrations',
    source: 'thomwright/postgres-migrations, src/validation.ts',
    cells: {
      edited: ['refuses', edited],
      deleted: ['refuses', deleted, skipped],
      duplicate: ['refuses', doubled],
      twins: ['refuses', doubled],
      gap: ['refuses', skipped],
      renamed: ['ignores', deleted],
      moved: ['refuses', deleted, skipped],
      empty: ['applies'],
      'down only': ['applies'],
    },
  },
  {
    framework: 'atlas',
    source: 'atlasgo.io/versioned/apply (execution order); ariga/atlas, sql/migrate/migrate.go',
    cells: {
      late: ['refuses', skipped],
      // With atlas.sum written anew, which a change can do.
      edited: ['ignores', edited],
      deleted: ['ignores', deleted],
      duplicate: ['unknown', doubled],
      twins: ['unknown', doubled],
      gap: ['applies'],
      checksum: ['refuses', skipped],
      renamed: ['ignores', deleted],
      moved: ['again', deleted],
      empty: ['applies'],
      'down only': ['applies'],
    },
  },
  {
    framework: 'sqitch',
    source: 'sqitch.org/docs, sqitchchanges and sqitch-deploy: a change names its parent in its id',
    cells: {
      // A plan has places, not numbers.
      late: ['refuses', edited],
      edited: ['ignores', edited],
      deleted: ['refuses', deleted, edited],
      gap: ['applies'],
      checksum: ['skips', skipped],
      renamed: ['refuses', deleted, edited],
      moved: ['refuses', edited],
      empty: ['applies'],
      'down only': ['refuses', 'unreadable'],
    },
  },
  {
    framework: 'plain',
    source: 'no known runner',
    cells: {
      late: ['unknown', order],
      edited: ['unknown', edited],
      deleted: ['unknown', deleted],
      duplicate: ['unknown', doubled],
      twins: ['unknown', doubled],
      gap: ['applies'],
      renamed: ['unknown', deleted],
      moved: ['unknown', deleted],
      empty: ['applies'],
      'down only': ['unknown', skipped],
    },
  },
];
