/**
 * Atlas: versioned files with `atlas.sum` beside them. Files apply in the order of their names; the
 * usual execution order (linear) stops over one that was added out of order, and any file that the
 * checksum file does not name stops it too.
 */
import type { MigrationStep, PlanProblem } from '../core/dry-run.ts';
import { type SumFile, type SumMismatch, sumMismatch } from './atlas-sum.ts';
import type { Found, Framework, History, Migration } from './framework.ts';
import { problem } from './problems.ts';
import { historyIn, found, migrationOf, peek, readText, stepOf } from './shared.ts';
import { compareBytes, linesOf } from './text.ts';
import { folderOf, joinPath, nameOf, type TreeView } from './tree.ts';

const SUM = 'atlas.sum';

function configs(view: TreeView): readonly string[] {
  return view.candidates.filter((path) => ['atlas.hcl', SUM].includes(nameOf(path)));
}

/** Folders that `atlas.hcl` names as `file://…`, with the layout that it gives them. */
function named(view: TreeView): readonly { source: string; folder: string; format: string }[] {
  return configs(view).flatMap((source) => {
    if (nameOf(source) !== 'atlas.hcl') return [];
    const text = peek(view, source) ?? '';
    const usual = /\bformat\s*=\s*"?([\w-]+)"?/.exec(text)?.[1] ?? 'atlas';
    return [...text.matchAll(/\bdir\s*=\s*"file:\/\/([^"?]+)(?:\?format=([\w-]+))?"/g)].flatMap(
      ([, dir = '', format]) => {
        const folder = joinPath(folderOf(source), dir);
        return folder === null ? [] : [{ source, folder, format: format ?? usual }];
      },
    );
  });
}

function find(view: TreeView): readonly Found[] {
  const stated = named(view);
  const sums = configs(view)
    .filter((path) => nameOf(path) === SUM)
    .map(folderOf);
  const folders = new Set([...sums, ...stated.map((each) => each.folder)]);
  return [...folders]
    .filter((folder) => view.has(folder))
    .map((folder) => {
      const own = stated.filter((each) => each.folder === folder);
      return found(folder, own.length > 0 ? 'config' : 'state', {
        sources: [...new Set(own.map((each) => each.source))],
        options: { format: own[0]?.format ?? 'atlas' },
      });
    });
}

function files(folder: string, view: TreeView): readonly string[] {
  return view.filesIn(folder).filter((path) => path.endsWith('.sql') || nameOf(path) === SUM);
}

function load(claim: Found, view: TreeView): History {
  const problems: PlanProblem[] = [];
  const all = files(claim.folder, view);
  const sum = joinPath(claim.folder, SUM) ?? SUM;
  const listed = namesIn(view, sum);
  const read: SumFile[] = [];
  const migrations = all.flatMap((path) => {
    if (nameOf(path) === SUM) return [];
    const sql = readText(view, path, problems);
    if (sql === null) return [];
    read.push({ name: nameOf(path), sql });
    if (!listed.has(nameOf(path))) problems.push(notListed(sum, path));
    const version = nameOf(path).split(/[_.]/)[0] ?? '';
    const step = stepOf(view, { path, version, sql, transaction: transactionOf(sql) });
    problems.push(...notRunnable(path, sql));
    return [migrationOf(view, { key: version, version, path }, [step])];
  });
  if (read.length + 1 >= all.length) problems.push(...unfitSums(view, sum, read));
  const format = claim.options['format'] ?? 'atlas';
  if (format !== 'atlas') problems.push(otherLayout(claim.folder, format));
  return historyIn(claim, { migrations, problems, files: all, order: order });
}

function namesIn(view: TreeView, sum: string): ReadonlySet<string> {
  const lines = (peek(view, sum) ?? '').split('\n').slice(1);
  return new Set(lines.map((line) => line.replace(/\s+h1:.*$/, '').trim()));
}

/** A folder without the file has every migration named as not listed already. */
function unfitSums(view: TreeView, sum: string, read: readonly SumFile[]): readonly PlanProblem[] {
  const text = peek(view, sum);
  if (text === null) return [];
  const byName = read.toSorted((a, b) => compareBytes(a.name, b.name));
  const mismatch = sumMismatch(text, byName);
  if (mismatch === null) return [];
  const path = mismatch.kind === 'file' ? joinPath(folderOf(sum), mismatch.name) : null;
  const message =
    `${mismatchWords(sum, mismatch)}, so Atlas stops with a checksum error and applies nothing. ` +
    'Put back what was edited, or run atlas migrate hash and commit the result.';
  return [problem('skipped-by-runner', path ?? sum, message)];
}

function mismatchWords(sum: string, mismatch: SumMismatch): string {
  switch (mismatch.kind) {
    case 'file':
      return `The checksum of ${mismatch.name} in ${sum} is not that of its content`;
    case 'gone':
      return `${sum} names ${mismatch.name}, which is not there`;
    case 'form':
      return `Line ${mismatch.line} of ${sum} is no checksum`;
    case 'sum':
      return `The first line of ${sum} is not the checksum of the others`;
  }
}

function transactionOf(sql: string): MigrationStep['transaction'] {
  for (const line of linesOf(sql)) {
    if (line.text.trim() !== '' && !line.text.startsWith('--')) break;
    if (/^--\s*atlas:txmode\s+none\s*$/.test(line.text)) return 'none';
  }
  return 'inherit';
}

function notListed(sum: string, path: string): PlanProblem {
  const message =
    `${path} is not named in ${sum}, so Atlas stops with a checksum error and applies nothing. ` +
    'Run atlas migrate hash and commit the result.';
  return problem('skipped-by-runner', path, message);
}

function notRunnable(path: string, sql: string): readonly PlanProblem[] {
  const what = /^--\s*atlas:delimiter\b/m.test(sql)
    ? 'cuts its statements at a delimiter of its own (atlas:delimiter)'
    : /\{\{.*\}\}/.test(sql)
      ? 'may be a template whose values are known to the production runner only'
      : null;
  if (what === null) return [];
  const message = `${path} ${what}, so what Atlas would run is not known. Write it as plain SQL.`;
  return [problem('not-judged', path, message)];
}

function otherLayout(folder: string, format: string): PlanProblem {
  const message =
    `atlas.hcl reads ${folder} in the layout of ${format}. Name the folder with that framework in ` +
    'the policy on the default branch, so that its up and down parts are told apart.';
  return problem('not-judged', folder, message);
}

function order(a: Migration, b: Migration): number {
  return compareBytes(nameOf(a.path), nameOf(b.path));
}

export const atlas: Framework = {
  name: 'atlas',
  title: 'Atlas',
  takes: 'files ending in .sql directly in the folder',
  runner: {
    scope: 'file',
    late: 'refused',
    lateSays:
      'Atlas stops with an error because it was added out of order, unless the execution order is ' +
      'not linear',
    editedSays:
      'Atlas stops with a checksum error until atlas.sum is written anew, and then does not run it ' +
      'again',
    deletedSays:
      'Atlas stops with a checksum error until atlas.sum is written anew, and a new database would ' +
      'not get it',
    duplicateSays: 'Atlas records one version for both, so one of them can count as applied unrun',
  },
  code: [],
  configs,
  find,
  needs: (claim, view) => files(claim.folder, view),
  load,
  order,
};
