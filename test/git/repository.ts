/** Real git repositories in a temporary folder, with fixed names and times. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

export interface Repository {
  readonly folder: string;
  /** Runs git and answers its output without the last newline. */
  git(...args: readonly string[]): string;
  /** Writes files (null removes one) and commits them; answers the SHA. */
  commit(message: string, files: Files, author?: string): string;
  remove(): void;
}

export type Files = Readonly<Record<string, string | Buffer | null>>;

const NAMES = { name: 'Ada', email: 'ada@example.com' };

export function newRepository(prefix = 'tagout-git-'): Repository {
  const folder = mkdtempSync(join(tmpdir(), prefix));
  let minute = 0;
  const git = (...args: readonly string[]): string => {
    const date = `2026-01-01T00:${String(minute % 60).padStart(2, '0')}:00Z`;
    const env = {
      PATH: process.env['PATH'] ?? '',
      HOME: folder,
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_AUTHOR_NAME: NAMES.name,
      GIT_AUTHOR_EMAIL: NAMES.email,
      GIT_COMMITTER_NAME: NAMES.name,
      GIT_COMMITTER_EMAIL: NAMES.email,
      GIT_AUTHOR_DATE: date,
      GIT_COMMITTER_DATE: date,
    };
    const options = {
      cwd: folder,
      env,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    } as const;
    return execFileSync('git', [...args], { ...options, stdio: 'pipe' }).replace(/\n$/, '');
  };
  git('init', '-q', '-b', 'main');
  return {
    folder,
    git,
    commit: (message, files, author) => {
      minute += 1;
      for (const [path, content] of Object.entries(files)) place(join(folder, path), content);
      git('add', '-A');
      const by = author === undefined ? [] : ['--author', author];
      git('commit', '-q', '--allow-empty', '-m', message, ...by);
      return git('rev-parse', 'HEAD');
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function place(path: string, content: string | Buffer | null): void {
  if (content === null) rmSync(path, { force: true });
  else {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
  }
}
