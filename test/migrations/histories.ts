/** A history of any length in each framework's own form, with what that form can say. */
import { atlasSum } from './atlas-sum.ts';
import { type Move, movesOf, sqlOf } from './moves.ts';
import type { Content, Files } from './tree.ts';

interface Layout {
  /** The runner has everything in one transaction, or gives no way out of it. */
  readonly concurrently?: false;
  readonly files: (move: Move) => Files;
  /** What the framework keeps beside: journals, checksums, configuration. */
  readonly beside?: (moves: readonly Move[]) => Files;
}

const stamp = ({ nth }: Move): string => String(20200101000000 + nth);
const up = (move: Move): string => sqlOf(move.up);
const down = (move: Move): string => sqlOf(move.down);
const first = (yes: boolean, line: string): string => (yes ? `${line}\n` : '');
const BREAKPOINT = '--> statement-breakpoint\n';
const broken = (move: Move): string => move.up.map((sql) => `${sql};\n`).join(BREAKPOINT);

/** goose cuts at lines that end with a semicolon unless it is told where a statement ends. */
function fenced(statements: readonly string[]): string {
  return statements
    .map((sql) =>
      sql.includes(';\n')
        ? `-- +goose StatementBegin\n${sql};\n-- +goose StatementEnd\n`
        : `${sql};\n`,
    )
    .join('');
}

/** A block for each statement, as dbmate takes several; its down block undoes all with the last. */
function blocks(move: Move): string {
  const option = move.alone ? ' transaction:false' : '';
  const all = move.nth % 2 === 0 ? [move.up] : move.up.map((sql) => [sql]);
  const taken = (at: number): string => (at === all.length - 1 ? down(move) : '');
  return all
    .map((part, at) => `-- migrate:up${option}\n${sqlOf(part)}\n-- migrate:down\n${taken(at)}\n`)
    .join('');
}

function changesets(move: Move): string {
  const options = `${move.alone ? ' runInTransaction:false' : ''}${
    move.body ? ' splitStatements:false' : ''
  }`;
  const undo = move.down.map((sql) => `--rollback ${sql.replaceAll('\n', ' ')};\n`).join('');
  return `--liquibase formatted sql\n\n--changeset ann:${move.nth}${options}\n${up(move)}${undo}`;
}

/** psql runs the script as it is written, so the script says its own transaction. */
function script(statements: readonly string[], alone: boolean): string {
  const text = sqlOf(statements);
  return alone ? text : `BEGIN;\n\n${text}\nCOMMIT;\n`;
}

const journal = (moves: readonly Move[]): string =>
  JSON.stringify({
    version: '7',
    dialect: 'postgresql',
    entries: moves.map(({ nth }) => ({
      idx: nth - 1,
      version: '7',
      when: 1_600_000_000_000 + nth * 1000,
      tag: `${String(nth - 1).padStart(4, '0')}_drizzle`,
      breakpoints: true,
    })),
  });

const atlas = (move: Move): Readonly<Record<string, string>> => ({
  [`${stamp(move)}_atlas.sql`]: `${first(move.alone, '-- atlas:txmode none\n')}${up(move)}`,
});

function below(folder: string, files: Readonly<Record<string, string>>): Files {
  return Object.fromEntries(
    Object.entries(files).map(([name, content]) => [`${folder}/${name}`, content]),
  );
}

/** By the framework's name. */
export const layouts: Readonly<Record<string, Layout>> = {
  drizzle: {
    concurrently: false,
    files: (move) => ({
      [`drizzle/${String(move.nth - 1).padStart(4, '0')}_drizzle.sql`]: broken(move),
    }),
    beside: (moves) => ({ 'drizzle/meta/_journal.json': journal(moves) }),
  },
  'drizzle-1': {
    concurrently: false,
    files: (move) => ({
      [`drizzle/${stamp(move)}_x/migration.sql`]: broken(move),
      [`drizzle/${stamp(move)}_x/snapshot.json`]: '{}',
    }),
  },
  prisma: {
    files: (move) => ({ [`prisma/migrations/${stamp(move)}_x/migration.sql`]: up(move) }),
    beside: () => ({ 'prisma/migrations/migration_lock.toml': 'provider = "postgresql"\n' }),
  },
  supabase: { files: (move) => ({ [`supabase/migrations/${stamp(move)}_x.sql`]: up(move) }) },
  atlas: {
    files: (move) => below('migrations', atlas(move)),
    beside: (moves) => ({
      'migrations/atlas.sum': atlasSum(
        Object.fromEntries(moves.flatMap((move) => Object.entries(atlas(move)))),
      ),
    }),
  },
  sqitch: {
    files: (move) => ({
      [`deploy/c${move.nth}.sql`]: script(move.up, move.alone),
      [`revert/c${move.nth}.sql`]: script(move.down, false),
      [`verify/c${move.nth}.sql`]: 'SELECT 1;\n',
    }),
    beside: (moves) => ({
      'sqitch.plan': moves
        .map(({ nth }) => `c${nth} 2026-01-01T00:00:00Z A <a@example.org> # change ${nth}\n`)
        .join(''),
    }),
  },
  sqlx: {
    files: (move) => ({
      [`migrations/${stamp(move)}_sqlx.up.sql`]: `${first(move.alone, '-- no-transaction')}${up(move)}`,
      [`migrations/${stamp(move)}_sqlx.down.sql`]: down(move),
    }),
    beside: () => ({ 'Cargo.toml': '[dependencies]\nsqlx = "0.8"\n' }),
  },
  diesel: {
    files: (move) => ({
      [`migrations/${stamp(move)}_x/up.sql`]: up(move),
      [`migrations/${stamp(move)}_x/down.sql`]: down(move),
      ...(move.alone
        ? { [`migrations/${stamp(move)}_x/metadata.toml`]: 'run_in_transaction = false\n' }
        : {}),
    }),
  },
  'postgres-migrations': {
    files: (move) => ({
      [`migrations/${move.nth}_pm.sql`]: `${first(move.alone, '-- postgres-migrations disable-transaction')}${up(move)}`,
    }),
    beside: () => ({ 'package.json': '{ "dependencies": { "postgres-migrations": "5.3.0" } }' }),
  },
  flyway: {
    files: (move) => ({
      [`sql/V1.${move.nth}__x.sql`]: up(move).replaceAll(/\bt_(\d+)\b/g, '${tables}_$1'),
      [`sql/U1.${move.nth}__x.sql`]: down(move),
      // Flyway itself sees that CONCURRENTLY runs alone; every second file says it all the same.
      ...(move.alone && move.nth % 16 < 8
        ? { [`sql/V1.${move.nth}__x.sql.conf`]: 'executeInTransaction=false\n' }
        : {}),
    }),
    beside: () => ({
      'flyway.conf': 'flyway.locations=filesystem:sql\nflyway.placeholders.tables=t\n',
    }),
  },
  liquibase: {
    files: (move) => ({ [`db/changelog/changes/${stamp(move)}.sql`]: changesets(move) }),
    beside: () => ({
      'db/changelog/db.changelog-master.yaml':
        'databaseChangeLog:\n  - includeAll:\n      path: changes\n',
    }),
  },
  goose: {
    files: (move) => ({
      [`sql/${move.nth}_x.sql`]:
        `${first(move.alone, '-- +goose NO TRANSACTION')}-- +goose Up\n${fenced(move.up)}\n` +
        `-- +goose Down\n${fenced(move.down)}`,
    }),
  },
  dbmate: { files: (move) => ({ [`db/migrations/${stamp(move)}_x.sql`]: blocks(move) }) },
  'node-pg-migrate': {
    concurrently: false,
    files: (move) => ({
      [`migrations/${stamp(move)}_npm.sql`]: `-- Up Migration\n${up(move)}\n-- Down Migration\n${down(move)}`,
    }),
  },
  'golang-migrate': {
    files: (move) => ({
      [`migrations/${move.nth}_go.up.sql`]: up(move),
      [`migrations/${move.nth}_go.down.sql`]: down(move),
    }),
  },
  postgrator: {
    files: (move) => ({
      [`migrations/${move.nth}.do.x.sql`]: up(move),
      [`migrations/${move.nth}.undo.x.sql`]: down(move),
    }),
  },
  plain: {
    concurrently: false,
    files: (move) => ({
      [`db/migrations/${move.nth}_x.sql`]: up(move),
      [`db/migrations/${move.nth}_x.down.sql`]: down(move),
    }),
  },
};

/** The tree of a framework's first `count` migrations. */
export function historyOf(name: string, count: number): Files {
  const layout = layouts[name];
  if (layout === undefined) throw new Error(`${name} has no generated history`);
  const moves = movesOf(count, layout.concurrently ?? true);
  const files: Record<string, Content> = { ...layout.beside?.(moves) };
  for (const move of moves) Object.assign(files, layout.files(move));
  return files;
}
