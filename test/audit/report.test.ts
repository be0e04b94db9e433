import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readEvent } from '../../src/core/audit/verify.ts';
import { createCollector } from '../../src/core/report/collect.ts';
import { COLUMNS } from '../../src/core/report/columns.ts';
import { EXCEPTION_KINDS, OTHER_KINDS } from '../../src/core/report/exceptions.ts';
import { drawSample, headline, periodOf } from '../../src/core/report/period.ts';
import { reportPage } from '../../src/core/report/papers.ts';
import { tablesOf } from '../../src/core/report/tables.ts';
import { controlsOf } from '../../src/core/report/controls.ts';
import { ASKED_TYPES, createOrg } from './org.ts';

const ALL = { fromMs: null, toMs: null, repo: null };
const COUNT = 1_000;
const SEED = Number(process.env['SEED'] ?? 1);

describe('the report over a made-up organisation', () => {
  const org = createOrg(COUNT, 7, SEED);
  const collector = createCollector();
  for (const { body, details } of org.log.leaves) {
    const event = readEvent(body);
    assert.ok(event !== null, body);
    collector.add(event, details);
  }
  const collected = collector.end();
  const period = periodOf(collected, ALL, { seed: 'ab', population: org.population });

  test('every deployment is there once, and the numbers add up', () => {
    assert.equal(period.deployments.length, COUNT);
    const { approved, by_policy, break_glass, none, refused, waiting } = period.counts;
    assert.equal(approved + by_policy + break_glass + none, org.released);
    assert.equal(refused + waiting, COUNT - org.released);
    assert.equal(headline(period)[0]?.[1], String(org.released));
  });

  test('what was planted is found, each by its type, and nothing else', (context) => {
    context.diagnostic(`seed ${SEED}`);
    const keyOf = (one: { type: string; leaf: number | null; atMs: number | null }): string =>
      `${one.type} ${one.leaf ?? `at ${one.atMs}`}`;
    const wanted = org.planted.map(keyOf).toSorted();
    const found = period.exceptions
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
    const fromMs = period.deployments[200]?.decidedAtMs ?? 0;
    const wish = { fromMs, toMs: fromMs + 86_400_000 * 7, repo: 'ACME/shop' };
    const part = periodOf(collected, wish, { seed: 'ab', population: null });
    assert.ok(part.deployments.length > 0);
    for (const row of part.deployments) assert.equal(row.repo, 'acme/shop');
  });

  test('the register has the 48 columns, and the page escapes what agents wrote', () => {
    assert.equal(COLUMNS.length, 48);
    const tables = tablesOf(collected, period, 9);
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
    assert.deepEqual(
      fence?.rows.map((row) => [row[2], row[3], row[5], row[7] === 'still in force']),
      [
        ['gate-off', 'acme/shop', 'ok', true],
        ['gate-off', 'acme/shop', 'bad', false],
        ['gate-off', 'acme/shop', 'ok', false],
      ],
      'the gate was off for a while, and is on now',
    );
  });
});
