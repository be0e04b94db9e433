/** Whether the migrations ran, could be compared, and would be applied by the real runner at all. */
import type { DryRun, FolderRun, PlanProblem, PlanProblemCode, SqlError } from '../dry-run.ts';
import type { BlastRadius, Finding } from '../findings.ts';
import { findData } from './data.ts';
import { findDestruction } from './destruction.ts';
import { counted, makeFinding } from './make.ts';
import { findObjects } from './objects.ts';
import { findStatements } from './statements.ts';

/** The radius of each problem of a plan. */
const problemRadius: Readonly<Record<PlanProblemCode, BlastRadius>> = {
  'skipped-by-runner': 'high',
  'out-of-order': 'high',
  'history-edited': 'critical',
  'history-deleted': 'critical',
  'duplicate-version': 'high',
  'several-heads': 'high',
  unreadable: 'high',
  'not-judged': 'high',
  'suppression-added': 'medium',
};

function problemFinding(problem: PlanProblem): Finding {
  const { code, path, line, message } = problem;
  return makeFinding({
    id: code,
    radius: problemRadius[code],
    object: path,
    message,
    evidence: 'plan',
    path,
    line,
    advice: true,
  });
}

function failure(folder: FolderRun, error: SqlError): Finding {
  const { message, sqlstate, path, line } = error;
  return makeFinding({
    id: 'migration-fails',
    radius: 'high',
    object: path ?? folder.folder,
    message: `The migration fails: ${message} (SQLSTATE ${sqlstate})`,
    evidence: 'dry run',
    path: path ?? folder.steps[0]?.path ?? null,
    line,
  });
}

/** What a repository can reach outside its database is 42501 in the sandbox: it was tried. */
const escapes =
  /\b(?:copy\b[^;]{0,200}\bprogram|pg_read_file|pg_read_binary_file|pg_ls_dir|lo_import|lo_export|dblink|alter system|set (?:local |session )?(?:role|session authorization)|create (?:role|user)|create (?:foreign server|server|event trigger)|pg_terminate_backend|pg_reload_conf)\b|\bload\s+e?'|\bcopy\b[^;]{0,200}\b(?:from|to)\s+e?'/i;

function escapeAttempts(folder: FolderRun): readonly Finding[] {
  return folder.statements
    .filter(({ error, text }) => error?.sqlstate === '42501' && escapes.test(text))
    .map(({ path, line, error }) =>
      makeFinding({
        id: 'escape-attempt',
        radius: 'critical',
        object: path,
        message: `A statement reaches outside its database: ${error?.message ?? ''}`,
        evidence: 'dry run',
        path,
        line,
      }),
    );
}

function folderFindings(run: DryRun, folder: FolderRun): readonly Finding[] {
  return [
    ...escapeAttempts(folder),
    ...(folder.error === null ? [] : [failure(folder, folder.error)]),
    ...findData(run, folder),
    ...findDestruction(run, folder),
    ...findObjects(folder),
    ...findStatements(run, folder),
    ...unfilled(folder),
    ...leftOut(folder),
  ];
}

/** A table without rows shows no loss: the reader must know which. */
function unfilled(folder: FolderRun): readonly Finding[] {
  return (folder.observation?.unfilled ?? []).map(({ table, reason }) =>
    makeFinding({
      id: 'table-not-filled',
      radius: 'low',
      object: table,
      message: `No rows could be made for ${table}, so a loss there would not show: ${reason}`,
      evidence: 'dry run',
      advice: true,
    }),
  );
}

/** What production has beside the tables can stop or change a migration there. */
function leftOut(folder: FolderRun): readonly Finding[] {
  return (folder.observation?.leftOut ?? []).map((object) =>
    makeFinding({
      id: 'baseline-incomplete',
      radius: 'medium',
      object,
      message: `The dump of production has the ${object}, which the dry run may not make: what it does to this change was not seen`,
      evidence: 'dry run',
      advice: true,
    }),
  );
}

function statusFinding(run: DryRun, told: readonly Finding[]): readonly Finding[] {
  const { status, reason } = run;
  if (status === 'ok' || status === 'none') return [];
  if (status === 'failed' && told.some(({ id }) => id === 'migration-fails')) return [];
  const failed = status === 'failed';
  return [
    makeFinding({
      id: failed ? 'dry-run-failed' : 'not-comparable',
      radius: 'high',
      object: 'migrations',
      message:
        reason ??
        (failed ? 'The dry run failed' : 'The dry run could not be compared with production'),
      evidence: 'dry run',
    }),
  ];
}

/** The plan is the change's own word: it is run and shown, and never makes a change less than high. */
function statedFinding({ stated }: DryRun): readonly Finding[] {
  if (stated === undefined) return [];
  const { sha256, source, runId, migrations } = stated;
  const where = runId === null ? source : `${source}, run ${runId}`;
  return [
    makeFinding({
      id: 'stated-by-ci',
      radius: 'high',
      object: `tagout-plan ${sha256}`,
      message:
        `${counted(migrations, 'migration')} written in code ran as stated by the change's own CI ` +
        `(${where}): what they do in production is the change's own word`,
      evidence: 'plan',
      figures: { migrations },
    }),
  ];
}

/** Findings from the dry run: proof, or that there is none. */
export function findRun(run: DryRun): readonly Finding[] {
  const told = run.folders.flatMap((folder) => folderFindings(run, folder));
  return [
    ...statusFinding(run, told),
    ...statedFinding(run),
    ...told,
    ...run.problems.map(problemFinding),
  ];
}
