/** A web server on a free port with the real verifier, and ways to speak to it by hand. */
import { createHmac } from 'node:crypto';
import { connect } from 'node:net';
import { Webhooks } from '@octokit/webhooks';
import { receiveThrough } from '../../src/cli/receive.ts';
import { createWebApp } from '../../src/web/app.ts';
import type { WebLimits } from '../../src/web/app.ts';
import type { ReceiveWebhook } from '../../src/web/intake.ts';
import { listen } from '../../src/web/server.ts';
import type { Listening, ServerTimes } from '../../src/web/server.ts';

export const SECRET = 'a secret of this test';

export interface Setting {
  readonly listening: Listening;
  readonly url: string;
  /** What reached the handlers behind the verifier. */
  readonly stored: { readonly id: string; readonly name: string; readonly payload: unknown }[];
  /** Everything that was logged, as JSON lines. */
  readonly lines: string[];
  close(): Promise<void>;
}

export interface SettingOptions {
  readonly limits?: Partial<WebLimits>;
  readonly times?: Partial<ServerTimes>;
  readonly receive?: ReceiveWebhook;
  /** Runs in the handler behind the verifier. */
  readonly handle?: () => Promise<void>;
  readonly ready?: () => Promise<void>;
}

export async function startSetting(options: SettingOptions = {}): Promise<Setting> {
  const stored: Setting['stored'] = [];
  const lines: string[] = [];
  const webhooks = new Webhooks({ secret: SECRET });
  webhooks.onAny(async ({ id, name, payload }) => {
    await options.handle?.();
    stored.push({ id, name, payload });
  });
  const write =
    (level: string) =>
    (about: object, message: string): void => {
      lines.push(JSON.stringify({ level, ...about, message }));
    };
  const app = createWebApp({
    receiveWebhook: options.receive ?? receiveThrough(webhooks, Date.now),
    ready: options.ready ?? (async () => undefined),
    log: { info: write('info'), warn: write('warn'), error: write('error') },
    ...(options.limits === undefined ? {} : { limits: options.limits }),
  });
  const listening = await listen(app, {
    host: '127.0.0.1',
    port: 0,
    ...(options.times === undefined ? {} : { times: options.times }),
  });
  return { listening, url: listening.url, stored, lines, close: () => listening.close(100) };
}

export function sign(body: string | Uint8Array, secret: string = SECRET): string {
  return `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
}

export function headersFor(
  body: string,
  change: Record<string, string | undefined> = {},
): Record<string, string> {
  const headers: Record<string, string | undefined> = {
    'content-type': 'application/json',
    'x-github-delivery': 'd0000000-0000-4000-8000-000000000001',
    'x-github-event': 'pull_request',
    'x-hub-signature-256': sign(body),
    ...change,
  };
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value]],
    ),
  );
}

export async function post(
  setting: Setting,
  body: string,
  change: Record<string, string | undefined> = {},
): Promise<{ status: number; text: string; headers: Headers }> {
  const answer = await fetch(`${setting.url}/api/github/webhooks`, {
    method: 'POST',
    headers: headersFor(body, change),
    body,
  });
  return { status: answer.status, text: await answer.text(), headers: answer.headers };
}

export interface RawAnswer {
  /** 0 when the connection ended without an answer. */
  readonly status: number;
  readonly text: string;
  readonly ms: number;
  readonly sentBytes: number;
}

/** Sends bytes as they are and waits until the server closes or `waitMs` is over. */
export function raw(
  setting: Pick<Setting, 'url'>,
  head: string,
  pieces: Iterable<Buffer> = [],
  waitMs = 10_000,
): Promise<RawAnswer> {
  const port = Number(new URL(setting.url).port);
  const startedMs = performance.now();
  return new Promise((resolve) => {
    let text = '';
    let sentBytes = 0;
    const socket = connect(port, '127.0.0.1', () => void send());
    const send = async (): Promise<void> => {
      socket.write(head);
      for (const piece of pieces) {
        if (socket.destroyed || socket.writableEnded) break;
        sentBytes += piece.length;
        if (!socket.write(piece)) await drained(socket);
      }
    };
    const done = (): void => {
      clearTimeout(timer);
      socket.destroy();
      const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0);
      resolve({ status, text, ms: performance.now() - startedMs, sentBytes });
    };
    const timer = setTimeout(done, waitMs);
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('utf8');
    });
    socket.on('error', () => undefined);
    socket.on('close', done);
  });
}

function drained(socket: ReturnType<typeof connect>): Promise<void> {
  return new Promise((resolve) => {
    const go = (): void => {
      socket.off('drain', go).off('close', go);
      resolve();
    };
    socket.on('drain', go).on('close', go);
  });
}

const MB = 1024 * 1024;

export function* megabytes(count: number): Generator<Buffer> {
  const piece = Buffer.alloc(MB, 0x20);
  for (let i = 0; i < count; i += 1) yield piece;
}

/** So many megabytes in chunks of one. */
export function* chunked(count: number): Generator<Buffer> {
  for (const piece of megabytes(count)) {
    yield Buffer.concat([
      Buffer.from(`${piece.length.toString(16)}\r\n`),
      piece,
      Buffer.from('\r\n'),
    ]);
  }
  yield Buffer.from('0\r\n\r\n');
}

/** The head of a signed POST by hand; `lines` are added as they are. */
export function head(
  lines: readonly string[],
  signature: string = `sha256=${'0'.repeat(64)}`,
): string {
  return [
    'POST /api/github/webhooks HTTP/1.1',
    'Host: localhost',
    'Content-Type: application/json',
    'X-GitHub-Delivery: d0000000-0000-4000-8000-000000000002',
    'X-GitHub-Event: push',
    `X-Hub-Signature-256: ${signature}`,
    ...lines,
    '',
    '',
  ].join('\r\n');
}
