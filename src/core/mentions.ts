/**
 * Whether code still names what a migration drops or renames. The base branch's code runs beside
 * the new schema until the next release is out, so that such a line fails in production.
 */
import type { DryRun, ObjectChange } from './dry-run.ts';

/** Places beyond this are not told for one name; the reader has seen enough. */
const MAX_PLACES = 20;

export interface NamedLine {
  /** As `namesToLookFor` gives it. */
  readonly name: string;
  /** 1-based. */
  readonly line: number;
}

function isGone({ kind, change, after }: ObjectChange): boolean {
  if (kind !== 'table' && kind !== 'column' && kind !== 'view') return false;
  return (
    change === 'removed' || (change === 'changed' && after?.startsWith('renamed to ') === true)
  );
}

/**
 * Tables, views and columns that the dry run dropped or renamed (`users`, `users.email`), sorted.
 * Columns of a table that is itself gone are told with the table.
 */
export function namesToLookFor(run: DryRun): string[] {
  const objects = run.folders.flatMap(({ observation }) => observation?.objects ?? []);
  const fresh = new Set(
    objects.filter(({ change }) => change === 'added').map(({ object }) => object),
  );
  const gone = objects.filter((one) => isGone(one) && !fresh.has(one.object));
  const tables = new Set(gone.filter(({ kind }) => kind !== 'column').map(({ object }) => object));
  const names = gone
    .filter(({ kind, object }) => kind !== 'column' || !tables.has(holderOf(object)))
    .map(({ object }) => object);
  return [...new Set(names)].toSorted();
}

function holderOf(object: string): string {
  return object.slice(0, Math.max(0, object.lastIndexOf('.')));
}

/** `user_id` as code may write it: `user_id`, `userId`, `UserId`. */
function spellings(part: string): readonly string[] {
  const camel = part.replace(/_+([a-z\d])/g, (_, letter: string) => letter.toUpperCase());
  return [...new Set([part, camel, camel.charAt(0).toUpperCase() + camel.slice(1)])];
}

function wordPattern(part: string): RegExp {
  const words = spellings(part).map((word) => word.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&'));
  return new RegExp(`(?<![\\w$])(?:${words.join('|')})(?![\\w$])`);
}

/**
 * Lines of a text that name one of the objects: its last part as a whole word, in a text that names
 * what it belongs to as well. `email` alone is not `users.email`; a table is also found as a word.
 */
export function mentionsIn(text: string, names: readonly string[]): NamedLine[] {
  const present = names.filter((name) =>
    name.split('.').every((part) => wordPattern(part).test(text)),
  );
  if (present.length === 0) return [];
  const lines = text.split('\n');
  return present.flatMap((name) => {
    const pattern = wordPattern(name.slice(name.lastIndexOf('.') + 1));
    return lines
      .flatMap((line, at) => (pattern.test(line) ? [{ name, line: at + 1 }] : []))
      .slice(0, MAX_PLACES);
  });
}
