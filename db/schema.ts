/**
 * The store's tables. Everything that proves something lies in the schema `audit` and is append-
 * only; the schema `tagout` holds working state that can be made again from GitHub and the audit
 * tables.
 *
 * After a change here: `npx drizzle-kit generate --dialect=postgresql
 * '--schema=db/schema*.ts' --out=db/migrations`. Functions, triggers, roles and grants are written
 * by hand in a migration of their own (`--custom`), as drizzle has no words for them.
 */
import { type SQL, sql } from 'drizzle-orm';
import {
  bigint,
  check,
  customType,
  foreignKey,
  index,
  integer,
  jsonb,
  type PgSchema,
  type PgTable,
  pgSchema,
  primaryKey,
  text,
  timestamp,
  uuid,
} from 'drizzle-orm/pg-core';

const bytea = customType<{ data: Buffer }>({ dataType: () => 'bytea' });
const bytes32 = (column: SQL): SQL => sql`octet_length(${column}) = 32`;
const big = { mode: 'number' } as const;

export const audit: PgSchema = pgSchema('audit');
export const tagout: PgSchema = pgSchema('tagout');

/**
 * `body` is the only evidence: the exact RFC 8785 bytes. Every other column is generated from it.
 */
const eventTable = audit.table(
  'event',
  {
    id: bigint('id', big).generatedAlwaysAsIdentity().primaryKey(),
    body: text('body').notNull(),
    sig: bytea('sig'),
    logId: bigint('log_id', big)
      .notNull()
      .generatedAlwaysAs(sql`(body::jsonb->>'installationId')::bigint`),
    doc: jsonb('doc').notNull().generatedAlwaysAs(sql`body::jsonb`),
    eventId: uuid('event_id')
      .notNull()
      .generatedAlwaysAs(sql`(body::jsonb->>'eventId')::uuid`)
      .unique('event_event_id_key'),
    dedupeKey: text('dedupe_key')
      .generatedAlwaysAs(sql`body::jsonb->>'dedupeKey'`)
      .unique('event_dedupe_key_key'),
    kind: text('kind').notNull().generatedAlwaysAs(sql`body::jsonb->>'kind'`),
    atMs: bigint('at_ms', big)
      .notNull()
      .generatedAlwaysAs(sql`(body::jsonb->>'recordedAtMs')::bigint`),
    leafHash: bytea('leaf_hash')
      .notNull()
      .generatedAlwaysAs(sql`sha256('\\x00'::bytea || audit.utf8(body))`),
    dbClock: timestamp('db_clock', { withTimezone: true })
      .notNull()
      .default(sql`clock_timestamp()`),
  },
  (t) => [
    check('event_body_size', sql`octet_length(${t.body}) between 2 and 60000`),
    index('event_lately').on(t.logId, t.atMs).where(sql`kind = 'decision.made'`),
    index('event_deployment')
      .using('btree', sql`(${t.doc}->'subject'->>'key')`, t.id)
      .where(sql`${t.doc}->'subject'->>'kind' = 'deployment'`),
  ],
);
export const event: PgTable = eventTable;

/** The place of an event in its log; assigned by the sealer only. */
const leafTable = audit.table(
  'leaf',
  {
    logId: bigint('log_id', big).notNull(),
    leafIndex: bigint('leaf_index', big).notNull(),
    eventRow: bigint('event_row', big).notNull().unique('leaf_event_row_key'),
    leafHash: bytea('leaf_hash').notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.logId, t.leafIndex] }),
    check('leaf_index_from_zero', sql`${t.leafIndex} >= 0`),
    check('leaf_hash_size', bytes32(sql`${t.leafHash}`)),
  ],
);
export const leaf: PgTable = leafTable;

/** A signed tree head; `frontier` lets the next batch go on without reading the whole tree. */
const checkpointTable = audit.table(
  'checkpoint',
  {
    logId: bigint('log_id', big).notNull(),
    treeSize: bigint('tree_size', big).notNull(),
    rootHash: bytea('root_hash').notNull(),
    frontier: bytea('frontier').array().notNull(),
    note: text('note').notNull(),
    sealedMs: bigint('sealed_ms', big).notNull(),
  },
  (t) => [primaryKey({ columns: [t.logId, t.treeSize] })],
);
export const checkpoint: PgTable = checkpointTable;

/** A checkpoint that was left in another trust domain. */
const anchorTable = audit.table(
  'anchor',
  {
    logId: bigint('log_id', big).notNull(),
    treeSize: bigint('tree_size', big).notNull(),
    kind: text('kind').notNull(),
    locator: text('locator').notNull(),
    receipt: text('receipt'),
    atMs: bigint('at_ms', big).notNull(),
  },
  (t) => [
    foreignKey({
      columns: [t.logId, t.treeSize],
      foreignColumns: [checkpointTable.logId, checkpointTable.treeSize],
    }),
    index('anchor_newest').on(t.logId, t.kind, t.treeSize),
    index('anchor_last').on(t.kind, t.atMs),
  ],
);
export const anchor: PgTable = anchorTable;

/**
 * Personal text that a body only commits to, so that it can be erased and every proof stays valid.
 */
const detailTable = audit.table(
  'detail',
  {
    eventRow: bigint('event_row', big)
      .notNull()
      .references(() => eventTable.id),
    path: text('path').notNull(),
    salt: bytea('salt').notNull(),
    value: text('value').notNull(),
  },
  (t) => [primaryKey({ columns: [t.eventRow, t.path] })],
);
export const detail: PgTable = detailTable;

/** Everything that one decision stood on, by the SHA-256 of its RFC 8785 bytes. */
const evidenceTable = audit.table('evidence', {
  sha256: text('sha256')
    .primaryKey()
    .generatedAlwaysAs(sql`encode(sha256(audit.utf8(body)), 'hex')`),
  body: text('body').notNull(),
});
export const evidence: PgTable = evidenceTable;

/** Personal texts that evidence only commits to, each once by its commitment; they can be erased. */
const evidenceTextTable = audit.table(
  'evidence_text',
  {
    sha256: text('sha256')
      .notNull()
      .references(() => evidenceTable.sha256),
    commitment: text('commitment').notNull(),
    salt: bytea('salt').notNull(),
    value: text('value').notNull(),
  },
  (t) => [primaryKey({ columns: [t.sha256, t.commitment] })],
);
export const evidenceText: PgTable = evidenceTextTable;

/** Webhooks as received: without their payloads, which are never kept. */
const deliveryTable = tagout.table('delivery', {
  id: text('id').primaryKey(),
  event: text('event').notNull(),
  action: text('action'),
  installationId: bigint('installation_id', big),
  payloadSha256: text('payload_sha256'),
  receivedAtMs: bigint('received_at_ms', big).notNull(),
});
export const delivery: PgTable = deliveryTable;

/**
 * What was last decided about a subject, so that a repeat is known and stale evidence is refused.
 */
const subjectTable = tagout.table('subject', {
  key: text('key').primaryKey(),
  installationId: bigint('installation_id', big).notNull(),
  readAtMs: bigint('read_at_ms', big).notNull(),
  fact: text('fact').notNull(),
  verdict: text('verdict').notNull(),
  eventId: uuid('event_id').notNull(),
  decidedAtMs: bigint('decided_at_ms', big).notNull(),
});
export const subject: PgTable = subjectTable;

/** GitHub writes that are due, in order per subject. */
const outboxTable = tagout.table(
  'outbox',
  {
    id: bigint('id', big).generatedAlwaysAsIdentity().primaryKey(),
    installationId: bigint('installation_id', big).notNull(),
    subjectKey: text('subject_key').notNull(),
    /** What the effect writes to: a later effect for the same slot replaces an unsent one. */
    slot: text('slot').notNull(),
    effectKey: text('effect_key').notNull(),
    kind: text('kind').notNull(),
    /** JSON text of the effect, of its subject and of the job that judges the subject again. */
    effect: text('effect').notNull(),
    subject: text('subject').notNull(),
    eventId: uuid('event_id').notNull(),
    status: text('status').notNull().default('pending'),
    /** A newer decision has replaced this one: it must not be sent (again). */
    replaced: integer('replaced').notNull().default(0),
    attempts: integer('attempts').notNull().default(0),
    nextAtMs: bigint('next_at_ms', big).notNull(),
    createdAtMs: bigint('created_at_ms', big).notNull(),
    doneAtMs: bigint('done_at_ms', big),
    httpStatus: integer('http_status'),
    detail: text('detail'),
    githubId: bigint('github_id', big),
  },
  (t) => [
    check(
      'outbox_status',
      sql`${t.status} in ('pending', 'sending', 'done', 'dead', 'superseded', 'expired')`,
    ),
    index('outbox_due').on(t.subjectKey, t.id).where(sql`status in ('pending', 'sending')`),
    index('outbox_slot').on(t.slot).where(sql`status in ('pending', 'sending')`),
    index('outbox_created').on(t.createdAtMs),
  ],
);
export const outbox: PgTable = outboxTable;

/** What stands at GitHub by our own writes: the last effect of a slot and GitHub's id of it. */
const writtenTable = tagout.table('written', {
  slot: text('slot').primaryKey(),
  effectKey: text('effect_key').notNull(),
  githubId: bigint('github_id', big),
  /** How often this slot was written, for GitHub's limit on the notes of one run. */
  times: integer('times').notNull().default(1),
});
export const written: PgTable = writtenTable;

/**
 * What a check has shown for a head commit and since when, by GitHub's clock: one row whenever that
 * changes, in their order, so that what was shown at any moment can be told.
 */
const postingTable = tagout.table(
  'posting',
  {
    installationId: bigint('installation_id', big).notNull(),
    repoId: bigint('repo_id', big).notNull(),
    pull: integer('pull').notNull(),
    headSha: text('head_sha').notNull(),
    baseRef: text('base_ref').notNull(),
    shown: text('shown').notNull(),
    atMs: bigint('at_ms', big).notNull(),
    checkName: text('check_name').notNull().default('tagout'),
    id: bigint('id', big).primaryKey().generatedAlwaysAsIdentity(),
  },
  (t) => [index().on(t.installationId, t.repoId, t.pull)],
);
export const posting: PgTable = postingTable;

/** What an environment runs by our record: the start of the next deployment's range. */
const releaseTable = tagout.table(
  'release',
  {
    installationId: bigint('installation_id', big).notNull(),
    repoId: bigint('repo_id', big).notNull(),
    environment: text('environment').notNull(),
    runId: bigint('run_id', big).notNull(),
    runAttempt: integer('run_attempt').notNull(),
    deploymentId: bigint('deployment_id', big),
    sha: text('sha').notNull(),
    origin: text('origin').notNull(),
    atMs: bigint('at_ms', big).notNull(),
    /** When it was first seen to have run to its end; GitHub can be made to forget that. */
    succeededAtMs: bigint('succeeded_at_ms', big),
  },
  (t) => [
    primaryKey({
      columns: [t.installationId, t.repoId, t.environment, t.runId, t.runAttempt],
    }),
    check('release_origin', sql`${t.origin} in ('released', 'adopted')`),
  ],
);
export const release: PgTable = releaseTable;

/** Organisations that have shown a floor: one that can no longer be read then holds. */
const floorSeenTable = tagout.table('floor_seen', {
  installationId: bigint('installation_id', big).primaryKey(),
  atMs: bigint('at_ms', big).notNull(),
});
export const floorSeen: PgTable = floorSeenTable;

/** When a range was first asked to be released: waiting at the gate does not age an approval. */
const requestedTable = tagout.table(
  'requested',
  {
    installationId: bigint('installation_id', big).notNull(),
    repoId: bigint('repo_id', big).notNull(),
    environment: text('environment').notNull(),
    fromSha: text('from_sha').notNull(),
    sha: text('sha').notNull(),
    atMs: bigint('at_ms', big).notNull(),
  },
  (t) => [primaryKey({ columns: [t.installationId, t.repoId, t.environment, t.fromSha, t.sha] })],
);
export const requested: PgTable = requestedTable;

/** Deployments that started without our decision; what they brought needs a review afterwards. */
const bypassTable = tagout.table(
  'bypass',
  {
    installationId: bigint('installation_id', big).notNull(),
    repoId: bigint('repo_id', big).notNull(),
    environment: text('environment').notNull(),
    deploymentId: bigint('deployment_id', big).notNull(),
    runId: bigint('run_id', big),
    sha: text('sha').notNull(),
    how: text('how').notNull(),
    atMs: bigint('at_ms', big).notNull(),
  },
  (t) => [primaryKey({ columns: [t.installationId, t.repoId, t.environment, t.deploymentId] })],
);
export const bypass: PgTable = bypassTable;

/** Bearer tokens of deployers outside GitHub, by their SHA-256 only. */
const deployerTokenTable = tagout.table('deployer_token', {
  sha256: text('sha256').primaryKey(),
  repository: text('repository').notNull(),
  environment: text('environment').notNull(),
  createdAtMs: bigint('created_at_ms', big).notNull(),
});
export const deployerToken: PgTable = deployerTokenTable;

/** Agents that the server's operator has stopped, beside the policy's own list. */
const suspensionTable = tagout.table(
  'suspension',
  {
    installationId: bigint('installation_id', big).notNull(),
    agent: text('agent').notNull(),
    reason: text('reason').notNull(),
    sinceMs: bigint('since_ms', big).notNull(),
  },
  (t) => [primaryKey({ columns: [t.installationId, t.agent] })],
);
export const suspension: PgTable = suspensionTable;

/** Content by git object id, kept because it can never change. */
const blobTable = tagout.table('blob', {
  sha: text('sha').primaryKey(),
  content: bytea('content').notNull(),
  /** When it was kept; null: by a version that did not say so. */
  keptAtMs: bigint('kept_at_ms', big),
});
export const blob: PgTable = blobTable;

/** Workers that are alive; the jobs of one that no longer beats are taken over. */
const replicaTable = tagout.table('replica', {
  id: text('id').primaryKey(),
  beatAt: timestamp('beat_at', { withTimezone: true }).notNull(),
});
export const replica: PgTable = replicaTable;
