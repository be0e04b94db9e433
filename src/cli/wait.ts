/** `tagout wait`: any pipeline waits here until a commit may go to an environment. */
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { TagoutError } from '../core/errors.ts';
import { EXIT, type Io } from './io.ts';

export interface WaitOptions {
  readonly environment: string;
  readonly sha: string;
  /** `owner/name`. */
  readonly repo: string;
  /** Address of the Tagout server; `TAGOUT_URL` when left out. */
  readonly url?: string;
  /** Minutes to wait while it is held; then the exit code is that of hold. */
  readonly minutes: number;
}

const answerSchema = z.object({
  decision: z.enum(['allow', 'hold', 'deny', 'pending']),
  codes: z.array(z.string()),
});

const REQUEST_MS = 15_000;
/** Between two looks: short while nothing is decided, longer while people are needed. */
const PENDING_MS = 1_000;
const HELD_MS = 10_000;

/** Answers the exit code: 0 allow, 10 still held at the end, 20 deny; throws TagoutError. */
export async function wait(options: WaitOptions, io: Io): Promise<number> {
  const address = addressOf(options, io);
  const endMs = io.now() + options.minutes * 60_000;
  let told = '';
  for (;;) {
    const { decision, codes } = await ask(address, await tokenOf(io));
    const line = `${decision}${codes.length === 0 ? '' : `: ${codes.join(', ')}`}\n`;
    if (line !== told && decision !== 'pending') io.out(line);
    told = decision === 'pending' ? told : line;
    if (decision === 'allow') return EXIT.allow;
    if (decision === 'deny') return EXIT.deny;
    const nextMs = decision === 'pending' ? PENDING_MS : HELD_MS;
    if (io.now() + nextMs > endMs) return EXIT.hold;
    await sleep(nextMs);
  }
}

function addressOf({ environment, sha, repo, url }: WaitOptions, io: Io): string {
  const server = url ?? io.env['TAGOUT_URL'] ?? '';
  if (!URL.canParse(server)) {
    throw new TagoutError('usage', 'Say where Tagout is: --url https://HOST, or TAGOUT_URL.');
  }
  if (!/^[0-9a-f]{40}([0-9a-f]{24})?$/.test(sha)) {
    throw new TagoutError('usage', '--sha takes the whole id of a commit (40 or 64 hex digits).');
  }
  if (!/^[\w.-]+\/[\w.-]+$/.test(repo)) {
    throw new TagoutError('usage', '--repo takes owner/name.');
  }
  const path = [...repo.split('/'), environment, sha].map((part) => encodeURIComponent(part));
  return `${server.replace(/\/+$/, '')}/api/decisions/${path.join('/')}`;
}

/** The deployer's own token, or inside a workflow job its identity, fresh for each request. */
async function tokenOf({ env }: Io): Promise<string> {
  const own = env['TAGOUT_TOKEN'];
  if (own !== undefined && own !== '') return own;
  const [url, token] = [env['ACTIONS_ID_TOKEN_REQUEST_URL'], env['ACTIONS_ID_TOKEN_REQUEST_TOKEN']];
  if (url === undefined || token === undefined) {
    const message =
      'Set TAGOUT_TOKEN (`npx tagout token` makes one), or run in a workflow job with ' +
      '`permissions: id-token: write` and the environment named.';
    throw new TagoutError('usage', message);
  }
  const answer = await request(`${url}&audience=tagout`, token);
  return z.object({ value: z.string() }).parse(await answer.json()).value;
}

async function request(url: string, token: string): Promise<Response> {
  const headers = { authorization: `Bearer ${token}`, accept: 'application/json' };
  try {
    return await fetch(url, { headers, signal: AbortSignal.timeout(REQUEST_MS) });
  } catch (cause) {
    const message = `${new URL(url).origin} does not answer; nothing was decided.`;
    throw new TagoutError('store-unavailable', message, { cause });
  }
}

/** A server that is down for a moment is asked again; a refusal is final. */
async function ask(address: string, token: string): Promise<z.infer<typeof answerSchema>> {
  const answer = await request(address, token);
  if (answer.status === 200 || answer.status === 202) {
    return answerSchema.parse(await answer.json());
  }
  if (answer.status >= 500) return { decision: 'pending', codes: [] };
  const body = z.object({ error: z.string() }).safeParse(await answer.json().catch(() => null));
  const why = body.success ? body.data.error : `HTTP ${answer.status}`;
  throw new TagoutError('usage', `Tagout refused the question: ${why}`);
}
