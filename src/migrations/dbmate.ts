/**
 * dbmate: `<digits>….sql` with blocks `-- migrate:up` and `-- migrate:down`; every file whose
 * version is not recorded is applied, in the order of the names, each block in a transaction.
 */
import type { MigrationStep, PlanProblem } from '../core/dry-run.ts';
import { byMarker } from './folders.ts';
import type { Found, Framework, History, Migration } from './framework.ts';
import { unreadable } from './problems.ts';
import { historyIn, migrationOf, readText, stepOf } from './shared.ts';
import { compareBytes, type Line, linesOf } from './text.ts';
import { nameOf, type TreeView } from './tree.ts';

const NAME = /^(\d+).*\.sql$/;
const MARK = /^--\s*migrate:(up|down)(\s*$|\s+\S+.*)$/;

interface Block {
  readonly direction: string;
  readonly options: string;
  readonly line: Line;
  readonly end: number;
}

function files(folder: string, view: TreeView): readonly string[] {
  return view.filesIn(folder).filter((path) => NAME.test(nameOf(path)));
}

function blocksOf(text: string): readonly Block[] {
  const starts = linesOf(text).flatMap((line) => {
    const match = MARK.exec(line.text);
    return match === null ? [] : [{ direction: match[1] ?? '', options: match[2] ?? '', line }];
  });
  return starts.map((start, index) => {
    return { ...start, end: starts[index + 1]?.line.start ?? text.length };
  });
}

function load(claim: Found, view: TreeView): History {
  const problems: PlanProblem[] = [];
  const all = files(claim.folder, view);
  const migrations = all.flatMap((path) => {
    const text = readText(view, path, problems);
    if (text === null) return [];
    const version = NAME.exec(nameOf(path))?.[1] ?? '';
    const blocks = blocksOf(text);
    problems.push(...wrong(path, text, blocks));
    const steps = stepsOf(view, { path, version }, { text, blocks });
    return [migrationOf(view, { key: version, version, path }, steps)];
  });
  return historyIn(claim, { migrations, problems, files: all, order: order });
}

function stepsOf(
  view: TreeView,
  names: { readonly path: string; readonly version: string },
  { text, blocks }: { readonly text: string; readonly blocks: readonly Block[] },
): readonly MigrationStep[] {
  const bodyOf = (block: Block): string => text.slice(block.line.end, block.end);
  return blocks.flatMap((block, index) => {
    if (block.direction !== 'up') return [];
    const next = blocks[index + 1];
    const down = next?.direction === 'down' ? bodyOf(next) : null;
    const transaction = /\btransaction:false\b/.test(block.options) ? 'none' : 'inherit';
    const firstLine = block.line.number + 1;
    return [stepOf(view, { ...names, sql: bodyOf(block), down, firstLine, transaction })];
  });
}

function wrong(path: string, text: string, blocks: readonly Block[]): readonly PlanProblem[] {
  const stop = 'and dbmate stops with an error';
  const first = blocks[0];
  if (first === undefined || first.direction !== 'up') {
    return [unreadable(path, `has no "-- migrate:up" before everything else, ${stop}; add it`)];
  }
  const before = linesOf(text.slice(0, first.line.start));
  if (before.some((line) => line.text.trim() !== '' && !/^\s*--/.test(line.text))) {
    return [unreadable(path, `has statements before "-- migrate:up", ${stop}; move them below`)];
  }
  if (blocks.some((block) => block.direction === 'down')) return [];
  return [unreadable(path, `has no "-- migrate:down" block, ${stop}; add it, even if empty`)];
}

function order(a: Migration, b: Migration): number {
  return compareBytes(nameOf(a.path), nameOf(b.path));
}

export const dbmate: Framework = {
  name: 'dbmate',
  title: 'dbmate',
  takes: 'files such as 20260101000000_name.sql directly in the folder',
  runner: {
    scope: 'file',
    late: 'applied',
    lateSays:
      'dbmate would still apply it (it refuses only with --strict), after the newer ones in ' +
      'production and before them in a new database',
    editedSays: 'dbmate keeps no checksums and does not run it again',
    deletedSays: 'production has applied it and a new database would not',
    duplicateSays:
      'dbmate passes over it without an error when the other one is applied, and stops with an ' +
      'error on the second when both are new',
  },
  code: [],
  configs: () => [],
  find: (view, touched) => byMarker(view, touched, /^--\s*migrate:up\b/m),
  needs: (claim, view) => files(claim.folder, view),
  load,
  order,
};
