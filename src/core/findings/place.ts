/** Which statement of a folder's run did something to an object: where an annotation belongs. */
import type { FolderRun, StatementRun } from '../dry-run.ts';

export interface FoundPlace {
  readonly path: string | null;
  readonly line: number | null;
}

const plainName = (text: string): string => text.toLowerCase().replaceAll('"', '');

function mentions(text: string, name: string): boolean {
  const last = plainName(name);
  let at = text.indexOf(last);
  while (at >= 0) {
    const before = text[at - 1] ?? ' ';
    const after = text[at + last.length] ?? ' ';
    if (!/[\w$]/.test(before) && !/[\w$]/.test(after)) return true;
    at = text.indexOf(last, at + 1);
  }
  return false;
}

/** More than a text can reach: the server itself said that this statement did it. */
const surely = 1000;

/** How surely a statement is the one: the server said so, or it names the object and uses the verb. */
function score(statement: StatementRun, object: string, verbs: RegExp): number {
  const parts = partsOf(object);
  const text = plainName(statement.text);
  const named = parts.filter((part) => mentions(text, part)).length;
  const locked = statement.locks.some(({ object }) => parts.includes(object)) ? 1 : 0;
  if (named === 0 && locked === 0 && statement.objects?.includes(object) !== true) return 0;
  const told = statement.objects?.includes(object) === true ? surely : 0;
  return told + named * 4 + locked * 2 + (verbs.test(text) ? 3 : 0);
}

function partsOf(object: string): readonly string[] {
  return object.split(/[.(]/).filter((part) => part !== '' && part !== 'public');
}

/**
 * The statement that most probably did it; with none in sight (a function, a cascade) the only
 * file that ran, and no line.
 */
export function placeOf(folder: FolderRun, object: string, verbs: RegExp): FoundPlace {
  let best: StatementRun | null = null;
  let bestScore = 0;
  for (const statement of folder.statements) {
    const points = score(statement, object, verbs);
    if (points > bestScore) {
      best = statement;
      bestScore = points;
    }
  }
  if (best !== null) return { path: best.path, line: best.line };
  const [only, second] = folder.steps;
  return { path: second === undefined ? (only?.path ?? null) : null, line: null };
}
