/**
 * Which patches can hold a command at all: a text without any program and any word of the tables
 * has none. Made from the tables themselves, so that a new row is never missed.
 */
import { commandTable } from '../commands.ts';
import { commandTexts } from './texts.ts';

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
}

/** A program is a whole word, whatever stands around it: paths, versions, make's `@`. */
function programWord(program: string): string {
  return `(?<![a-z\\d])${escaped(program)}(?![a-z\\d])`;
}

const programs = [...new Set(commandTable.flatMap((row) => row.programs))];
const words = [...new Set(commandTexts.flatMap((row) => row.words))];

const telling = new RegExp(
  [...words.map(escaped), ...programs.toSorted().map(programWord)].join('|'),
  'i',
);

/** Quotes and backslashes inside a word are dropped by whoever runs it. */
const broken = /["'\\]/;
const notAscii = /[^\t\n\r\x20-\x7e]/;

/** False only for a text in which none of the tables' rows can be found. */
export function mayHoldCommand(text: string): boolean {
  if (telling.test(text) || notAscii.test(text)) return true;
  return broken.test(text) && telling.test(text.replace(/["'\\]/g, ''));
}
