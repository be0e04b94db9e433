/** The fixtures as real trees: `base/` is the base branch, `change/` is laid over it. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { type Files, laidOver } from './tree.ts';

export const fixturesFolder: string = join(import.meta.dirname, '..', 'fixtures', 'migrations');

export interface Expected {
  readonly framework: string;
  readonly folder: string;
  readonly scope: string;
  readonly pending: readonly {
    readonly path: string;
    readonly version: string;
    readonly firstLine: number;
    readonly transaction: string;
    readonly down: string | null;
  }[];
  readonly problems: readonly { readonly code: string; readonly path: string }[];
  readonly unclaimed: readonly string[];
}

export interface Fixture {
  readonly name: string;
  readonly base: Files;
  readonly change: Files;
  readonly head: Files;
  readonly expected: Expected;
}

function filesBelow(folder: string): Files {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true });
  const rows = names.flatMap((entry): (readonly [string, Uint8Array])[] => {
    if (!entry.isFile()) return [];
    const path = join(entry.parentPath, entry.name);
    return [[relative(folder, path).split(sep).join('/'), readFileSync(path)]];
  });
  return Object.fromEntries(rows);
}

export function fixtureNames(): readonly string[] {
  return readdirSync(fixturesFolder).sort();
}

export function fixture(name: string): Fixture {
  const folder = join(fixturesFolder, name);
  const [base, change] = [filesBelow(join(folder, 'base')), filesBelow(join(folder, 'change'))];
  const expected: Expected = JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8'));
  return { name, base, change, head: laidOver(base, change), expected };
}
