/**
 * The sweep: finds what was missed and gives it to the line as ordinary triggers. GitHub never
 * repeats a delivery by itself, and keeps its log of them for three days; what is older than that,
 * or never left GitHub, is found by comparing what is open there with what we decided.
 */
import type { Locator, RepoRef, Trigger } from '../core/subject.ts';
import type { OctokitFor, OctokitLike } from '../github/clients.ts';
import { Limits } from '../github/limits.ts';
import { appClient, createProbot, octokitFor } from '../github/probot.ts';
import {
  createSweepReader,
  type DeliveryAttempt,
  isListenedTo,
  type SweepReader,
} from '../github/sweep.ts';
import { createDeliveryLog, type DeliveryLog } from '../store/delivery-log.ts';
import type { Inbox } from '../store/inbox.ts';
import { compare, type SeenRepository } from '../store/sweep-compare.ts';
import { openStore, type Store } from '../store/open.ts';
import { createSweepMemory, type SweepMemory } from '../store/sweep.ts';
import { withStoredCredentials } from './credentials.ts';
import { EXIT, type Io } from './io.ts';
import { createLog, describeError } from './log.ts';
import { secretsOf } from './secrets.ts';
import { readServeSettings } from './settings.ts';

export interface SweepParts {
  readonly reader: SweepReader;
  readonly memory: SweepMemory;
  readonly inbox: Inbox;
  readonly deliveryLog: Pick<DeliveryLog, 'keep'>;
  readonly now: () => number;
  readonly log: {
    info(about: object, message: string): void;
    warn(about: object, message: string): void;
  };
}

/** What one sweep found and did; also the metrics' figures. */
export interface Swept {
  readonly deliveries: number;
  /** Deliveries that are in GitHub's log and not in our store. */
  readonly missed: number;
  readonly redelivered: number;
  readonly repositories: number;
  /** Repositories that could not be read; the next sweep tries again. */
  readonly unread: number;
  /** Looks that the comparison asked for. */
  readonly looks: number;
  readonly undecidedDeployments: number;
  readonly uncheckedMerges: number;
}

const DAY_MS = 86_400_000;
const LOG_MS = 3 * DAY_MS;
/** What was on its way at the last sweep, and clocks that differ. */
const OVERLAP_MS = 15 * 60_000;
/** What is younger may be on its way still. */
const IN_FLIGHT_MS = 30_000;
/** An attempt that failed is not repeated sooner, and not more often than this. */
const ATTEMPT_PAUSE_MS = 60_000;
const MAX_ATTEMPTS = 8;
const MAX_REDELIVERIES = 2_000;
const AT_ONCE = 4;
/** Check runs that are looked up in one repository in one sweep. */
const MAX_CHECKS = 50;

/** Runs one sweep. `sinceMs`: how far back the delivery log is read; null: all of it. */
export async function sweep(parts: SweepParts, sinceMs: number | null): Promise<Swept> {
  const nowMs = parts.now();
  const fromMs = Math.max((sinceMs ?? 0) - OVERLAP_MS, nowMs - LOG_MS);
  const sent = await sweepDeliveries(parts, fromMs, nowMs);
  const repositories = await parts.reader.repositories();
  const found = { unread: 0, looks: 0, undecidedDeployments: 0, uncheckedMerges: 0 };
  await eachOf(repositories, AT_ONCE, async (repo) => {
    try {
      const one = await sweepRepository(parts, repo, { fromMs, nowMs });
      found.looks += one.looks;
      found.undecidedDeployments += one.undecidedDeployments;
      found.uncheckedMerges += one.uncheckedMerges;
    } catch (error) {
      // One repository that cannot be read must not hide what the others have.
      found.unread += 1;
      parts.log.warn({ repository: repo.id, ...describeError(error) }, 'repository not swept');
    }
  });
  const swept = { ...sent, repositories: repositories.length, ...found };
  parts.log.info({ ...swept }, 'swept');
  return swept;
}

/** Works on a few at a time, in order. */
async function eachOf<T>(
  list: readonly T[],
  atOnce: number,
  work: (one: T) => Promise<void>,
): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let one = list[next++]; one !== undefined; one = list[next++]) await work(one);
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
}

/** The newest attempt of every delivery that may be asked for again. */
export function toRedeliver(
  attempts: readonly DeliveryAttempt[],
  unknown: ReadonlySet<string>,
  nowMs: number,
): readonly DeliveryAttempt[] {
  const byGuid = Map.groupBy(attempts, (attempt) => attempt.guid);
  return [...byGuid.values()].flatMap((all) => {
    const newest = all.toSorted((a, b) => b.atMs - a.atMs || b.id - a.id)[0];
    if (newest === undefined || !unknown.has(newest.guid)) return [];
    const pauseMs = all.length === 1 ? IN_FLIGHT_MS : ATTEMPT_PAUSE_MS * all.length;
    if (nowMs - newest.atMs < pauseMs || all.length >= MAX_ATTEMPTS) return [];
    return [newest];
  });
}

async function sweepDeliveries(
  parts: SweepParts,
  sinceMs: number,
  nowMs: number,
): Promise<Pick<Swept, 'deliveries' | 'missed' | 'redelivered'>> {
  const { rows } = await parts.reader.deliveries(sinceMs);
  const ours = rows.filter((row) => isListenedTo(row.event));
  const missing = await parts.memory.unknown([...new Set(rows.map((row) => row.guid))]);
  const listened = new Set(ours.map((row) => row.guid));
  const unknown = new Set([...missing].filter((guid) => listened.has(guid)));
  // The oldest first, so that state is built up as it came about.
  const again = toRedeliver(ours, unknown, nowMs).toSorted((a, b) => a.id - b.id);
  let redelivered = 0;
  await eachOf(again.slice(0, MAX_REDELIVERIES), AT_ONCE, async ({ id, guid }) => {
    if (await parts.reader.redeliver(id)) redelivered += 1;
    else parts.log.warn({ delivery: guid }, 'GitHub does not deliver it again; state is compared');
  });
  // Last, as asking for what is missing must not wait for it.
  await parts.deliveryLog.keep(rows, missing);
  return { deliveries: rows.length, missed: unknown.size, redelivered };
}

async function sweepRepository(
  parts: SweepParts,
  repo: RepoRef,
  { fromMs, nowMs }: { readonly fromMs: number; readonly nowMs: number },
): Promise<Pick<Swept, 'looks' | 'undecidedDeployments' | 'uncheckedMerges'>> {
  const { reader, memory, inbox } = parts;
  const [{ open: pulls, merged }, waiting, deployments, known] = await Promise.all([
    reader.pulls(repo),
    reader.waiting(repo),
    reader.deployments(repo),
    memory.subjects(repo),
  ]);
  const seen: SeenRepository = { repo, pulls, merged, waiting, deployments };
  const { triggers, checks, undecided, unchecked } = compare(seen, known, nowMs);
  const missing = await missingChecks(parts, repo, checks.slice(0, MAX_CHECKS));
  const past: Trigger[] = [];
  for (const { id, environment, sha } of undecided) {
    const runId = await reader.runOf(repo, id);
    const about = { repo, environment, deploymentId: id };
    const locator: Locator =
      runId === null
        ? { kind: 'external', sha, ...about }
        : { kind: 'deployment', runId, ...about };
    past.push({ locator, because: 'missed.deployment', delivery: null });
  }
  // An older one was looked at by the sweep before.
  const merges = unchecked.filter(({ mergedAtMs }) => mergedAtMs >= fromMs);
  const all = [...triggers, ...missing, ...past, ...merges.map(({ trigger }) => trigger)];
  for (const trigger of all) await inbox.enqueue(trigger);
  if (unchecked.length > 0) {
    const about = {
      repository: repo.id,
      pulls: unchecked.map(({ number }) => number).slice(0, 20),
    };
    parts.log.warn(about, 'merged without a check of ours that allowed it');
  }
  return {
    looks: all.length,
    undecidedDeployments: undecided.length,
    uncheckedMerges: unchecked.length,
  };
}

/** A check run that somebody or something took away is written again. */
async function missingChecks(
  { reader }: SweepParts,
  repo: RepoRef,
  checks: ReturnType<typeof compare>['checks'],
): Promise<readonly Trigger[]> {
  const found: Trigger[] = [];
  for (const { locator, sha, checkRunId } of checks) {
    if (await reader.hasCheck(repo, sha, checkRunId)) continue;
    found.push({ locator, because: 'sweep.check-is-gone', delivery: null });
  }
  return found;
}

/** A sweep's parts over an open store and GitHub's clients. */
export function sweepPartsOf({
  store,
  app,
  client,
  log,
}: {
  readonly store: Pick<Store, 'sql' | 'inbox'>;
  readonly app: () => Promise<OctokitLike>;
  readonly client: OctokitFor;
  readonly log: SweepParts['log'];
}): SweepParts {
  const reader = createSweepReader({ appClient: app, octokitFor: client });
  const memory = createSweepMemory(store.sql);
  const deliveryLog = createDeliveryLog(store.sql);
  return { reader, memory, deliveryLog, inbox: store.inbox, now: Date.now, log };
}

/** `tagout sweep`: one sweep now, by hand; the running server works on what it finds. */
export async function sweepNow(io: Io): Promise<number> {
  const settings = readServeSettings(withStoredCredentials(io.env, io.cwd), io.cwd);
  const { databaseUrl, databaseOwnerUrl: ownerUrl, dataDir } = settings;
  const { appId, privateKey, webhookSecret: secret, githubApiUrl: baseUrl } = settings;
  const store = await openStore({ databaseUrl, ownerUrl, dataDir });
  try {
    const probot = await createProbot({ appId, privateKey, secret, baseUrl });
    const limits = new Limits(Date.now);
    const log = createLog({ level: 'warn', secrets: secretsOf(settings) });
    const clients = { app: appClient(probot, limits), client: octokitFor(probot, limits) };
    const swept = await sweep(sweepPartsOf({ store, ...clients, log }), null);
    io.out(`${sentences(swept).join('\n')}\n`);
    return swept.unread === 0 ? EXIT.allow : EXIT.fault;
  } finally {
    await store.close();
  }
}

function sentences(swept: Swept): readonly string[] {
  const { undecidedDeployments: past, uncheckedMerges: merges } = swept;
  return [
    `${swept.deliveries} deliveries in GitHub's log, ${swept.missed} of them not stored here; ` +
      `${swept.redelivered} asked for again.`,
    `${swept.repositories} repositories compared, ${swept.unread} could not be read; ` +
      `${swept.looks} subjects will be judged again by the running server.`,
    ...(past === 0 ? [] : [`${past} deployments came without a decision; see the report.`]),
    ...(merges === 0 ? [] : [`${merges} pull requests were merged without a check that allowed.`]),
  ];
}
