/**
 * goose: `<number>_<title>.sql` with `-- +goose Up` and `-- +goose Down`. The runner cuts a part
 * into statements at lines that end with a semicolon, except between StatementBegin and
 * StatementEnd, and stops over numbers below the newest one applied.
 */
import type { MigrationStep, PlanProblem } from '../core/dry-run.ts';
import { byMarker } from './folders.ts';
import type { Found, Framework, History } from './framework.ts';
import { atTopLevel } from './lexer.ts';
import { problem, unreadable } from './problems.ts';
import { byNumber, historyIn, migrationOf, plainNumber, readText, stepOf } from './shared.ts';
import { type Line, linesOf } from './text.ts';
import { nameOf, type TreeView } from './tree.ts';

const NAME = /^(\d+)_.*\.sql$/;
const MARKER = /^--\s*\+goose\s+up\s*$/im;

function annotation(line: Line): string | null {
  const match = /^--\s*\+goose\s+(.+?)\s*$/i.exec(line.text);
  return match?.[1]?.replace(/\s+/g, ' ').toUpperCase() ?? null;
}

function files(folder: string, view: TreeView): readonly string[] {
  return view.filesIn(folder).filter((path) => NAME.test(nameOf(path)));
}

function load(claim: Found, view: TreeView): History {
  const problems: PlanProblem[] = [];
  const all = files(claim.folder, view);
  const migrations = all.flatMap((path) => {
    const text = readText(view, path, problems);
    if (text === null) return [];
    const version = plainNumber(NAME.exec(nameOf(path))?.[1] ?? '0');
    const steps = stepsOf(view, { path, version }, { text, problems });
    return [migrationOf(view, { key: version, version, path }, steps)];
  });
  return historyIn(claim, { migrations, problems, files: all, order: byNumber });
}

function stepsOf(
  view: TreeView,
  names: { readonly path: string; readonly version: string },
  { text, problems }: { readonly text: string; readonly problems: PlanProblem[] },
): readonly MigrationStep[] {
  const lines = linesOf(text);
  const marks = lines.map((line) => ({ line, mark: annotation(line) }));
  const up = marks.find(({ mark }) => mark === 'UP')?.line;
  const down = marks.find(({ mark }) => mark === 'DOWN')?.line;
  problems.push(...wrong(names.path, marks, { up, down }));
  if (up === undefined) return [];
  const end = down !== undefined && down.start > up.start ? down.start : text.length;
  const transaction = marks.some(({ mark }) => mark === 'NO TRANSACTION') ? 'none' : 'inherit';
  const part = {
    ...names,
    down: down === undefined ? null : text.slice(down.end),
    transaction,
  } as const;
  const upLines = lines.filter((line) => line.start >= up.end && line.start < end);
  const pieces = piecesOf(text, upLines);
  if (pieces.every((piece) => atTopLevel(piece.sql))) {
    return [stepOf(view, { ...part, sql: text.slice(up.end, end), firstLine: up.number + 1 })];
  }
  return pieces.map((piece) => stepOf(view, { ...part, ...piece }));
}

/** What goose sends one by one; it looks at lines and knows no strings and block comments. */
function piecesOf(
  text: string,
  lines: readonly Line[],
): readonly { readonly sql: string; readonly firstLine: number }[] {
  const pieces: { sql: string; firstLine: number }[] = [];
  let first: Line | null = null;
  let inBlock = false;
  for (const line of lines) {
    const mark = annotation(line);
    if (mark === 'STATEMENTBEGIN') inBlock = true;
    first ??= line;
    const ends = mark === 'STATEMENTEND' || (!inBlock && endsStatement(line.text));
    if (!ends) continue;
    pieces.push({ sql: text.slice(first.start, line.end), firstLine: first.number });
    first = null;
    if (mark === 'STATEMENTEND') inBlock = false;
  }
  return pieces;
}

function endsStatement(line: string): boolean {
  const words = line.split(/\s+/).filter((word) => word !== '');
  const comment = words.findIndex((word) => word.startsWith('--'));
  return (comment < 0 ? words : words.slice(0, comment)).at(-1)?.endsWith(';') === true;
}

interface Mark {
  readonly line: Line;
  readonly mark: string | null;
}

function wrong(
  path: string,
  marks: readonly Mark[],
  { up, down }: { readonly up: Line | undefined; readonly down: Line | undefined },
): readonly PlanProblem[] {
  const found: PlanProblem[] = [];
  if (up === undefined || (down !== undefined && down.start < up.start)) {
    const why =
      'does not start with the line "-- +goose Up", and goose stops with an error; add it';
    found.push(unreadable(path, why));
  }
  if (marks.filter(({ mark }) => mark === 'UP' || mark === 'DOWN').length > 2) {
    found.push(
      unreadable(path, 'has more than one Up or Down part, and goose stops with an error'),
    );
  }
  const variables = marks.find(({ mark }) => /^ENVSUBS?T? ON$/.test(mark ?? ''))?.line;
  if (variables !== undefined) {
    const message =
      `${path} takes values from the environment of the production runner (ENVSUB ON), which are ` +
      'not known here. Write the values into the file.';
    found.push(problem('not-judged', path, message, variables.number));
  }
  return found;
}

export const goose: Framework = {
  name: 'goose',
  title: 'goose',
  takes: 'files such as 00001_name.sql directly in the folder',
  runner: {
    scope: 'file',
    late: 'refused',
    lateSays:
      'goose stops with an error over missing migrations and applies nothing, unless it is started ' +
      'with -allow-missing',
    editedSays: 'goose keeps no checksums and does not run it again',
    deletedSays: 'production has applied it and a new database would not',
    duplicateSays: 'goose stops with an error over the duplicate version and applies nothing',
  },
  code: ['go'],
  configs: () => [],
  find: (view, touched) => byMarker(view, touched, MARKER),
  needs: (claim, view) => files(claim.folder, view),
  load,
  order: byNumber,
};
