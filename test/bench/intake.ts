/**
 * Webhook intake: signed bodies of 20 KB over 16 kept connections, each stored with its job before
 * it is answered; beside a bare node:http handler with the same HMAC and the same two inserts.
 */
import { execFile } from 'node:child_process';
import { createHash, createHmac, generateKeyPairSync, timingSafeEqual } from 'node:crypto';
import { mkdtempSync, openSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { pino } from 'pino';
import { createTagoutApp } from '../../src/app.ts';
import { createLog } from '../../src/cli/log.ts';
import { intoInbox, receiveThrough } from '../../src/cli/receive.ts';
import { createProbot } from '../../src/github/probot.ts';
import type { Sql } from '../../src/store/connect.ts';
import { openStore, type Store } from '../../src/store/open.ts';
import { createWebApp } from '../../src/web/app.ts';
import { listen } from '../../src/web/server.ts';
import type { LoadResult } from './load.ts';
import { ms, quantile, type Row } from './row.ts';

const SECRET = 'the secret of this bench';
const CONNECTIONS = 16;
const SECONDS = 3;
/** Each peer is measured so often, in turn; the median counts. */
const ROUNDS = 3;

interface Peer {
  readonly url: string;
  close(): Promise<unknown>;
}

/** The door as the server has it, with its log written to nowhere. */
async function tagout(store: Store): Promise<Peer> {
  const destination = pino.destination({ fd: openSync('/dev/null', 'w'), sync: true });
  const log = createLog({ level: 'info', secrets: [SECRET], destination });
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const probot = await createProbot({
    appId: 1,
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    secret: SECRET,
    baseUrl: 'http://127.0.0.1:9',
  });
  await probot.load(createTagoutApp(intoInbox(store.inbox), { slug: null }));
  const receiveWebhook = receiveThrough(probot.webhooks, Date.now);
  const app = createWebApp({ receiveWebhook, ready: () => Promise.resolve(), log });
  const listening = await listen(app, { host: '127.0.0.1', port: 0 });
  return { url: listening.url, close: () => listening.close(100) };
}

async function whole(incoming: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of incoming) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

function isSigned(body: Buffer, header: string): boolean {
  const right = Buffer.from(`sha256=${createHmac('sha256', SECRET).update(body).digest('hex')}`);
  const given = Buffer.from(header);
  return given.length === right.length && timingSafeEqual(given, right);
}

type Keep = (delivery: { id: string; event: string; body: Buffer }) => Promise<unknown>;

/** The two inserts in a transaction, as one writes them first. */
function inTransaction(sql: Sql): Keep {
  return ({ id, event, body }) => {
    const { number, repository, action } = JSON.parse(body.toString('utf8'));
    const key = `bare:${repository.id}:${number}`;
    const digest = createHash('sha256').update(body).digest('hex');
    return sql.begin(async (tx) => {
      await tx`insert into tagout.delivery
        values (${id}, ${event}, ${action}, 1, ${digest}, ${Date.now()}) on conflict do nothing`;
      await tx`select graphile_worker.add_job('judge', ${JSON.stringify({ number })}::json,
        job_key => ${key}::text)`;
    });
  };
}

/** The same by our own function, in one round trip. */
function inOneStatement(sql: Sql): Keep {
  return ({ id, event, body }) => {
    const { number, repository, action } = JSON.parse(body.toString('utf8'));
    const key = `bare:${repository.id}:${number}`;
    const job = {
      task: 'judge',
      payload: { number },
      queue: 'q',
      key,
      priority: 0,
      maxAttempts: 25,
    };
    const digest = createHash('sha256').update(body).digest('hex');
    return sql`select tagout.receive(${id}, ${event}, ${action}, 1::bigint, ${digest},
      ${Date.now()}::bigint, ${JSON.stringify([job])}::text::json)`;
  };
}

async function bare(keep: Keep): Promise<Peer> {
  const server: Server = createServer((incoming, outgoing) => {
    void (async () => {
      const body = await whole(incoming);
      const header = (name: string): string => String(incoming.headers[name] ?? '');
      if (!isSigned(body, header('x-hub-signature-256'))) return outgoing.writeHead(401).end();
      await keep({ id: header('x-github-delivery'), event: header('x-github-event'), body });
      return outgoing.writeHead(202, { 'content-length': 2 }).end('ok');
    })().catch(() => outgoing.writeHead(500, { 'content-length': 0 }).end());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    close: () => new Promise((resolve) => server.close(resolve)),
  };
}

async function load(url: string, seconds: number): Promise<LoadResult> {
  const script = join(import.meta.dirname, 'load.ts');
  const args = [script, url, SECRET, String(CONNECTIONS), String(seconds)];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return JSON.parse(stdout) as LoadResult;
}

/** Deliveries that are in the store now. */
async function stored(sql: Sql): Promise<number> {
  const [row] = await sql`select count(*)::int as n from tagout.delivery`;
  return Number(row?.['n']);
}

interface Measured {
  readonly perSecond: number;
  readonly p99Ms: number;
  /** Answers 202 without a row, or any other answer. */
  readonly wrong: number;
}

async function measure(peer: Peer, sql: Sql, seconds: number): Promise<Measured> {
  const before = await stored(sql);
  const result = await load(peer.url, seconds);
  const kept = (await stored(sql)) - before;
  const wrong = result.refused + Math.abs(kept - result.accepted);
  return { perSecond: result.accepted / result.seconds, p99Ms: result.p99Ms, wrong };
}

async function rounds(peers: readonly Peer[], sql: Sql): Promise<readonly Measured[][]> {
  const all: Measured[][] = peers.map(() => []);
  for (let round = 0; round <= ROUNDS; round += 1) {
    for (const [at, peer] of peers.entries()) {
      // The first round only warms up.
      const measured = await measure(peer, sql, round === 0 ? 1 : SECONDS);
      if (round > 0) all[at]?.push(measured);
      await sql`truncate graphile_worker._private_jobs, graphile_worker._private_job_queues`.catch(
        () => undefined,
      );
    }
  }
  return all;
}

function median(list: readonly Measured[]): number {
  return quantile(
    list.map((one) => one.perSecond),
    0.5,
  );
}

function rowsOf([ours = [], plain = [], single = []]: readonly Measured[][]): readonly Row[] {
  const perSecond = median(ours);
  const p99 = quantile(
    ours.map((one) => one.p99Ms),
    0.5,
  );
  const wrong = ours.reduce((sum, one) => sum + one.wrong, 0);
  const against = (what: string, list: readonly Measured[]): Row => {
    const ratio = perSecond / median(list);
    return {
      what: `intake against a bare node:http handler with the same HMAC and ${what}`,
      reach: '≥ 0.8',
      measured: `${ratio.toFixed(2)} (${Math.round(median(list))}/s)`,
      ok: ratio >= 0.8,
    };
  };
  return [
    {
      what: `webhook intake, signed 20 KB bodies, durable before the answer, ${CONNECTIONS} connections`,
      reach: '≥ 400/s, none lost',
      measured: `${Math.round(perSecond)}/s, p99 ${ms(p99)}, ${wrong} lost or refused`,
      ok: perSecond >= 400 && wrong === 0,
    },
    against('the same two inserts in a transaction', plain),
    against('the same statement', single),
  ];
}

export async function benchIntake(): Promise<readonly Row[]> {
  const dataDir = mkdtempSync(join(tmpdir(), 'bench-intake-'));
  const store = await openStore({ databaseUrl: null, ownerUrl: null, dataDir });
  const peers: Peer[] = [];
  try {
    peers.push(await tagout(store), await bare(inTransaction(store.sql)));
    peers.push(await bare(inOneStatement(store.sql)));
    return rowsOf(await rounds(peers, store.sql));
  } finally {
    await Promise.all(peers.map((peer) => peer.close()));
    await store.close();
    rmSync(dataDir, { recursive: true, force: true });
  }
}
