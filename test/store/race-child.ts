/**
 * One process of the race: writers that insert in transactions of one to three events, some slow and
 * some rolled back, and sealers beside them. Its work is the JSON in its first argument; it prints the
 * keys of the events that were acknowledged, one a line.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { judgeFailedEvent } from '../../src/core/audit/effect-event.ts';
import { appendEvent, stamp } from '../../src/store/append.ts';
import { connect } from '../../src/store/connect.ts';
import { openLogKey } from '../../src/store/key.ts';
import { createSealer } from '../../src/store/seal.ts';
import { randomFrom } from '../audit/flips.ts';
import { locatorOf, repoOf } from './judged.ts';

export interface RaceWork {
  readonly name: string;
  readonly appUrl: string;
  readonly sealerUrl: string;
  readonly keyPath: string;
  readonly origin: string;
  readonly logId: number;
  readonly writers: number;
  readonly sealers: number;
  readonly transactions: number;
  readonly seed: number;
  readonly nowMs: number;
}

class RolledBack extends Error {}

const work: RaceWork = JSON.parse(process.argv[2] ?? '');
const now = (): number => work.nowMs;
const locator = locatorOf({ repo: repoOf(work.logId) });
const app = connect({ url: work.appUrl, role: null }, { name: 'race', max: work.writers });
const acked: string[] = [];
let left = work.transactions;
let writing = true;

function event(key: string) {
  const trigger = { locator, because: 'race', delivery: null };
  const failure = { code: 'internal', message: 'race', attempts: 1 };
  return judgeFailedEvent(trigger, failure, stamp(key, work.nowMs));
}

async function write(writer: number): Promise<void> {
  const random = randomFrom(work.seed + writer);
  for (let n = 0; left > 0; n += 1) {
    left -= 1;
    const count = 1 + Math.floor(random() * 3);
    const keys = Array.from({ length: count }, (_, at) => `${work.name}:${writer}:${n}:${at}`);
    const [lost, slow, pooled] = [random() < 1 / 7, random() < 1 / 100, random() < 1 / 3];
    try {
      if (pooled) await Promise.all(keys.map((key) => appendEvent(app, event(key))));
      else {
        await app.begin(async (tx) => {
          for (const key of keys) await appendEvent(tx, event(key));
          if (slow) await sleep(random() * 100);
          if (lost) throw new RolledBack();
        });
      }
      acked.push(...keys);
    } catch (error) {
      if (!(error instanceof RolledBack)) throw error;
    }
  }
}

async function seal(): Promise<void> {
  const sql = connect({ url: work.sealerUrl, role: null }, { name: 'race', max: 1 });
  const key = openLogKey(work.keyPath, work.origin);
  const sealer = createSealer({ sealer: sql, app, key, now });
  while (writing) await sealer.sealNow(work.logId);
  await sql.end({ timeout: 5 });
}

const sealing = Array.from({ length: work.sealers }, seal);
try {
  await Promise.all(Array.from({ length: work.writers }, (_, writer) => write(writer)));
} finally {
  writing = false;
  await Promise.all(sealing);
}
await app.end({ timeout: 5 });
process.stdout.write(acked.map((key) => `${key}\n`).join(''));
