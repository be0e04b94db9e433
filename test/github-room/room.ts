/** A local GitHub with our app on it, and the room's gatherer and writer on top, for the tests. */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import {
  NO_DRY_RUN,
  type DryRun,
  type DryRunRequest,
  type RunDry,
} from '../../src/core/dry-run.ts';
import type { Change, Evidence, Posting } from '../../src/core/evidence.ts';
import type { Enact, Gather, Memory, Release } from '../../src/core/ports.ts';
import type { Locator, RepoRef } from '../../src/core/subject.ts';
import { createEnact } from '../../src/github/enact.ts';
import type { Self } from '../../src/github/events.ts';
import { createGather } from '../../src/github/gather.ts';
import { createProbot, octokitFor } from '../../src/github/probot.ts';
import { planMigrations } from '../../src/migrations/plan.ts';
import { LocalGitHub, type Repo } from '../github/index.ts';

const manifest = parse(readFileSync(new URL('../../app.yml', import.meta.url), 'utf8'));

/** What the store remembers, held in a test's own hands. */
export class TestMemory implements Memory {
  readonly given: { postings: Posting[]; releases: Release[] } = { postings: [], releases: [] };
  readonly floors: Set<number> = new Set();
  readonly kept: Map<string, Uint8Array> = new Map();
  readonly facts: Map<string, string> = new Map();

  async postings(): Promise<readonly Posting[]> {
    return this.given.postings;
  }
  async releases(): Promise<readonly Release[]> {
    return this.given.releases;
  }
  async keepSucceeded(_repo: RepoRef, _environment: string, done: Release): Promise<void> {
    this.given.releases = this.given.releases.map((one) =>
      one.deploymentId === done.deploymentId ? { ...one, succeeded: true } : one,
    );
  }
  async suspended(): Promise<readonly string[]> {
    return [];
  }
  async floorSeen(installationId: number): Promise<boolean> {
    return this.floors.has(installationId);
  }
  async keepFloorSeen(installationId: number): Promise<void> {
    this.floors.add(installationId);
  }
  async blobs(shas: readonly string[]): Promise<ReadonlyMap<string, Uint8Array>> {
    return new Map(
      shas.flatMap((sha) => {
        const blob = this.kept.get(sha);
        return blob === undefined ? [] : [[sha, blob] as const];
      }),
    );
  }
  async settled(repo: RepoRef, keys: readonly string[]): Promise<ReadonlyMap<string, string>> {
    return new Map(
      keys.flatMap((key) => {
        const text = this.facts.get(`${repo.id}:${key}`);
        return text === undefined ? [] : [[key, text] as const];
      }),
    );
  }
  async keepSettled(repo: RepoRef, key: string, text: string): Promise<void> {
    this.facts.set(`${repo.id}:${key}`, text);
  }
  async keepBlobs(blobs: ReadonlyMap<string, Uint8Array>): Promise<void> {
    for (const [sha, blob] of blobs) this.kept.set(sha, blob);
  }
}

export interface Room {
  readonly gh: LocalGitHub;
  readonly gather: Gather;
  readonly enact: Enact;
  readonly memory: TestMemory;
  readonly self: Self;
  /** What the sandbox was asked to run. */
  readonly runs: DryRunRequest[];
  ref(repo: Repo): RepoRef;
  /** Evidence of a pull request; fails when there is none. */
  pull(repo: Repo, number: number): Promise<{ evidence: Evidence; change: Change }>;
  deployment(repo: Repo, runId: number, deploymentId?: number | null): Promise<Evidence>;
  read(locator: Locator): Promise<Evidence>;
}

export interface RoomOptions {
  readonly validate?: boolean;
  readonly runDry?: RunDry;
}

/** A fresh process of ours, on a local GitHub of its own or on one that is there. */
export async function openRoom(
  on?: LocalGitHub,
  memory: TestMemory = new TestMemory(),
  options: RoomOptions = {},
): Promise<Room> {
  return { ...(await openBareRoom(on, memory, options)), memory };
}

/** The same for any memory, the store's own as well. */
export async function openBareRoom(
  on: LocalGitHub | undefined,
  memory: Memory,
  options: RoomOptions = {},
): Promise<Omit<Room, 'memory'>> {
  const gh = on ?? (await LocalGitHub.start({ app: manifest, validate: options.validate ?? true }));
  const probot = await createProbot({
    appId: gh.app.id,
    privateKey: gh.app.privateKey,
    secret: gh.app.webhookSecret,
    baseUrl: gh.url,
  });
  const self: Self = { slug: null };
  const runs: DryRunRequest[] = [];
  const runDry = async (request: DryRunRequest): Promise<DryRun> => {
    runs.push(request);
    return options.runDry?.(request) ?? { ...NO_DRY_RUN, status: 'ok' };
  };
  const clients = octokitFor(probot);
  const gather = createGather({ octokitFor: clients, memory, runDry, planMigrations });
  const enact = createEnact({ octokitFor: clients, self });
  const ref = (repo: Repo): RepoRef => {
    const { owner, name, id } = repo.record;
    return { installationId: gh.installation(owner.login).id, id, owner: owner.login, name };
  };
  const read = async (locator: Locator): Promise<Evidence> => {
    const evidence = await gather.read(locator);
    if (evidence === null) throw new Error(`nothing at ${JSON.stringify(locator)}`);
    return evidence;
  };
  return {
    gh,
    gather,
    enact,
    self,
    runs,
    ref,
    read,
    pull: async (repo, number) => {
      const evidence = await read({ kind: 'pull-request', repo: ref(repo), number });
      const change = evidence.changes[0];
      if (change === undefined) throw new Error('no change');
      return { evidence, change };
    },
    deployment: (repo, runId, deploymentId = null) =>
      read({ kind: 'deployment', repo: ref(repo), runId, environment: 'production', deploymentId }),
  };
}
