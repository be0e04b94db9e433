/** What Flyway's configuration files say, as far as the folders and names of migrations go. */
import { parse } from 'smol-toml';
import { peek } from './shared.ts';
import { folderOf, joinPath, nameOf, type TreeView } from './tree.ts';

const NAMES = /^flyway[\w.-]*\.(?:conf|toml|properties)$|^application[\w-]*\.(?:properties|ya?ml)$/;

export interface FlywayConfig {
  readonly source: string;
  readonly folders: readonly string[];
  readonly options: Readonly<Record<string, string>>;
}

export function flywayConfigPaths(view: TreeView): readonly string[] {
  return view.candidates.filter((path) => NAMES.test(nameOf(path)));
}

/** The configurations that name a location; one that names none leaves Flyway's usual folders. */
export function flywayConfigs(view: TreeView): readonly FlywayConfig[] {
  return flywayConfigPaths(view).flatMap((source) => {
    const said = settingsOf(source, peek(view, source) ?? '');
    const locations = said['locations'];
    if (locations === undefined) return [];
    const { locations: _, ...options } = said;
    const folders = locations.split(',').flatMap((location) => foldersOf(view, source, location));
    return [{ source, folders, options }];
  });
}

/** Keys without their `flyway.` or `spring.flyway.`, values as text; lists joined by commas. */
function settingsOf(source: string, text: string): Readonly<Record<string, string>> {
  if (source.endsWith('.toml')) return fromToml(text);
  const said: Record<string, string> = {};
  const pattern = /^\s*(?:spring\.)?flyway\.([\w.-]+)\s*[=:]\s*(.*?)\s*$/gm;
  for (const [, key = '', value = ''] of text.matchAll(pattern)) said[camel(key)] = value;
  if (/\.ya?ml$/.test(source)) Object.assign(said, fromYaml(text));
  return said;
}

function fromToml(text: string): Readonly<Record<string, string>> {
  try {
    const table: unknown = parse(text)['flyway'];
    if (typeof table !== 'object' || table === null) return {};
    const rows = Object.entries(table).map(([key, value]) => [camel(key), String(value)] as const);
    return Object.fromEntries(rows);
  } catch {
    return {};
  }
}

/** The `flyway:` block of a Spring file, by its indentation; values on one line or as a list. */
function fromYaml(text: string): Readonly<Record<string, string>> {
  const block =
    /^([^\S\n]*)flyway:[^\S\n]*\n((?:\1[^\S\n]+.*\n?|[^\S\n]*\n)*)/m.exec(text)?.[2] ?? '';
  const said: Record<string, string> = {};
  let key = '';
  for (const line of block.split('\n')) {
    const pair = /^\s*([\w-]+)\s*:\s*(.*?)\s*$/.exec(line);
    const item = /^\s*-\s*(.*?)\s*$/.exec(line);
    if (pair !== null) {
      key = camel(pair[1] ?? '');
      said[key] = unquoted(pair[2] ?? '').replace(/^\[|\]$/g, '');
    } else if (item !== null && key !== '') {
      said[key] = [said[key] ?? '', unquoted(item[1] ?? '')]
        .filter((each) => each !== '')
        .join(',');
    }
  }
  return said;
}

function unquoted(value: string): string {
  return value.replace(/^(["'])(.*)\1$/, '$2');
}

function camel(key: string): string {
  return key.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** `filesystem:` from the file's folder or the root, `classpath:` below any resources folder. */
function foldersOf(view: TreeView, source: string, location: string): readonly string[] {
  const [, kind, path = ''] =
    /^\s*(?:(filesystem|classpath):)?\/?(.*?)\/?\s*$/.exec(unquoted(location.trim())) ?? [];
  if (kind === 'filesystem') {
    return [joinPath(folderOf(source), path), joinPath('', path)]
      .flatMap((folder) => (folder !== null && view.has(folder) ? [folder] : []))
      .slice(0, 1);
  }
  const ending = new RegExp(`(?:^|/)resources/${path.replace(/[^\w/-]/g, '\\$&')}$`);
  const folders = new Set(view.candidates.map(folderOf).filter((folder) => ending.test(folder)));
  return [...folders];
}
