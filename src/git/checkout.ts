/** The Evidence of a local checkout: what a pull request from head to base would show. */
import { NO_DRY_RUN } from '../core/dry-run.ts';
import type {
  DryRun,
  DryRunSettings,
  MigrationPlan,
  ProductionSize,
  RunDry,
  SourceTree,
} from '../core/dry-run.ts';
import { effectivePolicy } from '../core/effective-policy.ts';
import { TagoutError } from '../core/errors.ts';
import type { Change, Commit, Evidence, Gap, PolicySources } from '../core/evidence.ts';
import type { MigrationSettings } from '../core/policy.ts';
import { readStatistics, sizesOf } from '../core/weigh-file.ts';
import type { PlanInput } from '../migrations/plan.ts';
import { type Printed, touchedPrinting, withPrinted } from '../migrations/printed-plan.ts';
import { readCommits } from './commits.ts';
import { laidOver, readDifference } from './diff.ts';
import type { Difference } from './diff.ts';
import { listTree, sourceTree } from './objects.ts';
import { readPolicy } from './policy.ts';
import { gitIn } from './program.ts';
import type { Git } from './program.ts';
import { mergeBase, repositoryFolder, resolveRef } from './refs.ts';
import type { ResolvedRef } from './refs.ts';

/** Makes plans from the base branch's tree and the tree with the change laid over it. */
export type PlanMigrations = (input: PlanInput) => Promise<readonly MigrationPlan[]>;

export interface CheckoutRequest {
  /** A folder in a working tree, or a bare repository. */
  readonly repo: string;
  /** Branch, tag or SHA that the change would be merged into. */
  readonly base: string;
  /** Branch, tag or SHA of the change. */
  readonly head: string;
  readonly runDry: RunDry;
  readonly planMigrations: PlanMigrations;
  /** SQL printed for migrations in code, as a workflow would upload it; left out: there is none. */
  readonly printed?: Printed;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** The caller's environment; of it git sees PATH, HOME and the temporary folder only. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * Reads a checkout into Evidence. There are no reviews, pushes or people in it, and commits name
 * accounts only through GitHub's no-reply addresses. Throws TagoutError('git') with the remedy when
 * folder or refs are not there, and 'sandbox-unavailable' when there is no sandbox to run in.
 */
export async function readCheckout(request: CheckoutRequest): Promise<Evidence> {
  const readAtMs = request.now();
  const given = gitIn(request.repo, request.env);
  const folder = await repositoryFolder(given);
  const git = gitIn(folder, request.env);
  const [base, head] = await Promise.all([
    resolveRef(git, request.base, 'base'),
    resolveRef(git, request.head, 'head'),
  ]);
  const common = await mergeBase(git, base, head);
  const content = await readContent(git, { base, head, common });
  const dry = await dryRun(request, folder, content);
  const change = changeOf({ base, head, common }, content, dry.dryRun);
  return {
    v: 1,
    subject: { kind: 'checkout', path: folder, baseSha: base.sha, headSha: head.sha },
    readAtMs,
    defaultBranch: base.name,
    policy: content.policy,
    changes: [change],
    deployment: null,
    people: [],
    suspended: [],
    gaps: [...content.gaps, ...dry.gaps],
  };
}

interface Range {
  readonly base: ResolvedRef;
  readonly head: ResolvedRef;
  /** SHA of the commit that both come from. */
  readonly common: string;
}

interface Content {
  readonly difference: Difference;
  readonly commits: readonly Commit[];
  readonly policy: PolicySources;
  readonly baseTree: SourceTree;
  /** The base's tip with the change laid over it. */
  readonly mergedTree: SourceTree;
  readonly gaps: readonly Gap[];
}

async function readContent(git: Git, { base, head, common }: Range): Promise<Content> {
  const [difference, history, baseEntries, headEntries] = await Promise.all([
    readDifference(git, common, head.sha),
    readCommits(git, base.sha, head.sha),
    listTree(git, base.sha),
    listTree(git, head.sha),
  ]);
  const baseTree = sourceTree(git, baseEntries);
  const policy = await readPolicy(git.folder, base.sha, baseTree);
  return {
    difference,
    commits: history.commits,
    policy: policy.sources,
    baseTree,
    mergedTree: sourceTree(git, laidOver(baseEntries, headEntries, difference.files)),
    gaps: [...policy.gaps, ...difference.gaps, ...(history.truncated ? [MANY_COMMITS] : [])],
  };
}

const MANY_COMMITS: Gap = {
  what: 'commits',
  why: 'truncated',
  detail: 'The change has more than 10,000 commits, and not all of them were read: split it.',
};

async function dryRun(
  request: CheckoutRequest,
  folder: string,
  content: Content,
): Promise<{ readonly dryRun: DryRun; readonly gaps: readonly Gap[] }> {
  if (content.difference.files.length === 0) return { dryRun: NO_DRY_RUN, gaps: [] };
  const settings = effectivePolicy(content.policy).policy.migrations;
  const trees = { base: content.baseTree, head: content.mergedTree };
  const plans = await request.planMigrations({ ...trees, settings });
  if (plans.length === 0) return { dryRun: NO_DRY_RUN, gaps: [] };
  const seed = await readSeed(content.baseTree, settings.seed);
  const statistics = await readSizes(content.baseTree, settings.statistics);
  const baseline = await readBaseline(content.baseTree, settings.baseline);
  const { postgres, rows, timeoutMs } = settings;
  const printed = await printedFor(request, trees);
  const { plans: runnable, stated } = withPrinted(plans, printed, baseline.setting.baseline);
  const ran = await request.runDry({
    owner: folder,
    plans: runnable,
    settings: { postgres, rows, timeoutMs, seed: seed.files, ...baseline.setting },
  });
  const { tables, gaps } = statistics;
  const dryRun = {
    ...ran,
    ...(stated === null ? {} : { stated }),
    ...(tables === null ? {} : { statistics: tables }),
  };
  return { dryRun, gaps: [...seed.gaps, ...gaps, ...baseline.gaps] };
}

/** The printed plan as the server would take it, as far as no workflow run is needed to tell. */
async function printedFor(
  { printed }: CheckoutRequest,
  trees: { readonly base: SourceTree; readonly head: SourceTree },
): Promise<Printed> {
  if (printed === undefined) return { kind: 'none' };
  const why = await touchedPrinting(trees, null);
  return why === null ? printed : { kind: 'refused', why };
}

interface BaselineRead {
  readonly setting: Pick<DryRunSettings, 'baseline'>;
  readonly gaps: readonly Gap[];
}

/** The schema dump of the base branch, when the policy starts from one. */
async function readBaseline(
  tree: SourceTree,
  wish: MigrationSettings['baseline'],
): Promise<BaselineRead> {
  if (wish === 'replay') return { setting: {}, gaps: [] };
  if (wish === 'snapshot') return { setting: { baseline: 'snapshot' }, gaps: [] };
  const path = wish.schema;
  const bytes = (await tree.read([path])).get(path);
  const sql = bytes === undefined ? null : textOf(bytes);
  if (sql !== null) return { setting: { baseline: { path, sql } }, gaps: [] };
  const detail =
    `The policy starts from the schema dump ${path}, which the base does not have as UTF-8 text: ` +
    'add it there (pg_dump --schema-only --no-owner), or mend the policy.';
  const gap: Gap = { what: 'dry-run', why: 'missing', detail };
  // Without it the history is replayed, and the gap holds whatever that shows.
  return { setting: {}, gaps: [gap] };
}

interface Sizes {
  readonly tables: readonly ProductionSize[] | null;
  readonly gaps: readonly Gap[];
}

/** Production's sizes by the base's file: a change that edits it cannot make its tables small. */
async function readSizes(tree: SourceTree, path: string | null): Promise<Sizes> {
  if (path === null) return { tables: null, gaps: [] };
  const read = readStatistics(path, (await tree.read([path])).get(path));
  if ('tables' in read) return { tables: sizesOf(read.tables), gaps: [] };
  return { tables: null, gaps: [{ what: 'dry-run', why: read.why, detail: read.problem }] };
}

interface Seed {
  readonly files: readonly { readonly path: string; readonly sql: string }[];
  readonly gaps: readonly Gap[];
}

/** Seed SQL of the base branch: a change that edits it cannot hide what it loses. */
async function readSeed(tree: SourceTree, paths: readonly string[]): Promise<Seed> {
  const content = await tree.read(paths);
  const files: { path: string; sql: string }[] = [];
  const gaps: Gap[] = [];
  for (const path of paths) {
    const bytes = content.get(path);
    const sql = bytes === undefined ? null : textOf(bytes);
    if (sql !== null) files.push({ path, sql });
    else gaps.push(seedGap(path, bytes === undefined));
  }
  return { files, gaps };
}

function seedGap(path: string, missing: boolean): Gap {
  const detail = missing
    ? `The policy names the seed ${path}, which the base does not have: add it or mend the policy.`
    : `The seed ${path} is not UTF-8: save it as UTF-8.`;
  return { what: 'dry-run', why: missing ? 'missing' : 'unreadable', detail };
}

function textOf(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    if (error instanceof TypeError) return null;
    throw new TagoutError('internal', 'Decoding a text failed.', { cause: error });
  }
}

function changeOf({ base, head, common }: Range, content: Content, ran: DryRun): Change {
  const newest = content.commits.at(-1);
  return {
    pull: null,
    title: newest?.message.split('\n')[0] ?? '',
    body: '',
    state: 'open',
    draft: false,
    author: null,
    viaApp: null,
    baseRef: base.name,
    baseSha: base.sha,
    mergeBaseSha: common,
    headRef: head.name,
    headSha: head.sha,
    headRepoId: null,
    mergedAtMs: null,
    mergeCommitSha: null,
    mergedBy: null,
    labels: [],
    commits: content.commits,
    pushes: [],
    files: content.difference.files,
    reviews: [],
    involved: [],
    postings: [],
    dryRun: ran,
  };
}
