/** What ran, on which engine, and where it stopped. No times: they differ at every run. */
import type { DryRun, FolderRun } from '../dry-run.ts';
import type { Change } from '../evidence.ts';
import { pullWords } from './holds.ts';
import { counted, name, prose, some } from './text.ts';

const STATUS: Readonly<Record<DryRun['status'], string>> = {
  ok: 'the migrations ran',
  failed: 'the migrations failed',
  'not-comparable': 'the migrations could not be compared',
  none: 'there is nothing to run',
};

/** The paragraphs of the fold about one change. */
export function dryRunWords(change: Change): readonly string[] {
  const { dryRun } = change;
  const engine = dryRun.engine === null ? '' : ` on PostgreSQL ${name(dryRun.engine.version)}`;
  const stated = dryRun.stated === undefined ? '' : ", as stated by the change's own CI";
  const reason = dryRun.reason === null ? '' : ` ${prose(dryRun.reason)}`;
  const first = `Dry run of ${pullWords(change.pull)}: ${STATUS[dryRun.status]}${engine}${stated}.${reason}`;
  const problems = dryRun.problems
    .slice(0, 20)
    .map((problem) => `- ${name(problem.path)}: ${prose(problem.message)} (${name(problem.code)})`);
  return [
    first,
    ...dryRun.folders.slice(0, 20).map(folderWords),
    ...(problems.length > 0 ? [problems.join('\n')] : []),
    ...adviceWords(dryRun.advice),
  ];
}

function folderWords(folder: FolderRun): string {
  const files = folder.steps.map((step) => name(step.path));
  const ran =
    `${name(folder.folder)} (${name(folder.framework)}): ${counted(folder.steps.length, 'file')}` +
    `${files.length === 0 ? '' : ` (${some(files, 5)})`}, ` +
    `${counted(folder.statements.length, 'statement')}.`;
  const { error } = folder;
  if (error === null) return ran;
  const where = error.path === null ? '' : ` in ${name(error.path)}, line ${error.line ?? '?'}`;
  return `${ran} It stopped${where}: ${prose(error.message)} (${name(error.sqlstate)}).`;
}

/** Advice beside the proof; that there is none to have is said too. */
function adviceWords(advice: DryRun['advice']): readonly string[] {
  if (advice === undefined) return [];
  if (advice === null) return ['Advice is not available: the linter squawk gave none here.'];
  const { by, rows, complete } = advice;
  if (rows.length === 0) return [`Advice of ${name(by)}, which decides nothing: none.`];
  const lines = rows.slice(0, 20).map(({ path, line, message, safer, rule }) => {
    const help = safer === null ? '' : ` Safer: ${prose(safer)}`;
    return `- ${name(path)}, line ${line}: ${prose(message)}${help} (${name(rule)})`;
  });
  const more = complete && rows.length <= 20 ? [] : ['- and more'];
  return [[`Advice of ${name(by)}, which decides nothing:`, ...lines, ...more].join('\n')];
}
