/** The register: every production deployment, who approved it, and those that nobody did. */
import { z } from 'zod';
import type { RefusalCode, Verdict } from '../core/decision.ts';
import type { DryRunStatus } from '../core/dry-run.ts';
import type { BlastRadius } from '../core/findings.ts';
import { type Sql, storeFault } from './connect.ts';

/** Whose login may have been erased since: then only the number is left. */
export interface ReportPerson {
  readonly id: number | null;
  readonly login: string | null;
}

export interface ReportApprover extends ReportPerson {
  readonly pull: number | null;
  readonly reviewedSha: string;
  readonly submittedAtMs: number;
  readonly independent: boolean;
}

/**
 * `approved`: released, with counted approvals. `none`: released, and nobody had approved.
 * `refused`: denied. `waiting`: held, and not released so far.
 */
export type Disposition = 'approved' | 'none' | 'refused' | 'waiting';

export interface DeploymentRow {
  readonly installationId: number;
  readonly repoId: number;
  readonly repo: string;
  readonly environment: string;
  /** The policy's rule that guards it; null: no rule does. */
  readonly rule: string | null;
  readonly runId: number;
  readonly runAttempt: number;
  readonly deploymentId: number | null;
  readonly sha: string;
  readonly pulls: readonly number[];
  readonly titles: readonly (string | null)[];
  readonly requester: ReportPerson | null;
  readonly agents: readonly string[];
  readonly origin: 'agent' | 'automation' | 'human' | 'undeclared';
  readonly blastRadius: BlastRadius;
  /** The worst status over its changes: `failed`, `not-comparable`, `ok`, `none`. */
  readonly dryRun: DryRunStatus;
  readonly dryRuns: readonly {
    readonly pull: number | null;
    readonly status: DryRunStatus;
    readonly engine: string | null;
    readonly sha256: string;
  }[];
  readonly approvers: readonly ReportApprover[];
  readonly refused: readonly {
    readonly person: ReportPerson | null;
    readonly codes: readonly RefusalCode[];
  }[];
  readonly verdict: Verdict;
  /** Codes of the rules that held or denied. */
  readonly codes: readonly string[];
  readonly disposition: Disposition;
  readonly requestedAtMs: number;
  readonly firstDecidedAtMs: number;
  readonly decidedAtMs: number;
  readonly releasedAtMs: number | null;
  readonly eventId: string;
  readonly evidenceSha256: string;
  readonly policySha256: string;
  /** Place in the installation's log; null: not sealed yet. */
  readonly leafIndex: number | null;
}

export interface ReportWish {
  /**
   * From and to, by the time of the release or, unreleased, of the first decision; `to` is
   * outside.
   */
  readonly fromMs: number | null;
  readonly toMs: number | null;
  /** `owner/name`. */
  readonly repo: string | null;
}

const personSchema = z.looseObject({ id: z.int().nullable(), login: z.unknown() });

const docSchema = z.looseObject({
  eventId: z.string(),
  installationId: z.int(),
  recordedAtMs: z.int(),
  repo: z.looseObject({ id: z.int(), name: z.string() }),
  subject: z.looseObject({
    sha: z.string(),
    runId: z.int(),
    runAttempt: z.int(),
    environment: z.string(),
    deploymentId: z.int().nullable(),
  }),
  decision: z.looseObject({
    verdict: z.enum(['allow', 'hold', 'deny']),
    radius: z.enum(['low', 'medium', 'high', 'critical']),
    opinions: z.array(z.looseObject({ verdict: z.string(), code: z.string() })),
    counted: z.array(
      z.looseObject({
        person: personSchema,
        pull: z.int().nullable(),
        reviewedSha: z.string(),
        submittedAtMs: z.int(),
        independent: z.boolean(),
      }),
    ),
    refused: z.array(
      z.looseObject({ person: personSchema.nullable(), codes: z.array(z.custom<RefusalCode>()) }),
    ),
  }),
  origin: z.looseObject({
    kind: z.enum(['agent', 'automation', 'human', 'undeclared']),
    agents: z.array(z.string()),
  }),
  policy: z.looseObject({ sha256: z.string() }),
  evidence: z.looseObject({ sha256: z.string() }),
  changes: z.array(
    z.looseObject({
      pull: z.int().nullable(),
      dryRun: z.looseObject({
        status: z.enum(['ok', 'failed', 'not-comparable', 'none']),
        engine: z.string().nullable(),
        sha256: z.string(),
      }),
    }),
  ),
  deployment: z.looseObject({
    requester: personSchema.nullable(),
    requestedAtMs: z.int(),
    rule: z.string().nullable(),
  }),
});

type Doc = z.infer<typeof docSchema>;

const rawSchema = z.object({
  doc: docSchema,
  details: z.record(z.string(), z.string()),
  first_ms: z.int(),
  released_ms: z.int().nullable(),
  leaf_index: z.int().nullable(),
});

const WORST: readonly DryRunStatus[] = ['failed', 'not-comparable', 'ok', 'none'];

function dispositionOf(doc: Doc, releasedMs: number | null): Disposition {
  if (releasedMs !== null) return doc.decision.counted.length > 0 ? 'approved' : 'none';
  return doc.decision.verdict === 'deny' ? 'refused' : 'waiting';
}

function peopleOf(doc: Doc, details: Readonly<Record<string, string>>) {
  const login = (path: string): string | null => details[`${path}.login`] ?? null;
  const { requester } = doc.deployment;
  return {
    requester:
      requester === null ? null : { id: requester.id, login: login('deployment.requester') },
    approvers: doc.decision.counted.map((row, at) => ({
      id: row.person.id,
      login: login(`decision.counted.${at}.person`),
      pull: row.pull,
      reviewedSha: row.reviewedSha,
      submittedAtMs: row.submittedAtMs,
      independent: row.independent,
    })),
    refused: doc.decision.refused.map((row, at) => ({
      person:
        row.person === null
          ? null
          : { id: row.person.id, login: login(`decision.refused.${at}.person`) },
      codes: row.codes,
    })),
    titles: doc.changes.map((_, at) => details[`changes.${at}.title`] ?? null),
  };
}

/** Reads one row of the query; throws when the record holds what no version of ours writes. */
function rowOf(raw: unknown): DeploymentRow {
  const { doc, details, ...times } = rawSchema.parse(raw);
  const { subject, decision } = doc;
  const dryRuns = doc.changes.map(({ pull, dryRun: { status, engine, sha256 } }) => ({
    pull,
    status,
    engine,
    sha256,
  }));
  return {
    installationId: doc.installationId,
    repoId: doc.repo.id,
    repo: doc.repo.name,
    environment: subject.environment,
    rule: doc.deployment.rule,
    runId: subject.runId,
    runAttempt: subject.runAttempt,
    deploymentId: subject.deploymentId,
    sha: subject.sha,
    pulls: doc.changes.flatMap(({ pull }) => (pull === null ? [] : [pull])),
    ...peopleOf(doc, details),
    agents: doc.origin.agents,
    origin: doc.origin.kind,
    blastRadius: decision.radius,
    dryRun: WORST.find((status) => dryRuns.some((run) => run.status === status)) ?? 'none',
    dryRuns,
    verdict: decision.verdict,
    codes: decision.opinions.filter((row) => row.verdict !== 'allow').map((row) => row.code),
    disposition: dispositionOf(doc, times.released_ms),
    requestedAtMs: doc.deployment.requestedAtMs,
    firstDecidedAtMs: times.first_ms,
    decidedAtMs: doc.recordedAtMs,
    releasedAtMs: times.released_ms,
    eventId: doc.eventId,
    evidenceSha256: doc.evidence.sha256,
    policySha256: doc.policy.sha256,
    leafIndex: times.leaf_index,
  };
}

/**
 * The text of the query, as it is printed with the report. One row per run, attempt and
 * environment: the decision that released it, or else the newest one.
 */
export const REGISTER_QUERY: string = `
with event as (
  select id, event_id, kind, at_ms, doc, doc->'subject'->>'key' as key,
    (doc->'subject'->>'runAttempt')::bigint as attempt
  from audit.event where doc->'subject'->>'kind' = 'deployment'
), released as (
  select distinct on (key, attempt) key, attempt, doc->'links'->>'decision' as decision,
    coalesce((doc->'source'->>'githubAtMs')::bigint, at_ms) as released_ms
  from event
  where kind = 'effect.outcome' and doc->>'outcome' = 'done'
    and doc->'effect'->>'kind' = 'review-deployment' and doc->'effect'->>'state' = 'approved'
  order by key, attempt, id
), decision as (
  select distinct on (e.key, e.attempt) e.id, e.doc, r.released_ms,
    min(e.at_ms) over (partition by e.key, e.attempt) as first_ms
  from event e left join released r on r.key = e.key and r.attempt = e.attempt
  where e.kind = 'decision.made'
    and (e.doc->'deployment'->>'rule' is not null
      or e.doc->'subject'->>'environment' ~* '^\\s*(prod(uction)?|live|prod-.*)\\s*$')
  order by e.key, e.attempt, (e.event_id::text = r.decision) desc nulls last, e.id desc
)
select d.doc, d.first_ms, d.released_ms, l.leaf_index,
  coalesce((select jsonb_object_agg(t.path, t.value) from audit.detail t where t.event_row = d.id),
    '{}') as details
from decision d left join audit.leaf l on l.event_row = d.id
where ($1::bigint is null or coalesce(d.released_ms, d.first_ms) >= $1::bigint)
  and ($2::bigint is null or coalesce(d.released_ms, d.first_ms) < $2::bigint)
  and ($3::text is null or lower(d.doc->'repo'->>'name') = lower($3::text))
order by coalesce(d.released_ms, d.first_ms), d.id`;

/**
 * Every production deployment of a period, a batch at a time, so that any number fits in memory.
 */
export async function* productionDeployments(
  sql: Sql,
  wish: ReportWish,
): AsyncGenerator<DeploymentRow, void, undefined> {
  const { fromMs, toMs, repo } = wish;
  try {
    const cursor = sql.unsafe(REGISTER_QUERY, [fromMs, toMs, repo]).cursor(500);
    for await (const batch of cursor) for (const raw of batch) yield rowOf(raw);
  } catch (error) {
    throw storeFault(error, 'reading the register of deployments');
  }
}
