/**
 * Sixteen writers and four sealers in two processes: no gap, no fork, no double, and every event that
 * was acknowledged is sealed once. `RACE=100000` (`npm run soak`): so many events.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { verifyStored } from '../../src/store/verify-stored.ts';
import { openTestStore, type TestStore } from './help.ts';
import type { RaceWork } from './race-child.ts';

const EVENTS = Number(process.env['RACE'] ?? 1_000);
const SEED = Number(process.env['SEED'] ?? 5);
const LOG = 30;

/** A transaction has two events on average, and two of three are rolled back once in seven times. */
const TRANSACTIONS = Math.ceil(EVENTS / (2 * (1 - 2 / 21)) / 2);

async function racer(work: RaceWork): Promise<readonly string[]> {
  const child = join(import.meta.dirname, 'race-child.ts');
  const ran = spawn(process.execPath, [child, JSON.stringify(work)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise<number | null>((resolve) => ran.once('close', resolve));
  const [out, err, code] = await Promise.all([text(ran.stdout), text(ran.stderr), ended]);
  assert.equal(code, 0, err);
  return out.split('\n').slice(0, -1);
}

function workOf(t: TestStore, name: string, seed: number): RaceWork {
  return {
    name,
    appUrl: t.url('tagout_app'),
    sealerUrl: t.url('tagout_sealer'),
    keyPath: join(t.dataDir, 'audit.key'),
    origin: t.store.key.origin(LOG).replace(/\/\d+$/, ''),
    logId: LOG,
    writers: 8,
    sealers: 2,
    transactions: TRANSACTIONS,
    seed,
    nowMs: t.clock.nowMs,
  };
}

test('writers and sealers of two processes leave no gap, fork or double', async (context) => {
  const t = await openTestStore();
  context.after(() => t.close());
  const startMs = performance.now();
  const works = [workOf(t, 'one', SEED), workOf(t, 'two', SEED + 1_000)];
  const acked = (await Promise.all(works.map(racer))).flat();
  const tookMs = performance.now() - startMs;
  assert.equal(await t.store.sealer.sealNow(LOG), acked.length + 1, 'all, and the key');
  const sealed = await t.root<{ key: string }[]>`select e.dedupe_key as key from audit.leaf l
    join audit.event e on e.id = l.event_row where l.log_id = ${LOG} and e.kind = 'judge.failed'`;
  assert.equal(new Set(acked).size, acked.length);
  assert.deepEqual(sealed.map(({ key }) => key).toSorted(), acked.toSorted());
  const [places] = await t.root`select count(*)::int as n, count(distinct event_row)::int as rows,
    min(leaf_index)::int as first, max(leaf_index)::int as last from audit.leaf where log_id = ${LOG}`;
  const n = acked.length + 1;
  assert.deepEqual({ ...places }, { n, rows: n, first: 0, last: n - 1 });
  const trusted = {
    origin: t.store.key.origin(LOG),
    installationId: LOG,
    vkeys: [t.store.key.vkey(LOG)],
  };
  const verdict = await verifyStored(t.store.reports, trusted);
  assert.deepEqual(verdict.problems, []);
  const [heads] = await t.root`select count(*)::int as n from audit.checkpoint`;
  const found = `${acked.length} events, ${heads?.['n']} checkpoints, ${Math.round(tookMs)} ms`;
  context.diagnostic(`seed ${SEED}: ${found}`);
  assert.ok(acked.length > EVENTS * 0.9, found);
});
