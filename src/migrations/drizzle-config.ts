/** What `drizzle.config.*` says, read as text: the repository's code is never run. */
import type { Dialect } from './framework.ts';
import { peek } from './shared.ts';
import { folderOf, joinPath, nameOf, type TreeView } from './tree.ts';

const CONFIG_NAME =
  /^drizzle(?:[.-][\w-]+)*\.config\.(?:ts|mts|cts|js|mjs|cjs|json)$|^drizzle\.config\.\w+\.\w+$/;

export interface DrizzleConfig {
  readonly source: string;
  /** Null when `out` is computed or leaves the repository. */
  readonly folder: string | null;
  readonly dialect: Dialect | null;
}

/** Paths of Drizzle's configuration files. */
export function drizzleConfigPaths(view: TreeView): readonly string[] {
  return view.candidates.filter((path) => CONFIG_NAME.test(nameOf(path)));
}

/** What each configuration says, as far as it is written as literals. */
export function drizzleConfigs(view: TreeView): readonly DrizzleConfig[] {
  return drizzleConfigPaths(view).map((source) => {
    const text = withoutComments(peek(view, source) ?? '');
    return { source, folder: outOf(source, text), dialect: dialectOf(text) };
  });
}

function outOf(source: string, text: string): string | null {
  const named = /(?:^|[\s{,])["']?out["']?\s*:\s*(?:(["'`])((?:(?!\1)[^$\\])*)\1)?/.exec(text);
  if (named === null) return joinPath(folderOf(source), 'drizzle');
  return named[2] === undefined ? null : joinPath(folderOf(source), named[2]);
}

function dialectOf(text: string): Dialect | null {
  const named = /(?:^|[\s{,])["']?(?:dialect|driver)["']?\s*:\s*["'`]([\w-]+)["'`]/.exec(text)?.[1];
  if (named === undefined) return null;
  return isPostgres(named) ? 'postgresql' : 'other';
}

/** Drizzle's names for PostgreSQL over the years. */
export function isPostgres(name: string): boolean {
  return ['postgresql', 'pg', 'postgres', 'pglite', 'aws-data-api'].includes(name);
}

/** Drops comments roughly; a `//` inside a string may end that line too, which is fine. */
function withoutComments(text: string): string {
  return text.replace(/\/\*[^]*?\*\//g, ' ').replace(/(^|[^:'"`\w])\/\/.*$/gm, '$1');
}
