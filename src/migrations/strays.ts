/** Files of a migrations folder that its runner does not take: nothing there may go unseen. */
import type { PlanProblem } from '../core/dry-run.ts';
import type { Claim, Context } from './claims.ts';
import type { History } from './framework.ts';
import { neverTaken, unreadable, writtenInCode } from './problems.ts';
import { SQL_FILE } from './shared.ts';
import { folderOf, isBelow, isLink, linkName, nameOf } from './tree.ts';

/** Problems of changed files in the folder that are neither migrations nor their helpers. */
export function strayProblems(
  claim: Claim,
  head: History,
  context: Context,
): readonly PlanProblem[] {
  const { views, changed, folders } = context;
  const inner = folders.filter((each) => each !== claim.folder && isBelow(each, claim.folder));
  const known = new Set(head.files);
  const inside = [...changed].filter((path) => {
    if (claim.folder === '' && path.includes('/')) return false;
    return isBelow(path, claim.folder) && !inner.some((each) => isBelow(path, each));
  });
  return [...inside, ...ancestors(claim.folder)].flatMap((path) => {
    const entry = views.head.entry(path);
    if (entry === null) return [];
    if (isLink(entry)) return [linked(path, linkName(entry))];
    if (known.has(path)) return [];
    if (SQL_FILE.test(path)) return [neverTaken(claim.framework, path, claim.folder)];
    return codeProblems(claim, path);
  });
}

function linked(path: string, what: string): PlanProblem {
  return unreadable(
    path,
    `is ${what} in or at a migrations folder, and what it points to is not read; ` +
      'commit the files themselves',
  );
}

function codeProblems(claim: Claim, path: string): readonly PlanProblem[] {
  const extension = /\.(\w+)$/.exec(nameOf(path))?.[1] ?? '';
  const direct = folderOf(path) === claim.folder;
  if (!direct || !claim.framework.code.includes(extension) || !/\d/.test(nameOf(path))) return [];
  const message =
    `${path} is a migration written in code, and the code of a repository is never run here. ` +
    'Write it as SQL, or let the workflow of this repository print its SQL into an artifact named ' +
    'tagout-plan.';
  return [writtenInCode(path, message)];
}

function ancestors(folder: string): readonly string[] {
  const all: string[] = [];
  for (let up = folder; up !== ''; up = folderOf(up)) all.push(up);
  return all;
}
