/**
 * Commands that destroy data without a migration file, and runners that migrate outside the watched
 * folders, as a table: one row per command with an example and a look-alike that does no harm.
 * Facts: BuilderIO/agent-native#252, anthropics/claude-code#34729 and their like were commands in
 * build scripts, not migrations.
 */
import { databases } from './commands/databases.ts';
import { infrastructure } from './commands/infrastructure.ts';
import { runners } from './commands/runners.ts';

export type CommandKind = 'destroys' | 'migrates';

export interface CommandRow {
  readonly id: string;
  readonly kind: CommandKind;
  /** What it does, as the end of "… would": `reset the database`. */
  readonly does: string;
  /** Names of the program, lower case, without path and version. */
  readonly programs: readonly string[];
  /** Words that follow in this order, others between them; `a|b` takes either. */
  readonly words: readonly string[];
  /**
   * At least one of these too, when there are any. An option also counts as `--option=value`; a
   * trailing `*` stands for any rest.
   */
  readonly any?: readonly string[];
  /** None of these. */
  readonly unless?: readonly string[];
  readonly example: string;
  readonly safe: string;
}

/** A destroying or migrating call that is not a command line: a setting, a call in code. */
export interface CommandText {
  readonly id: string;
  readonly kind: CommandKind;
  readonly does: string;
  /** Every quantifier is bounded, so that no line can make the search slow. */
  readonly pattern: RegExp;
  /** Every text that the pattern matches has one of these in it, in whatever case. */
  readonly words: readonly string[];
  readonly example: string;
  readonly safe: string;
}

/**
 * Rows from their text: `id: what it does`, then `> programs words +any !unless` (a line break in
 * it adds nothing), `! example` and `= safe look-alike`.
 */
function rowsOf(table: string, kind: CommandKind): readonly CommandRow[] {
  const records = table.trim().split(/\n(?=[a-z][a-z0-9-]*: )/);
  return records.map((record) => {
    const [title = '', ...lines] = record.split('\n');
    const [id = '', does = ''] = title.split(': ');
    const marked = (mark: string): string =>
      lines
        .filter((line) => line.startsWith(mark))
        .map((line) => line.slice(2))
        .join('');
    const [programs = '', ...rest] = marked('>').split(' ');
    const any = rest.filter((word) => word.startsWith('+')).map((word) => word.slice(1));
    const unless = rest.filter((word) => word.startsWith('!')).map((word) => word.slice(1));
    return {
      id,
      kind,
      does,
      programs: programs.split('/'),
      words: rest.filter((word) => !/^[+!]/.test(word)),
      ...(any.length === 0 ? {} : { any }),
      ...(unless.length === 0 ? {} : { unless }),
      example: marked('!'),
      safe: marked('='),
    };
  });
}

/** Every row; rows that destroy come first, so the worse meaning of a command is the one told. */
export const commandTable: readonly CommandRow[] = [
  ...rowsOf(databases, 'destroys'),
  ...rowsOf(infrastructure, 'destroys'),
  ...rowsOf(runners, 'migrates'),
];
