/**
 * Prisma Migrate: `migrations/migration_lock.toml` names the provider, each folder beside it is a
 * migration, applied in byte order of the folder's name. One file is one simple query.
 */
import { parse } from 'smol-toml';
import type { PlanProblem } from '../core/dry-run.ts';
import type { Dialect, Found, Framework, History } from './framework.ts';
import { problem } from './problems.ts';
import { emptyHistory, found, migrationOf, peek, readText, simpleQuery, stepOf } from './shared.ts';
import { compareBytes } from './text.ts';
import { folderOf, isLink, joinPath, nameOf, type TreeView } from './tree.ts';

const LOCK = 'migration_lock.toml';
const FILE = 'migration.sql';
/** Prisma's guide to down migrations puts it beside; a person runs it with prisma db execute. */
const DOWN = 'down.sql';
const CONFIG = /^(?:prisma\.config|\.config\/prisma)\.(?:ts|mts|cts|js|mjs|cjs)$/;

function locks(view: TreeView): readonly string[] {
  return view.candidates.filter((path) => nameOf(path) === LOCK);
}

function configPaths(view: TreeView): readonly string[] {
  return view.candidates.filter(
    (path) => CONFIG.test(nameOf(path)) || /(?:^|\/)\.config\/prisma\.\w+$/.test(path),
  );
}

/** Folders that `prisma.config.*` names as `migrations: { path: '…' }`; null when not a literal. */
function configured(view: TreeView): ReadonlyMap<string, string | null> {
  return new Map(
    configPaths(view).flatMap((source) => {
      const text = peek(view, source) ?? '';
      const block = /\bmigrations["']?\s*:\s*\{([^}]*)\}/.exec(text)?.[1];
      if (block === undefined || !/\bpath["']?\s*:/.test(block)) return [];
      const path = /\bpath["']?\s*:\s*["'`]([^"'`$]+)["'`]/.exec(block)?.[1];
      return [[source, path === undefined ? null : joinPath(folderOf(source), path)] as const];
    }),
  );
}

function find(view: TreeView): readonly Found[] {
  const named = configured(view);
  const folders = new Set(locks(view).map(folderOf));
  for (const path of view.candidates) {
    // A folder of migrations whose lock file is gone, beside a schema.prisma.
    if (nameOf(path) === FILE && isBesideSchema(view, folderOf(folderOf(path)))) {
      folders.add(folderOf(folderOf(path)));
    }
  }
  for (const folder of named.values()) if (folder !== null && view.has(folder)) folders.add(folder);
  return [...folders].map((folder) => {
    const sources = [...named].filter(([, path]) => path === folder).map(([source]) => source);
    const lock = peek(view, lockPath(folder));
    return found(folder, sources.length > 0 ? 'config' : 'state', {
      sources,
      dialect: lock === null ? 'postgresql' : providerOf(lock),
    });
  });
}

function isBesideSchema(view: TreeView, folder: string): boolean {
  const beside = folderOf(folder);
  return (
    nameOf(folder) === 'migrations' &&
    (view.has(joinPath(beside, 'schema.prisma') ?? '') || nameOf(beside) === 'prisma')
  );
}

function lockPath(folder: string): string {
  return folder === '' ? LOCK : `${folder}/${LOCK}`;
}

function providerOf(lock: string): Dialect {
  try {
    const provider: unknown = parse(lock)['provider'];
    return provider === 'postgresql' || provider === 'postgres' ? 'postgresql' : 'other';
  } catch {
    return 'postgresql';
  }
}

function load(claim: Found, view: TreeView): History {
  const problems: PlanProblem[] = [];
  const files = [lockPath(claim.folder)];
  problems.push(...lockProblems(claim.folder, view));
  const migrations = migrationFiles(claim.folder, view).flatMap((path) => {
    files.push(path);
    const sql = readText(view, path, problems);
    if (sql === null) return [];
    const version = nameOf(folderOf(path));
    const downPath = `${folderOf(path)}/${DOWN}`;
    const hasDown = view.entry(downPath) !== null;
    if (hasDown) files.push(downPath);
    const down = hasDown ? readText(view, downPath, problems) : null;
    const step = stepOf(view, { path, version, sql, down, transaction: simpleQuery(sql) });
    return [migrationOf(view, { key: version, version, path }, [step])];
  });
  migrations.sort((a, b) => compareBytes(a.version, b.version));
  return { ...emptyHistory(claim.dialect), migrations, problems, files };
}

/** `<folder>/<name>/migration.sql`, exactly one level down. */
function migrationFiles(folder: string, view: TreeView): readonly string[] {
  return view
    .filesBelow(folder)
    .filter((path) => nameOf(path) === FILE && folderOf(folderOf(path)) === folder)
    .filter((path) => folderOf(path) !== folder);
}

function lockProblems(folder: string, view: TreeView): readonly PlanProblem[] {
  const path = lockPath(folder);
  const entry = view.entry(path);
  if (entry === null) {
    const message =
      `${path} is not there; without it Prisma cannot tell which database the migrations are ` +
      'for. Put the file back from the base branch or run prisma migrate dev once.';
    return [problem('history-deleted', path, message)];
  }
  const text = peek(view, path);
  if (text !== null && !isLink(entry) && isToml(text)) return [];
  const message =
    `${path} cannot be read, and Prisma stops with an error then; ` +
    'put the file back from the base branch.';
  return [problem('unreadable', path, message)];
}

function isToml(text: string): boolean {
  try {
    return typeof parse(text)['provider'] === 'string';
  } catch {
    return false;
  }
}

export const prisma: Framework = {
  name: 'prisma',
  title: 'Prisma',
  takes: 'migration.sql in a folder of its own directly below',
  runner: {
    scope: 'file',
    late: 'applied',
    lateSays:
      'Prisma would still apply it, after the newer ones in production and before them in a new ' +
      'database',
    editedSays: 'prisma migrate deploy only warns and does not run it again',
    deletedSays: 'production has applied it and a new database would not',
    duplicateSays: 'Prisma tells migrations apart by the whole name of the folder',
  },
  code: [],
  configs: (view) => [...locks(view), ...configPaths(view)],
  find,
  needs: (claim, view) =>
    migrationFiles(claim.folder, view).flatMap((path) => {
      const down = `${folderOf(path)}/${DOWN}`;
      return view.entry(down) === null ? [path] : [path, down];
    }),
  load,
  order: (a, b) => compareBytes(a.version, b.version),
};
