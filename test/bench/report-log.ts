/** A log of a large organisation in a real store: ten events for each production deployment. */
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { EventStamp } from '../../src/core/audit/decision-event.ts';
import { keyEvent } from '../../src/core/audit/effect-event.ts';
import { EMPTY_FRONTIER, growFrontier, rootOf } from '../../src/core/audit/merkle.ts';
import { signCheckpoint, vkeyOf } from '../../src/core/audit/note.ts';
import type { SealableEvent } from '../../src/core/audit/schema.ts';
import type { Sql } from '../../src/store/connect.ts';
import { decision, release, salts, START_MS, uuid } from '../audit/log.ts';
import type { TestStore } from '../store/help.ts';

export const PER_DEPLOYMENT = 10;
/** Sixteen months of 100,000 deployments. */
const APART_MS = 420_000;

const RADII = ['low', 'medium', 'high', 'critical'] as const;
const REPOS = 60;

/** A body with the parts that differ from deployment to deployment taken out, to be filled in. */
interface Template {
  readonly pieces: readonly string[];
  readonly details: SealableEvent['details'];
}

const MARKS = {
  run: 770_077,
  number: 880_088,
  atMs: START_MS + 7,
  decision: uuid(990_099),
} as const;

function templateOf(made: SealableEvent): Template {
  const id = uuid(MARKS.number, MARKS.atMs);
  const body = made.body
    .replaceAll(id, '\u0001id\u0001')
    .replaceAll(MARKS.decision, '\u0001decision\u0001')
    .replaceAll(String(MARKS.atMs), '\u0001at\u0001')
    .replaceAll(String(MARKS.run), '\u0001run\u0001')
    .replaceAll(String(MARKS.number), '\u0001number\u0001')
    .replaceAll('1700000000000', '\u0001asked\u0001')
    .replaceAll('"radius":"high"', '"radius":"\u0001radius\u0001"')
    .replaceAll('acme/shop', 'acme/\u0001repo\u0001');
  return { pieces: body.split('\u0001'), details: made.details };
}

function filled({ pieces }: Template, values: Readonly<Record<string, string>>): string {
  return pieces.map((piece, at) => (at % 2 === 1 ? (values[piece] ?? '') : piece)).join('');
}

const base = { atMs: MARKS.atMs, number: MARKS.number } as const;
const outcome = release({ ...base, runId: MARKS.run, decision: MARKS.decision });
const reminded = {
  ...outcome,
  body: outcome.body.replace('"state":"approved"', '"state":"rejected"'),
};
/** The events of one deployment in their order; the seventh decision is the one that releases. */
const TEMPLATES: readonly Template[] = [
  decision({ ...base, verdict: 'hold' }),
  reminded,
  reminded,
  decision({ ...base, verdict: 'allow' }),
  reminded,
  decision({ ...base, runId: MARKS.run, verdict: 'hold' }),
  decision({ ...base, runId: MARKS.run, verdict: 'allow' }),
  outcome,
  reminded,
  reminded,
].map(templateOf);
const ALLOWS = 6;

interface Made {
  readonly body: string;
  readonly details: SealableEvent['details'];
}

/** What happened around one deployment; one in a hundred was never released. */
function eventsOf(deployment: number): readonly Made[] {
  const first = deployment * PER_DEPLOYMENT;
  const atMs = (step: number): number => START_MS + deployment * APART_MS + step * 4_000;
  const held = deployment % 100 === 99;
  return TEMPLATES.flatMap((template, step) => {
    if (held && (step === ALLOWS || step === ALLOWS + 1)) return [];
    const values = {
      id: uuid(first + step, atMs(step)),
      decision: uuid(first + ALLOWS, atMs(ALLOWS)),
      at: String(atMs(step)),
      asked: String(atMs(0) - (deployment % 900) * 60_000 - 90_000),
      run: String(deployment + 1),
      number: String(first + step),
      radius: RADII[(deployment * 7) % RADII.length] ?? 'low',
      repo: `service-${deployment % REPOS}`,
    };
    return [{ body: filled(template, values), details: template.details }];
  });
}

const LOG_ID = 1;
const BATCH = 5_000;

/** A value as COPY reads it: our texts hold no tab and no line end outside of JSON's escapes. */
function copied(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('\t', '\\t');
}

async function copyIn(root: Sql, into: string, lines: Iterable<string>): Promise<void> {
  const sink = await root.unsafe(`copy ${into} from stdin`).writable();
  await pipeline(Readable.from(lines), sink);
}

/** Some hundred rows in one piece: a write for each row would cost more than the row. */
function* pieces(rows: Iterable<string>): Generator<string> {
  let piece: string[] = [];
  for (const row of rows) {
    piece.push(row);
    if (piece.length < 200) continue;
    yield piece.join('');
    piece = [];
  }
  yield piece.join('');
}

function* eventLines(deployments: number): Generator<string> {
  for (let at = 0; at < deployments; at += 1) {
    for (const { body } of eventsOf(at)) yield `${copied(body)}\n`;
  }
}

function* detailLines(deployments: number, firstRow: number): Generator<string> {
  let row = firstRow;
  for (let at = 0; at < deployments; at += 1) {
    for (const { details } of eventsOf(at)) {
      for (const { path, salt, value } of details) {
        const hex = Buffer.from(salt).toString('hex');
        yield `${row}\t${copied(path)}\t\\\\x${hex}\t${copied(value)}\n`;
      }
      row += 1;
    }
  }
}

interface Dropped {
  readonly table: string;
  readonly name: string;
  readonly definition: string;
}

const TABLES = ['audit.event', 'audit.detail', 'audit.leaf'];

/** Takes keys, indexes and triggers away while rows come in; answers what puts them back. */
async function unguard(root: Sql): Promise<() => Promise<void>> {
  const held = await root<Dropped[]>`
    select conrelid::regclass::text as "table", conname as name,
      pg_get_constraintdef(oid) as definition
    from pg_constraint where contype in ('f', 'u', 'p')
      and conrelid = any(${TABLES}::text[]::regclass[])
    order by array_position(array['f', 'u', 'p'], contype::text)`;
  const outside = await root<Dropped[]>`
    select conrelid::regclass::text as "table", conname as name,
      pg_get_constraintdef(oid) as definition
    from pg_constraint where contype = 'f' and confrelid = any(${TABLES}::text[]::regclass[])
      and conrelid <> all(${TABLES}::text[]::regclass[])`;
  const constraints = [...outside, ...held];
  for (const { table, name } of constraints) {
    await root.unsafe(`alter table ${table} drop constraint "${name}"`);
  }
  const indexes = await root<Dropped[]>`
    select i.indrelid::regclass::text as "table", i.indexrelid::regclass::text as name,
      pg_get_indexdef(i.indexrelid) as definition
    from pg_index i where i.indrelid = any(${TABLES}::text[]::regclass[])`;
  for (const { name } of indexes) await root.unsafe(`drop index ${name}`);
  const guards = await root<{ table: string; name: string }[]>`
    select tgrelid::regclass::text as "table", tgname as name from pg_trigger
    where not tgisinternal and tgrelid = any(${TABLES}::text[]::regclass[])`;
  for (const { table, name } of guards) {
    await root.unsafe(`alter table ${table} disable trigger "${name}"`);
  }
  return async () => {
    for (const { table, name, definition } of constraints.toReversed()) {
      await root.unsafe(`alter table ${table} add constraint "${name}" ${definition}`);
    }
    for (const { definition } of indexes) await root.unsafe(definition);
    for (const { table, name } of guards) {
      await root.unsafe(`alter table ${table} enable always trigger "${name}"`);
    }
  };
}

/** Grows the tree over the stored hashes and signs a checkpoint for each batch, as the sealer does. */
async function sealAll(t: TestStore, root: Sql, deployments: number): Promise<void> {
  const { key } = t.store;
  const origin = key.origin(LOG_ID);
  await root`insert into audit.leaf (log_id, leaf_index, event_row, leaf_hash)
    select ${LOG_ID}, row_number() over (order by id) - 1, id, leaf_hash from audit.event`;
  let frontier = EMPTY_FRONTIER;
  const rows: string[] = [];
  // Of its own, as a cursor holds its connection; a log of a million rows outlasts every limit.
  const reader = await t.root.reserve();
  await reader`set statement_timeout = 0`;
  const hashes = reader<{ hash: string }[]>`
    select encode(leaf_hash, 'hex') as hash from audit.leaf order by leaf_index`;
  for await (const batch of hashes.cursor(BATCH)) {
    frontier = growFrontier(
      frontier,
      batch.map(({ hash }) => Buffer.from(hash, 'hex')),
    );
    const top = rootOf(frontier);
    const made = Math.min(deployments, frontier.size / PER_DEPLOYMENT + 1);
    const sealedMs = Math.floor((START_MS + made * APART_MS) / 1000) * 1000;
    const note = signCheckpoint(
      { origin, size: frontier.size, root: top },
      key.privateKey,
      sealedMs,
    );
    const hex = (hash: Uint8Array): string => `\\\\x${Buffer.from(hash).toString('hex')}`;
    const list = frontier.hashes.map((hash) => `"\\\\${hex(hash)}"`).join(',');
    const cells = [LOG_ID, frontier.size, hex(top), `{${list}}`, copied(note), sealedMs];
    rows.push(`${cells.join('\t')}\n`);
  }
  reader.release();
  await copyIn(root, 'audit.checkpoint', rows);
}

/**
 * Writes so many deployments, with personal texts, sealed in batches at their times. The rows are
 * copied straight into the tables by the cluster's superuser, as a fill of an hour measures nothing;
 * their hashes, tree and signatures are real.
 */
export async function fillReportLog(t: TestStore, deployments: number): Promise<void> {
  const root = await t.root.reserve();
  try {
    await root`set statement_timeout = 0`;
    for (const setting of ['fsync = off', 'full_page_writes = off', "max_wal_size = '8GB'"]) {
      await root.unsafe(`alter system set ${setting}`);
    }
    await root`select pg_reload_conf()`;
    await fillFrom(t, root, deployments);
  } finally {
    root.release();
  }
}

async function fillFrom(t: TestStore, root: Sql, deployments: number): Promise<void> {
  const origin = t.store.key.origin(LOG_ID);
  const vkey = vkeyOf(origin, t.store.key.privateKey);
  const announced = keyEvent({ installationId: LOG_ID, vkey, origin }, stampAt(START_MS));
  const [first] = await root<{ id: number }[]>`
    insert into audit.event (body) values (${announced.body}) returning id::int`;
  const guard = await unguard(root);
  await copyIn(root, 'audit.event (body)', pieces(eventLines(deployments)));
  const rows = pieces(detailLines(deployments, (first?.id ?? 0) + 1));
  await copyIn(root, 'audit.detail (event_row, path, salt, value)', rows);
  await sealAll(t, root, deployments);
  await guard();
  await root`analyze`;
}

function stampAt(atMs: number): EventStamp {
  const number = 999_999_999;
  return {
    eventId: uuid(number, atMs),
    dedupeKey: `key:${number}`,
    recordedAtMs: atMs,
    salt: salts('bench'),
  };
}
