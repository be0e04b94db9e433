/** The server as a process of its own: start, webhooks, crash of its PostgreSQL, stop. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createHmac, generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import postgres from 'postgres';
import { SUPERUSER } from '../../src/postgres/cluster.ts';
import { findEngine } from '../../src/postgres/engine.ts';
import { openStoreCluster } from '../../src/postgres/store-cluster.ts';

const main = join(import.meta.dirname, '..', '..', 'src', 'main.ts');
const SECRET = 'the secret of this server';
const KEY = generateKeyPairSync('rsa', { modulusLength: 2048 })
  .privateKey.export({ type: 'pkcs8', format: 'pem' })
  .toString();

interface Running {
  readonly child: ChildProcess;
  readonly url: string;
  readonly said: () => string;
  readonly ended: Promise<number | null>;
}

type Env = Record<string, string>;

const children: ChildProcess[] = [];
/** A test that fails must leave neither a server nor its PostgreSQL behind. */
afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill('SIGTERM');
    await new Promise((resolve) => child.once('close', resolve));
  }
});

const basics = (): Env => ({ PATH: process.env['PATH'] ?? '', HOME: tmpdir() });

function start(env: Env): {
  child: ChildProcess;
  said: () => string;
  ended: Promise<number | null>;
} {
  const child = spawn(process.execPath, [main], { env: { ...basics(), ...env }, cwd: tmpdir() });
  children.push(child);
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  return { child, said: () => text, ended };
}

async function serving(env: Env): Promise<Running> {
  const one = start(env);
  const deadlineMs = Date.now() + 60_000;
  for (;;) {
    const url = /Tagout listens on (\S+)/.exec(one.said())?.[1];
    if (url !== undefined) return { ...one, url };
    assert.equal(one.child.exitCode, null, one.said());
    assert.ok(Date.now() < deadlineMs, one.said());
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

function deliver(url: string, id: string, secret = SECRET): Promise<Response> {
  const body = JSON.stringify({
    action: 'opened',
    number: 1,
    installation: { id: 5 },
    repository: { id: 9, name: 'shop', full_name: 'acme/shop', owner: { login: 'acme', id: 3 } },
    pull_request: { number: 1, head: { sha: 'a'.repeat(40) }, title: 'hippopotamus' },
  });
  return fetch(`${url}/api/github/webhooks`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-github-delivery': id,
      'x-github-event': 'pull_request',
      'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
    },
    body,
  });
}

/** The embedded store's superuser, for looking and for breaking things. */
async function superuser(dataDir: string): Promise<postgres.Sql> {
  const place = { dataDir: join(dataDir, 'store'), database: 'tagout' };
  const cluster = await openStoreCluster({ ...place, engine: await findEngine({}) });
  assert.equal(cluster.owned, false, 'the server runs it');
  return postgres(cluster.url(SUPERUSER, 'tagout'), { max: 1, onnotice: () => undefined });
}

describe('the server with its embedded store', () => {
  let dataDir: string;
  let env: Env;
  before(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'tagout-serve-'));
    env = {
      APP_ID: '7',
      PRIVATE_KEY: KEY,
      WEBHOOK_SECRET: SECRET,
      // Nobody listens there: what is judged fails and stays held.
      GITHUB_API_URL: `http://127.0.0.1:${await freePort()}`,
      TAGOUT_DATA: dataDir,
      PORT: '0',
      HOST: '127.0.0.1',
    };
  });
  after(() => rmSync(dataDir, { recursive: true, force: true }));

  test('takes webhooks in once each, and stops in order on SIGTERM', async () => {
    const server = await serving(env);
    assert.equal((await fetch(`${server.url}/healthz`)).status, 200);
    assert.equal((await fetch(`${server.url}/readyz`)).status, 200);
    const closed = await fetch(`${server.url}/audit/register`);
    assert.equal(closed.status, 404);
    assert.match(await closed.text(), /CLIENT_ID.*CLIENT_SECRET/s, 'it says what to set');
    assert.equal((await deliver(server.url, 'forged', 'another secret')).status, 401);
    for (const id of ['d-1', 'd-1', 'd-2']) {
      assert.equal((await deliver(server.url, id)).status, 202);
    }
    const sql = await superuser(dataDir);
    const rows = await sql`select id, event, action from tagout.delivery order by id`;
    assert.deepEqual(
      rows.map((row) => [row['id'], row['event'], row['action']]),
      [
        ['d-1', 'pull_request', 'opened'],
        ['d-2', 'pull_request', 'opened'],
      ],
    );
    await sql.end();
    const startedMs = performance.now();
    server.child.kill('SIGTERM');
    assert.equal(await server.ended, 0, server.said());
    assert.ok(performance.now() - startedMs < 25_000);
    for (const word of ['hippopotamus', SECRET, KEY.split('\n')[3] ?? '']) {
      assert.equal(server.said().includes(word), false, word);
    }
    assert.throws(() => readFileSync(join(dataDir, 'store/postmaster.pid')), /ENOENT/);
  });

  test('ends with 1 when its PostgreSQL is killed, and the next start goes on', async () => {
    const server = await serving(env);
    const pid = Number(readFileSync(join(dataDir, 'store/postmaster.pid'), 'utf8').split('\n')[0]);
    process.kill(pid, 'SIGKILL');
    assert.equal(await server.ended, 1, server.said());
    const again = await serving(env);
    assert.equal((await deliver(again.url, 'd-1')).status, 202);
    const sql = await superuser(dataDir);
    const [row] = await sql`select count(*)::int as n from tagout.delivery`;
    assert.equal(row?.['n'], 2, 'what was stored is there, and the duplicate did nothing');
    await sql.end();
    again.child.kill('SIGTERM');
    assert.equal(await again.ended, 0, again.said());
  });

  test('answers 503 while the store is away, and never 202', async () => {
    const server = await serving(env);
    const sql = await superuser(dataDir);
    await sql`alter role tagout_app nologin`;
    await sql`select pg_terminate_backend(pid) from pg_stat_activity where usename = 'tagout_app'`;
    const answers: number[] = [];
    for (let i = 0; i < 3 && server.child.exitCode === null; i += 1) {
      const answer = await deliver(server.url, `away-${i}`).catch(() => null);
      if (answer !== null) answers.push(answer.status);
    }
    const [row] = await sql`select count(*)::int as n from tagout.delivery where id like 'away-%'`;
    assert.equal(row?.['n'], 0);
    assert.ok(
      answers.every((status) => status === 503),
      `${answers.join()}: ${server.said()}`,
    );
    await sql`alter role tagout_app login`;
    await sql.end();
    server.child.kill('SIGTERM');
    const code = await server.ended;
    assert.ok([0, 1].includes(code ?? -1), `${code} ${server.child.signalCode}: ${server.said()}`);
  });
});

describe('the server that cannot start', () => {
  test('in production without settings: 78, and one line for each', async () => {
    const one = start({ NODE_ENV: 'production' });
    assert.equal(await one.ended, 78);
    const lines = one.said().trim().split('\n');
    assert.equal(lines.length, 3, one.said());
    for (const line of lines) assert.match(line, /^tagout: [A-Z_]+ is not set: /);
  });

  test('with a database that is not there: 1, with the reason and without the password', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'tagout-nodb-'));
    const one = start({
      APP_ID: '7',
      PRIVATE_KEY: KEY,
      WEBHOOK_SECRET: SECRET,
      DATABASE_URL: `postgres://app:hippopotamus@127.0.0.1:${await freePort()}/tagout`,
      TAGOUT_DATA: dataDir,
      PORT: '0',
    });
    assert.equal(await one.ended, 1, one.said());
    assert.match(one.said(), /store failed|ECONNREFUSED/i);
    assert.equal(one.said().includes('hippopotamus'), false);
    rmSync(dataDir, { recursive: true, force: true });
  });

  test('on a port that is taken: 78, says so, and leaves no PostgreSQL behind', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'tagout-port-'));
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const one = start({
      APP_ID: '7',
      PRIVATE_KEY: KEY,
      WEBHOOK_SECRET: SECRET,
      TAGOUT_DATA: dataDir,
      PORT: String(port),
      HOST: '127.0.0.1',
    });
    assert.equal(await one.ended, 78, one.said());
    assert.match(one.said(), new RegExp(`Cannot listen on 127.0.0.1:${port}: it is in use`));
    assert.throws(() => readFileSync(join(dataDir, 'store/postmaster.pid')), /ENOENT/);
    server.close();
    rmSync(dataDir, { recursive: true, force: true });
  });
});
