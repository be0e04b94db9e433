/**
 * Globs as in .gitignore without negation, matched against the whole path: `?`, `*`, `[a-z]`, `\`
 * and `**`; a pattern without a slash matches at any depth, and a pattern that matches a folder
 * matches everything in it. Case counts. Matching needs at most pattern × path steps.
 */

import { remembered } from './memo.ts';

type Same<P, T> = (pattern: P, value: T) => boolean;

/**
 * Matches a sequence against a sequence with wildcards in it. Only the newest wildcard is ever
 * taken back, which suffices as every other element matches alone; so no pattern is exponential.
 */
function matchesSequence<P, T>(
  pattern: readonly P[],
  values: readonly T[],
  isWild: (element: P) => boolean,
  same: Same<P, T>,
): boolean {
  let p = 0;
  let v = 0;
  let wild = -1;
  let taken = 0;
  while (v < values.length) {
    const element = pattern[p];
    const value = values[v];
    if (value === undefined) return false;
    if (element !== undefined && isWild(element)) {
      wild = p;
      taken = v;
      p += 1;
    } else if (element !== undefined && same(element, value)) {
      p += 1;
      v += 1;
    } else if (wild >= 0) {
      taken += 1;
      v = taken;
      p = wild + 1;
    } else return false;
  }
  return pattern.slice(p).every(isWild);
}

/** One element of a pattern: any run of characters, any one character, a class or the character. */
type Element =
  | { readonly kind: 'run' }
  | { readonly kind: 'one' }
  | {
      readonly kind: 'class';
      readonly negated: boolean;
      readonly ranges: readonly (readonly [string, string])[];
    }
  | { readonly kind: 'literal'; readonly char: string };

function classAt(
  chars: readonly string[],
  start: number,
): { element: Element; end: number } | null {
  let at = start + 1;
  const negated = chars[at] === '!' || chars[at] === '^';
  if (negated) at += 1;
  const ranges: [string, string][] = [];
  for (let first = true; at < chars.length; first = false) {
    const from = chars[at] ?? '';
    if (from === ']' && !first) return { element: { kind: 'class', negated, ranges }, end: at };
    const to = chars[at + 2];
    const isRange = chars[at + 1] === '-' && to !== undefined && to !== ']';
    ranges.push([from, isRange ? to : from]);
    at += isRange ? 3 : 1;
  }
  return null;
}

function elementsOf(pattern: string): readonly Element[] {
  const chars = Array.from(pattern);
  const elements: Element[] = [];
  for (let at = 0; at < chars.length; at += 1) {
    const char = chars[at] ?? '';
    const found = char === '[' ? classAt(chars, at) : null;
    if (found !== null) {
      elements.push(found.element);
      at = found.end;
    } else if (char === '*') elements.push({ kind: 'run' });
    else if (char === '?') elements.push({ kind: 'one' });
    else if (char === '\\' && at + 1 < chars.length) {
      at += 1;
      elements.push({ kind: 'literal', char: chars[at] ?? '' });
    } else elements.push({ kind: 'literal', char });
  }
  return elements;
}

function sameChar(element: Element, char: string): boolean {
  switch (element.kind) {
    case 'run':
    case 'one':
      return true;
    case 'class':
      return element.ranges.some(([from, to]) => char >= from && char <= to) !== element.negated;
    case 'literal':
      return element.char === char;
  }
}

function matchesText(elements: readonly Element[], text: string): boolean {
  return matchesSequence(elements, Array.from(text), (element) => element.kind === 'run', sameChar);
}

type Segment =
  | { readonly any: true }
  | { readonly any: false; readonly elements: readonly Element[] };

function segmentsOf(pattern: string): readonly Segment[] {
  const folderOnly = pattern.endsWith('/');
  const body = pattern.replace(/^\/+/, '').replace(/\/+$/, '');
  const anchored = pattern.startsWith('/') || body.includes('/');
  const parts = body.split('/').filter((part) => part !== '');
  if (!anchored) parts.unshift('**');
  if (folderOnly || parts.at(-1) === '**') parts.push(...(folderOnly ? ['**', '*'] : ['*']));
  return parts.map((part) =>
    part === '**' ? { any: true } : { any: false, elements: elementsOf(part) },
  );
}

const deeper: readonly Segment[] = [{ any: true }, { any: false, elements: [{ kind: 'run' }] }];

/** A glob made ready, for matching many paths. */
export type PathMatcher = (path: string) => boolean;

/** The text that every match starts with; empty when there is none. */
function literalStart(pattern: string): string {
  const body = pattern.replace(/^\/+/, '');
  const anchored = pattern.startsWith('/') || body.replace(/\/+$/, '').includes('/');
  if (!anchored || body.includes('//')) return '';
  return /^(?:[^*?[\\/]+\/)*/.exec(body)?.[0] ?? '';
}

/** Makes a glob ready. A pattern that says nothing (empty, only slashes) matches nothing. */
export function pathMatcher(pattern: string): PathMatcher {
  const segments = segmentsOf(pattern);
  if (segments.length === 0 || pattern.replaceAll('/', '') === '') return () => false;
  const isWild = (segment: Segment): boolean => segment.any;
  const same: Same<Segment, string> = (segment, text) =>
    segment.any || matchesText(segment.elements, text);
  const start = literalStart(pattern);
  return (path) => {
    if (start !== '' && !path.startsWith(start) && !/^\/|\/\//.test(path)) return false;
    const parts = path.split('/').filter((part) => part !== '');
    return (
      matchesSequence(segments, parts, isWild, same) ||
      matchesSequence([...segments, ...deeper], parts, isWild, same)
    );
  };
}

/** Policies name few globs, and each is asked about every path of a change. */
const matcherOf: (pattern: string) => PathMatcher = remembered(100_000, pathMatcher);

/** Whether a path matches a glob. */
export function matchesPath(pattern: string, path: string): boolean {
  return matcherOf(pattern)(path);
}

/** Whether a name matches a glob in which `*` stands for any characters, a slash included. */
export function matchesName(pattern: string, name: string): boolean {
  return matchesText(elementsOf(pattern), name);
}
