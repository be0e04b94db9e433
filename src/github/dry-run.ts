/** Plans and dry-runs the migrations of one change, from trees. */
import { Buffer } from 'node:buffer';
import {
  type DryRun,
  type DryRunRequest,
  type DryRunSettings,
  type MigrationPlan,
  NO_DRY_RUN,
  type RunDry,
  type SourceTree,
  type TreeEntry,
} from '../core/dry-run.ts';
import { TagoutError } from '../core/errors.ts';
import type { MigrationSettings } from '../core/policy.ts';
import type { RepoRef } from '../core/subject.ts';
import { readStatistics, sizesOf } from '../core/weigh-file.ts';
import { touchesMigrations } from '../migrations/plan.ts';
import { joined, withPrinted, writtenInCode } from '../migrations/printed-plan.ts';
import type { WantedBlob } from './blobs.ts';
import { readPrinted } from './printed-plan.ts';
import { noteGap, type Reading } from './reading.ts';

/** What the migrations room promises (src/migrations/plan.ts). */
export type PlanMigrations = (input: {
  readonly base: SourceTree;
  readonly head: SourceTree;
  readonly settings: Pick<MigrationSettings, 'folders'>;
}) => Promise<readonly MigrationPlan[]>;

export interface DryRunParts {
  readonly runDry: RunDry;
  readonly planMigrations: PlanMigrations;
}

export interface TwoTrees {
  /** What production is taken to have: its files also hold the seed. */
  readonly base: SourceTree;
  readonly head: SourceTree;
}

/** The trees of a change, and where workflows may have printed a plan for it. */
export interface AskedTrees extends TwoTrees {
  /** Head commits of the pull requests in it, the oldest first: a range has several. */
  readonly heads: readonly string[];
  /** The head of an open pull request: its check shows how far a long run is. */
  readonly openHead?: string;
}

/**
 * Runs what the change adds, when it adds any. Content that cannot be read gives a dry run that is
 * not comparable and a gap; an outage of GitHub or of the sandbox throws, so that it is tried again.
 */
export async function dryRunOf(
  reading: Reading,
  parts: DryRunParts,
  trees: AskedTrees,
  settings: MigrationSettings,
): Promise<DryRun> {
  try {
    const files = await parts.planMigrations({ ...trees, settings: { folders: settings.folders } });
    if (!files.some((plan) => plan.pending.length > 0 || plan.problems.length > 0)) {
      return NO_DRY_RUN;
    }
    const settled = await settingsOf(trees.base, settings);
    const { plans, stated } = await withStated(reading, trees, files, settled.baseline);
    const { repo } = reading;
    const ran = await parts.runDry({
      owner: ownerOf(repo),
      repository: `${repo.owner}/${repo.name}`,
      plans,
      settings: settled,
      ...progressOf(reading, trees),
    });
    const beside = stated === null ? {} : { stated };
    return { ...ran, ...beside, ...(await sizes(reading, trees.base, settings.statistics)) };
  } catch (fault) {
    if (!(fault instanceof TagoutError) || fault.code !== 'bad-input') throw fault;
    noteGap(reading, { what: 'dry-run', why: 'unreadable', detail: fault.message });
    return { ...NO_DRY_RUN, status: 'not-comparable', reason: fault.message };
  }
}

function progressOf(
  { onDryRun }: Reading,
  { openHead: headSha }: AskedTrees,
): Pick<DryRunRequest, 'onProgress'> {
  if (onDryRun === undefined || headSha === undefined) return {};
  return { onProgress: (progress) => onDryRun({ headSha, progress }) };
}

/** Migrations in code are replaced by what the change's own workflow printed, where it did. */
async function withStated(
  reading: Reading,
  trees: AskedTrees,
  plans: readonly MigrationPlan[],
  baseline: DryRunSettings['baseline'],
): Promise<ReturnType<typeof withPrinted>> {
  if (writtenInCode(plans).length === 0) return { plans, stated: null };
  const printed = await Promise.all(trees.heads.map((head) => readPrinted(reading, head, trees)));
  return withPrinted(plans, joined(printed), baseline);
}

/** Production's sizes by the base's file: a change that edits it cannot make its tables small. */
async function sizes(
  reading: Reading,
  base: SourceTree,
  path: string | null,
): Promise<Pick<DryRun, 'statistics'>> {
  if (path === null) return {};
  const read = readStatistics(path, (await base.read([path])).get(path));
  if ('tables' in read) return { statistics: sizesOf(read.tables) };
  noteGap(reading, { what: 'dry-run', why: read.why, detail: read.problem });
  return {};
}

/** Whose baseline this is: one repository of one installation. */
function ownerOf(repo: RepoRef): string {
  return `${repo.installationId}:${repo.id}`;
}

async function settingsOf(base: SourceTree, settings: MigrationSettings): Promise<DryRunSettings> {
  return {
    postgres: settings.postgres,
    seed: await seedOf(base, settings.seed),
    rows: settings.rows,
    timeoutMs: settings.timeoutMs,
    ...(await baselineOf(base, settings.baseline)),
  };
}

/** The schema dump of the base branch, when the policy starts from one. */
async function baselineOf(
  base: SourceTree,
  wish: MigrationSettings['baseline'],
): Promise<Pick<DryRunSettings, 'baseline'>> {
  if (wish === 'replay') return {};
  if (wish === 'snapshot') return { baseline: 'snapshot' };
  const path = wish.schema;
  const content = (await base.read([path])).get(path);
  const sql = content === undefined ? null : Buffer.from(content).toString('utf8');
  if (content === undefined || sql === null || !Buffer.from(sql, 'utf8').equals(content)) {
    throw new TagoutError(
      'bad-input',
      `the policy starts from the schema dump ${path}, which the base branch does not have as ` +
        'UTF-8 text; add it there (pg_dump --schema-only --no-owner), or mend `migrations.baseline`',
    );
  }
  return { baseline: { path, sql } };
}

/** The seed that the policy names. It is read from the base, so that a change cannot empty it. */
async function seedOf(base: SourceTree, paths: readonly string[]): Promise<DryRunSettings['seed']> {
  const contents = await base.read(paths);
  return paths.map((path) => {
    const content = contents.get(path);
    if (content === undefined) {
      throw new TagoutError(
        'bad-input',
        `the policy names the seed file ${path}, which is not on the base branch; add it there or take it out of \`migrations.seed\``,
      );
    }
    const sql = Buffer.from(content).toString('utf8');
    if (!Buffer.from(sql, 'utf8').equals(content)) {
      throw new TagoutError('bad-input', `the seed file ${path} is not UTF-8; save it as UTF-8`);
    }
    return { path, sql };
  });
}

/** Larger files are rarely migrations; they are read when they are asked for. */
const LIKELY_BYTES = 30_000;
const LIKELY_NAME = /\.sql$|_journal\.json$|\.(?:prisma|toml)$|(?:^|\/)drizzle\.config\.\w+$/;

/**
 * The files that planning will probably ask for: what changed, and the migrations and settings
 * beside it. A guess costs nothing but bytes; what it misses is read later.
 */
export function likelyFiles(trees: TwoTrees, changed: readonly string[]): readonly WantedBlob[] {
  if (!touchesMigrations(changed, trees.base)) return [];
  const folders = new Set(
    changed
      .filter((path) => LIKELY_NAME.test(path))
      .flatMap((path) => [folderOf(path), folderOf(folderOf(path))]),
  );
  folders.delete('');
  const isLikely = (entry: TreeEntry): boolean =>
    LIKELY_NAME.test(entry.path) &&
    (entry.sizeBytes ?? LIKELY_BYTES) < LIKELY_BYTES &&
    entry.mode.startsWith('100') &&
    (!entry.path.endsWith('.sql') ||
      [...folders].some((folder) => entry.path.startsWith(`${folder}/`)));
  const likely = [...trees.head.entries, ...trees.base.entries].filter(isLikely);
  const isChanged = new Set(changed);
  const ordered = [
    ...likely.filter((entry) => isChanged.has(entry.path)),
    ...likely.filter((entry) => !isChanged.has(entry.path)),
  ];
  return ordered.map((entry) => ({ sha: entry.blob, sizeBytes: entry.sizeBytes }));
}

function folderOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}
