/** Chooses the log of an organisation and writes its bundle. */
import { resolve } from 'node:path';
import { TagoutError } from '../core/errors.ts';
import { headline, type Wish } from '../core/report/period.ts';
import type { Population } from '../core/report/population.ts';
import type { Store } from '../store/open.ts';
import { createSweepMemory } from '../store/sweep.ts';
import { withStoredCredentials } from './credentials.ts';
import { readCheckpoints, readLeafBatches, readLogIds } from '../store/read-log.ts';
import { recordRead } from '../store/access.ts';
import { EXIT } from './io.ts';
import type { Io } from './io.ts';
import type { LeftAnchor } from './report-anchors.ts';
import { writeBundle } from './report-bundle.ts';
import { readPopulation } from './report-population.ts';
import { webUrlOf } from './report-place.ts';
import { type QuestionWish, reportQuestion } from './report-question.ts';
import { VERSION } from './version.ts';

export interface BundleWish extends Wish {
  readonly out: string;
  /** An organisation or user, or null when there is only one log. */
  readonly org: string | null;
  /** Where GitHub's own lists are kept; null: nowhere. */
  readonly population?: string | null;
}

/** Repositories of a log, as its own events name them. */
async function reposOf(store: Store, logId: number): Promise<readonly string[]> {
  const rows = await store.reports<{ name: string }[]>`
    select distinct doc->'repo'->>'name' as name from audit.event
    where log_id = ${logId} and doc->'repo'->>'name' is not null order by 1`;
  return rows.map((row) => row.name);
}

/**
 * Whose log it is: the owner of its newest decision's repository. Asking every event takes a minute
 * over a million of them, so that is left to logs without a decision, which are short.
 */
async function ownersOf(store: Store, logId: number): Promise<readonly string[]> {
  const rows = await store.reports<{ name: string | null }[]>`
    select doc->'repo'->>'name' as name from audit.event
    where log_id = ${logId} and kind = 'decision.made' order by at_ms desc limit 1`;
  const newest = rows.flatMap(({ name }) => name ?? []);
  const repos = newest.length === 0 ? await reposOf(store, logId) : newest;
  return [...new Set(repos.map((repo) => repo.split('/')[0] ?? ''))];
}

/** Environments that a rule of the policy speaks for, whatever their name. */
async function guardedOf(store: Store, logId: number): Promise<ReadonlySet<string>> {
  const rows = await store.reports<{ place: string }[]>`
    select distinct lower((doc->'repo'->>'name') || chr(10) || (doc->'subject'->>'environment'))
      as place from audit.event
    where log_id = ${logId} and doc->'subject'->>'kind' = 'deployment'
      and doc->'deployment'->>'rule' is not null`;
  return new Set(rows.map((row) => row.place));
}

/** Checkpoints that were left in other places. */
async function anchorsOf(store: Store, logId: number): Promise<readonly LeftAnchor[]> {
  return store.reports<
    LeftAnchor[]
  >`select tree_size as "treeSize", kind, locator, receipt, at_ms as "atMs"
    from audit.anchor where log_id = ${logId} order by tree_size, kind, locator`;
}

/** The one log that is meant. Throws TagoutError('usage') naming those that there are. */
export async function chooseLog(
  store: Store,
  wish: { readonly org: string | null; readonly repo: string | null },
): Promise<number> {
  const ids = await readLogIds(store.reports);
  const logs = await Promise.all(
    ids.map(async (id) => ({ id, owners: await ownersOf(store, id) })),
  );
  const owner = (wish.org ?? wish.repo?.split('/')[0])?.toLowerCase();
  const meant = logs.filter(
    ({ owners }) => owner === undefined || owners.some((one) => one.toLowerCase() === owner),
  );
  const [only] = meant;
  if (only !== undefined && meant.length === 1) return only.id;
  const owners = [...new Set(logs.flatMap((log) => log.owners))];
  const there = owners.length === 0 ? 'none yet' : owners.join(', ');
  throw new TagoutError(
    'usage',
    `Name one organisation with --org; there are records of: ${there}.`,
  );
}

interface PopulationAsked {
  readonly wish: Wish;
  readonly file: string | null;
}

/** GitHub's lists for a log, asked or kept; null when there is neither. */
async function populationOf(
  store: Store,
  id: number,
  { wish, file }: PopulationAsked,
  io: Io,
): Promise<Population | null> {
  const env = withStoredCredentials(io.env, io.cwd);
  // Only who asks GitHub needs to know what to ask for: it takes a reading of every event.
  const asks = (env['GITHUB_TOKEN']?.trim() ?? '') !== '';
  return readPopulation({
    env,
    repos: asks ? await reposOf(store, id) : [],
    wish,
    guarded: asks ? await guardedOf(store, id) : new Set(),
    file: file === null ? null : resolve(io.cwd, file),
    unknown: (guids) => createSweepMemory(store.sql).unknown(guids),
    now: io.now,
  });
}

/** Answers one question over the log of an organisation; answers the exit code. */
export async function answerQuestion(
  store: Store,
  wish: Omit<QuestionWish, 'population' | 'webUrl'> & {
    readonly org: string | null;
    readonly population: string | null;
  },
  io: Io,
): Promise<number> {
  const id = await chooseLog(store, wish);
  const population = await populationOf(store, id, { wish, file: wish.population }, io);
  return reportQuestion(store, id, { ...wish, population, webUrl: webUrlOf(io) }, io);
}

/** Writes the bundle and says what stands in it; answers the exit code. */
export async function reportBundle(store: Store, wish: BundleWish, io: Io): Promise<number> {
  const id = await chooseLog(store, wish);
  const out = resolve(io.cwd, wish.out);
  await recordRead(store, { installationId: id, what: 'bundle', how: 'command', wish });
  await store.sealer.sealNow(id);
  const checkpoints = await readCheckpoints(store.reports, id);
  const file = wish.population ?? null;
  const population = await populationOf(store, id, { wish, file }, io);
  const source = {
    origin: store.key.origin(id),
    vkey: store.key.vkey(id),
    privateKey: store.key.privateKey,
    notes: checkpoints.map(({ note }) => note),
    leaves: readLeafBatches(store.reports, id),
    population,
    anchors: await anchorsOf(store, id),
    version: VERSION,
    webUrl: webUrlOf(io),
  };
  const told = await writeBundle(out, source, wish);
  io.out(`The bundle is in ${out}\n`);
  for (const [name, value] of headline(told)) io.out(`  ${name}: ${value}\n`);
  io.out(`  Exceptions: ${told.summary.exceptions}\n`);
  io.out(`Check it with: npx tagout verify ${wish.out} --key '${source.vkey}'\n`);
  return EXIT.allow;
}
