/**
 * The webhook's door: everything that can be refused without knowing the secret is refused before
 * a byte of the body is kept; then the signature is checked on the bytes; then the delivery is
 * stored; then it is acknowledged. Nothing of a body is ever logged or sent back.
 */
import type { IncomingMessage } from 'node:http';
import { TagoutError } from '../core/errors.ts';
import type { BodyReader } from './body.ts';
import type { Log } from './log.ts';

/** One webhook as it came: headers that are checked for form only, and the exact body. */
export interface WebhookDelivery {
  readonly id: string;
  readonly event: string;
  readonly signature: string;
  readonly body: string;
}

export type WebhookOutcome = 'stored' | 'bad-signature' | 'bad-payload';

/**
 * Verifies the signature and stores the delivery before it answers; a delivery that is stored
 * already, or that nobody waits for, is `stored` too. Throws TagoutError('store-unavailable') when
 * nothing was stored.
 */
export type ReceiveWebhook = (delivery: WebhookDelivery) => Promise<WebhookOutcome>;

export interface Answer {
  readonly status: 202 | 400 | 401 | 408 | 413 | 415 | 500 | 503;
  readonly error: string | null;
  readonly retryAfterSeconds?: number;
}

export interface Intake {
  readonly receiveWebhook: ReceiveWebhook;
  readonly bodies: BodyReader;
  readonly log: Log;
  readonly receiveTimeoutMs: number;
}

interface Heading {
  readonly id: string;
  readonly event: string;
  readonly signature: string;
}

/** Takes one webhook request in. Never throws; every outcome is an Answer. */
export async function takeIn(incoming: IncomingMessage, intake: Intake): Promise<Answer> {
  const startedMs = performance.now();
  const heading = readHeading(incoming);
  if ('status' in heading) return logged(intake.log, null, startedMs, heading);
  const answer = await takeInBody(incoming, heading, intake);
  return logged(intake.log, heading, startedMs, answer);
}

function readHeading(incoming: IncomingMessage): Heading | Answer {
  const one = (name: string): string => {
    const value = incoming.headers[name];
    return typeof value === 'string' ? value.trim() : '';
  };
  if (!/^application\/json(?:\s*;.*)?$/i.test(one('content-type'))) {
    return no(415, "Set the webhook's content type to application/json.");
  }
  if (!['', 'identity'].includes(one('content-encoding').toLowerCase())) {
    return no(415, 'Send the body without a content encoding.');
  }
  const id = one('x-github-delivery');
  if (!/^[\w-]{1,100}$/.test(id)) return no(400, 'The header X-GitHub-Delivery is missing or odd.');
  const event = one('x-github-event');
  // Names that every object has are no event, and the tables behind would find something there.
  if (!/^[a-z_]{1,100}$/.test(event) || event in Object.prototype) {
    return no(400, 'The header X-GitHub-Event is missing or odd.');
  }
  const signature = one('x-hub-signature-256');
  if (signature === '') {
    return no(401, 'The header X-Hub-Signature-256 is missing: give the webhook its secret.');
  }
  if (!/^sha256=[0-9a-f]{64}$/.test(signature)) {
    return no(401, 'The header X-Hub-Signature-256 is not a SHA-256 signature.');
  }
  return { id, event, signature };
}

async function takeInBody(
  incoming: IncomingMessage,
  heading: Heading,
  intake: Intake,
): Promise<Answer> {
  const body = await intake.bodies.read(incoming);
  switch (body.kind) {
    case 'too-large':
      return no(413, 'The body is larger than 25 MB, which is the most that GitHub sends.');
    case 'too-slow':
      return no(408, 'The body did not come to its end in time.');
    case 'aborted':
      return no(400, 'The body ended too early.');
    case 'busy':
      return { ...no(503, 'Too many bodies at once: send it again.'), retryAfterSeconds: 5 };
    case 'whole':
      return store({ ...heading, body: body.bytes.toString('utf8') }, intake);
  }
}

async function store(delivery: WebhookDelivery, intake: Intake): Promise<Answer> {
  // Only an object can be an event; the parser behind would stumble over `null`.
  if (!/^\s*\{/.test(delivery.body)) return no(400, 'The body is not a JSON object.');
  try {
    const outcome = await inTime(intake.receiveWebhook(delivery), intake.receiveTimeoutMs);
    switch (outcome) {
      case 'stored':
        return { status: 202, error: null };
      case 'bad-signature':
        return no(401, 'The signature does not fit the body and the secret.');
      case 'bad-payload':
        return no(400, 'The body is not a JSON object.');
    }
  } catch (error) {
    return failed(error, delivery, intake.log);
  }
}

/** The answer to a delivery that was not stored. What the error says may quote the payload. */
function failed(error: unknown, delivery: WebhookDelivery, log: Log): Answer {
  const code = error instanceof TagoutError ? error.code : 'internal';
  const name = error instanceof Error ? error.name : typeof error;
  const message = error instanceof TagoutError ? error.message : 'withheld: it may quote a payload';
  const about = { delivery: delivery.id, event: delivery.event, code, name, detail: message };
  log.error(about, 'delivery not stored');
  if (code === 'store-unavailable') {
    const sentence = 'The delivery was not stored, as the database did not answer: redeliver it.';
    return { ...no(503, sentence), retryAfterSeconds: 5 };
  }
  return no(500, 'The delivery was not stored: redeliver it.');
}

function inTime<T>(work: Promise<T>, limitMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const message = `Storing a delivery took longer than ${limitMs} ms.`;
      reject(new TagoutError('store-unavailable', message));
    }, limitMs);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

function no(status: Exclude<Answer['status'], 202>, error: string): Answer {
  return { status, error };
}

function logged(log: Log, heading: Heading | null, startedMs: number, answer: Answer): Answer {
  const about = {
    delivery: heading?.id ?? null,
    event: heading?.event ?? null,
    status: answer.status,
    ms: Math.round((performance.now() - startedMs) * 10) / 10,
  };
  if (answer.status === 202) log.info(about, 'delivery taken in');
  else log.warn({ ...about, why: answer.error }, 'delivery refused');
  return answer;
}
