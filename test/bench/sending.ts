/** Webhooks that a bench makes itself, and the process that posts them. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { run as command } from '../../src/cli.ts';
import type { LocalGitHub, Repo } from '../github/index.ts';
import type { Ground } from '../reliability/server.ts';
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

/** What became of a delivery, and when GitHub tried it. */
type Tried = Pick<LocalGitHub['world']['deliveries'][number], 'outcome' | 'statusCode' | 'atMs'>;

/** Enters a delivery that a bench made itself into GitHub's log. */
function enter(gh: LocalGitHub, repo: Repo, { id = '', event, body }: Posting, tried: Tried): void {
  const { world, app } = gh;
  world.deliveries.push({
    id: world.nextId('delivery'),
    guid: id,
    app,
    event,
    action: 'synchronize',
    installationId: world.installed(app, repo.record)?.id ?? null,
    repositoryId: repo.record.id,
    redelivery: false,
    body,
    headers: {},
    durationMs: 0,
    responseBody: '',
    ...tried,
  });
}

/** One that never arrived, an hour ago. */
export function lose(gh: LocalGitHub, repo: Repo, posting: Posting): void {
  const atMs = gh.world.now() - 3_600_000;
  enter(gh, repo, posting, { outcome: 'lost', statusCode: 0, atMs });
}

/** One that was late: GitHub's log has it from when it was tried, and that is now. */
export function arrive(gh: LocalGitHub, repo: Repo, posting: Posting): void {
  enter(gh, repo, posting, { outcome: 'answered', statusCode: 202, atMs: gh.world.now() });
}

/** One sweep by the command, as if the server had been away for an hour; answers what it said. */
export async function sweepByHand(ground: Ground): Promise<string> {
  let said = '';
  const say = (part: string): void => {
    said += part;
  };
  const env = { ...ground.env, LOG_LEVEL: 'error' };
  await command(['sweep'], { env, cwd: '.', now: Date.now, out: say, err: say });
  return said;
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
