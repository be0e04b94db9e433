/**
 * Posts signed webhooks from a process of its own: a JSON list of `{ url, event, body }` comes in on
 * standard input, and one line with the times of the answers goes out. `post.ts SECRET CONNECTIONS`.
 */
import { createHmac, randomUUID } from 'node:crypto';
import { Agent, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { quantile } from './row.ts';

export interface Posting {
  readonly url: string;
  readonly event: string;
  readonly body: string;
  /** X-GitHub-Delivery; a new one when it is left out. */
  readonly id?: string;
}

export interface Posted {
  readonly accepted: number;
  /** Answers that were no 202, and requests without an answer. */
  readonly refused: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly seconds: number;
}

const [secret = '', connections = '16'] = process.argv.slice(2);
const agent = new Agent({ keepAlive: true, maxSockets: Number(connections) });

function post({ url, event, body, id = randomUUID() }: Posting): Promise<number> {
  const headers = {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    'x-github-delivery': id,
    'x-github-event': event,
    'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
  };
  return new Promise((resolve) => {
    const outgoing = request(url, { method: 'POST', agent, headers }, (incoming) => {
      incoming.resume();
      incoming.on('end', () => resolve(incoming.statusCode ?? 0));
    });
    outgoing.on('error', () => resolve(0));
    outgoing.end(body);
  });
}

async function main(): Promise<Posted> {
  const all = JSON.parse(await text(process.stdin)) as Posting[];
  const times: number[] = [];
  let next = 0;
  let accepted = 0;
  const startedMs = performance.now();
  const lane = async (): Promise<void> => {
    for (let one = all[next++]; one !== undefined; one = all[next++]) {
      const sentMs = performance.now();
      if ((await post(one)) === 202) accepted += 1;
      times.push(performance.now() - sentMs);
    }
  };
  await Promise.all(Array.from({ length: Number(connections) }, lane));
  const seconds = (performance.now() - startedMs) / 1000;
  const refused = all.length - accepted;
  return { accepted, refused, p50Ms: quantile(times, 0.5), p99Ms: quantile(times, 0.99), seconds };
}

process.stdout.write(`${JSON.stringify(await main())}\n`);
process.exit(0);
