/** How Drizzle cuts a file into the texts that it sends. */
import type { MigrationStep } from '../core/dry-run.ts';
import { allClosed, atTopLevel } from './lexer.ts';
import { stepOf } from './shared.ts';
import { lineAt } from './text.ts';
import type { TreeView } from './tree.ts';

const BREAKPOINT = '--> statement-breakpoint';

/**
 * The migrator splits the text at every breakpoint, wherever it stands, and sends the parts one by
 * one. Where that gives the same statements as the file itself, the file is one step; else each
 * part is a step, for text after a breakpoint on a comment line is run by Drizzle and would be
 * hidden from a reader of the file as a whole.
 */
export function stepsOfFile(
  view: TreeView,
  { version, path }: { readonly version: string; readonly path: string },
  text: string,
): readonly MigrationStep[] {
  const parts = text.split(BREAKPOINT);
  const plain = parts.slice(1).every((part) => /^[^\S\n]*(?:\r?\n|$)/.test(part));
  const whole = parts.slice(0, -1).every((part) => atTopLevel(part) && allClosed(part));
  if (plain && whole) return [stepOf(view, { path, version, sql: text })];
  let offset = 0;
  return parts.flatMap((sql) => {
    const firstLine = lineAt(text, offset);
    offset += sql.length + BREAKPOINT.length;
    return sql.trim() === '' ? [] : [stepOf(view, { path, version, sql, firstLine })];
  });
}
