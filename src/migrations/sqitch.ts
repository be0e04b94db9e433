/**
 * Sqitch: `sqitch.plan` gives the order of the changes, whose scripts are `deploy/<change>.sql`,
 * `revert/` and `verify/`. psql runs each script as it is written, so transactions are the script's.
 * A change's identity covers its place in the plan, so nothing can be inserted into history.
 */
import type { PlanProblem } from '../core/dry-run.ts';
import type { Found, Framework, History, Selection } from './framework.ts';
import { problem, unreadable } from './problems.ts';
import { emptyHistory, found, migrationOf, peek, readText, stepOf } from './shared.ts';
import { linesOf } from './text.ts';
import { folderOf, joinPath, nameOf, type TreeView } from './tree.ts';

const PLAN = 'sqitch.plan';

function configs(view: TreeView): readonly string[] {
  return view.candidates.filter((path) => [PLAN, 'sqitch.conf'].includes(nameOf(path)));
}

/** The folder claimed is that of the deploy scripts; plan, revert and verify are its companions. */
function find(view: TreeView): readonly Found[] {
  return configs(view)
    .filter((path) => nameOf(path) === PLAN)
    .map((plan) => {
      const top = folderOf(plan);
      const conf = [`${top}/sqitch.conf`, `${folderOf(top)}/sqitch.conf`, 'sqitch.conf']
        .map((path) => joinPath('', path) ?? '')
        .find((path) => view.entry(path) !== null);
      const engine = /^\s*engine\s*=\s*(\w+)/m.exec(peek(view, conf ?? '') ?? '')?.[1] ?? 'pg';
      return found(joinPath(top, 'deploy') ?? 'deploy', 'state', {
        sources: conf === undefined ? [plan] : [plan, conf],
        dialect: engine === 'pg' ? 'postgresql' : 'other',
        options: { plan },
      });
    });
}

interface Planned {
  readonly name: string;
  readonly script: string;
  /** How often the plan has named it so far: a reworked change is named again. */
  readonly occurrence: number;
  readonly line: number;
}

/** Changes in the plan's order; a reworked change keeps its old script under `name@tag`. */
function plannedIn(text: string): readonly Planned[] {
  const rows = linesOf(text).flatMap((line) => {
    const match = /^\s*([^\s#%]\S*)/.exec(line.text);
    return match === null ? [] : [{ word: match[1] ?? '', line: line.number }];
  });
  return rows.flatMap(({ word, line }, index) => {
    if (word.startsWith('@')) return [];
    const later = rows.slice(index + 1);
    const again = later.findIndex((row) => row.word === word);
    const tag =
      again < 0 ? undefined : later.slice(0, again).find((row) => row.word.startsWith('@'));
    const occurrence = rows.slice(0, index + 1).filter((row) => row.word === word).length;
    return [{ name: word, script: `${word}${tag?.word ?? ''}`, occurrence, line }];
  });
}

function planPath(claim: Found): string {
  return claim.options['plan'] ?? joinPath(folderOf(claim.folder), PLAN) ?? PLAN;
}

function load(claim: Found, view: TreeView): History {
  const problems: PlanProblem[] = [];
  const plan = planPath(claim);
  const top = folderOf(plan);
  const files = [plan, ...scripts(top, view)];
  const text = readText(view, plan, problems);
  const empty = emptyHistory(claim.dialect);
  if (text === null) return { ...empty, problems, files, broken: true };
  const migrations = plannedIn(text).flatMap(({ name, script, occurrence, line }) => {
    const path = joinPath(top, `deploy/${script}.sql`);
    if (path === null || view.entry(path) === null) {
      const why = `names the change ${script} (line ${line}), whose deploy script is not there; add it`;
      problems.push({ ...unreadable(plan, why), line });
      return [];
    }
    const sql = readText(view, path, problems);
    if (sql === null) return [];
    const revert = joinPath(top, `revert/${script}.sql`) ?? '';
    const down = view.entry(revert) === null ? null : readText(view, revert, problems);
    const step = stepOf(view, { path, version: name, sql, down });
    const migration = migrationOf(view, { key: `${name} ${occurrence}`, version: name, path }, [
      step,
    ]);
    return [{ ...migration, content: migration.blob }];
  });
  const history = { ...empty, migrations, problems, files };
  return { ...history, problems: [...problems, ...notPlanned(history)] };
}

function scripts(top: string, view: TreeView): readonly string[] {
  return ['deploy', 'revert', 'verify'].flatMap((kind) => {
    return view.filesBelow(joinPath(top, kind) ?? kind).filter((path) => path.endsWith('.sql'));
  });
}

/** Only what the plan appends is deployed; anything else in front changes what is applied. */
function select(base: History, head: History): Selection {
  const length = base.migrations.length;
  const intact = base.migrations.every(
    (entry, at) => head.migrations[at]?.version === entry.version,
  );
  if (intact) return { pending: head.migrations.slice(length), problems: [] };
  const at = base.migrations.findIndex((entry, place) => {
    return head.migrations[place]?.version !== entry.version;
  });
  const path = head.migrations[at]?.path ?? base.migrations[at]?.path ?? PLAN;
  const message =
    `The plan no longer begins with the changes of the base branch: ${path} stands where ` +
    `${base.migrations[at]?.path ?? PLAN} stood. Sqitch stops because the deployed changes are not ` +
    'in the plan. Append new changes at the end.';
  const known = new Set(base.migrations.map((entry) => entry.key));
  const pending = head.migrations.filter((entry) => !known.has(entry.key));
  return { pending, problems: [problem('history-edited', path, message)] };
}

/** Deploy scripts that no line of the plan names. */
function notPlanned(head: History): readonly PlanProblem[] {
  const planned = new Set(head.migrations.map((entry) => entry.path));
  const plan = head.files[0] ?? PLAN;
  const deploy = joinPath(folderOf(plan), 'deploy') ?? 'deploy';
  return head.files
    .filter((path) => path.startsWith(`${deploy}/`) && !planned.has(path))
    .map((path) => {
      const message =
        `${path} is in no line of ${plan}, so Sqitch never deploys it. ` +
        'Add the change with sqitch add, or move the file elsewhere.';
      return problem('skipped-by-runner', path, message);
    });
}

export const sqitch: Framework = {
  name: 'sqitch',
  title: 'Sqitch',
  takes: 'the scripts that sqitch.plan names',
  runner: {
    scope: 'statement',
    late: 'refused',
    lateSays: 'Sqitch stops because the deployed changes are not in the plan',
    editedSays: 'sqitch deploy compares names and places, not scripts, and does not run it again',
    deletedSays: 'Sqitch stops because a deployed change is not in the plan',
    duplicateSays: 'Sqitch takes the later one as a rework of the first',
  },
  code: [],
  configs,
  find,
  needs: (claim, view) => [planPath(claim), ...scripts(folderOf(planPath(claim)), view)],
  load,
  order: () => 0,
  select,
};
