/**
 * The sweep: finds what was missed and gives it to the line as ordinary triggers. GitHub never
 * repeats a delivery by itself, and keeps its log of them for three days; what is older than that,
 * or never left GitHub, is found by comparing what is open there with what we decided.
 */
import type { Locator, RepoRef, Trigger } from '../core/subject.ts';
import type { OctokitFor, OctokitLike } from '../github/clients.ts';
import { Limits } from '../github/limits.ts';
import { Patience, type PatienceSettings } from '../github/patience.ts';
import { appClient, createProbot, octokitFor } from '../github/probot.ts';
import {
  createSweepReader,
  type DeliveryAttempt,
  isListenedTo,
  type SweepReader,
} from '../github/sweep.ts';
import { createDeliveryLog, type DeliveryLog } from '../store/delivery-log.ts';
import type { Inbox } from '../store/inbox.ts';
import type { SweepSince } from '../store/jobs.ts';
import { compare, type SeenRepository } from '../store/sweep-compare.ts';
import { openStore, type Store } from '../store/open.ts';
import { createSweepMemory, type SweepMemory } from '../store/sweep.ts';
import { withStoredCredentials } from './credentials.ts';
import { EXIT, type Io } from './io.ts';
import { createLog } from './log.ts';
import { secretsOf } from './secrets.ts';
import { readServeSettings } from './settings.ts';
import { type SweepPart, SweepRound } from './sweep-round.ts';

export interface SweepParts {
  /** A reader with the patience of one sweep. */
  readonly openReader: () => SweepReader;
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
  /** What could not be looked at, by the name of the part; the next sweep tries again. */
  readonly unread: Readonly<Record<SweepPart, number>>;
  /** Looks that the comparison asked for. */
  readonly looks: number;
  readonly undecidedDeployments: number;
  readonly uncheckedMerges: number;
  /** From when on the next sweep looks. */
  readonly next: SweepSince;
}

/** The first sweep of all, or one by hand: as far back as GitHub remembers. */
export const EVERYTHING: SweepSince = { sinceMs: null, behind: {} };
/** What is younger may be on its way still. */
const IN_FLIGHT_MS = 30_000;
/** An attempt that failed is not repeated sooner, and not more often than this. */
const ATTEMPT_PAUSE_MS = 60_000;
const MAX_ATTEMPTS = 8;
const MAX_REDELIVERIES = 2_000;
const AT_ONCE = 4;
/** Check runs that are looked up in one repository in one sweep. */
const MAX_CHECKS = 50;

/** Runs one sweep. */
export async function sweep(parts: SweepParts, since: SweepSince): Promise<Swept> {
  const nowMs = parts.now();
  const round = new SweepRound({ since, nowMs, log: parts.log });
  const reader = parts.openReader();
  const at: At = { ...parts, reader, round, nowMs };
  const sent = await sweepDeliveries(at);
  const all = await repositoriesOf(at);
  const found = { looks: 0, undecidedDeployments: 0, uncheckedMerges: 0 };
  await eachOf(all, AT_ONCE, async (repo) => {
    const one = await sweepRepository(at, repo);
    found.looks += one.looks;
    found.undecidedDeployments += one.undecidedDeployments;
    found.uncheckedMerges += one.uncheckedMerges;
  });
  const { unread, next } = round;
  const swept = { ...sent, repositories: all.length, ...found, unread };
  parts.log.info({ ...swept }, 'swept');
  return { ...swept, next };
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

type At = Omit<SweepParts, 'openReader'> & {
  readonly reader: SweepReader;
  readonly round: SweepRound;
  readonly nowMs: number;
};

async function sweepDeliveries(
  at: At,
): Promise<Pick<Swept, 'deliveries' | 'missed' | 'redelivered'>> {
  const { reader, memory, round, log } = at;
  const found = { deliveries: 0, missed: 0, redelivered: 0 };
  const place = { part: 'deliveries', key: 'deliveries' } as const;
  await round.look(place, async () => {
    const { rows } = await reader.deliveries(round.fromMs(place.key));
    const ours = rows.filter((row) => isListenedTo(row.event));
    const missing = await memory.unknown([...new Set(rows.map((row) => row.guid))]);
    const listened = new Set(ours.map((row) => row.guid));
    const unknown = new Set([...missing].filter((guid) => listened.has(guid)));
    Object.assign(found, { deliveries: rows.length, missed: unknown.size });
    // The oldest first, so that state is built up as it came about.
    const again = toRedeliver(ours, unknown, at.nowMs).toSorted((a, b) => a.id - b.id);
    await eachOf(again.slice(0, MAX_REDELIVERIES), AT_ONCE, async ({ id, guid }) => {
      await round.look({ part: 'redeliveries', key: place.key, delivery: guid }, async () => {
        if (await reader.redeliver(id)) found.redelivered += 1;
        else log.warn({ delivery: guid }, 'GitHub does not deliver it again; state is compared');
      });
    });
    if (again.length > MAX_REDELIVERIES) round.leave(place.key);
    // Last, as asking for what is missing must not wait for it.
    await at.deliveryLog.keep(rows, missing);
  });
  return found;
}

/** The repositories of every installation whose list can be read. */
async function repositoriesOf({ reader, round }: At): Promise<readonly RepoRef[]> {
  const place = { part: 'installations', key: 'installations' } as const;
  const installations = (await round.look(place, () => reader.installations())) ?? [];
  const all: RepoRef[] = [];
  for (const id of installations) {
    const of = { part: 'repositories', key: String(id) } as const;
    all.push(...((await round.look(of, () => reader.repositories(id))) ?? []));
  }
  return all;
}

async function sweepRepository(
  at: At,
  repo: RepoRef,
): Promise<Pick<Swept, 'looks' | 'undecidedDeployments' | 'uncheckedMerges'>> {
  const { reader, memory, round } = at;
  const key = `${repo.installationId}:${repo.id}`;
  const found = { looks: 0, undecidedDeployments: 0, uncheckedMerges: 0 };
  const look = <T>(part: SweepPart, work: () => Promise<T>): Promise<T | null> =>
    round.look({ part, key }, work);
  const known = await look('subjects', () => memory.subjects(repo));
  if (known === null) return found;
  const [seenPulls, waiting, deployments] = await Promise.all([
    look('pulls', () => reader.pulls(repo)),
    look('waiting', () => reader.waiting(repo)),
    look('deployments', () => reader.deployments(repo)),
  ]);
  const seen: SeenRepository = {
    repo,
    pulls: seenPulls?.open ?? [],
    merged: seenPulls?.merged ?? [],
    waiting: waiting ?? [],
    deployments: deployments ?? [],
  };
  const { triggers, checks, undecided, unchecked } = compare(seen, known, at.nowMs);
  const ask = async (wanted: readonly Trigger[]): Promise<void> => {
    for (const trigger of wanted) await at.inbox.enqueue(trigger);
    found.looks += wanted.length;
  };
  await look('looks', () => ask(triggers));
  await look('checks', async () => ask(await missingChecks(at, repo, checks.slice(0, MAX_CHECKS))));
  await look('deployments', async () => ask(await pastDeployments(at, repo, undecided)));
  // An older one was looked at by the sweep before.
  const fromMs = round.fromMs(key);
  const merges = unchecked.filter(({ mergedAtMs }) => mergedAtMs >= fromMs);
  await look('merges', () => ask(merges.map(({ trigger }) => trigger)));
  if (unchecked.length > 0) {
    const pulls = unchecked.map(({ number }) => number).slice(0, 20);
    const about = { repository: repo.id, pulls };
    at.log.warn(about, 'merged without a check of ours that allowed it');
  }
  const told = { undecidedDeployments: undecided.length, uncheckedMerges: unchecked.length };
  return { ...found, ...told };
}

/** The looks at deployments that came without our decision, by the run that made each. */
async function pastDeployments(
  { reader }: At,
  repo: RepoRef,
  undecided: ReturnType<typeof compare>['undecided'],
): Promise<readonly Trigger[]> {
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
  return past;
}

/** A check run that somebody or something took away is written again. */
async function missingChecks(
  { reader }: At,
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
  patience,
}: {
  readonly store: Pick<Store, 'sql' | 'inbox'>;
  readonly app: () => Promise<OctokitLike>;
  readonly client: OctokitFor;
  readonly log: SweepParts['log'];
  /** How a sweep waits before it asks GitHub again; by the clock when it is left out. */
  readonly patience?: PatienceSettings;
}): SweepParts {
  const openReader = (): SweepReader =>
    createSweepReader({ appClient: app, octokitFor: client, patience: new Patience(patience) });
  const memory = createSweepMemory(store.sql);
  const deliveryLog = createDeliveryLog(store.sql);
  return { openReader, memory, deliveryLog, inbox: store.inbox, now: Date.now, log };
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
    const swept = await sweep(sweepPartsOf({ store, ...clients, log }), EVERYTHING);
    io.out(`${sentences(swept).join('\n')}\n`);
    return Object.keys(swept.next.behind).length === 0 ? EXIT.allow : EXIT.fault;
  } finally {
    await store.close();
  }
}

function sentences(swept: Swept): readonly string[] {
  const { undecidedDeployments: past, uncheckedMerges: merges, unread } = swept;
  const left = Object.entries(unread).filter(([, count]) => count > 0);
  const names = left.map(([part, count]) => `${part} (${count})`).join(', ');
  return [
    `${swept.deliveries} deliveries in GitHub's log, ${swept.missed} of them not stored here; ` +
      `${swept.redelivered} asked for again.`,
    `${swept.repositories} repositories compared; ` +
      `${swept.looks} subjects will be judged again by the running server.`,
    ...(left.length === 0
      ? []
      : [`Could not be looked at: ${names}. The log says why; run \`npx tagout sweep\` again.`]),
    ...(past === 0 ? [] : [`${past} deployments came without a decision; see the report.`]),
    ...(merges === 0 ? [] : [`${merges} pull requests were merged without a check that allowed.`]),
  ];
}
