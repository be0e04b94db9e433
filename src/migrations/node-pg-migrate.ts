/**
 * node-pg-migrate with SQL files: `-- Up Migration` and `-- Down Migration` in one file, all pending
 * ones in a single transaction. The runner refuses one that precedes an applied one (checkOrder).
 */
import type { PlanProblem } from '../core/dry-run.ts';
import { byMarker } from './folders.ts';
import type { Found, Framework, History, Migration } from './framework.ts';
import { compareNumbers, historyIn, migrationOf, readText, SQL_FILE, stepOf } from './shared.ts';
import { compareBytes, lineAt } from './text.ts';
import { nameOf, type TreeView } from './tree.ts';

const UP = /^\s*--[\s-]*up\s+migration/im;
const DOWN = /^\s*--[\s-]*down\s+migration/im;

function files(folder: string, view: TreeView): readonly string[] {
  return view.filesIn(folder).filter((path) => path.endsWith('.sql'));
}

/** The runner's own cut: without an up marker the whole file is the up part. */
function partsOf(text: string): {
  readonly start: number;
  readonly up: string;
  readonly down: string | null;
} {
  const up = text.search(UP);
  const down = text.search(DOWN);
  const start = Math.max(up, 0);
  const upEnd = up < 0 || down < up ? text.length : down;
  const downEnd = up < down ? text.length : up;
  return {
    start,
    up: text.slice(start, upEnd),
    down: down < 0 ? null : text.slice(down, downEnd),
  };
}

function load(claim: Found, view: TreeView): History {
  const problems: PlanProblem[] = [];
  const all = files(claim.folder, view);
  const migrations = all.flatMap((path) => {
    const text = readText(view, path, problems);
    if (text === null) return [];
    const version = nameOf(path).replace(SQL_FILE, '');
    const { start, up, down } = partsOf(text);
    const step = stepOf(view, { path, version, sql: up, down, firstLine: lineAt(text, start) });
    return [migrationOf(view, { key: version, version, path }, [step])];
  });
  return historyIn(claim, { migrations, problems, files: all, order: order });
}

function prefix(version: string): string {
  return /^\d+/.exec(version)?.[0] ?? '0';
}

function order(a: Migration, b: Migration): number {
  const left = prefix(a.version);
  const right = prefix(b.version);
  return compareNumbers(left, right) || compareBytes(a.version, b.version);
}

export const nodePgMigrate: Framework = {
  name: 'node-pg-migrate',
  title: 'node-pg-migrate',
  takes: 'files ending in .sql directly in the folder',
  runner: {
    scope: 'batch',
    late: 'refused',
    lateSays:
      'node-pg-migrate stops with an error because it precedes a migration that has run, unless ' +
      'checkOrder is off',
    editedSays: 'node-pg-migrate keeps no checksums and does not run it again',
    deletedSays: 'node-pg-migrate stops with an error because the order no longer fits',
    duplicateSays: 'node-pg-migrate tells them apart by their whole name',
  },
  code: ['js', 'ts', 'mjs', 'cjs', 'mts', 'cts'],
  configs: () => [],
  find: (view, touched) => byMarker(view, touched, UP),
  needs: (claim, view) => files(claim.folder, view),
  load,
  order,
};
