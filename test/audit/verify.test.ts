import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { describe, test } from 'node:test';
import { leafHash, treeRoot } from '../../src/core/audit/merkle.ts';
import { signCheckpoint } from '../../src/core/audit/note.ts';
import { verifyLog, type LeavesToVerify, type LogVerdict } from '../../src/core/audit/verify.ts';
import { createCollector, UNPACKED } from '../../src/core/report/collect.ts';
import { exceptionsIn, periodOf } from '../../src/core/report/period.ts';
import { canonicalText } from '../../src/core/canonical.ts';
import { HEAD } from '../store/judged.ts';
import { randomFrom, missedFlips } from './flips.ts';
import {
  createLog,
  decision,
  deployments,
  failure,
  release,
  START_MS,
  type TestLog,
  uuid,
} from './log.ts';

const verdictOf = (log: TestLog, extra: Partial<LeavesToVerify> = {}): Promise<LogVerdict> =>
  verifyLog(log.verifiable(extra));
const codes = ({ problems }: LogVerdict): string[] => problems.map(({ code }) => code);

/** The log signed anew over other rows, as somebody with the key could. */
function resigned(log: TestLog, from: number): void {
  log.notes.splice(from);
  const hashes = log.leaves.map(({ body }) => leafHash(body));
  const head = { origin: log.origin, size: hashes.length, root: treeRoot(hashes) };
  log.notes.push(signCheckpoint(head, log.privateKey, START_MS + 86_400_000));
}

function edited(log: TestLog, at: number, from: string, to: string): void {
  const leaf = log.leaves[at];
  assert.ok(leaf !== undefined && leaf.body.includes(from), `leaf ${at} holds ${from}`);
  log.leaves[at] = { ...leaf, body: leaf.body.replace(from, to) };
}

interface Attack {
  readonly name: string;
  /** What an attacker does; answers what the reader has from elsewhere. */
  readonly act: (log: TestLog) => { anchors?: readonly string[] } | void;
  readonly code: string;
}

/** The matrix of facts: audit, 3. Anchors stand for every copy outside the attacker's reach. */
const ATTACKS: readonly Attack[] = [
  {
    name: 'edit a sealed row',
    act: (log) => edited(log, 4, '"hold"', '"deny"'),
    code: 'root-differs',
  },
  {
    name: 'edit a row and its stored hash',
    act: (log) => edited(log, 5, 'acme/shop', 'acme/shoq'),
    code: 'root-differs',
  },
  { name: 'delete a sealed row', act: (log) => void log.leaves.splice(3, 1), code: 'root-differs' },
  {
    name: 'swap two sealed rows',
    act: (log) => void log.leaves.splice(2, 2, ...log.leaves.slice(2, 4).toReversed()),
    code: 'root-differs',
  },
  {
    name: 'truncate the tail with its heads, below an anchor',
    act: (log) => {
      const anchors = [log.notes.at(-1) ?? ''];
      log.leaves.splice(-3);
      log.notes.splice(-3);
      return { anchors };
    },
    code: 'leaves-missing',
  },
  {
    name: 'append a backdated row that is sealed normally',
    act: (log) => {
      log.add(failure(900, START_MS));
      log.seal(START_MS + 86_400_000);
    },
    code: 'time-outside',
  },
  {
    name: 'rewrite all without the key',
    act: (log) => {
      const { privateKey } = generateKeyPairSync('ed25519');
      const forged = deployments(3, createLog(1, privateKey));
      log.leaves.splice(0, log.leaves.length, ...forged.leaves);
      log.notes.splice(0, log.notes.length, ...forged.notes);
    },
    code: 'note-invalid',
  },
  {
    name: 'rewrite all with the key, against an anchor',
    act: (log) => {
      const anchors = [log.notes[4] ?? ''];
      edited(log, 1, 'acme/shop', 'acme/shoq');
      resigned(log, 0);
      return { anchors };
    },
    code: 'anchor-differs',
  },
  {
    name: 'rewrite only the newest rows with the key, against a witness that saw them',
    act: (log) => {
      const anchors = [log.notes.at(-1) ?? ''];
      edited(log, log.leaves.length - 1, '"attempts":1', '"attempts":2');
      resigned(log, log.notes.length - 1);
      return { anchors };
    },
    code: 'anchor-differs',
  },
  {
    name: 'show a fork without one row, signed with the key, against an anchor',
    act: (log) => {
      const anchors = [log.notes.at(-1) ?? ''];
      log.leaves.splice(1, 1);
      resigned(log, 0);
      return { anchors };
    },
    code: 'leaves-missing',
  },
  {
    name: 'edit a row that is not sealed yet',
    act: (log) => {
      log.add(failure(901, START_MS + 86_400_000));
      edited(log, log.leaves.length - 1, '"down"', '"up"');
    },
    code: 'leaves-unsealed',
  },
  {
    name: 'release without any decision',
    act: (log) => {
      const atMs = START_MS + 3_600_000;
      log.add(release({ atMs, number: 902, runId: 9, decision: uuid(77) }));
      log.seal(atMs);
    },
    code: 'release-unfounded',
  },
];

describe('verifying a log', () => {
  test('clean histories give no alarm', async (t) => {
    const seed = Number(process.env['SEED'] ?? 7);
    t.diagnostic(`seed ${seed}`);
    const random = randomFrom(seed);
    const runs = Number(process.env['HISTORIES'] ?? 150);
    for (let turn = 0; turn < runs; turn += 1) {
      const log = createLog();
      let atMs = START_MS;
      const allowed: { id: string; runId: number }[] = [];
      for (let number = 1; number <= 12; number += 1) {
        atMs += Math.floor(random() * 20_000);
        const runId = 1 + Math.floor(random() * 3);
        const chosen = allowed[Math.floor(random() * allowed.length)];
        if (random() < 0.3 && chosen !== undefined) {
          log.add(release({ atMs, number, runId: chosen.runId, decision: chosen.id }));
        } else {
          const verdict = random() < 0.5 ? 'allow' : 'hold';
          const made = decision({ atMs, number, runId, verdict });
          log.add(made);
          if (verdict === 'allow') {
            // Sealed, then released.
            log.seal(atMs);
            allowed.push({ id: made.event.eventId, runId });
            continue;
          }
        }
        if (random() < 0.4) log.seal(atMs + Math.floor(random() * 5_000));
      }
      log.add(failure(99, atMs));
      log.seal(atMs + 2_000);
      assert.deepEqual((await verdictOf(log)).problems, [], `history ${turn} of seed ${seed}`);
    }
  });

  for (const { name, act, code } of ATTACKS) {
    test(`found: ${name}`, async () => {
      const log = deployments(3);
      assert.equal((await verdictOf(log)).verdict, 'intact');
      const { anchors = [] } = act(log) ?? {};
      const verdict = await verdictOf(log, { anchors });
      assert.notEqual(verdict.verdict, 'intact');
      assert.ok(codes(verdict).includes(code), codes(verdict).join());
    });
  }

  test('found: an event that was never recorded, against what GitHub lists', () => {
    const log = deployments(12);
    const collector = createCollector(UNPACKED);
    for (const { body, details } of log.leaves) collector.add(JSON.parse(body), details);
    const wish = { fromMs: null, toMs: null, repo: null };
    const row = {
      repo: 'acme/shop',
      environment: 'production',
      deploymentId: 5,
      createdAtMs: START_MS + 130_000,
      state: 'success',
    };
    const rows = [
      { ...row, sha: HEAD },
      { ...row, sha: 'f'.repeat(40) },
    ];
    const rest = { runs: [], deliveries: [], access: [] };
    const population = { from: 'github', readAtMs: START_MS, deployments: rows, ...rest } as const;
    const period = periodOf(collector.end(), wish, { seed: '', population });
    const missing = [...exceptionsIn(period)].filter(({ type }) => type === 'not-in-log');
    assert.equal(missing.length, 1);
    assert.match(missing[0]?.detail ?? '', /ffffffffffff/);
  });

  test('single changed bytes are found, every one', async (t) => {
    const seed = Number(process.env['SEED'] ?? 11);
    t.diagnostic(`seed ${seed}`);
    assert.deepEqual(await missedFlips(Number(process.env['FLIPS'] ?? 600), seed), []);
  });

  test('the rows before --since are only hashed, and a release still finds its decision', async () => {
    const log = deployments(3);
    const whole = await verdictOf(log, { since: 9 });
    assert.deepEqual(whole.problems, []);
    edited(log, 1, '"hold"', '"deny"');
    assert.deepEqual(codes(await verdictOf(log, { since: 9 })), ['root-differs']);
  });

  test('a body that is valid JSON but not canonical is no event', async () => {
    const log = createLog();
    const { body, event } = failure(1, START_MS);
    log.addBody(body);
    log.addBody(` ${canonicalText({ ...event, eventId: uuid(2), dedupeKey: '2' })}`);
    log.seal(START_MS);
    const verdict = await verdictOf(log);
    assert.deepEqual(codes(verdict), ['event-invalid']);
    assert.equal(verdict.problems[0]?.leafIndex, 1);
  });

  test('a key rotates: both keys are trusted, one alone is not enough', async () => {
    const old = deployments(1);
    const next = generateKeyPairSync('ed25519').privateKey;
    const hashes = old.leaves.map(({ body }) => leafHash(body));
    const head = { origin: old.origin, size: hashes.length, root: treeRoot(hashes) };
    old.notes.pop();
    old.notes.push(signCheckpoint(head, next, START_MS + 200_000));
    const { vkey } = createLog(1, next);
    assert.equal((await verdictOf(old, { vkeys: [old.vkey, vkey] })).verdict, 'intact');
    assert.equal((await verdictOf(old)).verdict, 'tampered');
  });
});
