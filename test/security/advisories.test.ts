/** `npm run advisories`, against a registry of our own: it fails on a high one, and never guesses. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test, type TestContext } from 'node:test';

const root = join(import.meta.dirname, '..', '..');
const cache = mkdtempSync(join(tmpdir(), 'tagout-advisories-'));
after(() => rmSync(cache, { recursive: true, force: true }));

async function ask(
  t: TestContext,
  answer: RequestListener,
): Promise<{ code: number; out: string }> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  const env = {
    ...process.env,
    npm_config_registry: `http://127.0.0.1:${address.port}/`,
    npm_config_cache: cache,
    npm_config_fetch_retries: '0',
    npm_config_audit: 'true',
  };
  const child = spawn(process.execPath, ['.ci/advisories.mjs'], { cwd: root, env });
  let out = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  const code = await new Promise<number>((resolve) =>
    child.on('close', (ended) => resolve(ended ?? 1)),
  );
  return { code, out };
}

/** A registry that knows these advisories on `hono`, and no other version of it. */
function registry(severity: string | null): RequestListener {
  return (request, response) => {
    response.setHeader('content-type', 'application/json');
    if (request.method === 'POST') {
      request.resume();
      // npm remembers an advisory by its number.
      const id = severity === 'high' ? 1 : 2;
      const about = { id, url: 'https://example.com/1', title: 'A hole', severity };
      const found = { hono: [{ ...about, vulnerable_versions: '*', cwe: [], cvss: { score: 8 } }] };
      response.end(JSON.stringify(severity === null ? {} : found));
      return;
    }
    const name = decodeURIComponent((request.url ?? '').slice(1));
    const versions = { '1.0.0': { name, version: '1.0.0' } };
    response.end(JSON.stringify({ name, 'dist-tags': { latest: '1.0.0' }, versions }));
  };
}

test('a high advisory on what the server runs fails, and is named with its page', async (t) => {
  const { code, out } = await ask(t, registry('high'));
  assert.equal(code, 1, out);
  assert.match(out, /0 critical, [1-9]\d* high/);
  assert.match(out, /high: hono: A hole https:\/\/example\.com\/1/);
});

test('a moderate one, and none, are told and fail nothing', async (t) => {
  const moderate = await ask(t, registry('moderate'));
  assert.equal(moderate.code, 0, moderate.out);
  assert.match(moderate.out, /0 high, [1-9]\d* moderate/);
  const none = await ask(t, registry(null));
  assert.equal(none.code, 0, none.out);
  assert.match(none.out, /0 critical, 0 high, 0 moderate, 0 low/);
});

test('a registry that does not answer this question: nothing is known, and that is said', async (t) => {
  for (const status of [405, 503]) {
    const { code, out } = await ask(t, (_, response) => void response.writeHead(status).end('no'));
    assert.equal(code, 0, out);
    assert.match(out, /could not be asked \(.+\); nothing is known/);
  }
});
