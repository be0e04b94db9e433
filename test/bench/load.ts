/**
 * The load generator of the intake bench, in a process of its own: `load.ts URL SECRET CONNECTIONS
 * SECONDS`. It signs its bodies before it starts, keeps its connections, and prints one JSON line.
 */
import { createHmac, randomUUID } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { quantile } from './row.ts';

export interface LoadResult {
  readonly seconds: number;
  /** Answers with status 202. */
  readonly accepted: number;
  /** Every other answer. */
  readonly refused: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Different pull requests in the bodies, so that jobs are added and not only replaced. */
const BODIES = 400;
const BODY_BYTES = 20_000;

interface Signed {
  readonly body: Buffer;
  readonly signature: string;
}

/** A webhook of the usual size; the text of the pull request fills it up. */
export function webhookBody(number: number, sizeBytes: number = BODY_BYTES): Buffer {
  const payload = {
    action: 'synchronize',
    number,
    pull_request: { number, state: 'open', body: '', head: { sha: 'a'.repeat(40) } },
    repository: { id: 10, name: 'shop', full_name: 'acme/shop', owner: { login: 'acme', id: 5 } },
    installation: { id: 1 },
    sender: { login: 'maria', id: 7, type: 'User' },
  };
  const missing = sizeBytes - Buffer.byteLength(JSON.stringify(payload));
  const line = 'It says what it does, "why", and how\n';
  // Quotes and line ends are two bytes in JSON, as they are in real texts.
  const lines = Math.max(0, Math.floor(missing / (line.length + 3)));
  const text = line.repeat(lines);
  return Buffer.from(
    JSON.stringify({ ...payload, pull_request: { ...payload.pull_request, body: text } }),
  );
}

function sign(body: Buffer, secret: string): Signed {
  return { body, signature: `sha256=${createHmac('sha256', secret).update(body).digest('hex')}` };
}

function request(host: string, { body, signature }: Signed): Buffer {
  const head = [
    'POST /api/github/webhooks HTTP/1.1',
    `Host: ${host}`,
    'Content-Type: application/json',
    'User-Agent: GitHub-Hookshot/bench',
    `X-GitHub-Delivery: ${randomUUID()}`,
    'X-GitHub-Event: pull_request',
    `X-Hub-Signature-256: ${signature}`,
    `Content-Length: ${body.length}`,
    '',
    '',
  ].join('\r\n');
  return Buffer.concat([Buffer.from(head), body]);
}

/** One answer with a content-length; the bench's servers send no other. */
function answered(socket: Socket): Promise<number> {
  return new Promise((resolve, reject) => {
    let text = '';
    const onData = (part: Buffer): void => {
      text += part.toString('latin1');
      const end = text.indexOf('\r\n\r\n');
      if (end < 0) return;
      const length = Number(/content-length: (\d+)/i.exec(text.slice(0, end))?.[1] ?? 0);
      if (text.length < end + 4 + length) return;
      socket.off('data', onData).off('close', onClose);
      resolve(Number(text.slice(9, 12)));
    };
    const onClose = (): void => reject(new Error(`the server hung up: ${text.slice(0, 200)}`));
    socket.on('data', onData).on('close', onClose);
  });
}

/** Posts until the time is over; each connection waits for its answer before it sends again. */
async function load(
  url: string,
  secret: string,
  { connections, seconds }: { readonly connections: number; readonly seconds: number },
): Promise<LoadResult> {
  const { hostname, port, host } = new URL(url);
  const bodies = Array.from({ length: BODIES }, (_, n) => sign(webhookBody(n + 1), secret));
  const times: number[] = [];
  let refused = 0;
  let next = 0;
  const startedMs = performance.now();
  const endMs = startedMs + seconds * 1000;
  const one = async (): Promise<void> => {
    const socket = connect({ host: hostname, port: Number(port), noDelay: true });
    socket.on('error', () => undefined);
    while (performance.now() < endMs) {
      const body = bodies[next++ % BODIES];
      if (body === undefined) throw new Error('no body');
      const sentMs = performance.now();
      const answer = answered(socket);
      socket.write(request(host, body));
      if ((await answer) === 202) times.push(performance.now() - sentMs);
      else refused += 1;
    }
    socket.destroy();
  };
  await Promise.all(Array.from({ length: connections }, one));
  return {
    seconds: (performance.now() - startedMs) / 1000,
    accepted: times.length,
    refused,
    p50Ms: quantile(times, 0.5),
    p99Ms: quantile(times, 0.99),
  };
}

if (process.argv[1] === import.meta.filename) {
  const [url = '', secret = '', connections = '16', seconds = '5'] = process.argv.slice(2);
  const how = { connections: Number(connections), seconds: Number(seconds) };
  process.stdout.write(`${JSON.stringify(await load(url, secret, how))}\n`);
}
