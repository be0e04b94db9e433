import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readEvent } from '../../src/core/audit/verify.ts';
import { createCollector, UNPACKED } from '../../src/core/report/collect.ts';
import { COLUMNS } from '../../src/core/report/columns.ts';
import { EXCEPTION_KINDS, exceptionsOf, OTHER_KINDS } from '../../src/core/report/exceptions.ts';
import { drawSample, exceptionsIn, headline, periodOf } from '../../src/core/report/period.ts';
import { reportPage } from '../../src/core/report/papers.ts';
import { REGISTER, registerCells, smallTables } from '../../src/core/report/tables.ts';
import { forPage, gateHealth } from '../../src/core/report/record-tables.ts';
import { bypassable } from '../../src/core/report/gate-questions.ts';
import { QUESTIONS } from '../../src/core/report/questions.ts';
import { reviewAfterOf } from '../../src/core/report/row.ts';
import { controlsOf } from '../../src/core/report/controls.ts';
import { ASKED_TYPES, createOrg } from './org.ts';
import { RULE_OFF, RULE_ON } from './org-posture.ts';

const ALL = { fromMs: null, toMs: null, repo: null };
const COUNT = 1_000;
const SEED = Number(process.env['SEED'] ?? 1);

describe('the report over a made-up organisation', () => {
  const org = createOrg(COUNT, 7, SEED);
  const collector = createCollector(UNPACKED);
  for (const { body, details } of org.log.leaves) {
    const event = readEvent(body);
    assert.ok(event !== null, body);
    collector.add(event, details);
  }
  const collected = collector.end();
  const period = periodOf(collected, ALL, { seed: 'ab', population: org.population });

  test('every deployment is there once, and the numbers add up', () => {
    assert.equal(period.deployments.length, COUNT);
    const { approved, by_policy, break_glass, none, refused, waiting } = period.summary.counts;
    assert.equal(approved + by_policy + break_glass + none, org.released);
    assert.equal(refused + waiting, COUNT - org.released);
    assert.equal(headline(period)[0]?.[1], String(org.released));
  });

  test('what was planted is found, each by its type, and nothing else', (context) => {
    context.diagnostic(`seed ${SEED}`);
    const keyOf = (one: { type: string; leaf: number | null; atMs: number | null }): string =>
      `${one.type} ${one.leaf ?? `at ${one.atMs}`}`;
    const wanted = org.planted.map(keyOf).toSorted();
    const found = [...exceptionsIn(period)]
      .map(({ type, leafIndex: leaf, atMs }) => keyOf({ type, leaf, atMs }))
      .toSorted();
    assert.deepEqual(found, wanted);
    const types = new Set(org.planted.map(({ type }) => type));
    for (const type of ASKED_TYPES) assert.ok(types.has(type), `${type} was not planted`);
    const known = [
      ...EXCEPTION_KINDS.map(({ type }) => type),
      ...OTHER_KINDS.map(([type]) => type),
    ];
    assert.deepEqual([...types].toSorted(), [...new Set(known)].toSorted());
  });

  test('a review after broken glass is open until it is due, and overdue only then', () => {
    const overdue = [...exceptionsIn(period)].find(({ type }) => type === 'review-after-overdue');
    const row = period.deployments.ofLeaf(overdue?.leafIndex ?? -1);
    assert.ok(row);
    const dueMs = (row.releasedAtMs ?? 0) + 86_400_000;
    const found = (asOfMs: number) =>
      exceptionsOf(row, asOfMs).some(({ type }) => type === 'review-after-overdue');
    assert.deepEqual([found(dueMs), found(dueMs + 1)], [false, true]);
    assert.deepEqual(
      [dueMs, dueMs + 1].map((asOfMs) => reviewAfterOf(row, asOfMs)?.state),
      ['open', 'overdue'],
    );
    assert.match(overdue?.detail ?? '', /^nobody reviewed by 2025-/);
  });

  test('a sample links to the GitHub of the record, or nowhere', () => {
    const links = (webUrl: string | null): unknown[] => {
      const told = periodOf(collected, ALL, { seed: 'ab', population: null, webUrl });
      const table = smallTables(collected, told).find(({ name }) => name === 'samples');
      const at = table?.columns.indexOf('link') ?? -1;
      return table?.rows.map((row) => row[at]) ?? [];
    };
    const [first] = links('https://github.acme.example');
    assert.match(String(first), /^https:\/\/github\.acme\.example\/acme\/\w+\/actions\/runs\/\d+$/);
    assert.deepEqual([...new Set(links(null))], [null]);
  });

  test('the sample is the same for everybody, and another with another seed', () => {
    const draw = (seed: string): number[] =>
      drawSample(period.deployments, seed).map(({ leafIndex }) => leafIndex);
    assert.equal(draw('ab').length, 25);
    assert.deepEqual(draw('ab'), draw('ab'));
    assert.notDeepEqual(draw('ab'), draw('ac'));
  });

  test('a period, a repository: only what belongs to it', () => {
    const middle = org.log.leaves.length;
    assert.ok(middle > 0);
    const fromMs = period.deployments.at(200).decidedAtMs;
    const wish = { fromMs, toMs: fromMs + 86_400_000 * 7, repo: 'ACME/shop' };
    const part = periodOf(collected, wish, { seed: 'ab', population: null });
    assert.ok(part.deployments.length > 0);
    for (const row of part.deployments) assert.equal(row.repo, 'acme/shop');
  });

  test('an approval right after the check showed it is a hurry, however old the request', () => {
    const quick = [...exceptionsIn(period)].filter(({ type }) => type === 'quick-approval');
    const words = quick.map(({ detail }) => detail.replace(/^\w+: /, ''));
    assert.deepEqual(
      new Set(words),
      new Set(['9 s after the request', '4 s after the check first showed it']),
    );
  });

  test('quiet hours are only in the file; a silence far longer than usual is on the page', () => {
    const hours = new Map(collected.hours);
    const table = (gathered: typeof collected, differences = period.differences) =>
      gateHealth(gathered, { differences });
    const kinds = ({ rows }: { rows: readonly (readonly unknown[])[] }) => [
      ...new Set(rows.map(([kind]) => kind)),
    ];
    assert.deepEqual(kinds(table(collected, [])), ['not judged', 'quiet']);
    assert.deepEqual(kinds(forPage(table(collected, []))), ['not judged']);
    const last = Math.max(...hours.keys());
    hours.set(last + 60, 1);
    const silent = forPage(table({ ...collected, hours }, []));
    assert.deepEqual(kinds(silent), ['not judged', 'silence']);
    assert.match(String(silent.rows.at(-1)?.[6]), /^nothing was recorded for 59 hours, far longer/);
    // Deployments at GitHub make any silence one that matters.
    const [quiet] = table(collected, []).rows.filter(([kind]) => kind === 'quiet');
    const atMs = Date.parse(String(quiet?.[1])) + 1;
    const [one] = period.differences;
    assert.ok(one);
    const lost = forPage(table(collected, [{ ...one, side: 'github-only', atMs }]));
    assert.match(String(lost.rows.at(-1)?.[6]), /^GitHub deployed meanwhile, .*: 1$/);
  });

  test('what is not covered: no rule of the policy, GitHub alone, or the rule is off now', () => {
    const uncovered = QUESTIONS.find(({ number }) => number === 17);
    const ask = (gathered: typeof collected, population: typeof org.population) => {
      const told = periodOf(gathered, ALL, { seed: 'ab', population });
      const about = { size: 9, atMs: null, runId: null, verified: [] };
      return uncovered?.answer({ gathered, period: told, ...about }).rows ?? [];
    };
    assert.deepEqual(ask(collected, org.population), []);
    const [one] = org.population.deployments;
    assert.ok(one);
    const old = { ...one, repo: 'acme/legacy', deploymentId: 1, sha: 'f'.repeat(40) };
    const legacy = { ...org.population, deployments: [...org.population.deployments, old] };
    assert.deepEqual(ask(collected, legacy), [
      [
        'acme/legacy',
        'production',
        'deployed at GitHub; first event of ours about this environment: never',
      ],
    ]);
    const spans = collected.posture.filter(({ state }) => state === RULE_OFF);
    const posture = spans.map((span) => ({ ...span, toMs: null }));
    assert.deepEqual(ask({ ...collected, posture }, org.population), [
      ['acme/shop', 'production', 'The rule of tagout is not enabled.'],
    ]);
  });

  test('who may break the glass could get around the gate while the policy let them', () => {
    const [change] = collected.policyChanges;
    assert.ok(change);
    const policyChanges = [
      change,
      { ...change, atMs: change.atMs + 1_000, terms: { ...change.terms, mayBreakGlass: 1 } },
      { ...change, atMs: change.atMs + 9_000 },
    ];
    const who = (atMs: number): unknown[] => {
      const gathered = { ...collected, policyChanges, posture: [] };
      return bypassable({ gathered, period, atMs }).rows.map((row) => row[4]);
    };
    assert.deepEqual(who(change.atMs + 2_000), ['people of the break-glass teams']);
    assert.match(String(who(change.atMs + 9_000)), /^nobody by the policies/);
  });

  test('the register has the 48 columns, and the page escapes what agents wrote', () => {
    assert.equal(COLUMNS.length, 48);
    const rows = Array.from(period.deployments, (row) =>
      registerCells(row, [], { told: period, size: 9 }),
    );
    const tables = [{ ...REGISTER, rows }, ...smallTables(collected, period)];
    const about = {
      origin: 'tagout/audit/1',
      vkey: 'v',
      size: 9,
      root: 'ab',
      sealedMs: 1,
      redacted: 0,
      version: '0',
      wish: ALL,
    };
    const page = reportPage(about, period, { gathered: collected, tables });
    assert.doesNotMatch(page, /<b>now<\/b>|<script|style="/);
    assert.match(page, /&lt;b&gt;now&lt;\/b&gt;/);
    assert.equal(page.match(/<svg /g)?.length, 6);
    assert.doesNotMatch(JSON.stringify(controlsOf(period)), /complies|compliant/);
    const fence = tables.find(({ name }) => name === 'posture');
    const rule = fence?.rows.filter((row) => row[2] === 'environment production');
    assert.deepEqual(
      rule?.map((row) => [row[3], row[5], row[7] === 'still in force']),
      [
        ['acme/shop', RULE_ON, true],
        ['acme/shop', RULE_OFF, false],
        ['acme/shop', RULE_ON, false],
      ],
      'the gate was off for a while, and is on now',
    );
  });
});
