/** The record: append beside a plain insert, the wait before a release, and how fast it verifies. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { judgeFailedEvent } from '../../src/core/audit/effect-event.ts';
import { writeBundle } from '../../src/cli/report-bundle.ts';
import { verifyBundle } from '../../src/cli/verify-bundle.ts';
import { appendEvent, stamp } from '../../src/store/append.ts';
import { connect, type Sql, type Tx } from '../../src/store/connect.ts';
import { verifyStored } from '../../src/store/verify-stored.ts';
import { createLog, release, START_MS, uuid } from '../audit/log.ts';
import { openTestStore, type TestStore } from '../store/help.ts';
import { locatorOf, repoOf } from '../store/judged.ts';
import { ms, quantile, type Row } from './row.ts';

/** The peer that the figure is held against, where coreutils has it. */
const PEER = '/usr/bin/sha256sum';
const ROWS = 200_000;
const STORED_ROWS = 100_000;
const PER_CHECKPOINT = 1_000;
const ROUNDS = 5;
const ALL = { fromMs: null, toMs: null, repo: null };

/** Bodies as an effect's outcome has them, each of its own id, key and time. */
function bodyMaker(): (number: number, atMs: number) => string {
  const first = uuid(1, START_MS);
  const made = release({ atMs: START_MS, number: 1, decision: uuid(2) }).body;
  const template = made.replace('"state":"approved"', '"state":"rejected"');
  return (number, atMs) =>
    template
      .replace(first, uuid(number, atMs))
      .replace('"effect:1"', `"effect:${number}"`)
      .replace(`"recordedAtMs":${START_MS}`, `"recordedAtMs":${atMs}`);
}

function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

async function timed(action: () => unknown): Promise<number> {
  const startMs = performance.now();
  await action();
  return performance.now() - startMs;
}

const perSecond = (rows: number, tookMs: number): number => (rows / tookMs) * 1000;
const rate = (value: number): string => `${Math.round(value).toLocaleString('en-US')}/s`;

async function benchBundle(): Promise<readonly Row[]> {
  const root = mkdtempSync(join(tmpdir(), 'tagout-bench-'));
  try {
    const log = createLog();
    const body = bodyMaker();
    for (let number = 0; number < ROWS; number += 1) {
      log.addBody(body(number, START_MS + number));
      if ((number + 1) % PER_CHECKPOINT === 0) log.seal(START_MS + number + 1_000);
    }
    const folder = join(root, 'bundle');
    const reportMs = await timed(() => writeBundle(folder, log.source(), ALL));
    const trusted = { origin: log.origin, installationId: 1, vkeys: [log.vkey] };
    const events = join(folder, 'events.jsonl');
    const limits: number[] = [];
    const trees: number[] = [];
    const alls: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      limits.push(await timed(() => spawnSync(PEER, [events])));
      trees.push(await timed(() => verifyBundle(folder, { ...trusted, depth: 'tree' }, () => {})));
      alls.push(
        await timed(() => {
          const { verdict, problems } = verifyBundle(folder, trusted, () => {});
          if (verdict !== 'intact') throw new Error(`${verdict}: ${problems[0]?.message}`);
        }),
      );
    }
    const [limit, tree, all] = [limits, trees, alls].map((row) => perSecond(ROWS, median(row)));
    const share = median(limits.map((value, at) => value / (trees[at] ?? Number.NaN)));
    const size = `${ROWS / 1000}k rows of ${Math.round(statSync(events).size / ROWS)} B`;
    return [
      {
        what: `verify a bundle: hashes, tree, signatures (${size}, a checkpoint per ${PER_CHECKPOINT})`,
        reach: '≥ 200,000 rows/s and ≥ 0.7 × sha256sum',
        measured: `${rate(tree ?? 0)}; sha256sum ${rate(limit ?? 0)}, ${share.toFixed(2)} ×`,
        ok: (tree ?? 0) >= 200_000 && share >= 0.7,
      },
      {
        what: '… with schemas and state machine',
        reach: '≥ 100,000 rows/s',
        measured: rate(all ?? 0),
        ok: (all ?? 0) >= 100_000,
      },
      {
        what: `write the bundle of ${ROWS / 1000}k events`,
        reach: '≤ 60 s for 1,000,000',
        measured: `${ms(reportMs)}, so ${ms((reportMs * 1_000_000) / ROWS)} for 1,000,000`,
        ok: (reportMs * 1_000_000) / ROWS <= 60_000,
      },
    ];
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

async function fillStore(t: TestStore, logId: number): Promise<void> {
  const body = bodyMaker();
  const STEP = 5_000;
  for (let from = 0; from < STORED_ROWS; from += STEP) {
    const bodies = Array.from({ length: STEP }, (_, at) =>
      body(from + at, t.clock.nowMs).replace('"installationId":1', `"installationId":${logId}`),
    );
    await t.store.sql`insert into audit.event (body) select * from unnest(${bodies}::text[])`;
    await t.store.sealer.sealNow(logId);
  }
}

async function benchStored(t: TestStore): Promise<Row> {
  const logId = 1;
  await fillStore(t, logId);
  const { key, reports } = t.store;
  const trusted = { origin: key.origin(logId), installationId: logId, vkeys: [key.vkey(logId)] };
  const times: number[] = [];
  for (let round = 0; round < 3; round += 1) {
    times.push(
      await timed(async () => {
        const { problems } = await verifyStored(reports, trusted);
        const odd = problems.filter(({ code }) => code !== 'evidence-differs');
        if (odd.length > 0) throw new Error(odd[0]?.message);
      }),
    );
  }
  const found = perSecond(STORED_ROWS, median(times));
  return {
    what: `verify ${STORED_ROWS / 1000}k rows from PostgreSQL, everything judged`,
    reach: '≥ 60,000 rows/s',
    measured: rate(found),
    ok: found >= 60_000,
  };
}

const CONNECTIONS = 16;
const IN_FLIGHT = 64;
const APPENDS = 3_000;

/** Runs so many writes, always so many at a time. */
async function inParallel(count: number, write: (number: number) => Promise<unknown>) {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) {
      next += 1;
      await write(next);
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
}

/** How both are written: each statement as it comes, or each in a transaction with a decision. */
const WAYS = [
  {
    what: 'append, sealed and signed',
    run: <T>(sql: Sql, write: (sql: Sql | Tx) => Promise<T>) => write(sql),
  },
  {
    what: 'the same, each in a transaction of its own as a decision has it',
    run: <T>(sql: Sql, write: (sql: Sql | Tx) => Promise<T>) => sql.begin((tx) => write(tx)),
  },
];

async function benchAppend(t: TestStore, way: (typeof WAYS)[number]): Promise<Row> {
  const sql = connect(
    { url: t.url('tagout_app'), role: null },
    { name: 'bench', max: CONNECTIONS },
  );
  await t.root.unsafe(`create table if not exists tagout.plain (
    id bigint generated always as identity primary key, body text not null);
    grant insert on tagout.plain to tagout_app`);
  const locator = locatorOf({ repo: repoOf(2) });
  const failure = { code: 'internal', message: 'bench', attempts: 1 };
  const trigger = { locator, because: 'bench', delivery: null };
  const make = (name: string) => judgeFailedEvent(trigger, failure, stamp(name, t.clock.nowMs));
  const shares: number[] = [];
  const rates: number[] = [];
  try {
    for (let round = 0; round < ROUNDS; round += 1) {
      const plainMs = await timed(() =>
        inParallel(APPENDS, (n) => {
          const { body } = make(`plain:${round}:${n}`);
          return way.run(sql, async (on) => on`insert into tagout.plain (body) values (${body})`);
        }),
      );
      const sealedMs = await timed(async () => {
        const name = `${way.what}:${round}`;
        await inParallel(APPENDS, (n) =>
          way.run(sql, (on) => appendEvent(on, make(`${name}:${n}`))),
        );
        await t.store.sealer.sealNow(2);
      });
      if (round === 0) continue;
      shares.push(plainMs / sealedMs);
      rates.push(perSecond(APPENDS, sealedMs));
    }
  } finally {
    await sql.end({ timeout: 5 });
  }
  const share = median(shares);
  return {
    what: `${way.what}, ${CONNECTIONS} connections, paired with a plain insert`,
    reach: '≥ 0.70 ×',
    measured: `${share.toFixed(2)} × (${rate(median(rates))})`,
    ok: share >= 0.7,
  };
}

async function benchRelease(t: TestStore): Promise<Row> {
  const locator = locatorOf({ repo: repoOf(3) });
  const failure = { code: 'internal', message: 'bench', attempts: 1 };
  const times: number[] = [];
  for (let n = 0; n < 300; n += 1) {
    const trigger = { locator, because: 'bench', delivery: null };
    await appendEvent(
      t.store.sql,
      judgeFailedEvent(trigger, failure, stamp(`r:${n}`, t.clock.nowMs)),
    );
    times.push(await timed(() => t.store.sealer.sealNow(3)));
  }
  const [p50, p99] = [quantile(times, 0.5), quantile(times, 0.99)];
  return {
    what: 'sealed, then released: what the seal adds',
    reach: 'p50 ≤ 5 ms, p99 ≤ 25 ms',
    measured: `p50 ${ms(p50)}, p99 ${ms(p99)}`,
    ok: p50 <= 5 && p99 <= 25,
  };
}

export async function benchAudit(): Promise<readonly Row[]> {
  const bundle = await benchBundle();
  const t = await openTestStore();
  try {
    const wait = await benchRelease(t);
    return [wait, ...bundle, await benchStored(t)];
  } finally {
    await t.close();
  }
}

export async function benchAppends(): Promise<readonly Row[]> {
  const t = await openTestStore();
  try {
    const rows: Row[] = [];
    for (const way of WAYS) rows.push(await benchAppend(t, way));
    return rows;
  } finally {
    await t.close();
  }
}
