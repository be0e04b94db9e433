/** A small organisation with one repository and one agent's pull request, for the tests here. */
import { createAppAuth } from '@octokit/auth-app';
import { Octokit } from '@octokit/rest';
import { createHmac } from 'node:crypto';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { LocalGitHub, type Repo, type StartOptions } from './index.ts';
import type { Pull } from './pull.ts';

export interface Acme {
  readonly gh: LocalGitHub;
  readonly repo: Repo;
  readonly pull: Pull;
  readonly octokit: Octokit;
  readonly place: { readonly owner: string; readonly repo: string };
}

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** Octokit as the app's installation on `owner`. */
export function appOctokit(gh: LocalGitHub, owner: string = 'acme'): Octokit {
  const { id: appId, privateKey } = gh.app;
  const auth = { appId, privateKey, installationId: gh.installation(owner).id };
  return new Octokit({ baseUrl: gh.url, authStrategy: createAppAuth, auth, log: silent });
}

export async function acme(options: StartOptions = {}): Promise<Acme> {
  const gh = await LocalGitHub.start(options);
  for (const login of ['alice', 'bob', 'root']) gh.user(login);
  gh.org('acme', { teams: { Platform: ['alice'] }, admins: ['root'] });
  const repo = await gh.repo('acme/shop', {
    files: { 'README.md': '# Shop\n', 'db/1.sql': 'create table users (email text);\n' },
    collaborators: { alice: 'write', bob: 'maintain' },
  });
  repo.environment('production', { protectedByApp: true });
  await repo.commit({
    branch: 'copilot/drop',
    files: { 'db/2.sql': 'alter table users drop column email;\n' },
    author: 'Copilot',
    message: 'Drop the column\n\nCo-authored-by: Bob <bob@example.com>',
  });
  const pull = await repo.openPull({
    author: 'Copilot',
    head: 'copilot/drop',
    title: 'Drop users.email',
    body: 'Requested by: @bob',
    viaApp: 'copilot-swe-agent',
  });
  return { gh, repo, pull, octokit: appOctokit(gh), place: { owner: 'acme', repo: 'shop' } };
}

export interface Heard {
  readonly event: string;
  readonly delivery: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly validSignature: boolean;
}

/** A server that keeps what it hears, as an app would at its webhook address. */
export async function listener(
  gh: LocalGitHub,
): Promise<{ readonly heard: Heard[]; readonly close: () => void }> {
  const heard: Heard[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString('utf8');
      const hmac = createHmac('sha256', gh.app.webhookSecret).update(body).digest('hex');
      heard.push({
        event: String(request.headers['x-github-event']),
        delivery: String(request.headers['x-github-delivery']),
        headers: request.headers,
        body,
        validSignature: request.headers['x-hub-signature-256'] === `sha256=${hmac}`,
      });
      response.writeHead(202).end('accepted');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  gh.app.webhookUrl = `http://127.0.0.1:${port}/hooks`;
  const close = (): void => {
    server.closeAllConnections();
    server.close();
  };
  return { heard, close };
}

/** The status and message of a refused request. */
export async function refusal(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'not refused';
  } catch (error) {
    const known = error as { status?: number; message?: string };
    return `${known.status} ${known.message}`;
  }
}
