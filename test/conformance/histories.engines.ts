/**
 * Histories in each framework's own form, run in the sandbox as its runner would run them: the
 * database of before and what the next file does are those of the same SQL sent plainly.
 * `TAGOUT_HISTORY=400` makes them as long as those of old services (`npm run soak`).
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { ObjectChange } from '../../src/core/dry-run.ts';
import { planMigrations } from '../../src/migrations/plan.ts';
import { findEngine } from '../../src/postgres/engine.ts';
import { Baselines } from '../../src/sandbox/baseline.ts';
import { BaselineCache } from '../../src/sandbox/cache.ts';
import { type Catalog, readCatalog } from '../../src/sandbox/catalog.ts';
import { differences } from '../../src/sandbox/differences.ts';
import { OBSERVER, OWNER, startCopy } from '../../src/sandbox/workspace.ts';
import { historyOf, layouts } from '../migrations/histories.ts';
import { movesOf } from '../migrations/moves.ts';
import { treeOf } from '../migrations/tree.ts';
import { type Bench, observed, open, SETTINGS } from '../sandbox/helpers.ts';

const COUNT = Number(process.env['TAGOUT_HISTORY'] ?? 40);

/** What is there, without the numbers that only one cluster knows. */
interface There {
  readonly entries: readonly string[];
  readonly rows: Readonly<Record<string, number>>;
}

interface Plainly {
  readonly before: There;
  readonly objects: readonly ObjectChange[];
}

let bench: Bench;
let baselines: Baselines;
let plainly: Plainly;
before(async () => {
  bench = open();
  const home = join(bench.home, 'cache');
  baselines = new Baselines(home, new BaselineCache(home, 2 ** 40));
  plainly = await sentPlainly(home);
});
after(() => bench.close());

function entriesOf(catalog: Catalog): readonly string[] {
  return catalog.entries.map((each) => `${each.kind} ${each.name}: ${each.definition}`).sort();
}

/** The statements one by one, by no planner and in no transaction. */
async function sentPlainly(home: string): Promise<Plainly> {
  const engine = await findEngine({ major: SETTINGS.postgres });
  const run = await startCopy({ home, memory: null }, await baselines.engineBase(engine), engine);
  try {
    const owner = await run.connect(OWNER);
    const observer = await run.connect(OBSERVER);
    const moves = movesOf(COUNT + 1);
    for (const sql of moves.slice(0, -1).flatMap((move) => move.up)) await owner.rows(sql);
    const first = await readCatalog(observer);
    const rows: Record<string, number> = {};
    for (const { name, quoted } of first.tables) {
      const [row] = await owner.rows(`SELECT count(*) FROM ${quoted}`);
      rows[name] = Number(row?.[0]);
    }
    for (const sql of moves.at(-1)?.up ?? []) await owner.rows(sql);
    const objects = differences(first, await readCatalog(observer));
    await owner.close();
    await observer.close();
    return { before: { entries: entriesOf(first), rows }, objects };
  } finally {
    await run.discard();
  }
}

for (const name of Object.keys(layouts)) {
  test(`${name}: ${COUNT} files replayed and a new one run`, async () => {
    const [base, head] = [treeOf(historyOf(name, COUNT)), treeOf(historyOf(name, COUNT + 1))];
    const plans = await planMigrations({ base, head, settings: { folders: null } });
    assert.deepEqual(
      plans.map((plan) => [plan.framework, plan.problems]),
      [[name, []]],
    );
    const run = await bench.run(plans);
    assert.equal(run.status, 'ok', JSON.stringify(run.reason));
    const seen = observed(run);
    assert.deepEqual(seen.objects, plainly.objects);
    assert.deepEqual(seen.data, []);
    const down = plans.some((plan) => plan.pending.some((step) => step.down !== null));
    assert.deepEqual(seen.downRestores, down ? true : null, JSON.stringify(seen.downDifference));
    const { facts } = await baselines.prepare({
      owner: 'test',
      engine: await findEngine({ major: SETTINGS.postgres }),
      plans,
      settings: SETTINGS,
      timeoutMs: 60_000,
      source: null,
      onProgress: null,
    });
    const rows = Object.fromEntries(facts.tables.map((table) => [table.table, table.rows]));
    assert.deepEqual({ entries: entriesOf(facts.catalog), rows }, plainly.before);
  });
}
