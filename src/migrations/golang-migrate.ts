/**
 * golang-migrate: `<number>_<title>.up.<ext>` with an optional `.down.` twin, by number. `up` goes
 * on from the version that the database stands on; each file is sent as one simple query.
 */
import type { PlanProblem } from '../core/dry-run.ts';
import { byName } from './folders.ts';
import { selectPending } from './compare.ts';
import type { Found, Framework, History, Selection } from './framework.ts';
import { alreadyApplied, downAlone } from './problems.ts';
import {
  byNumber,
  historyIn,
  migrationOf,
  plainNumber,
  readText,
  simpleQuery,
  stepOf,
} from './shared.ts';
import { nameOf, type TreeView } from './tree.ts';

/** golang-migrate takes any ending; `.fizz` is of pop, whose other files have the same names. */
const NAME = /^(\d+)_(.*)\.(down|up)\.(?!fizz$)(.*)$/;
const ALONE =
  'golang-migrate records its version as applied and runs nothing, so an up file that comes later ' +
  'would never run';
const UP_SQL = /^\d+_.*\.up\.sql$/i;

function files(folder: string, view: TreeView): readonly string[] {
  return view.filesIn(folder).filter((path) => NAME.test(nameOf(path)));
}

function versionOf(path: string): string {
  return plainNumber(NAME.exec(nameOf(path))?.[1] ?? '0');
}

function isDown(path: string): boolean {
  return NAME.exec(nameOf(path))?.[3] === 'down';
}

function load(claim: Found, view: TreeView): History {
  const problems: PlanProblem[] = [];
  const all = files(claim.folder, view);
  const downs = new Map(all.filter(isDown).map((path) => [versionOf(path), path]));
  const migrations = all.flatMap((path) => {
    if (isDown(path)) return [];
    const sql = readText(view, path, problems);
    if (sql === null) return [];
    const version = versionOf(path);
    const downPath = downs.get(version);
    const down = downPath === undefined ? null : readText(view, downPath, problems);
    const step = stepOf(view, { path, version, sql, down, transaction: simpleQuery(sql) });
    return [migrationOf(view, { key: version, version, path }, [step])];
  });
  const known = new Set(migrations.map((entry) => entry.version));
  for (const [version, path] of downs) {
    if (!known.has(version)) problems.push(downAlone(path, ALONE));
  }
  return historyIn(claim, { migrations, problems, files: all, order: byNumber });
}

/** A version of the base branch counts as applied even where it had a down file alone. */
function select(base: History, head: History): Selection {
  const general = selectPending(golangMigrate, base, head);
  const recorded = new Set(base.files.map(versionOf));
  const [late, pending] = [true, false].map((is) =>
    general.pending.filter((entry) => recorded.has(entry.version) === is),
  );
  const skipped = (late ?? []).map((entry) =>
    alreadyApplied(golangMigrate, entry.path, entry.version),
  );
  return { pending: pending ?? [], problems: [...general.problems, ...skipped] };
}

export const golangMigrate: Framework = {
  name: 'golang-migrate',
  title: 'golang-migrate',
  takes: 'files such as 0001_name.up.sql directly in the folder',
  runner: {
    scope: 'file',
    late: 'skipped',
    lateSays:
      'golang-migrate goes on from the version that the database stands on and passes over lower ' +
      'ones without an error',
    editedSays: 'golang-migrate keeps no checksums and does not run it again',
    deletedSays:
      'a new database would not get it, and golang-migrate stops with an error when production ' +
      'stands on that version',
    duplicateSays: 'golang-migrate stops with an error over duplicate files and applies nothing',
  },
  // pop reads the same names and takes .fizz beside them.
  code: ['fizz'],
  configs: () => [],
  find: (view) => byName(view, UP_SQL),
  needs: (claim, view) => files(claim.folder, view),
  load,
  order: byNumber,
  select,
};
