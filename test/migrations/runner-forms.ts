/** How each framework writes a history down, for the table of what its runner does with it. */
import { atlasSum } from './atlas-sum.ts';
import type { Files } from './tree.ts';

/** One migration: `of` is its number (10, 20, 30 are on the base branch), `name` its description. */
export interface Entry {
  readonly of: number;
  readonly name: string;
  /** Null where the migration has no up part. */
  readonly up: string | null;
  readonly down: string | null;
}

export interface Form {
  /** The files of one migration. */
  readonly files: (entry: Entry) => Files;
  /** Journals, checksums, plans and configuration for these migrations. */
  readonly beside?: (entries: readonly Entry[]) => Files;
}

const stamp = (of: number): string => String(20260101000000 + of);

/** Up and down in files of their own, each only where the part is there. */
function pair(upPath: string, downPath: string, { up: first, down }: Entry): Files {
  return {
    ...(first === null ? {} : { [upPath]: first }),
    ...(down === null ? {} : { [downPath]: down }),
  };
}

/** Frameworks that know no down part: one alone is written where people would put it. */
function upOnly(path: string, entry: Entry): Files {
  if (entry.up !== null) return { [path]: entry.up };
  return { [path.replace(/\.sql$/, '.down.sql')]: entry.down ?? '' };
}

function marked(entry: Entry, upMark: string, downMark: string): string {
  if (entry.up === '') return '';
  const first = entry.up === null ? '' : `${upMark}\n${entry.up}`;
  return `${first}${entry.down === null ? '' : `${downMark}\n${entry.down}`}`;
}

function journal(entries: readonly Entry[]): string {
  return JSON.stringify({
    version: '7',
    dialect: 'postgresql',
    entries: entries
      .filter((entry) => entry.up !== null)
      .map(({ of, name }, idx) => ({
        idx,
        version: '7',
        when: 1_700_000_000_000 + of,
        tag: `${of}_${name}`,
        breakpoints: true,
      })),
  });
}

const atlasName = ({ of, name }: Entry): string => `${stamp(of)}_${name}.sql`;

function sums(entries: readonly Entry[]): string {
  return atlasSum(Object.assign({}, ...entries.map((entry) => upOnly(atlasName(entry), entry))));
}

function changelog(entries: readonly Entry[]): string {
  const rows = entries.map(
    ({ of, name }) => `  - include:\n      file: changes/${of}_${name}.sql\n`,
  );
  return `databaseChangeLog:\n${rows.join('')}`;
}

function changesets({ of, up: sql, down }: Entry): string {
  if (sql === '') return '';
  const undo = down === null ? '' : `--rollback ${down}`;
  return `--liquibase formatted sql\n\n--changeset ann:${of}\n${sql ?? ''}${undo}`;
}

const dependency = (name: string): Files => ({
  'package.json': JSON.stringify({ dependencies: { [name]: '1' } }),
});

/** By the framework's name. */
export const forms: Readonly<Record<string, Form>> = {
  prisma: {
    files: (entry) => {
      const folder = `prisma/migrations/${stamp(entry.of)}_${entry.name}`;
      return pair(`${folder}/migration.sql`, `${folder}/down.sql`, entry);
    },
    beside: () => ({ 'prisma/migrations/migration_lock.toml': 'provider = "postgresql"\n' }),
  },
  drizzle: {
    files: (entry) => upOnly(`drizzle/${entry.of}_${entry.name}.sql`, entry),
    beside: (entries) => ({ 'drizzle/meta/_journal.json': journal(entries) }),
  },
  'drizzle-1': {
    files: (entry) => {
      const folder = `drizzle/${stamp(entry.of)}_${entry.name}`;
      if (entry.up === null) return { [`${folder}/down.sql`]: entry.down ?? '' };
      return { [`${folder}/migration.sql`]: entry.up, [`${folder}/snapshot.json`]: '{}' };
    },
  },
  'golang-migrate': {
    files: (entry) => {
      const stem = `migrations/${entry.of}_${entry.name}`;
      return pair(`${stem}.up.sql`, `${stem}.down.sql`, entry);
    },
  },
  goose: {
    files: (entry) => ({
      [`migrations/${entry.of}_${entry.name}.sql`]: marked(entry, '-- +goose Up', '-- +goose Down'),
    }),
  },
  dbmate: {
    files: (entry) => ({
      [`db/migrations/${stamp(entry.of)}_${entry.name}.sql`]: marked(
        { ...entry, down: entry.down ?? '' },
        '-- migrate:up',
        '-- migrate:down',
      ),
    }),
  },
  sqlx: {
    files: (entry) => {
      const stem = `migrations/${stamp(entry.of)}_${entry.name}`;
      return pair(`${stem}.up.sql`, `${stem}.down.sql`, entry);
    },
    beside: () => ({ 'Cargo.toml': '[dependencies]\nsqlx = "0.9"\n' }),
  },
  diesel: {
    files: (entry) => {
      const folder = `migrations/${stamp(entry.of)}_${entry.name}`;
      return pair(`${folder}/up.sql`, `${folder}/down.sql`, entry);
    },
    beside: () => ({ 'diesel.toml': '[print_schema]\nfile = "src/schema.rs"\n' }),
  },
  flyway: {
    files: (entry) =>
      pair(`sql/V${entry.of}__${entry.name}.sql`, `sql/U${entry.of}__${entry.name}.sql`, entry),
    beside: () => ({ 'flyway.conf': 'flyway.locations=filesystem:sql\n' }),
  },
  liquibase: {
    files: (entry) => ({
      [`db/changelog/changes/${entry.of}_${entry.name}.sql`]: changesets(entry),
    }),
    beside: (entries) => ({ 'db/changelog/db.changelog-master.yaml': changelog(entries) }),
  },
  supabase: {
    files: (entry) => upOnly(`supabase/migrations/${stamp(entry.of)}_${entry.name}.sql`, entry),
    beside: () => ({ 'supabase/config.toml': 'project_id = "shop"\n' }),
  },
  'node-pg-migrate': {
    files: (entry) => ({
      [`migrations/${1_700_000_000_000 + entry.of}_${entry.name}.sql`]: marked(
        entry,
        '-- Up Migration',
        '-- Down Migration',
      ),
    }),
    beside: () => dependency('node-pg-migrate'),
  },
  postgrator: {
    files: (entry) =>
      pair(
        `migrations/${entry.of}.do.${entry.name}.sql`,
        `migrations/${entry.of}.undo.${entry.name}.sql`,
        entry,
      ),
  },
  'postgres-migrations': {
    // Its numbers have no gap, so 10, 20, 30 are 1, 2, 3.
    files: (entry) => upOnly(`migrations/${Math.floor(entry.of / 10)}_${entry.name}.sql`, entry),
    beside: () => dependency('postgres-migrations'),
  },
  atlas: {
    files: (entry) => upOnly(`migrations/${atlasName(entry)}`, entry),
    beside: (entries) => ({ 'migrations/atlas.sum': sums(entries) }),
  },
  sqitch: {
    files: (entry) => pair(`deploy/${entry.name}.sql`, `revert/${entry.name}.sql`, entry),
    beside: (entries) => ({
      'sqitch.conf': '[core]\n\tengine = pg\n',
      'sqitch.plan': `%project=shop\n\n${entries
        .map(({ name }) => `${name} 2026-01-01T00:00:00Z Ann <ann@example.org>\n`)
        .join('')}`,
    }),
  },
  plain: {
    files: (entry) => upOnly(`db/migrations/${entry.of}_${entry.name}.sql`, entry),
  },
};
