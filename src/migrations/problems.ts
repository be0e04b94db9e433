/** The sentences about a plan: what is wrong, what production would do, and how to cure it. */
import type { PlanProblem, PlanProblemCode } from '../core/dry-run.ts';
import type { Framework, Migration, Runner } from './framework.ts';

/** A problem at a file, and at a line of it where one is known. */
export function problem(
  code: PlanProblemCode,
  path: string,
  message: string,
  line: number | null = null,
): PlanProblem {
  return { code, path, line, message };
}

/** A migration written in code, which a printed plan can stand for. */
export function writtenInCode(path: string, message: string): PlanProblem {
  return { ...problem('not-judged', path, message), inCode: true };
}

/** A folder as a sentence names it. */
export function folderName(folder: string): string {
  return folder === '' ? 'the root of the repository' : folder;
}

export function unreadable(path: string, why: string): PlanProblem {
  return problem('unreadable', path, `${path} ${why}.`);
}

export function edited(framework: Framework, before: Migration): PlanProblem {
  return problem(
    'history-edited',
    before.path,
    `${unitName(before)} is already on the base branch and its content was changed; ` +
      `${framework.runner.editedSays}. ` +
      'Put the old content back and make the change in a new migration.',
  );
}

export function downEdited(framework: Framework, before: Migration): PlanProblem {
  return problem(
    'history-edited',
    before.path,
    `The down part of ${unitName(before)}, which is already on the base branch, was changed; ` +
      `${framework.title} runs the new text when somebody rolls back. ` +
      'Put the old text back, or let a person release this change.',
  );
}

export function deleted(framework: Framework, before: Migration): PlanProblem {
  return problem(
    'history-deleted',
    before.path,
    `${unitName(before)} is in the history of the base branch and no longer in this one; ` +
      `${framework.runner.deletedSays}. Put it back; undo what it did in a new migration.`,
  );
}

/** A file, or the part of a file that the runner knows by a name of its own. */
function unitName(entry: Migration): string {
  return entry.content === undefined ? entry.path : `The change ${entry.version} in ${entry.path}`;
}

export function renamed(framework: Framework, from: string, to: string): PlanProblem {
  return problem(
    'history-deleted',
    from,
    `${from} is on the base branch and was renamed to ${to}; ${framework.runner.deletedSays}. ` +
      'Give the file its old name back.',
  );
}

export function duplicate(framework: Framework, path: string, other: string): PlanProblem {
  const same =
    path === other
      ? `${path} has two migrations of one name`
      : `${path} has the same version as ${other}`;
  return problem(
    'duplicate-version',
    path,
    `${same}; ${framework.runner.duplicateSays}. ` + 'Give the new migration a version of its own.',
  );
}

export function late(
  framework: Framework,
  path: string,
  { after, lateness }: { readonly after: string; readonly lateness: Runner['late'] },
): PlanProblem {
  const { runner, title } = framework;
  const usual = lateness === runner.late;
  const says = usual ? runner.lateSays : `${title} is configured to apply it all the same`;
  return problem(
    lateness === 'applied' ? 'out-of-order' : 'skipped-by-runner',
    path,
    `${path} sorts before ${after}, which the base branch already has; ${says}. ` +
      'Give it a version above all that are on the base branch.',
  );
}

export function alreadyApplied(framework: Framework, path: string, version: string): PlanProblem {
  return problem(
    'skipped-by-runner',
    path,
    `${path} has version ${version}, which the base branch already has under another file; ` +
      `${framework.title} counts it as applied and would not run it. Give it a new version.`,
  );
}

/** A new down part with no up part to it; `says` is what the runner makes of that. */
export function downAlone(path: string, says: string): PlanProblem {
  return problem(
    'skipped-by-runner',
    path,
    `${path} is a down part without an up part; ${says}. ` +
      'Add the up part beside it, or remove the file.',
  );
}

export function neverTaken(framework: Framework, path: string, folder: string): PlanProblem {
  return problem(
    'skipped-by-runner',
    path,
    `${path} lies in ${folderName(folder)} of ${framework.title} and would never be applied: ` +
      `the runner takes ${framework.takes}. Rename it, register it, or move it elsewhere.`,
  );
}

export function namedTwice(folder: string, names: readonly string[]): PlanProblem {
  return problem(
    'not-judged',
    folder,
    `${folderName(folder)} is claimed by ${names.join(' and ')}, and they differ in what production ` +
      'would run. Name one in the policy on the default branch: ' +
      `migrations: { folders: [{ path: ${folder === '' ? '.' : folder}, framework: … }] }.`,
  );
}

export function otherDialect(framework: Framework, folder: string): PlanProblem {
  return problem(
    'not-judged',
    folder,
    `The ${framework.title} migrations in ${folderName(folder)} are not for PostgreSQL, so they ` +
      'were not run. A person has to judge them from the diff.',
  );
}

export function moved(framework: Framework, source: string, folder: string): PlanProblem {
  return problem(
    'not-judged',
    source,
    `${source} was changed so that ${framework.title} no longer reads the same folder in the same ` +
      `way (${folderName(folder)}); what production would run cannot be told from the base ` +
      'branch. Keep the setting, or move the folder in a change of its own that a person releases.',
  );
}
