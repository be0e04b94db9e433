/** Values for the tests of the core: a quiet change, to which a test adds what it is about. */
import { NO_DRY_RUN, type DryRun, type FolderRun } from '../../src/core/dry-run.ts';
import type { Account, Change, ChangedFile, Commit } from '../../src/core/evidence.ts';

export const octocat: Account = { id: 583231, login: 'octocat', type: 'User' };
export const webFlow: Account = { id: 19864447, login: 'web-flow', type: 'User' };

export function aCommit(over: Partial<Commit> = {}): Commit {
  const person = { account: octocat, name: 'Octocat', email: 'octocat@acme.dev' };
  return {
    sha: 'c'.repeat(40),
    parents: ['b'.repeat(40)],
    authors: [person],
    committer: person,
    message: 'Change the greeting',
    verified: null,
    ...over,
  };
}

export function aFile(path: string, over: Partial<ChangedFile> = {}): ChangedFile {
  return {
    path,
    previousPath: null,
    status: 'modified',
    previousBlob: '1'.repeat(40),
    blob: '2'.repeat(40),
    mode: '100644',
    additions: 1,
    deletions: 0,
    patch: '@@ -1 +1,2 @@\n a\n+b',
    ...over,
  };
}

/** A file with these lines added from line 1. */
export function adding(path: string, text: string, over: Partial<ChangedFile> = {}): ChangedFile {
  const lines = text.split('\n');
  const patch = `@@ -0,0 +1,${lines.length} @@\n${lines.map((line) => `+${line}`).join('\n')}`;
  return aFile(path, {
    status: 'added',
    previousBlob: null,
    additions: lines.length,
    patch,
    ...over,
  });
}

export function aChange(over: Partial<Change> = {}): Change {
  return {
    pull: 7,
    title: 'Change the greeting',
    body: '',
    state: 'open',
    draft: false,
    author: octocat,
    viaApp: null,
    baseRef: 'main',
    baseSha: 'a'.repeat(40),
    mergeBaseSha: 'a'.repeat(40),
    headRef: 'topic',
    headSha: 'c'.repeat(40),
    headRepoId: 1,
    mergedAtMs: null,
    mergeCommitSha: null,
    mergedBy: null,
    labels: [],
    commits: [aCommit()],
    pushes: [],
    files: [],
    reviews: [],
    involved: [],
    postings: [],
    dryRun: NO_DRY_RUN,
    ...over,
  };
}

export function aFolder(over: Partial<FolderRun> = {}): FolderRun {
  return {
    framework: 'drizzle',
    folder: 'drizzle',
    scope: 'batch',
    steps: [{ path: 'drizzle/0007_x.sql', version: '0007_x', blob: '3'.repeat(40) }],
    statements: [],
    observation: {
      objects: [],
      data: [],
      tables: [],
      unfilled: [],
      downRestores: null,
      downDifference: [],
    },
    error: null,
    ...over,
  };
}

export function aRun(folder: FolderRun, over: Partial<DryRun> = {}): DryRun {
  return {
    ...NO_DRY_RUN,
    status: 'ok',
    engine: { name: 'PostgreSQL', version: '18.4' },
    folders: [folder],
    ...over,
  };
}
