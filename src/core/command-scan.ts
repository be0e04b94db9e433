/**
 * Finds the commands of `commands.ts` in the lines that a change adds. Quotes, line continuations,
 * launchers (`npx`, `sudo`), paths, versions, options in between and JSON or YAML lists do not hide
 * a command; text that only a running shell could put together stays out of reach.
 */
import { commandTexts } from './commands/texts.ts';
import { unreadable } from './commands/unreadable.ts';
import { type CommandRow, type CommandText, commandTable } from './commands.ts';
import type { PatchLine } from './patch.ts';

export interface CommandFound {
  readonly id: string;
  readonly kind: CommandRow['kind'];
  readonly does: string;
  /** The command as written, cut at 120 characters. */
  readonly text: string;
  readonly line: number;
  /** False for a call or a setting in code. */
  readonly isCommand: boolean;
}

/** How a file is read: every word of a command file may be a program, in code only the first. */
export type ScanMode = 'commands' | 'code';

interface Logical {
  readonly line: number;
  readonly text: string;
  readonly added: boolean;
}

const comment = /^\s*(?:#(?!!)|\/\/|--\s)/;

/** Whether a line goes on where the one before it ended. */
function continues(previous: string, next: string): boolean {
  if (/[\\^`]\s*$/.test(previous)) return true;
  return /^\s+--?[a-z]/i.test(next);
}

/** Lines as a shell or a YAML reader would join them; comments are left out first. */
function logicalLines(lines: readonly PatchLine[], keepComments: boolean): readonly Logical[] {
  const joined: { line: number; text: string; added: boolean; last: string }[] = [];
  for (const { line, text, added } of lines) {
    if (!keepComments && comment.test(text)) continue;
    const open = joined.at(-1);
    if (open !== undefined && continues(open.last, text)) {
      open.text = `${open.text.replace(/[\\^`]\s*$/, '')} ${text.trim()}`;
      if (added && !open.added) open.line = line;
      open.added ||= added;
      open.last = text;
    } else joined.push({ line, text, added, last: text });
  }
  return joined;
}

/** Consecutive `- item` lines and lines of a JSON list as one line, beside themselves. */
function listLines(lines: readonly PatchLine[]): readonly Logical[] {
  const item = /^\s*(?:-\s+|["'])/;
  const groups: PatchLine[][] = [];
  for (const line of lines) {
    const open = groups.at(-1);
    const last = open?.at(-1);
    const next = last !== undefined && last.line + 1 === line.line;
    if (item.test(line.text) && open !== undefined && next) open.push(line);
    else if (item.test(line.text)) groups.push([line]);
    else groups.push([]);
  }
  return groups
    .filter((group) => group.length > 1)
    .map((group) => ({
      line: group.find(({ added }) => added)?.line ?? 0,
      added: group.some(({ added }) => added),
      text: group.map(({ text }) => text.replace(/^\s*-\s+/, '')).join(' '),
    }));
}

/** The simple commands of a line, each as lower-case words without quotes. */
function segments(text: string, mode: ScanMode): readonly (readonly string[])[] {
  const plain = text
    .normalize('NFKC')
    .replace(/\p{Cf}/gu, '')
    .replace(/\\[nr]/g, ';')
    .replace(/["'\\]/g, '')
    .replace(/[[\],{}<>]/g, ' ')
    .replace(/[()`]/g, mode === 'code' ? ';' : ' ')
    .toLowerCase();
  return plain
    .split(/[;&|]+/)
    .map((part) => part.split(/\s+/).filter((word) => word !== ''))
    .filter((words) => words.length > 0);
}

/** The names that a word could be as a program: without path, version, ending and make's `@`. */
function programNames(word: string): readonly string[] {
  const scope = /^@([a-z\d][a-z\d-]*)\/([a-z\d.-]+)/.exec(word);
  if (scope !== null) return [scope[1] ?? '', scope[2] ?? ''];
  const last =
    word
      .replace(/^[@+-]+/, '')
      .split('/')
      .at(-1) ?? '';
  const name = last.replace(/@.*$/, '').replace(/\.(?:exe|cmd|bat|phar)$/, '');
  return [name];
}

const byProgram = new Map<string, CommandRow[]>();
for (const row of commandTable) {
  for (const program of row.programs) {
    const rows = byProgram.get(program);
    if (rows === undefined) byProgram.set(program, [row]);
    else rows.push(row);
  }
}

function isOption(word: string, wanted: string): boolean {
  if (wanted.endsWith('*')) {
    const start = wanted.slice(0, -1);
    return word === wanted || (start.length > 1 && word.startsWith(start));
  }
  return word === wanted || (wanted.startsWith('-') && word.startsWith(`${wanted}=`));
}

/** Whether the words after a program hold the row's words in order, and its options. */
function rowMatches(row: CommandRow, after: readonly string[]): boolean {
  let at = 0;
  for (const wanted of row.words) {
    const choices = wanted.split('|');
    const found = after.findIndex((word, index) => index >= at && choices.includes(word));
    if (found < 0) return false;
    at = found + 1;
  }
  const has = (wanted: string): boolean => after.some((word) => isOption(word, wanted));
  return (row.any?.some(has) ?? true) && !(row.unless?.some(has) ?? false);
}

const launchers = new Set(
  'npx pnpm yarn bun bunx npm exec dlx run sudo env time nice nohup bundle python python3 php node uv poetry pipenv sh bash -c -m dotenv cross-env command docker compose then do else cmd script'.split(
    ' ',
  ),
);

function leadsOnly(words: readonly string[]): number {
  const at = words.findIndex(
    (word) => !launchers.has(word) && !/^[a-z_]\w*=/.test(word) && !/^-|[:=]$/.test(word),
  );
  return at < 0 ? words.length : at + 1;
}

/**
 * A command that names more programs than this is not read: each one is looked up in all the words
 * after it, and a line that is made to be slow must not hold up the decision.
 */
const MAX_PROGRAMS = 50;

interface RowAt {
  readonly row: CommandRow;
  /** Index of the program's word. */
  readonly at: number;
}

/** The worst row of a simple command, null without one, `unread` when it names too many programs. */
function rowOf(words: readonly string[], mode: ScanMode): RowAt | 'unread' | null {
  const until = mode === 'code' ? leadsOnly(words) : words.length;
  let found: RowAt | null = null;
  let programs = 0;
  for (let at = 0; at < until; at += 1) {
    for (const name of programNames(words[at] ?? '')) {
      const rows = byProgram.get(name);
      if (rows === undefined) continue;
      programs += 1;
      if (programs > MAX_PROGRAMS) return 'unread';
      const after = words.slice(at + 1);
      const row = rows.find((candidate) => rowMatches(candidate, after));
      if (row?.kind === 'destroys') return { row, at };
      if (row !== undefined) found ??= { row, at };
    }
  }
  return found;
}

function fromTexts(line: Logical): readonly (CommandText & { readonly text: string })[] {
  return commandTexts.flatMap((row) => {
    const found = row.pattern.exec(line.text)?.[0];
    return found === undefined ? [] : [{ ...row, text: found }];
  });
}

function found(row: CommandRow | CommandText, line: number, text: string): CommandFound {
  const { id, kind, does } = row;
  const isCommand = 'programs' in row;
  return { id, kind, does, line, isCommand, text: text.trim().replace(/\s+/g, ' ').slice(0, 120) };
}

/**
 * A line of a command file that is itself SQL which destroys: part of a here-document, whose first
 * line the patch may not show. `truncate -s 0 file` is the shell's own.
 */
const sqlLine =
  /^\s{0,40}(?:drop\s{1,9}(?:table|schema|database|owned)\b|truncate\s{1,9}(?:table\s{1,9})?(?:only\s{1,9})?["\w.]{1,99}\s{0,9}(?:[,;]|cascade|restart|$)|delete\s{1,9}from\s)/i;

const sqlInScript: CommandText = {
  id: 'sql-in-script',
  kind: 'destroys',
  does: 'run SQL that destroys',
  pattern: sqlLine,
  words: [],
  example: 'DROP TABLE users;',
  safe: 'truncate -s 0 app.log',
};

/** Added lines of a script that are SQL which destroys. */
export function scanSqlLines(lines: readonly PatchLine[]): readonly CommandFound[] {
  return lines
    .filter(({ added, text }) => added && sqlLine.test(text))
    .map(({ line, text }) => found(sqlInScript, line, text));
}

export interface UnreadLine {
  readonly line: number;
  /** What the line does, after "A line of … ". */
  readonly does: string;
}

export interface CommandScan {
  /** The commands of the tables, each once per line. */
  readonly found: readonly CommandFound[];
  /** The first line whose commands cannot all be told from its text; null for none. */
  readonly unread: UnreadLine | null;
}

/** Looks for the commands of the tables in the lines that were added. */
export function scanCommands(lines: readonly PatchLine[], mode: ScanMode): CommandScan {
  const logical = [...logicalLines(lines, false), ...listLines(lines)].filter(({ added }) => added);
  const all: CommandFound[] = [];
  const unread: UnreadLine[] = [];
  for (const { line, text, added } of logical) {
    const does = mode === 'commands' ? unreadable(text) : null;
    if (does !== null) unread.push({ line, does });
    for (const words of segments(text, mode)) {
      const hit = rowOf(words, mode);
      if (hit === 'unread') unread.push({ line, does: 'is too long to be read for commands' });
      else if (hit !== null) all.push(found(hit.row, line, words.slice(hit.at).join(' ')));
    }
    for (const row of fromTexts({ line, text, added })) all.push(found(row, line, row.text));
  }
  const once = new Map(all.map((one) => [`${one.id}:${one.line}`, one]));
  return {
    found: [...once.values()].toSorted((one, other) => one.line - other.line),
    unread: unread.toSorted((one, other) => one.line - other.line)[0] ?? null,
  };
}
