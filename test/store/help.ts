/** A store of its own for each test file: a real cluster, real roles, and a clock that is told. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type Sql } from '../../src/store/connect.ts';
import type { Effect, EffectOutcome } from '../../src/core/effect.ts';
import type { Enact, KnownWrites } from '../../src/core/ports.ts';
import { findEngine } from '../../src/postgres/engine.ts';
import { openStoreCluster } from '../../src/postgres/store-cluster.ts';
import { SUPERUSER } from '../../src/postgres/cluster.ts';
import { preparedStore } from '../prepared.ts';
import type { OutboxParts } from '../../src/store/outbox.ts';
import { openStore, type Store, type StoreOptions } from '../../src/store/open.ts';

export interface Clock {
  nowMs: number;
}

export interface TestStore {
  readonly store: Store;
  readonly clock: Clock;
  readonly dataDir: string;
  /** The cluster's superuser: what an attacker with the whole database could do. */
  readonly root: Sql;
  /** An address for any role of the cluster. */
  url(user: string): string;
  /** `keep`: its folder stays, for whoever opens it next. */
  close(wish?: { readonly keep: boolean }): Promise<void>;
}

export async function openTestStore(extra: Partial<StoreOptions> = {}): Promise<TestStore> {
  const dataDir = mkdtempSync(join(tmpdir(), 'tagout-store-'));
  await preparedStore(dataDir);
  const clock = { nowMs: 1_760_000_000_000 };
  const engine = await findEngine({});
  const cluster = await openStoreCluster({
    engine,
    dataDir: join(dataDir, 'store'),
    database: 'tagout',
  });
  const store = await openStore({
    databaseUrl: null,
    ownerUrl: null,
    dataDir,
    startEmbedded: () => Promise.resolve(cluster),
    now: () => clock.nowMs,
    random: () => 1,
    ...extra,
  });
  const url = (user: string): string => cluster.url(user, 'tagout');
  const root = connect({ url: url(SUPERUSER), role: null }, { name: 'test', max: 2 });
  return {
    store,
    clock,
    dataDir,
    root,
    url,
    async close({ keep } = { keep: false }) {
      await root.end({ timeout: 5 });
      await store.close();
      if (!keep) rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/** Stands where GitHub's writes go, and answers as it is told. */
export class Desk implements Enact {
  readonly sent: { effect: Effect; known: KnownWrites }[] = [];
  readonly answers: (Partial<EffectOutcome> | Error)[] = [];

  enact(effect: Effect, known: KnownWrites): Promise<EffectOutcome> {
    this.sent.push({ effect, known });
    const answer = this.answers.shift() ?? {};
    if (answer instanceof Error) return Promise.reject(answer);
    return Promise.resolve({
      status: 'done',
      githubId: 1000 + this.sent.length,
      githubAtMs: 1_760_000_001_000,
      httpStatus: 200,
      detail: null,
      retryAfterMs: null,
      ...answer,
    });
  }
}

/** What sends a store's effects to a desk, sealed by the store's own sealer. */
export function outboxParts({ store, clock }: TestStore, desk: Desk): OutboxParts {
  return {
    sql: store.sql,
    enact: desk,
    sealNow: async (id) => {
      await store.sealer.sealNow(id);
    },
    now: () => clock.nowMs,
    random: () => 1,
  };
}

/** Waits until something holds; says what did not. */
export async function until(what: string, holds: () => Promise<boolean> | boolean): Promise<void> {
  const end = performance.now() + 10_000;
  while (performance.now() < end) {
    if (await holds()) return;
    await sleep(10);
  }
  throw new Error(`${what}: not within 10 s`);
}
