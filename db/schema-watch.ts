/** The tables of what is watched around the gate; the others are in schema.ts. */
import {
  bigint,
  boolean,
  index,
  integer,
  type PgTable,
  primaryKey,
  text,
} from 'drizzle-orm/pg-core';
import { tagout } from './schema.ts';

const big = { mode: 'number' } as const;

/** What went past the gate, until an independent person reviewed it afterwards. */
const incidentTable = tagout.table(
  'incident',
  {
    installationId: bigint('installation_id', big).notNull(),
    repoId: bigint('repo_id', big).notNull(),
    /** `deployment:environment:id` or `merge:pull:commit`. */
    key: text('key').notNull(),
    code: text('code').notNull(),
    environment: text('environment'),
    deploymentId: bigint('deployment_id', big),
    runId: bigint('run_id', big),
    sha: text('sha'),
    detail: text('detail').notNull(),
    sinceMs: bigint('since_ms', big).notNull(),
    closedAtMs: bigint('closed_at_ms', big),
  },
  (t) => [primaryKey({ columns: [t.installationId, t.repoId, t.key] })],
);
export const incident: PgTable = incidentTable;

/** The state around the gate as it was last seen, and since when: a change of it is an event. */
const postureTable = tagout.table(
  'posture',
  {
    installationId: bigint('installation_id', big).notNull(),
    repoId: bigint('repo_id', big).notNull(),
    item: text('item').notNull(),
    about: text('about').notNull(),
    environment: text('environment'),
    state: text('state').notNull(),
    sinceMs: bigint('since_ms', big).notNull(),
  },
  (t) => [primaryKey({ columns: [t.installationId, t.repoId, t.item] })],
);
export const posture: PgTable = postureTable;

/** What can never change about a merged pull request, kept so that the gate asks for less. */
const settledTable = tagout.table(
  'settled',
  {
    installationId: bigint('installation_id', big).notNull(),
    repoId: bigint('repo_id', big).notNull(),
    key: text('key').notNull(),
    facts: text('facts').notNull(),
    atMs: bigint('at_ms', big).notNull(),
  },
  (t) => [primaryKey({ columns: [t.installationId, t.repoId, t.key] })],
);
export const settled: PgTable = settledTable;

/** GitHub's log of the deliveries that it made to us, which GitHub itself keeps for three days. */
const deliveryLogTable = tagout.table(
  'delivery_log',
  {
    /** GitHub's id of one attempt. */
    id: bigint('id', big).primaryKey(),
    guid: text('guid').notNull(),
    installationId: bigint('installation_id', big),
    repoId: bigint('repo_id', big),
    event: text('event').notNull(),
    atMs: bigint('at_ms', big).notNull(),
    /** What our server answered; 0: nothing. */
    statusCode: integer('status_code').notNull(),
    /** Whether the delivery has come into our inbox, by this attempt or another. */
    stored: boolean('stored').notNull(),
  },
  (t) => [index('delivery_log_at').on(t.atMs)],
);
export const deliveryLog: PgTable = deliveryLogTable;

/** A place for checkpoints and when it was first set up: before that it could not be late. */
const anchorPlaceTable = tagout.table(
  'anchor_place',
  {
    kind: text('kind').notNull(),
    name: text('name').notNull(),
    sinceMs: bigint('since_ms', big).notNull(),
  },
  (t) => [primaryKey({ columns: [t.kind, t.name] })],
);
export const anchorPlace: PgTable = anchorPlaceTable;
