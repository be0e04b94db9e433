/** A log in memory, made of real events and signed as the sealer signs, for the verifier's tests. */
import { createHash, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { decisionEvent } from '../../src/core/audit/decision-event.ts';
import { effectEvent, judgeFailedEvent, keyEvent } from '../../src/core/audit/effect-event.ts';
import { EMPTY_FRONTIER, growFrontier, leafHash, rootOf } from '../../src/core/audit/merkle.ts';
import { signCheckpoint, vkeyOf } from '../../src/core/audit/note.ts';
import type { SealableEvent } from '../../src/core/audit/schema.ts';
import type { Detail } from '../../src/core/audit/scribe.ts';
import type { LeavesToVerify, SealedLeaf } from '../../src/core/audit/verify.ts';
import { locatorKey } from '../../src/core/subject.ts';
import type { BundleLeaf, BundleSource } from '../../src/cli/report-bundle.ts';
import { approval, HEAD, judged, locatorOf, repoOf, type Wish } from '../store/judged.ts';

export const START_MS = 1_760_000_000_000;

export interface TestLog {
  readonly origin: string;
  readonly vkey: string;
  readonly privateKey: KeyObject;
  readonly leaves: { body: string; details: readonly Detail[] }[];
  readonly notes: string[];
  /** Adds an event without sealing it. */
  add(event: SealableEvent): void;
  /** Adds any text. */
  addBody(body: string): void;
  seal(atMs: number): void;
  verifiable(extra?: Partial<LeavesToVerify>): LeavesToVerify;
  source(): BundleSource;
}

const pair = generateKeyPairSync('ed25519');

export function uuid(number: number, atMs: number = START_MS): string {
  const time = atMs.toString(16).padStart(12, '0');
  const tail = number.toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${tail}`;
}

/** Salts that are the same in every run. */
export function salts(seed: string): () => Uint8Array {
  let count = 0;
  return () => {
    count += 1;
    return createHash('sha256').update(`${seed}:${count}`).digest().subarray(0, 16);
  };
}

export function marked({ body, details }: SealedLeaf): BundleLeaf {
  return { body, details, marked: Buffer.from(`\u0000${body}`, 'utf8') };
}

export function createLog(installationId = 1, privateKey: KeyObject = pair.privateKey): TestLog {
  const origin = `tagout/audit/${installationId}`;
  const leaves: TestLog['leaves'] = [];
  const notes: string[] = [];
  let tree = EMPTY_FRONTIER;
  let sealedMs = 0;
  const log: TestLog = {
    origin,
    vkey: vkeyOf(origin, privateKey),
    privateKey,
    leaves,
    notes,
    add: ({ body, details }) => void leaves.push({ body, details }),
    addBody: (body) => void leaves.push({ body, details: [] }),
    seal(atMs) {
      if (tree.size === leaves.length) return;
      tree = growFrontier(
        tree,
        leaves.slice(tree.size).map((leaf) => leafHash(leaf.body)),
      );
      // As the sealer does: a checkpoint of no new rows is none, and its clock never runs back.
      const head = { origin, size: tree.size, root: rootOf(tree) };
      sealedMs = Math.max(sealedMs, atMs);
      notes.push(signCheckpoint(head, privateKey, sealedMs));
    },
    verifiable: (extra = {}) => ({
      origin,
      installationId,
      vkeys: [log.vkey],
      checkpoints: notes.map((note) => ({ note, sealedMs: null })),
      leaves,
      ...extra,
    }),
    source: () => ({
      origin,
      vkey: log.vkey,
      privateKey,
      notes,
      leaves: [leaves.map(marked)],
      population: null,
      version: '0.0.0',
    }),
  };
  return log;
}

export interface StoryWish extends Omit<Wish, 'repo'> {
  readonly atMs: number;
  readonly number: number;
}

export function decision(wish: StoryWish): SealableEvent {
  const repo = repoOf(1);
  const full = { repo, ...wish };
  const stamp = {
    eventId: uuid(wish.number, wish.atMs),
    dedupeKey: `decision:${wish.number}`,
    recordedAtMs: wish.atMs,
    salt: salts(`decision ${wish.number}`),
  };
  const key = locatorKey(locatorOf(full));
  return decisionEvent(judged(full), { key, previous: null, repo }, stamp);
}

export function release(wish: StoryWish & { readonly decision: string }): SealableEvent {
  const repo = repoOf(1);
  const runId = wish.runId ?? 1;
  const subject = {
    kind: 'deployment' as const,
    repo,
    runId,
    runAttempt: 1,
    environment: 'production',
    deploymentId: null,
    sha: HEAD,
  };
  const row = {
    outboxId: wish.number,
    effect: approval(repo, runId),
    subject,
    subjectKey: locatorKey(locatorOf({ repo, runId })),
    decision: wish.decision,
    attempts: 1,
  };
  const stamp = {
    eventId: uuid(wish.number, wish.atMs),
    dedupeKey: `effect:${wish.number}`,
    recordedAtMs: wish.atMs,
    salt: salts(`effect ${wish.number}`),
  };
  const end = { githubId: 1, githubAtMs: wish.atMs, httpStatus: 204, detail: null } as const;
  return effectEvent(row, { end: 'done', ...end }, stamp);
}

export function failure(number: number, atMs: number): SealableEvent {
  const locator = locatorOf({ repo: repoOf(1) });
  const stamp = {
    eventId: uuid(number, atMs),
    dedupeKey: `failure:${number}`,
    recordedAtMs: atMs,
    salt: salts(`failure ${number}`),
  };
  const trigger = { locator, because: 'sweep', delivery: null };
  return judgeFailedEvent(trigger, { code: 'internal', message: 'down', attempts: 25 }, stamp);
}

/** The announced key, then for each run a hold, an approval and its release, a seal after each. */
export function deployments(
  count: number,
  log: TestLog = createLog(),
  startMs: number = START_MS,
): TestLog {
  let atMs = startMs;
  let number = 0;
  const next = (stepMs: number): { atMs: number; number: number } => {
    atMs += stepMs;
    number += 1;
    return { atMs, number };
  };
  const announced = next(0);
  log.add(
    keyEvent(
      { installationId: 1, vkey: log.vkey, origin: log.origin },
      {
        eventId: uuid(announced.number, announced.atMs),
        dedupeKey: `key:${log.vkey}`,
        recordedAtMs: announced.atMs,
        salt: salts('key'),
      },
    ),
  );
  for (let runId = 1; runId <= count; runId += 1) {
    log.add(decision({ ...next(60_000), runId, verdict: 'hold', title: `Change ${runId}` }));
    log.seal(atMs + 1_000);
    const made = decision({ ...next(60_000), runId, verdict: 'allow', title: `Change ${runId}` });
    log.add(made);
    log.seal(atMs + 1_000);
    log.add(release({ ...next(5_000), runId, decision: made.event.eventId }));
    log.seal(atMs + 1_000);
  }
  return log;
}
