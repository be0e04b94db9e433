/**
 * Which patches can hold a command at all: a text without any program and any word of the tables
 * has none. Made from the tables themselves, so that a new row is never missed.
 */
import { commandTable } from '../commands.ts';
import { commandTexts } from './texts.ts';

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
}

/** Any of some texts; in order, so that those with the same start are looked for together. */
function anyOf(texts: readonly string[]): string {
  const lower = texts.map((text) => text.toLowerCase());
  return [...new Set(lower)].toSorted().map(escaped).join('|');
}

const words = anyOf(commandTexts.flatMap((row) => row.words));
/** A program is a whole word, whatever stands around it: paths, versions, make's `@`. */
const programs = anyOf(commandTable.flatMap((row) => row.programs));

const telling = new RegExp(`${words}|(?<![a-z\\d])(?:${programs})(?![a-z\\d])`, 'i');

/** Quotes and backslashes inside a word are dropped by whoever runs it. */
const broken = /["'\\]/;
const notAscii = /[^\t\n\r\x20-\x7e]/;

/** False only for a text in which none of the tables' rows can be found. */
export function mayHoldCommand(text: string): boolean {
  if (telling.test(text) || notAscii.test(text)) return true;
  return broken.test(text) && telling.test(text.replace(/["'\\]/g, ''));
}
