/** Postgrator: `<number>.do.<name>.sql` and `.undo.`, on from the highest version applied. */
import type { PlanProblem } from '../core/dry-run.ts';
import { byName } from './folders.ts';
import type { Found, Framework, History } from './framework.ts';
import { downAlone } from './problems.ts';
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

const NAME = /^(\d+)\.(do|undo)\.(?:.*\.)?sql$/;

const ALONE = 'Postgrator runs .do. files on its way up and passes over it without an error';

function files(folder: string, view: TreeView): readonly string[] {
  return view.filesIn(folder).filter((path) => NAME.test(nameOf(path)));
}

function load(claim: Found, view: TreeView): History {
  const problems: PlanProblem[] = [];
  const all = files(claim.folder, view);
  const parsed = all.map((path) => {
    const match = NAME.exec(nameOf(path));
    return { path, version: plainNumber(match?.[1] ?? '0'), down: match?.[2] === 'undo' };
  });
  const downs = new Map(
    parsed.filter((each) => each.down).map((each) => [each.version, each.path]),
  );
  const migrations = parsed.flatMap(({ path, version, down: isDown }) => {
    const sql = isDown ? null : readText(view, path, problems);
    if (sql === null) return [];
    const downPath = downs.get(version);
    const down = downPath === undefined ? null : readText(view, downPath, problems);
    const step = stepOf(view, { path, version, sql, down, transaction: simpleQuery(sql) });
    return [migrationOf(view, { key: version, version, path }, [step])];
  });
  const ups = new Set(migrations.map((entry) => entry.version));
  for (const [version, path] of downs) {
    if (!ups.has(version)) problems.push(downAlone(path, ALONE));
  }
  return historyIn(claim, { migrations, problems, files: all, order: byNumber });
}

export const postgrator: Framework = {
  name: 'postgrator',
  title: 'Postgrator',
  takes: 'files such as 001.do.name.sql directly in the folder',
  runner: {
    scope: 'file',
    late: 'skipped',
    lateSays: 'Postgrator goes on from the highest version applied and passes over lower ones',
    editedSays: 'Postgrator compares checksums and stops with an error',
    deletedSays: 'production has applied it and a new database would not',
    duplicateSays: 'Postgrator stops with an error over the duplicate version',
  },
  code: ['js', 'mjs', 'cjs', 'ts'],
  configs: () => [],
  find: (view) => byName(view, NAME),
  needs: (claim, view) => files(claim.folder, view),
  load,
  order: byNumber,
};
