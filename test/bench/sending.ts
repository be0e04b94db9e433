/** Webhooks that a bench makes itself, and the process that posts them. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { LocalGitHub, Repo } from '../github/index.ts';
import type { Posted, Posting } from './post.ts';

/** `pull_request.synchronize` about a pull request, as the event table reads it. */
export function synchronize(gh: LocalGitHub, repo: Repo, number: number, url: string): Posting {
  const { record } = repo;
  const [owner = '', name = ''] = repo.fullName.split('/');
  const installation = gh.world.installed(gh.app, record);
  const body = JSON.stringify({
    action: 'synchronize',
    number,
    pull_request: { number, state: 'open', body: 'It says what it does. '.repeat(200) },
    repository: { id: record.id, name, full_name: repo.fullName, owner: { login: owner } },
    installation: { id: installation?.id },
    sender: { login: 'maria', id: 1001, type: 'User' },
  });
  return { url: `${url}/api/github/webhooks`, event: 'pull_request', body };
}

/** Posts all of them from another process. */
export async function send(
  gh: LocalGitHub,
  list: readonly Posting[],
  connections: number,
): Promise<Posted> {
  const script = join(import.meta.dirname, 'post.ts');
  const child = spawn(process.execPath, [script, gh.app.webhookSecret, String(connections)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin.end(JSON.stringify(list));
  return JSON.parse(await text(child.stdout)) as Posted;
}
