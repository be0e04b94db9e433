/** What one sweep could not look at is looked at by the next, as far back as this one would have. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Place, SweepRound } from '../../src/cli/sweep-round.ts';
import { GitHubFault } from '../../src/github/faults.ts';
import { Patience } from '../../src/github/patience.ts';
import { readSweepPayload, sweepJob, type SweepSince } from '../../src/store/jobs.ts';

const MINUTE_MS = 60_000;
const NOW_MS = Date.UTC(2026, 10, 2, 12);
const LAST_MS = NOW_MS - 5 * MINUTE_MS;
const OVERLAP_MS = 15 * MINUTE_MS;
const log = { warn: () => undefined };

async function roundOf(since: SweepSince, fails: readonly Place[] = []): Promise<SweepRound> {
  const round = new SweepRound({ since, nowMs: NOW_MS, log });
  for (const place of fails) {
    assert.equal(await round.look(place, () => Promise.reject(new Error('502'))), null);
  }
  return round;
}

const pulls = (key: string): Place => ({ part: 'pulls', key });

describe('a sweep', () => {
  test('that looked at everything moves the next one on to itself', async () => {
    const round = await roundOf({ sinceMs: LAST_MS, behind: { '1:10': 5 } });
    assert.equal(await round.look(pulls('1:10'), () => Promise.resolve(7)), 7);
    assert.deepEqual(round.next, { sinceMs: NOW_MS, behind: {} });
  });

  test('holds back only what it could not look at, and says how many of each', async () => {
    const round = await roundOf({ sinceMs: LAST_MS, behind: {} }, [
      pulls('1:10'),
      pulls('1:11'),
      { part: 'deliveries', key: 'deliveries' },
    ]);
    const behind = { '1:10': LAST_MS, '1:11': LAST_MS, deliveries: LAST_MS };
    assert.deepEqual(round.next, { sinceMs: NOW_MS, behind });
    assert.deepEqual([round.unread.pulls, round.unread.deliveries, round.unread.checks], [2, 1, 0]);
    const later = new SweepRound({ since: round.next, nowMs: NOW_MS + MINUTE_MS, log });
    assert.equal(later.fromMs('1:10'), LAST_MS - OVERLAP_MS);
    assert.equal(later.fromMs('deliveries'), LAST_MS - OVERLAP_MS);
    assert.equal(later.fromMs('1:12'), NOW_MS - OVERLAP_MS);
    assert.equal(later.fromMs('10:1'), NOW_MS - OVERLAP_MS);
  });

  test('takes over what the part above or below was behind with', async () => {
    const hourMs = NOW_MS - 60 * MINUTE_MS;
    const since = (behind: SweepSince['behind']): SweepSince => ({ sinceMs: LAST_MS, behind });
    for (const above of ['installations', '1']) {
      const down = await roundOf(since({ [above]: hourMs }), [pulls('1:10')]);
      assert.deepEqual(down.next.behind, { '1:10': hourMs }, above);
      assert.equal(down.fromMs('1:10'), hourMs - OVERLAP_MS);
      const up = await roundOf(since({ '1:10': hourMs }), [{ part: 'repositories', key: above }]);
      assert.deepEqual(up.next.behind, { [above]: hourMs }, above);
    }
    const other = await roundOf(since({ deliveries: hourMs, '11:1': hourMs }), [pulls('1:10')]);
    assert.deepEqual(other.next.behind, { '1:10': LAST_MS });
  });

  test('never looks further back than GitHub does', async () => {
    const dayMs = 24 * 60 * MINUTE_MS;
    const round = await roundOf({ sinceMs: null, behind: { '1:10': 1 } }, [pulls('1:11')]);
    assert.equal(round.fromMs('1:10'), NOW_MS - 3 * dayMs);
    assert.deepEqual(round.next.behind, { '1:11': NOW_MS - 3 * dayMs });
  });

  test('that could look at almost nothing leaves everything to the next', async () => {
    const since = { sinceMs: LAST_MS, behind: {} };
    const fails = Array.from({ length: 501 }, (_, at) => pulls(`1:${at}`));
    assert.deepEqual((await roundOf(since, fails.slice(1))).next.sinceMs, NOW_MS);
    assert.deepEqual((await roundOf(since, fails)).next, since);
  });

  test('is planned with what is behind, and as ever when nothing is', () => {
    const read = (since: SweepSince) => readSweepPayload(sweepJob(since, null).payload);
    const behind = { sinceMs: 7, behind: { '1:10': 5 } };
    assert.deepEqual(read(behind), behind);
    assert.deepEqual(sweepJob({ sinceMs: 7, behind: {} }, null).payload, { sinceMs: 7 });
    assert.deepEqual(readSweepPayload({ sinceMs: 7 }), { sinceMs: 7, behind: {} });
  });
});

describe('a request of the sweep', () => {
  const away = (detail: { retryAfterMs?: number } = {}) =>
    new GitHubFault('github-unavailable', 'away', { httpStatus: 502, ...detail });

  /** Fails so often, then answers; answers the waits, and how it ended. */
  async function ask(faults: readonly Error[]) {
    const waits: number[] = [];
    const wait = (ms: number) => Promise.resolve(waits.push(ms));
    const left = [...faults];
    const patience = new Patience({ wait, random: () => 1 });
    const client = patience.writing({
      send: () => {
        const fault = left.shift();
        const answer = { status: 200, data: null, atMs: NOW_MS, next: null };
        return fault === undefined ? Promise.resolve(answer) : Promise.reject(fault);
      },
    });
    const send = () => client.send('POST', '/x', {}).then(({ status }) => status, String);
    return { end: await send(), waits, send, left };
  }

  test('is made again, later each time, and not for ever', async () => {
    assert.deepEqual((await ask([away(), away()])).waits, [500, 1_500]);
    const never = await ask(Array.from({ length: 9 }, () => away()));
    assert.deepEqual(never.waits, [500, 1_500]);
    assert.match(String(never.end), /away/);
  });

  test('waits as long as GitHub asks, when that is short', async () => {
    assert.deepEqual((await ask([away({ retryAfterMs: 2_500 })])).waits, [2_500]);
    const long = await ask([away({ retryAfterMs: 60_000 })]);
    assert.deepEqual([long.waits.length, long.end], [0, 'TagoutError: away']);
  });

  test('is not made again when it was refused', async () => {
    const refused = new GitHubFault('github-refused', 'no', { httpStatus: 404 });
    assert.deepEqual((await ask([refused])).waits, []);
    assert.deepEqual((await ask([new Error('a bug')])).waits, []);
  });

  test('no longer waits when all of them together have waited for seconds', async () => {
    const many = await ask(Array.from({ length: 60 }, () => away()));
    for (let count = 0; count < 10; count += 1) await many.send();
    const sum = many.waits.reduce((all, one) => all + one, 0);
    assert.ok(sum <= 4_000 && sum > 3_000, String(sum));
  });
});
