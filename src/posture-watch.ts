/**
 * Watches the fence: reads the posture of every installation from time to time, and of one
 * repository when something happened there, and keeps what changed. It decides nothing: whoever
 * takes the gate away is told of in the audit log, with the time from which it was away.
 */
import { readAppManifest } from './cli/app-manifest.ts';
import { describeError } from './cli/log.ts';
import { CHECK_NAME } from './core/effects.ts';
import { TagoutError } from './core/errors.ts';
import { defaultPolicy } from './core/policy-default.ts';
import type { OwnApp, Wanted } from './core/posture.ts';
import { judgeInstallation } from './core/posture-app.ts';
import { judgeRepository } from './core/posture-repository.ts';
import { installationReading, repositoryReading } from './core/posture-state.ts';
import type { RepoRef, WideLocator } from './core/subject.ts';
import {
  type OctokitFor,
  type OctokitLike,
  type ReadClient,
  readClient,
} from './github/clients.ts';
import { placeOfApi } from './github/places.ts';
import {
  type CoveredRepository,
  type FoundInstallation,
  readApp,
  readCovered,
  readInstallation,
  readInstallations,
  seen,
} from './github/posture.ts';
import { readRepositories } from './github/posture-repository.ts';
import type { PostureMemory } from './store/posture.ts';

export interface PostureWatchParts {
  readonly app: () => Promise<OctokitLike>;
  readonly client: OctokitFor;
  readonly memory: PostureMemory;
  readonly githubApiUrl: string;
  readonly now: () => number;
}

export interface PostureWatch {
  /** Reads everything; answers how many changes were kept. Throws when the app cannot be read. */
  poll(): Promise<number>;
  /** Reads one repository again, after an event. */
  look(repo: RepoRef, because: string): Promise<number>;
  /** Reads one installation with all its repositories again, after an event. */
  lookAll(installationId: number, because: string): Promise<number>;
}

/** Requests for one repository beside its tenth of a query. */
const BUDGET = 20;

const POLL = 'posture.poll';

export function createPostureWatch(parts: PostureWatchParts): PostureWatch {
  return {
    async poll() {
      const own = await ownApp(parts);
      const client = readClient(await parts.app(), parts.now);
      const installations = await readInstallations(client);
      let events = 0;
      for (const one of installations) events += await pollOne(parts, own, { one, because: POLL });
      return events + (await uninstalled(parts, installations));
    },
    async lookAll(installationId, because) {
      const client = readClient(await parts.app(), parts.now);
      const one = await readInstallation(client, installationId);
      if (one === null) {
        const known = await parts.memory.installations();
        return known.includes(installationId) ? leave(parts, installationId, because) : 0;
      }
      return pollOne(parts, await ownApp(parts), { one, because });
    },
    async look(repo, because) {
      const own = await ownApp(parts);
      const client = await clientOf(parts, repo.installationId);
      const covered = await seen(readCovered(client));
      const row = covered.seen ? covered.value.rows.find(({ id }) => id === repo.id) : undefined;
      // What is not told is left to the next poll, which knows whether it is gone or unreadable.
      return row === undefined
        ? 0
        : keepRepositories(parts, own, { ...repo, because, rows: [row] });
    },
  };
}

/** What `pollsOf` gives: posture is read, and a fault of it never stops what is judged. */
export interface PosturePolls {
  /** Reads everything when the last reading is old enough. */
  poll(): Promise<void>;
  look(repo: RepoRef): Promise<void>;
  /**
   * Reads again what an event is about. Throws what GitHub answers, so that the job is tried again:
   * the event is not repeated, and until the next poll nobody else would look.
   */
  event(locator: Extract<WideLocator, { kind: 'posture' }>, because: string): Promise<void>;
}

const POLL_MS = 60 * 60_000;

/** The watch for a running server: a fault is logged, and the next reading tries again. */
export function pollsOf(
  watch: PostureWatch,
  { log, now }: { readonly log: PostureLog; readonly now: () => number },
): PosturePolls {
  let dueAtMs = 0;
  const safely = async (work: () => Promise<number>): Promise<boolean> => {
    try {
      const changes = await work();
      if (changes > 0) log.info({ changes }, 'posture changed');
      return true;
    } catch (error) {
      log.warn(describeError(error), 'posture not read');
      return false;
    }
  };
  return {
    async poll() {
      const startedMs = now();
      if (startedMs < dueAtMs) return;
      if (await safely(() => watch.poll())) dueAtMs = startedMs + POLL_MS;
    },
    async look(repo) {
      await safely(() => watch.look(repo, 'posture.event'));
    },
    async event({ installationId, repo }, because) {
      const looked =
        repo === null ? watch.lookAll(installationId, because) : watch.look(repo, because);
      const changes = await looked;
      if (changes > 0) log.info({ changes, because }, 'posture changed');
    },
  };
}

interface PostureLog {
  info(about: object, message: string): void;
  warn(about: object, message: string): void;
}

async function clientOf(parts: PostureWatchParts, installationId: number): Promise<ReadClient> {
  return readClient(await parts.client(installationId, 'background'), parts.now);
}

async function ownApp(parts: PostureWatchParts): Promise<OwnApp> {
  const client = readClient(await parts.app(), parts.now);
  return readApp(client, placeOfApi(parts.githubApiUrl), parts.now);
}

function wanted(): Wanted {
  const { default_permissions: permissions, default_events: events } = readAppManifest();
  return { permissions, events, webhookUrl: null };
}

async function pollOne(
  parts: PostureWatchParts,
  own: OwnApp,
  { one, because }: { readonly one: FoundInstallation; readonly because: string },
): Promise<number> {
  const { memory, now } = parts;
  const read = { because, readAtMs: now() };
  const reading = installationReading(judgeInstallation(one, wanted()));
  const place = { installationId: one.id, repo: null };
  const events = await memory.keep(place, reading, read);
  if (one.suspended) {
    const state = 'unknown: installation-suspended';
    const detail = 'The installation is suspended: nothing there can be read, judged or released.';
    return events + (await memory.lose(one.id, { state, detail, seen: [] }, read));
  }
  const covered = await seen(readCovered(await clientOf(parts, one.id)));
  if (!covered.seen) {
    const detail = `The repositories of the installation could not be read: ${covered.why}`;
    const lost = { state: 'unknown: repositories-unseen', detail, seen: [] };
    return events + (await memory.lose(one.id, lost, read));
  }
  const { rows, complete } = covered.value;
  const lost = complete
    ? { state: 'open: not-covered', detail: 'The app does not cover this repository any more.' }
    : { state: 'unknown: not-listed', detail: 'The list of repositories was not read to its end.' };
  const gone = await memory.lose(one.id, { ...lost, seen: rows.map(({ id }) => id) }, read);
  const wish = { installationId: one.id, because, rows };
  return events + gone + (await keepRepositories(parts, own, wish));
}

interface Wish {
  readonly installationId: number;
  readonly because: string;
  readonly rows: readonly CoveredRepository[];
}

async function keepRepositories(
  parts: PostureWatchParts,
  own: OwnApp,
  { installationId, because, rows }: Wish,
): Promise<number> {
  const readAtMs = parts.now();
  const client = await clientOf(parts, installationId);
  const about = { appId: own.appId, checkName: CHECK_NAME, budget: BUDGET };
  const found = await readRepositories(client, rows, about);
  let events = 0;
  for (const [at, { id, owner, name }] of rows.entries()) {
    const posture = found[at];
    if (posture === undefined) throw new TagoutError('internal', 'A repository was not read.');
    const reading = repositoryReading(posture, judgeRepository(posture, own, defaultPolicy));
    const place = { installationId, repo: { installationId, id, owner, name } };
    events += await parts.memory.keep(place, reading, { because, readAtMs });
  }
  return events;
}

/** Where the app was installed once and is no longer. */
async function uninstalled(
  parts: PostureWatchParts,
  installations: readonly FoundInstallation[],
): Promise<number> {
  const there = new Set(installations.map(({ id }) => id));
  let events = 0;
  for (const id of await parts.memory.installations()) {
    if (!there.has(id)) events += await leave(parts, id, POLL);
  }
  return events;
}

/** Keeps that the app is not installed there any more. */
async function leave(
  { memory, now }: PostureWatchParts,
  id: number,
  because: string,
): Promise<number> {
  const read = { because, readAtMs: now() };
  const state = 'open: not-installed';
  const detail = 'The app is not installed there any more: nothing is judged and nothing is held.';
  const states = [
    { about: 'posture', item: 'installation', environment: null, state, detail } as const,
  ];
  const place = { installationId: id, repo: null };
  const events = await memory.keep(place, { states, whole: true }, read);
  return events + (await memory.lose(id, { state, detail, seen: [] }, read));
}
