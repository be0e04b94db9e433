/** The action for people who cannot host: its step is run as a runner would, on a real repository. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { parse } from 'yaml';
import { z } from 'zod';
import { newRepository } from '../git/repository.ts';
import type { Repository } from '../git/repository.ts';

const root = join(import.meta.dirname, '..', '..');
const step = z.object({ id: z.string().optional(), run: z.string(), shell: z.literal('bash') });
const action = z
  .object({
    description: z.string(),
    runs: z.object({ using: z.literal('composite'), steps: z.array(step) }),
  })
  .parse(parse(readFileSync(join(root, 'action.yml'), 'utf8')));
const judge = action.runs.steps.find(({ id }) => id === 'check')?.run ?? '';

let repo: Repository;
before(() => {
  repo = newRepository();
  repo.commit('history', { 'README.md': 'hello\n', Dockerfile: 'FROM scratch\n' });
  repo.git('checkout', '-q', '-b', 'docs');
  repo.commit('docs', { 'README.md': 'hello world\n' });
});
after(() => repo.remove());

function ran(head: string): { status: number | null; output: string; summary: string } {
  const env = {
    PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`,
    HOME: repo.folder,
    REPO: repo.folder,
    BASE: 'main',
    HEAD: head,
    ACTION: root,
    GITHUB_OUTPUT: `${repo.folder}/.git/output`,
    GITHUB_STEP_SUMMARY: `${repo.folder}/.git/summary`,
  };
  const { status } = spawnSync('bash', ['-c', judge], { env, cwd: repo.folder });
  const read = (path: string): string => readFileSync(path, 'utf8');
  return { status, output: read(env.GITHUB_OUTPUT), summary: read(env.GITHUB_STEP_SUMMARY) };
}

test('it says that it gates nothing, and takes no secret and no text into its script', () => {
  assert.match(action.description, /Gates nothing in production/);
  const text = readFileSync(join(root, 'action.yml'), 'utf8');
  assert.doesNotMatch(text, /secrets\.|github\.token|GITHUB_TOKEN/);
  for (const { run } of action.runs.steps) assert.doesNotMatch(run, /\$\{\{/);
});

test('a change that is judged passes with its code, one that cannot be judged fails', () => {
  const fine = ran('docs');
  assert.equal(fine.status, 0);
  assert.match(fine.output, /^code=(?:0|10)$/m);
  assert.notEqual(fine.summary, '');
  const broken = ran('nowhere');
  assert.notEqual(broken.status, 0);
  assert.match(broken.output, /^code=(?:1|64)$/m);
});
