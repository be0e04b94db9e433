/** The sentences about a plan: what is wrong, what production would do, and how to cure it. */
import type { PlanProblem, PlanProblemCode } from '../core/dry-run.ts';
import type { Framework } from './framework.ts';

/** A problem at a file, and at a line of it where one is known. */
export function problem(
  code: PlanProblemCode,
  path: string,
  message: string,
  line: number | null = null,
): PlanProblem {
  return { code, path, line, message };
}

/** A folder as a sentence names it. */
export function folderName(folder: string): string {
  return folder === '' ? 'the root of the repository' : folder;
}

export function unreadable(path: string, why: string): PlanProblem {
  return problem('unreadable', path, `${path} ${why}.`);
}

export function edited(framework: Framework, path: string): PlanProblem {
  return problem(
    'history-edited',
    path,
    `${path} is already on the base branch and its content was changed; ` +
      `${framework.runner.editedSays}. ` +
      'Put the old content back and make the change in a new migration.',
  );
}

export function deleted(framework: Framework, path: string): PlanProblem {
  return problem(
    'history-deleted',
    path,
    `${path} is on the base branch and was deleted; ${framework.runner.deletedSays}. ` +
      'Put the file back; undo what it did in a new migration.',
  );
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
  return problem(
    'duplicate-version',
    path,
    `${path} has the same version as ${other}; ${framework.runner.duplicateSays}. ` +
      'Give the new migration a version of its own.',
  );
}

export function late(framework: Framework, path: string, after: string): PlanProblem {
  const { runner } = framework;
  const code = runner.late === 'applied' ? 'out-of-order' : 'skipped-by-runner';
  return problem(
    code,
    path,
    `${path} sorts before ${after}, which the base branch already has; ${runner.lateSays}. ` +
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
