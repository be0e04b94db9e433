/** What the changes of the stories do: their files and their dry runs. */
import { type DryRun, NO_DRY_RUN } from '../../src/core/dry-run.ts';
import type { ChangedFile } from '../../src/core/evidence.ts';

export type ChangeKind =
  | 'docs'
  | 'code'
  | 'drops a column'
  | 'drops a table'
  | 'adds a column'
  | 'weakens the policy'
  | 'changes a workflow'
  | 'forces the schema on deploy'
  | 'fails to run'
  | 'cannot be compared'
  | 'nothing';

const PATHS: Readonly<Record<ChangeKind, readonly string[]>> = {
  docs: ['docs/guide.md'],
  code: ['src/app.ts'],
  'drops a column': ['drizzle/0007_drop_email.sql'],
  'drops a table': ['drizzle/0007_drop_users.sql'],
  'adds a column': ['drizzle/0007_add_name.sql'],
  'weakens the policy': ['.github/tagout.yml'],
  'changes a workflow': ['.github/workflows/ci.yml'],
  'forces the schema on deploy': ['package.json'],
  'fails to run': ['drizzle/0007_broken.sql'],
  'cannot be compared': ['drizzle/0007_code.sql'],
  nothing: [],
};

/** The changed files of a kind, or of these paths. */
export function filesOf(kind: ChangeKind, paths?: readonly string[]): readonly ChangedFile[] {
  const patch =
    kind === 'forces the schema on deploy'
      ? '@@ -1,3 +1,3 @@\n {\n-  "build": "next build"\n+  "build": "drizzle-kit push --force && next build"\n }'
      : '@@ -1 +1 @@\n-old\n+new';
  return (paths ?? PATHS[kind]).map((path) => ({
    path,
    previousPath: null,
    status: 'modified',
    previousBlob: '3'.repeat(40),
    blob: '4'.repeat(40),
    mode: '100644',
    additions: 1,
    deletions: 1,
    patch,
  }));
}

/** What the dry run of a kind showed. */
export function dryRunOf(kind: ChangeKind): DryRun {
  const [path = ''] = PATHS[kind];
  if (!path.startsWith('drizzle/')) return NO_DRY_RUN;
  const failed = kind === 'fails to run';
  const base: DryRun = {
    status: failed ? 'failed' : kind === 'cannot be compared' ? 'not-comparable' : 'ok',
    reason: failed
      ? 'syntax error at or near "ALTR"'
      : kind === 'cannot be compared'
        ? 'The base branch does not run from an empty database'
        : null,
    engine: { name: 'PostgreSQL', version: '18.4' },
    durationsMs: { baseline: 20, run: 5, total: 60 },
    baselineCached: true,
    problems: [],
    folders: [
      {
        framework: 'drizzle',
        folder: 'drizzle',
        scope: 'batch',
        steps: [{ path, version: '0007', blob: '4'.repeat(40) }],
        statements: statementsOf(kind, path),
        observation: failed || kind === 'cannot be compared' ? null : observationOf(kind),
        error: failed
          ? {
              sqlstate: '42601',
              message: 'syntax error at or near "ALTR"',
              path,
              line: 1,
              column: 1,
            }
          : null,
      },
    ],
  };
  return base;
}

const SQL: Readonly<Partial<Record<ChangeKind, string>>> = {
  'drops a column': 'ALTER TABLE "users" DROP COLUMN "email"',
  'drops a table': 'DROP TABLE "users"',
  'adds a column': 'ALTER TABLE "users" ADD COLUMN "name" text',
};

function statementsOf(kind: ChangeKind, path: string): DryRun['folders'][number]['statements'] {
  const text = SQL[kind];
  if (text === undefined) return [];
  const locks = [{ object: 'users', mode: 'AccessExclusive' }];
  const at = { path, line: 1, column: 1 };
  return [{ ...at, text, durationMs: 2, rows: null, locks, rewrites: [], error: null }];
}

function observationOf(kind: ChangeKind): NonNullable<DryRun['folders'][number]['observation']> {
  const column = kind === 'drops a column';
  const table = kind === 'drops a table';
  const lost = { before: 1000, after: 0, lost: 1000, added: 0, changed: 0 };
  const removed = { change: 'removed', after: null } as const;
  return {
    objects: [
      ...(column
        ? [{ kind: 'column', object: 'users.email', before: 'text', ...removed } as const]
        : []),
      ...(table ? [{ kind: 'table', object: 'users', before: 'table', ...removed } as const] : []),
      ...(kind === 'adds a column'
        ? [
            {
              kind: 'column',
              object: 'users.name',
              change: 'added',
              before: null,
              after: 'text',
            } as const,
          ]
        : []),
    ],
    data: [
      ...(column ? [{ object: 'users.email', measure: 'values', ...lost } as const] : []),
      ...(table ? [{ object: 'users', measure: 'rows', ...lost } as const] : []),
    ],
    tables: [{ table: 'users', rows: 1000, origin: 'seed' }],
    unfilled: [],
    downRestores: null,
    downDifference: [],
  };
}
