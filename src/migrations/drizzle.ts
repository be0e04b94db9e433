/**
 * Drizzle 0.x: `meta/_journal.json` names the files, in array order. The migrator reads the newest
 * `created_at` once, applies every entry whose `when` lies above it in one transaction, and passes
 * over the others without a word (drizzle-orm 0.45, `migrator.js` and `pg-core/dialect.js`).
 */
import type { PlanProblem } from '../core/dry-run.ts';
import { stepsOfFile } from './drizzle-breakpoints.ts';
import { drizzleConfigPaths, drizzleConfigs, isPostgres } from './drizzle-config.ts';
import type { Dialect, Found, Framework, History, Migration, Selection } from './framework.ts';
import { folderName, problem, unreadable } from './problems.ts';
import { emptyHistory, found, migrationOf, peek, readText, SQL_FILE } from './shared.ts';
import { lineAt } from './text.ts';
import { folderOf, isBelow, joinPath, nameOf, type TreeView } from './tree.ts';

const JOURNAL = 'meta/_journal.json';

interface Entry {
  readonly tag: string;
  readonly when: number;
}

function journalPath(folder: string): string {
  return folder === '' ? JOURNAL : `${folder}/${JOURNAL}`;
}

function journals(view: TreeView): readonly string[] {
  return view.candidates.filter((path) => path === JOURNAL || path.endsWith(`/${JOURNAL}`));
}

function find(view: TreeView): readonly Found[] {
  const configs = drizzleConfigs(view);
  const folders = new Set(journals(view).map((path) => folderOf(folderOf(path))));
  for (const { folder } of configs) {
    if (folder === null) continue;
    if (hasSqlFiles(view, folder) || view.links.includes(folder)) folders.add(folder);
  }
  return [...folders].map((folder) => {
    const own = configs.filter((config) => config.folder === folder);
    const dialect = own.find((config) => config.dialect !== null)?.dialect ?? null;
    const stated = dialectOfJournal(peek(view, journalPath(folder)));
    return found(folder, own.length > 0 ? 'config' : 'state', {
      sources: own.map((config) => config.source),
      dialect: stated ?? dialect ?? 'postgresql',
    });
  });
}

/** Numbered files directly in the folder: a folder of `out` with no journal, as if it were lost. */
function hasSqlFiles(view: TreeView, folder: string): boolean {
  return view.filesIn(folder).some((path) => SQL_FILE.test(path) && /^\d/.test(nameOf(path)));
}

function dialectOfJournal(text: string | null): Dialect | null {
  if (text === null) return null;
  const named = /"dialect"\s*:\s*"([^"]*)"/.exec(text)?.[1];
  if (named === undefined) return null;
  return isPostgres(named) ? 'postgresql' : 'other';
}

/** The journal's entries; what cannot be an entry becomes a problem and the runner would stop. */
function parseJournal(path: string, text: string): readonly Entry[] | PlanProblem {
  let journal: unknown;
  try {
    journal = JSON.parse(text);
  } catch (error) {
    const why = error instanceof Error ? error.message : 'a syntax error';
    return unreadable(path, `is not JSON (${why}); generate it again with drizzle-kit`);
  }
  const entries = isRecord(journal) ? journal['entries'] : undefined;
  if (!Array.isArray(entries)) {
    return unreadable(path, 'has no list named entries; generate it again with drizzle-kit');
  }
  const parsed: Entry[] = [];
  for (const [index, entry] of entries.entries()) {
    const tag: unknown = isRecord(entry) ? entry['tag'] : undefined;
    const when: unknown = isRecord(entry) ? entry['when'] : undefined;
    if (typeof tag !== 'string' || tag === '' || !Number.isSafeInteger(when)) {
      const cure = 'each needs a tag and a when in milliseconds';
      return unreadable(path, `has an entry at place ${index} that cannot be read; ${cure}`);
    }
    parsed.push({ tag, when: Number(when) });
  }
  return parsed;
}

function isList(value: readonly Entry[] | PlanProblem): value is readonly Entry[] {
  return Array.isArray(value);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

interface Dated extends Migration {
  readonly when: number;
}

function load(claim: Found, view: TreeView): History {
  const path = journalPath(claim.folder);
  const empty = emptyHistory(claim.dialect);
  if (view.entry(path) === null) return withoutJournal(claim, view, empty);
  const problems: PlanProblem[] = [];
  const files = [path, ...snapshots(claim.folder, view)];
  const text = readText(view, path, problems);
  if (text === null) return { ...empty, problems, files, broken: true };
  const entries = parseJournal(path, text);
  if (!isList(entries)) return { ...empty, problems: [entries], files, broken: true };
  const seen = new Map<string, Entry>();
  const migrations = entries.flatMap((entry) => {
    const twice = seen.has(entry.tag);
    seen.set(entry.tag, entry);
    if (twice) problems.push(tagTwice(path, text, entry.tag));
    const file = sqlFile(claim.folder, entry.tag);
    if (file === null || !isBelow(file, claim.folder)) {
      problems.push(outside(path, text, entry.tag));
      return [];
    }
    if (view.entry(file) === null) {
      problems.push(fileMissing(path, text, file));
      return [];
    }
    files.push(file);
    return migrationAt(view, file, entry, problems);
  });
  return { ...empty, migrations, problems, files };
}

function withoutJournal(claim: Found, view: TreeView, empty: History): History {
  if (!hasSqlFiles(view, claim.folder)) return empty;
  const path = journalPath(claim.folder);
  const message =
    `${path} is not there although ${folderName(claim.folder)} holds SQL files of Drizzle; the ` +
    'migrator stops with an error and applies nothing. Put the journal back from the base branch ' +
    'or generate it again with drizzle-kit.';
  return { ...empty, problems: [problem('history-deleted', path, message)], broken: true };
}

function snapshots(folder: string, view: TreeView): readonly string[] {
  return view.filesIn(folderOf(journalPath(folder)));
}

function sqlFile(folder: string, tag: string): string | null {
  return joinPath(folder, `./${tag}.sql`);
}

function migrationAt(
  view: TreeView,
  path: string,
  entry: Entry,
  problems: PlanProblem[],
): readonly Dated[] {
  const text = readText(view, path, problems);
  if (text === null) return [];
  const names = { key: entry.tag, version: entry.tag, path };
  const steps = stepsOfFile(view, names, text);
  return [{ ...migrationOf(view, names, steps), when: entry.when }];
}

function lineOfTag(text: string, tag: string): number | null {
  const at = text.indexOf(JSON.stringify(tag));
  return at < 0 ? null : lineAt(text, at);
}

function tagTwice(path: string, text: string, tag: string): PlanProblem {
  const message =
    `${path} names the tag ${tag} twice; Drizzle would run its file once for each entry. ` +
    'Remove one of the entries.';
  return problem('duplicate-version', path, message, lineOfTag(text, tag));
}

function outside(path: string, text: string, tag: string): PlanProblem {
  const message =
    `${path} names the tag ${tag}, whose file lies outside the migrations folder; Drizzle would ` +
    'run it from there. Move the file into the folder and name it there.';
  return problem('unreadable', path, message, lineOfTag(text, tag));
}

function fileMissing(path: string, text: string, file: string): PlanProblem {
  const message =
    `${path} names ${file}, which is not there; Drizzle stops with an error and applies nothing. ` +
    'Add the file or remove the entry.';
  return problem('unreadable', path, message, lineOfTag(text, nameOf(file).replace(SQL_FILE, '')));
}

function whenOf(entry: Migration): number {
  return 'when' in entry && typeof entry.when === 'number' ? entry.when : 0;
}

/** Drizzle's own choice: every entry of the head whose `when` is above the newest on the base. */
function select(base: History, head: History): Selection {
  const newest = base.migrations.toSorted((a, b) => whenOf(b) - whenOf(a))[0] ?? null;
  const before = new Map(base.migrations.map((entry) => [entry.key, entry]));
  const pending: Migration[] = [];
  const problems: PlanProblem[] = [];
  for (const entry of head.migrations) {
    const old = before.get(entry.key);
    const runs = newest === null || whenOf(entry) > whenOf(newest);
    if (runs) pending.push(entry);
    else if (old === undefined) problems.push(skipped(entry, newest));
    if (old !== undefined && whenOf(old) !== whenOf(entry))
      problems.push(redated(entry, old, runs));
  }
  return { pending, problems: [...problems, ...reordered(base, head)] };
}

/** Old entries that changed places: production keeps its order and a new database gets another. */
function reordered(base: History, head: History): readonly PlanProblem[] {
  const before = base.migrations.map((entry) => entry.key);
  const known = new Set(before);
  const now = head.migrations.filter((entry) => known.has(entry.key));
  const left = new Set(now.map((entry) => entry.key));
  const wanted = before.filter((key) => left.has(key));
  const first = now.find((entry, at) => entry.key !== wanted[at]);
  if (first === undefined) return [];
  const message =
    `The journal entry of ${first.path} has changed its place among the old ones, so a new ` +
    'database would run them in another order than production did. Put the old order back.';
  return [problem('history-edited', first.path, message)];
}

function skipped(entry: Migration, newest: Migration): PlanProblem {
  const message =
    `Drizzle would skip ${entry.path} without an error: its journal entry has "when" ` +
    `${whenOf(entry)}, and ${newest.version}, already on the base branch, has ${whenOf(newest)}. ` +
    'Generate the migration again on top of the base branch.';
  return problem('skipped-by-runner', entry.path, message);
}

function redated(entry: Migration, old: Migration, runs: boolean): PlanProblem {
  const effect = runs ? 'Drizzle would run the file again' : 'the record of its order is lost';
  const message =
    `The journal entry of ${entry.path} was changed: its "when" was ${whenOf(old)} and is ` +
    `${whenOf(entry)}; ${effect}. Put the old value back.`;
  return problem('history-edited', entry.path, message);
}

export const drizzle: Framework = {
  name: 'drizzle',
  title: 'Drizzle',
  takes: 'the files that meta/_journal.json names',
  runner: {
    scope: 'batch',
    late: 'skipped',
    lateSays: 'Drizzle skips it without an error',
    editedSays: 'Drizzle does not run it again, so production and a new database would differ',
    deletedSays: 'production has applied it and a new database would not',
    duplicateSays: 'Drizzle runs both',
  },
  code: [],
  configs: (view) => [...drizzleConfigPaths(view), ...journals(view)],
  find,
  needs: (claim, view) => view.filesBelow(claim.folder).filter((path) => SQL_FILE.test(path)),
  load,
  order: (a, b) => whenOf(a) - whenOf(b),
  select,
};
