/** From two trees to migration plans: what production has, what the change adds, what is wrong. */
import type { MigrationPlan, PlanProblem, SourceTree } from '../core/dry-run.ts';
import type { MigrationSettings } from '../core/policy.ts';
import { changedPaths, mayTouch } from './changes.ts';
import { type Claim, claimsOf, type Context, type Views } from './claims.ts';
import { duplicates, selectPending, stepsOf, touchedHistory } from './compare.ts';
import type { Found, Framework, History } from './framework.ts';
import { frameworks } from './frameworks.ts';
import { otherDialect, problem } from './problems.ts';
import { emptyHistory, found, SQL_FILE } from './shared.ts';
import { strayProblems } from './strays.ts';
import { suppressions } from './suppressions.ts';
import { compareBytes } from './text.ts';
import { folderOf, isBelow, type Texts, viewOf } from './tree.ts';

export { touchesMigrations } from './changes.ts';
export { frameworks } from './frameworks.ts';
export { unclaimedSql } from './unclaimed.ts';

/** A plan with the changed files that belong to its framework without being one of its steps. */
export interface FolderPlan extends MigrationPlan {
  readonly companions: readonly string[];
}

export interface PlanInput {
  /** The tree of the base branch's tip. */
  readonly base: SourceTree;
  /** The same tree with the change laid over it. */
  readonly head: SourceTree;
  readonly settings: Pick<MigrationSettings, 'folders'>;
}

/**
 * A plan for every migrations folder that the change touches, in byte order of the folders. A
 * folder with nothing pending and nothing wrong has none. Bad content becomes problems of a plan;
 * only a tree that cannot be read throws (TagoutError, from `SourceTree.read`).
 */
export async function planMigrations(input: PlanInput): Promise<readonly FolderPlan[]> {
  const texts: Texts = new Map();
  const views: Views = { base: viewOf(input.base, texts), head: viewOf(input.head, texts) };
  const changed = changedPaths(views.base, views.head);
  if (!mayTouch(changed, views.base, views.head)) return [];
  const touched = touchedFolders(changed, views);
  await fetchBoth(views, (view) => [
    ...frameworks.flatMap((framework) => framework.configs(view)),
    ...touched.flatMap((folder) => view.filesIn(folder).filter((path) => SQL_FILE.test(path))),
  ]);
  const all = claimsOf(views, touched, input.settings);
  const claims = all.filter((claim) => isTouched(claim, changed));
  await fetchBoth(views, (view, side) =>
    claims.flatMap((claim) => claim.framework.needs(sideOf(claim, side), view)),
  );
  const folders = all.map((claim) => claim.folder);
  return claims
    .map((claim) => planOf(claim, { views, changed, folders }))
    .filter((plan) => plan.pending.length > 0 || plan.problems.length > 0);
}

type Side = keyof Views;

async function fetchBoth(
  views: Views,
  wanted: (view: Views[Side], side: Side) => readonly string[],
): Promise<void> {
  // The head first: what both trees share is then known and not read twice.
  await views.head.fetch(wanted(views.head, 'head'));
  await views.base.fetch(wanted(views.base, 'base'));
}

/** Folders that hold `.sql` files and in which any file was added, changed or removed. */
function touchedFolders(changed: ReadonlySet<string>, views: Views): readonly string[] {
  const folders = new Set([...changed].map(folderOf));
  // A changelog orders and includes files of other folders, so all of them may have changed.
  if ([...changed].some((path) => /change-?log/i.test(path))) {
    for (const path of views.head.candidates) if (SQL_FILE.test(path)) folders.add(folderOf(path));
  }
  const holdsSql = (folder: string): boolean =>
    [views.base, views.head].some((view) =>
      view.filesIn(folder).some((path) => SQL_FILE.test(path)),
    );
  return [...folders].filter(holdsSql).sort(compareBytes);
}

/** Manifests change with every dependency; what they say of migrations is compared by meaning. */
const MANIFEST = /(?:^|\/)(?:package\.json|Cargo\.toml)$/;

function isTouched(claim: Claim, changed: ReadonlySet<string>): boolean {
  if (claim.problems.some((each) => changed.has(each.path))) return true;
  if ((claim.base === null) !== (claim.head === null)) return true;
  const sources = [...(claim.base?.sources ?? []), ...(claim.head?.sources ?? [])];
  if (sources.some((path) => changed.has(path) && !MANIFEST.test(path))) return true;
  return [...changed].some(
    (path) => path === claim.folder || (isBelow(path, claim.folder) && isNear(path, claim.folder)),
  );
}

/** In the root only files directly there count, for else every change would touch it. */
function isNear(path: string, folder: string): boolean {
  return folder !== '' || !path.includes('/');
}

/** How the owner sees the folder in one tree, or in the other where it is not found. */
function sideOf(claim: Claim, side: Side): Found {
  const own = side === 'base' ? claim.base : claim.head;
  const other = side === 'base' ? claim.head : claim.base;
  return own ?? other ?? found(claim.folder, 'name');
}

function planOf(claim: Claim, context: Context): FolderPlan {
  const { framework, folder } = claim;
  const base = loadSide(claim, 'base', context);
  const head = loadSide(claim, 'head', context);
  const compared = head.broken || base.broken ? nothing() : compare(framework, base, head);
  const dialect = claim.base === null ? head.dialect : base.dialect;
  const problems = [
    ...claim.problems,
    ...ownProblems(base, head),
    ...(dialect === 'other' ? [otherDialect(framework, folder)] : []),
    ...(base.dialect === head.dialect ? [] : [dialectChanged(claim)]),
    ...compared.problems,
    ...strayProblems(claim, head, context),
    ...suppressions(compared.pending, context.views.head),
  ];
  return {
    framework: framework.name,
    folder,
    dialect,
    scope: framework.runner.scope,
    applied: stepsOf(base.migrations),
    pending: stepsOf(compared.pending),
    problems: unique(problems),
    companions: head.files.filter((path) => context.changed.has(path)).sort(compareBytes),
  };
}

function loadSide(claim: Claim, side: Side, { views }: Context): History {
  const view = views[side];
  const has = view.has(claim.folder) || claim.folder === '';
  const seen = sideOf(claim, side);
  return has ? claim.framework.load(seen, view) : emptyHistory(seen.dialect);
}

interface Compared {
  readonly pending: History['migrations'];
  readonly problems: readonly PlanProblem[];
}

function nothing(): Compared {
  return { pending: [], problems: [] };
}

function compare(framework: Framework, base: History, head: History): Compared {
  const chosen = framework.select?.(base, head) ?? selectPending(framework, base, head);
  const problems = [
    ...touchedHistory(framework, base, head),
    ...duplicates(framework, base, head),
    ...chosen.problems,
  ];
  return { pending: chosen.pending, problems };
}

/** Problems of the head; those that the base has already are kept only where nothing can be run. */
function ownProblems(base: History, head: History): readonly PlanProblem[] {
  const old = new Set(base.problems.map(keyOf));
  return head.problems.filter(
    (each) => each.code === 'unreadable' || each.code === 'not-judged' || !old.has(keyOf(each)),
  );
}

function keyOf(each: PlanProblem): string {
  return JSON.stringify([each.code, each.path, each.message]);
}

function dialectChanged(claim: Claim): PlanProblem {
  const message =
    `The change declares another database for the ${claim.framework.title} migrations in ` +
    `${claim.folder}, so they cannot be compared with the base branch. ` +
    'Put the old declaration back, or use a new folder for the other database.';
  return problem('not-judged', claim.folder, message);
}

function unique(problems: readonly PlanProblem[]): readonly PlanProblem[] {
  return [...new Map(problems.map((each) => [keyOf(each), each])).values()].sort(
    (a, b) =>
      compareBytes(a.path, b.path) ||
      (a.line ?? 0) - (b.line ?? 0) ||
      compareBytes(keyOf(a), keyOf(b)),
  );
}
