/**
 * Tables in which a migration runner keeps its own books. Rows that were made up would be nonsense in
 * them: the runner's statements (a lock taken, a version recorded) would seem to change production's
 * values. They stay as the history left them, and are observed like any other table, so that their
 * loss is told.
 */
import type { TableInfo } from './catalog.ts';

/** By the name that each runner gives by default, in whatever schema. */
const TABLES: ReadonlySet<string> = new Set([
  '__diesel_schema_migrations',
  '__drizzle_migrations',
  '_prisma_migrations',
  '_sqlx_migrations',
  'alembic_version',
  'ar_internal_metadata',
  'atlas_schema_revisions',
  'databasechangelog',
  'databasechangeloglock',
  'django_migrations',
  'flyway_schema_history',
  'goose_db_version',
  'knex_migrations',
  'knex_migrations_lock',
  'pgmigrations',
  'schema_migration',
  'schema_migrations',
  'schemaversion',
  'sequelizemeta',
  'typeorm_metadata',
]);

/** Schemas that hold nothing but a runner's books. */
const SCHEMAS: ReadonlySet<string> = new Set([
  'atlas_schema_revisions',
  'sqitch',
  'supabase_migrations',
]);

/** The columns of a table `migrations` as TypeORM, db-migrate, Laravel and postgres-migrations make it. */
const COLUMNS: ReadonlySet<string> = new Set([
  'batch',
  'executed_at',
  'hash',
  'id',
  'migration',
  'name',
  'run_on',
  'timestamp',
]);

/** Whether a migration runner keeps its books in this table. */
export function isBookkeeping({ name, columns }: Pick<TableInfo, 'name' | 'columns'>): boolean {
  const parts = name.toLowerCase().split('.');
  const table = parts.at(-1) ?? '';
  if (parts.length > 1 && SCHEMAS.has(parts[0] ?? '')) return true;
  // The name alone could be an application's own.
  if (table === 'migrations') return columns.every((column) => COLUMNS.has(column.name));
  return TABLES.has(table);
}
