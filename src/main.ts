/** `serve`: from settings to the running server. The composition root: every room meets here. */
import { existsSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import type { Probot } from 'probot';
import type { Hono } from 'hono';
import { createTagoutApp } from './app.ts';
import { placesOf } from './cli/anchors.ts';
import { callbackUrl, createAuditDoor } from './audit-door.ts';
import { withStoredCredentials } from './cli/credentials.ts';
import { EXIT, failed, realIo } from './cli/io.ts';
import type { Io } from './cli/io.ts';
import { createLog, describeError } from './cli/log.ts';
import { intoInbox, receiveThrough } from './cli/receive.ts';
import { withNotices } from './cli/notice.ts';
import { secretsOf } from './cli/secrets.ts';
import { readServeSettings } from './cli/settings.ts';
import type { ServeSettings } from './cli/settings.ts';
import { needsSetup, runSetup } from './cli/setup.ts';
import { supervise } from './cli/supervise.ts';
import { sweep, sweepPartsOf } from './cli/sweep.ts';
import { VERSION } from './cli/version.ts';
import { TagoutError } from './core/errors.ts';
import { locatorKey } from './core/subject.ts';
import type { Locator, Trigger } from './core/subject.ts';
import type { Trace } from './core/trace.ts';
import { createEnact } from './github/enact.ts';
import type { Self } from './github/events.ts';
import { createGather } from './github/gather.ts';
import { createSendProgress } from './github/send-progress.ts';
import { Limits } from './github/limits.ts';
import { appClient, createProbot, octokitFor } from './github/probot.ts';
import { createDeployerDoor } from './deployers.ts';
import { createGlassReviews } from './glass-reviews.ts';
import { judge } from './line.ts';
import { createMergeWatch } from './merge-watch.ts';
import { createPostureWatch, type PosturePolls, pollsOf } from './posture-watch.ts';
import type { LineParts, LineResult } from './line.ts';
import { planMigrations } from './migrations/plan.ts';
import { findEngine } from './postgres/engine.ts';
import { openStoreCluster } from './postgres/store-cluster.ts';
import { rememberDryRuns } from './sandbox/remember.ts';
import { createSandbox, type Sandbox } from './sandbox/sandbox.ts';
import type { AnchorPlace } from './store/anchor.ts';
import { readFigures } from './store/figures.ts';
import { createPostureMemory } from './store/posture.ts';
import { openStore } from './store/open.ts';
import type { Store } from './store/open.ts';
import { createUrgent, type Urgent } from './store/urgent.ts';
import type { SweepPlan } from './store/upkeep.ts';
import type { Worker } from './store/worker.ts';
import { addDecisions } from './web/decisions.ts';
import { createWebApp, WEBHOOK_PATH } from './web/app.ts';
import type { WebEnv } from './web/app.ts';
import { createAuditClosed, createAuditPages } from './web/audit/pages.ts';
import { createMetrics } from './web/metrics.ts';
import type { Metrics } from './web/metrics.ts';
import { openTelemetry } from './telemetry.ts';
import { listen } from './web/server.ts';

export type { ServeSettings } from './cli/settings.ts';

type ServerLog = ReturnType<typeof createLog>;

export interface Served {
  /** `http://localhost:3000`, with the port that was taken. */
  readonly url: string;
  readonly store: Store;
  /** Stops intake, finishes or hands back jobs, stops the embedded PostgreSQL. Idempotent. */
  close(): Promise<void>;
  /** Resolves with its name when a part has ended without which nothing can be judged. */
  readonly lost: Promise<string>;
}

/** Jobs at a time; dry runs among them wait for the sandbox's own two places. */
const CONCURRENCY = 4;
/** A look at the same content again, for a review or a label, costs no cluster. */
const REMEMBERED = { entries: 500, maxAgeMs: 24 * 60 * 60 * 1000 } as const;
/** All of stopping together takes less than the 25 s that a stop may take. */
const WEB_GRACE_MS = 5_000;
const SANDBOX_GRACE_MS = 2_000;
/** Databases whose next dry run finds its cluster started; each takes some 30 MB of memory. */
const READY_COPIES = 2;
const STOP_LIMIT_MS = 25_000;
const CRASH_LIMIT_MS = 5_000;

/** Starts everything and listens. What was started before a fault is stopped again. */
export async function serve(
  settings: ServeSettings,
  log: ServerLog = createLog({ level: settings.logLevel, secrets: secretsOf(settings) }),
): Promise<Served> {
  const closers: (() => Promise<unknown>)[] = [];
  let closing: Promise<void> | null = null;
  const close = (): Promise<void> => {
    closing ??= closeAll(closers.toReversed(), log);
    return closing;
  };
  try {
    return await start(settings, { log, closers, close });
  } catch (error) {
    await close();
    throw error;
  }
}

interface Frame {
  readonly log: ServerLog;
  /** What has to be closed, the last one first. */
  readonly closers: (() => Promise<unknown>)[];
  readonly close: () => Promise<void>;
}

async function start(settings: ServeSettings, { log, closers, close }: Frame): Promise<Served> {
  const lost = Promise.withResolvers<string>();
  const about = { service: settings.traces?.service ?? 'tagout', version: VERSION };
  const telemetry = await openTelemetry(settings.traces?.url ?? null, about, (m) => log.warn(m));
  closers.push(() => telemetry.close());
  const { trace } = telemetry;
  const store = await openServerStore({ settings, log, trace, onLost: lost.resolve });
  closers.push(() => store.close());
  const { appId, privateKey, webhookSecret: secret, githubApiUrl: baseUrl, only } = settings;
  const probot = await createProbot({ appId, privateKey, secret, baseUrl });
  const self: Self = { slug: null };
  const limits = new Limits(Date.now);
  const anchors = placesOf(settings, process.env, Date.now);
  const metrics = createMetrics({
    store: () => readFigures(store.sql, Date.now(), anchors),
    budgets: () => limits.budgets(),
    shutOut: () => limits.shutOut(),
  });
  const shared = { settings, store, probot, self, limits, metrics, anchors };
  const urgent = createUrgent();
  const parts: Parts = { ...shared, urgent, log, trace, closers };
  await probot.load(createTagoutApp(intoInbox(store.inbox), self));
  const worker = only === 'web' ? null : await startJobs(parts);
  worker?.ended.catch(() => lost.resolve('the worker'));
  const receive = receiveThrough(probot.webhooks, Date.now, trace);
  const app = createWebApp({
    receiveWebhook: only === 'worker' ? null : (delivery) => urgent.run(() => receive(delivery)),
    ready: () => answering(store),
    metrics: { from: metrics, token: settings.metricsToken ?? null },
    log,
  });
  const door = { probot, limits, store, githubApiUrl: baseUrl, now: Date.now };
  if (only !== 'worker') {
    addDecisions(app, createDeployerDoor(door));
    app.route('/', auditPages(parts));
  }
  const listening = await listen(app, settings).catch(async (error: unknown) => {
    await worker?.stop();
    throw error;
  });
  // Together, so that no time of the worker's is lost to a client that does not hang up.
  closers.push(() => Promise.all([listening.close(WEB_GRACE_MS), worker?.stop()]));
  return { url: listening.url, store, close, lost: lost.promise };
}

/** `/audit`, or the page that says what is missing for it. */
function auditPages({ settings, probot, limits, store, log }: Parts): Hono<WebEnv> {
  const { oauth = null } = settings;
  if (oauth === null) return createAuditClosed({ callbackUrl: callbackUrl(settings.publicUrl) });
  const parts = { settings, oauth, probot, limits, store, log, now: Date.now };
  return createAuditPages(createAuditDoor(parts));
}

function wishesOf({ notices }: ServeSettings): Pick<LineParts, 'notices'> {
  if (notices === undefined) return {};
  const { comment, reviewers, webhook } = notices;
  return { notices: { comment, reviewers, chat: webhook !== null } };
}

/** What the halves of the server share. */
interface Parts {
  readonly settings: ServeSettings;
  readonly store: Store;
  readonly probot: Probot;
  readonly self: Self;
  readonly limits: Limits;
  readonly metrics: Metrics;
  readonly urgent: Urgent;
  readonly anchors: readonly AnchorPlace[];
  readonly log: ServerLog;
  readonly trace: Trace;
  readonly closers: (() => Promise<unknown>)[];
}

/** The half that judges, writes to GitHub and sweeps. */
async function startJobs(parts: Parts): Promise<Worker> {
  const { settings, store, probot, self, limits, metrics, log, trace, closers } = parts;
  const sandbox = createSandbox({
    cacheDir: join(settings.dataDir, 'sandbox'),
    ready: READY_COPIES,
    ...(settings.snapshots === undefined ? {} : { snapshots: settings.snapshots }),
  });
  closers.push(() => within(sandbox.close(), SANDBOX_GRACE_MS));
  const client = octokitFor(probot, limits);
  const { memory, record } = store;
  const runDry: Sandbox['dryRun'] = async (wish) => {
    const startedMs = performance.now();
    const run = await trace.span('dry run', {}, async (tell) => {
      const made = await sandbox.dryRun(wish);
      tell({ outcome: made.status });
      return made;
    });
    metrics.ranDry(run.status, performance.now() - startedMs);
    return run;
  };
  const gather = createGather({
    octokitFor: client,
    memory,
    runDry: rememberDryRuns({ runDry, ...REMEMBERED, now: Date.now }),
    planMigrations,
  });
  const progress = store.progress(createSendProgress({ octokitFor: client }));
  const everyMs = (settings.sweepMinutes ?? 0) * 60_000;
  const app = appClient(probot, limits);
  const sweeps = sweepPartsOf({ store, app, client, log });
  const polls = postureOf(parts, app);
  const run: SweepPlan['run'] = async (since) => {
    const swept = await sweep(sweeps, since);
    metrics.swept(swept, Date.now());
    await polls.poll().catch((error: unknown) => {
      // It compares state each time, so nothing of the sweep has to be done again for it.
      log.error(describeError(error), 'what holds production was not polled');
    });
    return swept.next;
  };
  return store.startWorker({
    expand: async ({ locator, because }) => {
      if (locator.kind === 'posture') {
        if (everyMs > 0) await polls.event(locator, because);
        return [];
      }
      // What changed in a repository as a whole may have changed what holds its production.
      const isWhole = everyMs > 0 && locator.kind === 'repository';
      const looked = isWhole ? polls.look(locator.repo) : null;
      const [found] = await Promise.all([gather.expand(locator), looked]);
      return found;
    },
    judge: thenAfterwards(
      loggedJudge({ gather, record, trace, progress, ...wishesOf(settings) }, log, metrics),
      [
        createGlassReviews({ octokitFor: client, memory, sql: store.sql, now: Date.now }),
        createMergeWatch({ readMerge: gather.readMerge, sql: store.sql, now: Date.now }),
      ],
    ),
    enact: withNotices(createEnact({ octokitFor: client, self }), settings),
    ...(everyMs > 0 ? { sweep: { everyMs, run } } : {}),
    anchors: parts.anchors,
    removed: (rows, atMs) => metrics.removed({ ...rows }, atMs),
    concurrency: CONCURRENCY,
    urgent: parts.urgent,
    log: (level, message) => log[level === 'warning' ? 'warn' : level]({ room: 'store' }, message),
  });
}

/** What is not open any more may have been released by broken glass, or merged past the gate. */
function thenAfterwards(
  judged: WorkerJudge,
  looks: readonly ((trigger: Trigger, locator: Locator) => Promise<void>)[],
): WorkerJudge {
  return async (trigger, locator) => {
    const result = await judged(trigger, locator);
    if (result.decision !== null) return result;
    for (const look of looks) await look(trigger, locator);
    return result;
  };
}

/** Watches what holds production at GitHub; it decides nothing and stops nothing. */
function postureOf(
  { settings, store, probot, limits, log }: Parts,
  app: ReturnType<typeof appClient>,
): PosturePolls {
  const { githubApiUrl } = settings;
  const memory = createPostureMemory(store.sql);
  const client = octokitFor(probot, limits);
  const watch = createPostureWatch({ app, client, memory, githubApiUrl, now: Date.now });
  return pollsOf(watch, { log, now: Date.now });
}

async function openServerStore({
  settings,
  log,
  trace,
  onLost,
}: Pick<Parts, 'settings' | 'log' | 'trace'> & {
  readonly onLost: (what: string) => void;
}): Promise<Store> {
  const { databaseUrl, databaseOwnerUrl: ownerUrl, dataDir } = settings;
  return openStore({
    databaseUrl,
    ownerUrl,
    dataDir,
    trace,
    startEmbedded: async (folder) => {
      const place = { dataDir: join(folder, 'store'), database: 'tagout' };
      const cluster = await openStoreCluster({ ...place, engine: await findEngine({}) });
      void cluster.ended.then(() => onLost('the embedded PostgreSQL'));
      return cluster;
    },
    log: (level, message) => log[level === 'warning' ? 'warn' : 'info']({ room: 'store' }, message),
  });
}

async function answering(store: Store): Promise<void> {
  if (await store.ready()) return;
  throw new TagoutError('store-unavailable', 'The store does not answer.');
}

type WorkerJudge = (trigger: Trigger, locator: Locator) => Promise<LineResult>;

/** The line with a log entry at its end: ids, verdict and time, nothing that a person wrote. */
function loggedJudge(parts: LineParts, log: ServerLog, metrics: Metrics): WorkerJudge {
  return async (trigger, locator) => {
    const startedMs = performance.now();
    const about = { subject: locatorKey(locator), delivery: trigger.delivery };
    const ms = (): number => Math.round(performance.now() - startedMs);
    try {
      const result = await judge(trigger, locator, parts);
      const verdict = result.decision?.verdict ?? 'gone';
      log.info({ ...about, because: trigger.because, verdict, ms: ms() }, 'judged');
      metrics.judged(locator.kind, verdict, ms());
      return result;
    } catch (error) {
      log.error({ ...about, ...describeError(error), ms: ms() }, 'not judged: it stays held');
      metrics.judged(locator.kind, error instanceof TagoutError ? error.code : 'internal', ms());
      throw error;
    }
  };
}

function within(work: Promise<unknown>, limitMs: number): Promise<unknown> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise((resolve) => {
    timer = setTimeout(resolve, limitMs);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

/** One part that cannot be closed does not keep the others open. */
async function closeAll(
  closers: readonly (() => Promise<unknown>)[],
  log: ServerLog,
): Promise<void> {
  for (const close of closers) {
    await close().catch((error: unknown) => log.error(describeError(error), 'closing failed'));
  }
}

/** The whole life of a server process; answers its exit code. */
export async function runServer(
  io: Io,
  only: ServeSettings['only'] = onlyOf(process.argv),
): Promise<number> {
  if (needsSetup(io.env, io.cwd)) {
    const code = await runSetup(io, createLog({ level: 'info', secrets: [] }));
    if (code !== EXIT.allow) return code;
  }
  const read = readServeSettings(withStoredCredentials(io.env, io.cwd), io.cwd);
  const settings = { ...read, only: only ?? null };
  const log = createLog({ level: settings.logLevel, secrets: secretsOf(settings) });
  const server = await serve(settings, log);
  const webhooks = `${settings.publicUrl ?? server.url}${WEBHOOK_PATH}`;
  io.out(`Tagout listens on ${server.url} and takes webhooks at ${webhooks}\n`);
  return supervise(server, {
    log,
    process,
    stopLimitMs: STOP_LIMIT_MS,
    crashLimitMs: CRASH_LIMIT_MS,
    lost: server.lost,
  });
}

/** `npm start -- --only=web`: one half of the server. */
function onlyOf(args: readonly string[]): 'web' | 'worker' | null {
  if (args.includes('--only=web')) return 'web';
  return args.includes('--only=worker') ? 'worker' : null;
}

/** Whether this file is what was started (`npm start`), and not a part of something else. */
function isEntry(): boolean {
  const entry = process.argv[1];
  return entry !== undefined && existsSync(entry) && realpathSync(entry) === import.meta.filename;
}

if (isEntry()) {
  process.exit(await runServer(realIo).catch((error: unknown) => failed(error, realIo)));
}
