/** A first start as a process, against the local GitHub: from nothing to the running server. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { LocalGitHub } from '../github/index.ts';

const main = join(import.meta.dirname, '..', '..', 'src', 'main.ts');
const TAGOUT_DATA = mkdtempSync(join(tmpdir(), 'tagout-first-'));

function unescape(text: string): string {
  return text.replaceAll('&quot;', '"').replaceAll('&#39;', "'").replaceAll('&amp;', '&');
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}

test('npm start without credentials: page, registration, stored, and the server runs', async (t) => {
  const gh = await LocalGitHub.start();
  t.after(() => gh.close());
  t.after(() => rmSync(TAGOUT_DATA, { recursive: true, force: true }));
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: tmpdir(),
    TAGOUT_DATA,
    PORT: String(await freePort()),
    GITHUB_API_URL: gh.url,
  };
  const child = spawn(process.execPath, [main], { env, cwd: tmpdir() });
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  t.after(async () => {
    child.kill('SIGTERM');
    await ended;
  });
  const until = async (pattern: RegExp): Promise<string> => {
    for (let waited = 0; waited < 60_000; waited += 50) {
      const found = pattern.exec(said)?.[1];
      if (found !== undefined) return found;
      if (child.exitCode !== null) break;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`not said: ${pattern}\n${said}`);
  };

  const link = new URL(await until(/(http:\S+token=\S+)/));
  assert.equal(link.hostname, '127.0.0.1');
  const session = await fetch(link, { redirect: 'manual' });
  const cookie = (session.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
  const form = await (await fetch(`${link.origin}/setup`, { headers: { cookie } })).text();
  const body = new URLSearchParams({
    csrf: /name="csrf" value="([^"]+)"/.exec(form)?.[1] ?? '',
    organisation: 'acme',
    publicUrl: 'https://tagout.acme.dev',
  });
  const headers = { cookie, origin: link.origin };
  const where = await fetch(`${link.origin}/setup/where`, { method: 'POST', body, headers });
  const page = await where.text();
  const action = unescape(/<form method="post" action="([^"]+)"/.exec(page)?.[1] ?? '');
  assert.ok(action.startsWith(`${gh.url}/organizations/acme/settings/apps/new?state=`), action);
  const manifest = JSON.parse(unescape(/name="manifest" value="([^"]+)"/.exec(page)?.[1] ?? ''));
  assert.equal(manifest.hook_attributes.url, 'https://tagout.acme.dev/api/github/webhooks');
  assert.equal(manifest.redirect_url, `${link.origin}/setup/created`);
  assert.equal(manifest.public, false);
  assert.ok(manifest.default_events.includes('deployment_protection_rule'));
  assert.equal(gh.requests.length, 0, 'nothing has left this machine yet');

  const state = new URL(action).searchParams.get('state') ?? '';
  const code = gh.manifestCode(manifest);
  const back = `${link.origin}/setup/created?code=${code}&state=${state}`;
  const created = await fetch(back, { headers: { cookie } });
  // The running server asks more of GitHub a little later.
  assert.deepEqual(
    gh.requests.map((one) => one.operationId),
    ['apps/create-from-manifest'],
  );
  assert.equal(created.status, 200);
  const text = await created.text();
  assert.match(text, /Enable the gate/);

  const path = join(TAGOUT_DATA, 'credentials.json');
  assert.equal(statSync(path).mode & 0o777, 0o600);
  const stored = JSON.parse(readFileSync(path, 'utf8'));
  const app = gh.world.apps.at(-1);
  assert.equal(stored.appId, app?.id);
  assert.equal(stored.privateKey, app?.privateKey);
  assert.equal(stored.githubApiUrl, gh.url);

  // The server takes the port that the page had.
  assert.equal(new URL(await until(/listens on (\S+)/)).port, link.port);
  assert.match(said, /takes webhooks at https:\/\/tagout\.acme\.dev\/api\/github\/webhooks/);
  for (const secret of [stored.webhookSecret, stored.clientSecret, 'PRIVATE KEY']) {
    assert.equal(said.includes(secret), false, 'no secret is printed');
    assert.equal(text.includes(secret), false, 'no secret is shown');
  }
});
