/** Webhooks as GitHub sends them: signed, only what the app subscribed to, never tried again. */
import { createHmac } from 'node:crypto';
import { Agent, request as httpRequest } from 'node:http';
import { accountJson, nodeId } from './shapes.ts';
import { repositoryPart } from './shapes-code.ts';
import type { Account, AppRecord, Installation, Json, RepoRecord } from './state.ts';
import type { World } from './world.ts';

export interface Delivery {
  readonly id: number;
  /** X-GitHub-Delivery; the same for a redelivery. */
  readonly guid: string;
  readonly app: AppRecord;
  readonly event: string;
  readonly action: string | null;
  readonly installationId: number | null;
  readonly repositoryId: number | null;
  readonly redelivery: boolean;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly atMs: number;
  durationMs: number;
  /** `pending` until answered; `lost` by a fault; `no-url` when the app has no webhook address. */
  outcome: 'pending' | 'answered' | 'failed' | 'lost' | 'no-url';
  statusCode: number;
  responseBody: string;
}

export interface Notice {
  readonly event: string;
  readonly action: string | null;
  readonly repo: RepoRecord | null;
  readonly sender: Account;
  readonly body: Json;
  /** Only this app hears it. */
  readonly onlyApp?: AppRecord;
  readonly installation?: Installation;
}

/** Sent to every app, subscribed or not. */
const always = new Set(['installation', 'installation_repositories', 'check_run', 'ping']);

const agents = new WeakMap<World, Agent>();
const queues = new WeakMap<AppRecord, Promise<void>>();
const heldBack = new WeakMap<AppRecord, Delivery>();

function agentOf(world: World): Agent {
  const known = agents.get(world);
  if (known !== undefined) return known;
  const agent = new Agent({ keepAlive: true });
  agents.set(world, agent);
  return agent;
}

export function closeWebhooks(world: World): void {
  agents.get(world)?.destroy();
}

/** Tells every app that is installed there and asked for this event. Answers at once. */
export function emit(world: World, notice: Notice): void {
  for (const app of world.apps) {
    if (notice.onlyApp !== undefined && notice.onlyApp !== app) continue;
    if (!always.has(notice.event) && !app.events.includes(notice.event)) continue;
    const installation =
      notice.installation ?? (notice.repo === null ? null : world.installed(app, notice.repo));
    if (installation === null || installation.suspendedAtMs !== null) continue;
    if (notice.installation !== undefined && !app.installations.includes(installation)) continue;
    const payload = {
      ...(notice.action === null ? {} : { action: notice.action }),
      ...notice.body,
      ...(notice.repo === null ? {} : repositoryPart(world, notice.repo)),
      ...(notice.body['installation'] === undefined
        ? { installation: { id: installation.id, node_id: nodeId('MDI', installation.id) } }
        : {}),
      sender: accountJson(world, notice.sender),
    };
    send(world, newDelivery(world, app, { notice, installation, payload }));
  }
}

interface Made {
  readonly notice: Notice;
  readonly installation: Installation;
  readonly payload: Json;
}

function newDelivery(world: World, app: AppRecord, made: Made): Delivery {
  const { notice, installation, payload } = made;
  const id = world.nextId('delivery');
  const hex = world.token(`delivery ${id}`);
  const at = [0, 8, 12, 16, 20, 32];
  const name = notice.action === null ? notice.event : `${notice.event}.${notice.action}`;
  const contractName = name.replaceAll('_', '-').replace('.', '-');
  world.judge?.('webhook', contractName, payload);
  return {
    id,
    guid: at
      .slice(0, 5)
      .map((from, index) => hex.slice(from, at[index + 1]))
      .join('-'),
    app,
    event: notice.event,
    action: notice.action,
    installationId: installation.id,
    repositoryId: notice.repo?.id ?? null,
    redelivery: false,
    body: JSON.stringify(payload),
    headers: {},
    atMs: world.now(),
    durationMs: 0,
    outcome: 'pending',
    statusCode: 0,
    responseBody: '',
  };
}

/** Sends a delivery again with its old guid, as `POST …/attempts` does. */
export function redeliver(world: World, old: Delivery): Delivery {
  const again: Delivery = {
    ...old,
    id: world.nextId('delivery'),
    redelivery: true,
    atMs: world.now(),
    durationMs: 0,
    outcome: 'pending',
    statusCode: 0,
    responseBody: '',
  };
  send(world, again);
  return again;
}

/** Puts a delivery into the app's queue: they leave in the order of what happened. */
function send(world: World, delivery: Delivery): void {
  const { app } = delivery;
  world.deliveries.push(delivery);
  const signed = { ...delivery, headers: headersOf(delivery) };
  Object.assign(delivery, { headers: signed.headers });
  const name = `${delivery.event}.${delivery.action ?? ''}`;
  const fault = world.faults.forDelivery(name);
  if (fault?.lose === true) {
    delivery.outcome = 'lost';
    return;
  }
  if (fault?.swap === true) {
    heldBack.set(app, delivery);
    world.later(releaseLater(world, app, delivery));
    return;
  }
  enqueue(world, delivery, fault?.delayMs ?? 0);
  if (fault?.double === true) enqueue(world, delivery, 0);
  const held = heldBack.get(app);
  if (held !== undefined) {
    heldBack.delete(app);
    enqueue(world, held, 0);
  }
}

/** A delivery that waits for a later one leaves by itself when none comes soon. */
async function releaseLater(world: World, app: AppRecord, delivery: Delivery): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 250));
  if (heldBack.get(app) !== delivery) return;
  heldBack.delete(app);
  enqueue(world, delivery, 0);
}

function enqueue(world: World, delivery: Delivery, delayMs: number): void {
  const before = queues.get(delivery.app) ?? Promise.resolve();
  const next = before.then(async () => {
    if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs));
    await post(world, delivery);
  });
  queues.set(delivery.app, next);
  world.later(next);
}

function headersOf(delivery: Delivery): Record<string, string> {
  const { app } = delivery;
  const sign = (algorithm: string): string =>
    `${algorithm}=${createHmac(algorithm, app.webhookSecret).update(delivery.body).digest('hex')}`;
  return {
    accept: '*/*',
    'content-type': 'application/json',
    'user-agent': 'GitHub-Hookshot/local',
    'x-github-delivery': delivery.guid,
    'x-github-event': delivery.event,
    'x-github-hook-id': String(app.hookId),
    'x-github-hook-installation-target-id': String(app.id),
    'x-github-hook-installation-target-type': 'integration',
    'x-hub-signature': sign('sha1'),
    'x-hub-signature-256': sign('sha256'),
  };
}

/** GitHub gives an app ten seconds. */
const answerWithinMs = 10_000;

function post(world: World, delivery: Delivery): Promise<void> {
  const url = delivery.app.webhookUrl;
  if (url === null) {
    delivery.outcome = 'no-url';
    return Promise.resolve();
  }
  const started = performance.now();
  return new Promise((resolve) => {
    const finish = (outcome: Delivery['outcome'], code: number, body: string): void => {
      delivery.outcome = outcome;
      delivery.statusCode = code;
      delivery.responseBody = body;
      delivery.durationMs = performance.now() - started;
      resolve();
    };
    const options = {
      method: 'POST',
      agent: agentOf(world),
      timeout: answerWithinMs,
      headers: { ...delivery.headers, 'content-length': Buffer.byteLength(delivery.body) },
    };
    const outgoing = httpRequest(url, options, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('error', () => finish('failed', 502, 'broken off'));
      answer.on('end', () =>
        finish('answered', answer.statusCode ?? 0, Buffer.concat(chunks).toString('utf8')),
      );
    });
    outgoing.on('timeout', () => outgoing.destroy(new Error('timed out')));
    outgoing.on('error', (error) => finish('failed', 502, error.message));
    outgoing.end(delivery.body);
  });
}
