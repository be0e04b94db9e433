/**
 * The twenty questions of an auditor, each by its command over a made-up organisation that lies in a
 * real PostgreSQL log, sealed by the sealer; the answers are known from what was planted.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { readEvent } from '../../src/core/audit/verify.ts';
import { QUESTIONS } from '../../src/core/report/questions.ts';
import { answerQuestion, reportBundle } from '../../src/cli/report-out.ts';
import { populationLines } from '../../src/cli/report-population.ts';
import { appendEvent } from '../../src/store/append.ts';
import { SUPERUSER } from '../../src/postgres/cluster.ts';
import { openTestStore, type TestStore } from '../store/help.ts';
import { redactTexts } from '../../src/store/redact.ts';
import { operator } from '../../src/store/access.ts';
import { createOrg, type Org } from './org.ts';

const COUNT = 200;
const EVERY = 5;
const ALL = { fromMs: null, toMs: null, repo: null, org: null, format: 'json' } as const;

type Row = Readonly<Record<string, string | number | null>>;

describe("an auditor's questions", () => {
  let t: TestStore;
  let root: string;
  let org: Org;
  let file: string;
  before(async () => {
    t = await openTestStore();
    root = mkdtempSync(join(tmpdir(), 'tagout-questions-'));
    org = createOrg(COUNT, EVERY, 3);
    for (const { body, details } of org.log.leaves) {
      const event = readEvent(body);
      assert.ok(event !== null);
      await t.store.sql.begin((tx) => appendEvent(tx, { body, details, event }));
    }
    await t.store.sealer.sealNow(1);
    file = join(root, 'github.jsonl');
    writeFileSync(file, [...populationLines(org.population)].join(''));
  });
  after(async () => {
    await t.close();
    rmSync(root, { recursive: true, force: true });
  });

  const ask = async (
    number: number,
    more: { readonly atMs?: number; readonly runId?: number } = {},
    env: Readonly<Record<string, string>> = {},
  ): Promise<readonly Row[]> => {
    let out = '';
    const io = {
      env,
      cwd: root,
      now: () => t.clock.nowMs,
      out: (text: string) => void (out += text),
      err: () => {},
    };
    const wish = { ...ALL, atMs: null, runId: null, ...more, number, population: file };
    assert.equal(await answerQuestion(t.store, wish, io), 0);
    return JSON.parse(out).rows;
  };
  const planted = (...types: readonly string[]): readonly (number | null)[] =>
    org.planted
      .filter(({ type }) => types.includes(type))
      .map(({ leaf }) => leaf)
      .toSorted((a, b) => (a ?? 0) - (b ?? 0));
  const leaves = (rows: readonly Row[]) =>
    rows.map((row) => Number(row['leaf_index'])).toSorted((a, b) => a - b);

  const decisionOf = (runId: number): { leaf: number; atMs: number } => {
    const events = org.log.leaves.map(({ body }) => JSON.parse(body));
    const leaf = events.findIndex(
      ({ kind, subject }) => kind === 'decision.made' && subject.runId === runId,
    );
    return { leaf, atMs: events[leaf].recordedAtMs };
  };
  const leafOfRun = (runId: number): number => decisionOf(runId).leaf;
  const timeOfRun = (runId: number): number => decisionOf(runId).atMs;
  const isoOfRun = (runId: number): string => new Date(timeOfRun(runId)).toISOString();

  test('there are twenty, each with its number', () => {
    assert.deepEqual(
      QUESTIONS.map(({ number }) => number),
      Array.from({ length: 20 }, (_, at) => at + 1),
    );
  });

  test('1: every deployment with its approver, and those without any', async () => {
    const rows = await ask(1);
    assert.equal(rows.length, org.released);
    const bare = rows.filter((row) => row['approvers'] === 'NOBODY');
    assert.deepEqual(leaves(bare), planted('no-approval'));
  });

  test('2: the list is complete but for what was planted', async () => {
    const rows = await ask(2);
    const count = (side: string) => rows.find((row) => row['side'] === side)?.['cause'];
    assert.equal(count('A GitHub deployments'), String(org.population.deployments.length));
    assert.equal(count('B GitHub workflow runs'), String(org.population.runs.length));
    assert.equal(count('D this log'), String(COUNT));
    const missing = rows.filter((row) => row['side'] === 'github-only');
    assert.equal(missing.length, planted('not-in-log').length);
  });

  const byType: readonly (readonly [number, string, readonly string[]])[] = [
    [
      3,
      'approvals of authors, committers, deployers and bots',
      ['self-approval', 'approver-is-committer', 'approver-deployed', 'approver-is-bot'],
    ],
    [4, 'another commit than the approved one', ['approved-other-commit']],
    [5, 'approvals after the release', ['approved-after-release']],
    [6, 'break glass', ['break-glass']],
  ];
  for (const [number, what, types] of byType) {
    test(`${number}: ${what}`, async () => {
      const wanted = planted(...types);
      assert.ok(wanted.length > 0);
      assert.deepEqual(leaves(await ask(number)), wanted);
    });
  }

  test('6: who, why, and the review afterwards: one overdue, one in time', async () => {
    const states = (await ask(6)).map((row) => row['review_after']);
    assert.deepEqual(new Set(states), new Set(['overdue', 'in time']));
    const done = (await ask(6)).find((row) => row['review_after'] === 'in time');
    assert.equal(done?.['reviewed_by'], 'linnea');
    assert.equal(done?.['who'], 'account 3');
  });

  test('7: the agent of a deployment and what it reached', async () => {
    const [row, ...others] = await ask(7, { runId: 11 });
    assert.deepEqual(others, []);
    assert.match(String(row?.['agents']), /^(?:copilot|devin|claude-code)$/);
    assert.match(String(row?.['reached_by_the_agent']), /acme\/shop@production/);
  });

  test('8: the dry run by its hash, and whether that version was approved', async () => {
    const rows = await ask(8);
    const other = rows.filter((row) => row['same_version'] === 'no');
    assert.deepEqual(leaves(other), [...planted('approved-other-commit', 'no-approval')]);
    assert.match(String(rows[0]?.['dry_run_sha256']), /^[0-9a-f]{64}$/);
  });

  test('9: who could have passed the gate, by the settings of that moment and of that day', async () => {
    const who = async (atMs: number) => (await ask(9, { atMs })).map((row) => String(row['who']));
    assert.deepEqual(await who(timeOfRun(31)), [
      'whoever may start a deployment: the rule was off',
    ]);
    assert.deepEqual(await who(timeOfRun(42)), [
      'bypass actors of the ruleset: release-bot (always)',
    ]);
    const day = Math.floor(timeOfRun(42) / 86_400_000) * 86_400_000;
    assert.ok((await who(day)).includes('bypass actors of the ruleset: release-bot (always)'));
    assert.deepEqual(await who(timeOfRun(50)), [
      'nobody by the policies and settings of the record',
    ]);
    const before = await who(timeOfRun(1) - 86_400_000 * 30);
    assert.match(before.join(), /settings were not read then/);
  });

  test('10: when the policy asked for less', async () => {
    const rows = (await ask(10)).filter((row) => row['weaker'] !== null);
    assert.deepEqual(leaves(rows), planted('policy-weakened'));
    assert.equal(rows[0]?.['weaker'], 'reviews.critical 2 → 1');
  });

  test('11: when the gate was down or off, and what was deployed then', async () => {
    const rows = await ask(11);
    const deployed = rows.filter((row) => row['kind'] === 'deployment');
    const meanwhile = deployed.filter((row) => /the rule was off/.test(String(row['what'])));
    assert.deepEqual(leaves(meanwhile), [leafOfRun(30)]);
    const late = deployed.filter((row) => !meanwhile.includes(row));
    assert.deepEqual(leaves(late), planted('gate-unavailable'));
    const [off, ...more] = rows.filter((row) => row['kind'] === 'rule off');
    assert.deepEqual(more, []);
    assert.deepEqual(
      [off?.['from'], off?.['to'], off?.['repo']],
      [30, 33].map(isoOfRun).concat('acme/shop environment production'),
    );
  });

  test('12: one deployment with all its fields', async () => {
    const rows = await ask(12, { runId: 11 });
    const field = (name: string) => rows.find((row) => row['field'] === name)?.['value'];
    assert.equal(field('run_id'), '11');
    assert.equal(field('checks_passed'), '1 of 1');
    assert.equal(field('outcome'), 'success');
    assert.match(String(field('finished_at')), /^2025-/);
    assert.match(String(field('evidence_sha256')), /^[0-9a-f]{64}$/);
  });

  test('13: a record in which a byte was changed is told from an intact one', async () => {
    // The evidence of made-up decisions is not stored, which this very check finds.
    const before = await ask(13);
    assert.ok(!before.some((row) => /row 8\b/i.test(String(row['verdict']))));
    await t.root`alter table audit.event disable trigger all`;
    const edit = (one: string, two: string) => t.root`
      update audit.event set body = replace(body, ${one}, ${two})
      where event_id = (select e.event_id from audit.leaf l join audit.event e on e.id = l.event_row
        where l.leaf_index = 8)`;
    await edit('"v":1}', '"v":1 }');
    const now = await ask(13);
    await edit('"v":1 }', '"v":1}');
    await t.root`alter table audit.event enable trigger all`;
    assert.match(String(now[0]?.['verdict']), /^tampered: /);
    const known = new Set(before.map((row) => row['verdict']));
    const fresh = now.map((row) => String(row['verdict'])).filter((line) => !known.has(line));
    assert.ok(
      fresh.some((line) => /\b(?:row|leaf) 8\b/i.test(line)),
      fresh.join('\n'),
    );
  });

  test('14: the same 25 for whoever asks, with a proof for each', async () => {
    const [one, other] = [await ask(14), await ask(14)];
    assert.equal(one.length, 25);
    assert.match(String(one[0]?.['proof']), /^proofs\/\d+\.tlog-proof$/);
    assert.equal(one[0]?.['link'], null, 'nothing says which GitHub it is');
    const env = { GITHUB_API_URL: 'https://github.acme.example/api/v3' };
    const [there] = await ask(14, {}, env);
    assert.match(String(there?.['link']), /^https:\/\/github\.acme\.example\/acme\//);
    // A question is itself an event, so that the next checkpoint draws another sample.
    assert.notDeepEqual(leaves(one), leaves(other));
  });

  test('15: shares and hurries of reviewers', async () => {
    const rows = await ask(15);
    const sum = rows.reduce((total, row) => total + Number(row['approvals']), 0);
    assert.equal(sum, org.released - planted('no-approval').length);
    const hurried = rows.reduce((total, row) => total + Number(row['high_under_60_s']), 0);
    assert.equal(hurried, planted('quick-approval').length);
  });

  test('16: what was never released', async () => {
    const rows = await ask(16);
    assert.equal(rows.length, COUNT - org.released);
    assert.ok(rows.every((row) => row['released_later'] === 'no'));
  });

  test('17: what is not covered', async () => {
    assert.deepEqual(await ask(17), []);
  });

  test('18 and 19: erasures and reads are in the record themselves', async () => {
    assert.deepEqual(await ask(18), []);
    const what = { text: 'octavia', basis: 'Article 17 GDPR', doer: operator() };
    await redactTexts({ url: t.url(SUPERUSER), role: 'tagout_owner' }, what, t.clock.nowMs);
    const [erased] = await ask(18);
    const texts = org.log.leaves.flatMap(({ details }) => details.map(({ value }) => value));
    const count = texts.filter((value) => value === what.text).length;
    assert.ok(count > 0);
    assert.equal(erased?.['what'], `${count} texts erased: Article 17 GDPR`);
    assert.equal(erased['who'], what.doer.login);
    const reads = (await ask(19)).map((row) => String(row['what']));
    assert.ok(reads.includes('question 1 shown (command)'), reads.join('\n'));
    assert.ok(reads.includes('question 18 shown (command)'));
  });

  test('20: the policy of a deployment with what it asked for', async () => {
    const [row] = await ask(20, { runId: 1 });
    assert.equal(row?.['policy_sha256'], 'd'.repeat(64));
    assert.match(String(row?.['terms']), /reviews\.critical=2/);
  });

  test('the bundle of this log has the exceptions that were planted, and no others', async () => {
    const io = { env: {}, cwd: root, now: () => t.clock.nowMs, out: () => {}, err: () => {} };
    const wish = { fromMs: null, toMs: null, repo: null, org: 'acme', out: 'bundle' };
    assert.equal(await reportBundle(t.store, { ...wish, population: file }, io), 0);
    const lines = readFileSync(join(root, 'bundle', 'exceptions.csv'), 'utf8').split('\r\n');
    const found = lines.slice(1, -1).map((line) => {
      const [type, , leaf] = line.split(',');
      return `${type} ${leaf}`;
    });
    const wanted = org.planted.map(({ type, leaf }) => `${type} ${leaf ?? ''}`);
    assert.deepEqual(found.toSorted(), wanted.toSorted());
    assert.equal(readFileSync(join(root, 'bundle', 'report.pdf'), 'latin1').slice(0, 5), '%PDF-');
  });
});
