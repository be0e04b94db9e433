/** `tagout init`: looks at a checkout and writes the policy that it proposes. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { effectivePolicy } from '../core/effective-policy.ts';
import { TagoutError } from '../core/errors.ts';
import type { PolicySources } from '../core/evidence.ts';
import { counted, line } from '../core/words/text.ts';
import { gitIn } from '../git/program.ts';
import { repositoryFolder } from '../git/refs.ts';
import { readAppManifest } from './app-manifest.ts';
import { lookAround } from './init/found.ts';
import type { Found } from './init/found.ts';
import { policyText } from './init/policy-text.ts';
import { EXIT } from './io.ts';
import type { Io } from './io.ts';

export interface InitOptions {
  /** The checkout; relative to the caller's folder. */
  readonly repo: string;
  /** Overwrites a policy that is there. */
  readonly force: boolean;
  /** Shows what would have happened to the last changes. */
  readonly replay?: boolean;
}

const POLICY_PATH = '.github/tagout.yml';

/** Writes the policy and prints what was found. Throws TagoutError when one is there already. */
export async function init(options: InitOptions, io: Io): Promise<number> {
  const given = gitIn(resolve(io.cwd, options.repo), io.env);
  const folder = await repositoryFolder(given);
  const found = await lookAround(gitIn(folder, io.env));
  const text = policyText(found, `${readAppManifest().url}/raw/main/docs/tagout.schema.json`);
  const sources = mustSpeak(text);
  const path = join(folder, POLICY_PATH);
  write(path, text, options.force);
  io.out(told(found));
  io.out(
    `\nWritten: ${relative(io.cwd, path) || path}. Read it, commit it on a branch, and open a `,
  );
  io.out('pull request: it speaks once it is on the default branch.\n');
  if (options.replay === true) {
    const { replayPast } = await import('./init/replay.ts');
    await replayPast(gitIn(folder, io.env), { folder, sources, io });
  }
  return EXIT.allow;
}

/** What is written must be a policy: a name from the repository must not have broken it. */
function mustSpeak(text: string): PolicySources {
  const file = { repo: '.', path: POLICY_PATH, commitSha: null, blob: null, text };
  const sources = { repository: file, base: null, floor: null };
  const [first] = effectivePolicy(sources).problems;
  if (first === undefined) return sources;
  throw new TagoutError('internal', `The proposed policy cannot speak: ${first.message}`);
}

function write(path: string, text: string, force: boolean): void {
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text, { flag: force ? 'w' : 'wx' });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    const why =
      code === 'EEXIST'
        ? 'is there already. Use --force to write it anew; git keeps what was committed.'
        : `cannot be written (${code}).`;
    throw new TagoutError('bad-input', `${path} ${why}`);
  }
}

function told(found: Found): string {
  const folders = found.folders.map(
    ({ path, framework, migrations }) =>
      `${path === '' ? '.' : path}: ${framework}, ${counted(migrations, 'migration')}`,
  );
  const agents = found.agents.map(({ name, commits }) =>
    commits === 0 ? `${name}: by a branch` : `${name}: ${counted(commits, 'commit')}`,
  );
  const environments = [
    ...found.guarded.map((name) => `${name}: guarded`),
    ...found.alsoProduction.map((name) => `${name}: reads like production, added`),
    ...found.before.map((name) => `${name}: before production`),
    ...found.others.map((name) => `${name}: not guarded`),
    ...(found.computed ? ['(some job computes its environment; name it plainly)'] : []),
  ];
  const versions = found.postgres.map(({ major, path }) => `${major}: ${path}`);
  return [
    section('Migrations', folders, 'none found'),
    section('Environments in workflow files', environments, 'none named'),
    section('PostgreSQL', versions, 'no version named in compose or workflow files'),
    section(`Agents in the last ${counted(found.commitsRead, 'commit')}`, agents, 'none known'),
  ].join('');
}

function section(title: string, lines: readonly string[], none: string): string {
  const shown = lines.length === 0 ? [none] : lines.map((one) => line(one, 200));
  return `${title}\n${shown.map((one) => `  ${one}\n`).join('')}`;
}
