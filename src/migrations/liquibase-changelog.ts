/** Which files Liquibase's changelogs include, and in which order. */
import { parse } from 'yaml';
import { peek } from './shared.ts';
import { compareBytes } from './text.ts';
import { folderOf, joinPath, nameOf, type TreeView } from './tree.ts';

const NAME = /change-?log.*\.(?:xml|ya?ml|json)$/i;

export function changelogPaths(view: TreeView): readonly string[] {
  return view.candidates.filter((path) => NAME.test(nameOf(path)));
}

interface Include {
  readonly file: string;
  readonly all: boolean;
}

/**
 * The files among `candidates` that some changelog includes, with their place in its order; null
 * when no changelog includes any of them, so that the order is not known from the repository.
 */
export function includedFiles(
  view: TreeView,
  candidates: readonly string[],
): ReadonlyMap<string, number> | null {
  const places = new Map<string, number>();
  for (const source of changelogPaths(view)) {
    for (const include of includesIn(source, peek(view, source) ?? '')) {
      const matching = candidates.filter((path) => matches(source, include, path));
      for (const path of matching.toSorted(compareBytes)) {
        if (!places.has(path)) places.set(path, places.size);
      }
    }
  }
  return places.size === 0 ? null : places;
}

/** Relative to the changelog, or to any search path above it. */
function matches(source: string, include: Include, path: string): boolean {
  const named = joinPath('', include.file.replace(/^classpath:/, '')) ?? '';
  const beside = joinPath(folderOf(source), include.file) ?? '';
  const target = include.all ? folderOf(path) : path;
  if (include.all && (target === beside || target.startsWith(`${beside}/`))) return true;
  return target === beside || target === named || (named !== '' && target.endsWith(`/${named}`));
}

function includesIn(source: string, text: string): readonly Include[] {
  if (source.endsWith('.xml')) {
    const tags = /<include(All)?\b[^>]*?\b(?:file|path)\s*=\s*"([^"]+)"/g;
    const bare = text.replace(/<!--[^]*?-->/g, '');
    return [...bare.matchAll(tags)].map(([, all, file = '']) => ({ file, all: all !== undefined }));
  }
  try {
    const document: unknown = parse(text, { maxAliasCount: 0 });
    const rows = fieldOf(document, 'databaseChangeLog');
    return Array.isArray(rows) ? rows.flatMap(includeOf) : [];
  } catch {
    return [];
  }
}

function includeOf(row: unknown): readonly Include[] {
  const file = fieldOf(fieldOf(row, 'include'), 'file');
  const path = fieldOf(fieldOf(row, 'includeAll'), 'path');
  if (typeof file === 'string') return [{ file, all: false }];
  return typeof path === 'string' ? [{ file: path, all: true }] : [];
}

function fieldOf(value: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  return Object.entries(value).find(([name]) => name === key)?.[1];
}
