/** What a pull request changes: the trees say which paths, the comparison adds counts and patches. */
import { z } from 'zod';
import type { TreeEntry } from '../core/dry-run.ts';
import type { Account, ChangedFile } from '../core/evidence.ts';
import { getPages } from './clients.ts';
import {
  noteGap,
  parseAnswer,
  place,
  type Reading,
  restAccountSchema,
  shaSchema,
} from './reading.ts';
import { differences, readTree, type TreeDifference } from './trees.ts';
import { withWorkflowContent } from './workflow-content.ts';

/** GitHub's own ends of its lists (facts/github.md 2.4). */
const COMPARE_FILES = 300;
const PULL_FILES = 3000;

const fileSchema = z.object({
  filename: z.string(),
  previous_filename: z.string().optional(),
  status: z.string(),
  sha: shaSchema.nullish(),
  additions: z.int(),
  deletions: z.int(),
  patch: z.string().optional(),
});

/** A file of GitHub's own list. */
export interface ListedFile {
  readonly filename: string;
  readonly previous_filename?: string | undefined;
  readonly status: string;
  readonly additions: number;
  readonly deletions: number;
  readonly patch?: string | undefined;
}

const personSchema = restAccountSchema.nullish().catch(null);

const compareSchema = z.object({
  base_commit: z.object({
    sha: shaSchema,
    commit: z.object({ tree: z.object({ sha: shaSchema }) }),
  }),
  merge_base_commit: z.object({
    sha: shaSchema,
    commit: z.object({ tree: z.object({ sha: shaSchema }) }),
  }),
  status: z.string(),
  total_commits: z.int(),
  commits: z.array(z.object({ sha: shaSchema, author: personSchema, committer: personSchema })),
  files: z.array(fileSchema).optional(),
});

/** The accounts that REST knows for a commit: GraphQL does not name bots there. */
export interface CommitAccounts {
  readonly author: Account | null;
  readonly committer: Account | null;
}

export interface Comparison {
  readonly mergeBaseSha: string;
  readonly mergeBaseTree: string;
  readonly baseTree: string;
  readonly totalCommits: number;
  readonly accounts: ReadonlyMap<string, CommitAccounts>;
  readonly files: readonly ListedFile[];
}

/** Compares two commits by their ids; commits beyond the first 100 come by further pages. */
export async function readComparison(
  reading: Reading,
  baseSha: string,
  headSha: string,
): Promise<Comparison> {
  const what = `the comparison of ${baseSha.slice(0, 12)} with ${headSha.slice(0, 12)}`;
  const parameters = { ...place(reading.repo), basehead: `${baseSha}...${headSha}` };
  const first: z.infer<typeof compareSchema>[] = [];
  const { rows } = await getPages(reading.client, '/repos/{owner}/{repo}/compare/{basehead}', {
    parameters,
    pages: 30,
    rows: (data) => {
      const page = parseAnswer(compareSchema, data, what);
      first.push(page);
      return page.commits;
    },
  });
  const page = first[0];
  if (page === undefined) throw new RangeError(`${what} gave no page`);
  const accounts = rows.map(
    ({ sha, author, committer }) =>
      [sha, { author: author ?? null, committer: committer ?? null }] as const,
  );
  return {
    mergeBaseSha: page.merge_base_commit.sha,
    mergeBaseTree: page.merge_base_commit.commit.tree.sha,
    baseTree: page.base_commit.commit.tree.sha,
    totalCommits: page.total_commits,
    accounts: new Map(accounts),
    files: page.files ?? [],
  };
}

export interface ChangeTrees {
  readonly mergeBase: readonly TreeEntry[];
  readonly head: readonly TreeEntry[];
}

export interface ChangeFiles extends ChangeTrees {
  readonly files: readonly ChangedFile[];
}

/**
 * The changed files of a pull request. The trees of merge base and head decide which paths and
 * contents; GitHub's list adds what it can and is a gap where it ends before the change does. With
 * `pull` null it is the difference of a whole range, which nobody looks at as one page.
 */
export async function readChangeFiles(
  reading: Reading,
  pull: number | null,
  ends: { readonly comparison: Comparison; readonly headSha: string },
): Promise<ChangeFiles> {
  const [mergeBase, head] = await Promise.all([
    readTree(reading, ends.comparison.mergeBaseTree),
    readTree(reading, ends.headSha),
  ]);
  const changed = differences(mergeBase, head);
  const listed = await listedFiles(reading, pull, ends.comparison.files);
  if (pull !== null && changed.length > PULL_FILES) {
    noteGap(reading, {
      what: 'files',
      why: 'truncated',
      detail: `Pull request #${pull} changes ${changed.length} files and GitHub shows a reviewer ${PULL_FILES}; split it.`,
    });
  }
  const files = changedFiles(changed, listed);
  const trees = { before: mergeBase, after: head };
  return { mergeBase, head, files: await withWorkflowContent(reading, files, trees) };
}

/** GitHub's own list: the comparison's when it is whole, else the pages of the pull request. */
async function listedFiles(
  reading: Reading,
  pull: number | null,
  compared: readonly ListedFile[],
): Promise<readonly ListedFile[]> {
  if (pull === null || compared.length < COMPARE_FILES) return compared;
  const { rows } = await getPages(
    reading.client,
    '/repos/{owner}/{repo}/pulls/{pull_number}/files',
    {
      parameters: { ...place(reading.repo), pull_number: pull },
      pages: PULL_FILES / 100,
      rows: (data) => parseAnswer(z.array(fileSchema), data, `the files of pull request #${pull}`),
    },
  );
  return rows;
}

function changedFiles(
  changed: readonly TreeDifference[],
  listed: readonly ListedFile[],
): readonly ChangedFile[] {
  const byPath = new Map(listed.map((file) => [file.filename, file]));
  const paths = new Map(changed.map((one) => [one.path, one]));
  const moved = new Set(
    listed.flatMap((file) => (file.status === 'renamed' ? [file.previous_filename ?? ''] : [])),
  );
  return changed.flatMap((one) => {
    // A rename is one file in GitHub's words: its old path is told with the new one.
    if (one.after === null && moved.has(one.path)) return [];
    return [changedFile(one, byPath.get(one.path), paths)];
  });
}

function changedFile(
  one: TreeDifference,
  file: ListedFile | undefined,
  paths: ReadonlyMap<string, TreeDifference>,
): ChangedFile {
  const previous = file?.status === 'renamed' ? paths.get(file.previous_filename ?? '') : undefined;
  const before = one.before ?? previous?.before ?? null;
  const renamed = one.before === null && previous?.before !== undefined && previous.before !== null;
  return {
    path: one.path,
    previousPath: renamed ? (file?.previous_filename ?? null) : null,
    status: renamed ? 'renamed' : statusOf(one),
    previousBlob: before?.blob ?? null,
    blob: one.after?.blob ?? null,
    mode: one.after?.mode ?? one.before?.mode ?? null,
    additions: file?.additions ?? 0,
    deletions: file?.deletions ?? 0,
    patch: file?.patch ?? null,
  };
}

function statusOf(one: TreeDifference): ChangedFile['status'] {
  if (one.before === null) return 'added';
  if (one.after === null) return 'removed';
  return one.before.blob === one.after.blob ? 'changed' : 'modified';
}
