/**
 * The checksums of `atlas.sum`: one SHA-256 runs over the name and content of every file in order, and
 * each line holds where it stood behind that file; the first line is the hash of all others. Atlas
 * compares before it applies anything.
 */
import { runningSha256 } from '../core/canonical.ts';

export interface SumFile {
  readonly name: string;
  readonly sql: string;
}

/** Base64 of 32 bytes. */
const LINE = /^(.*?)\s*h1:([A-Za-z\d+/]{43}=)$/;

/** A file that says so is left out with its content; only its name is hashed. */
const IGNORED = /^--\s*atlas:sum\s+ignore\s*$/m;

export type SumMismatch =
  | { readonly kind: 'form'; readonly line: number }
  | { readonly kind: 'sum' }
  /** The file's content is not the one that was hashed, or a file before it is missing. */
  | { readonly kind: 'file'; readonly name: string }
  | { readonly kind: 'gone'; readonly name: string };

/** The first thing in which `text` and the files, in the order of their names, differ; else null. */
export function sumMismatch(text: string, files: readonly SumFile[]): SumMismatch | null {
  const rows = text.split('\n').filter((line, at) => at === 0 || line.trim() !== '');
  const read = rows.map((line) => LINE.exec(line.replace(/\r$/, '')));
  const bad = read.indexOf(null);
  if (bad >= 0) return { kind: 'form', line: bad + 1 };
  const [head, ...listed] = read.map((row) => ({ name: row?.[1] ?? '', hash: row?.[2] ?? '' }));
  const hashes = hashesOf(files);
  for (const { name, hash } of listed) {
    const known = hashes.get(name);
    if (known === undefined) return { kind: 'gone', name };
    if (known !== hash) return { kind: 'file', name };
  }
  const names = listed.map(({ name, hash }) => name + hash).join('');
  return head?.hash === runningSha256([names])[0] ? null : { kind: 'sum' };
}

function hashesOf(files: readonly SumFile[]): ReadonlyMap<string, string> {
  const ignored = files.map(({ sql }) => IGNORED.test(headOf(sql)));
  const texts = files.map(({ name, sql }, at) => (ignored[at] === true ? name : name + sql));
  const stood = runningSha256(texts);
  return new Map(
    files.flatMap(({ name }, at) => (ignored[at] === true ? [] : [[name, stood[at] ?? '']])),
  );
}

/** The comments in front of the first statement, where directives for the whole file stand. */
function headOf(sql: string): string {
  return /^(?:--[^\n]*\n|[ \t\r]*\n)*/.exec(sql)?.[0] ?? '';
}
