/** How an outbox row comes to an end: its state, what it leaves behind, and its audit event. */
import { z } from 'zod';
import { effectEvent, type EffectEndDetail } from '../core/audit/effect-event.ts';
import type { Effect } from '../core/effect.ts';
import { environmentKey, isExternalRun, type Subject } from '../core/subject.ts';
import { appendEvent, stamp } from './append.ts';
import type { Sql, Tx } from './connect.ts';
import { effectSchema, subjectSchema } from './stored-shapes.ts';

/** An outbox row as it is worked on. */
export interface OutboxRow {
  readonly id: number;
  readonly subjectKey: string;
  readonly slot: string;
  readonly effectKey: string;
  readonly effect: Effect;
  readonly subject: Subject;
  readonly eventId: string;
  readonly status: 'pending' | 'sending';
  readonly replaced: boolean;
  readonly attempts: number;
  readonly nextAtMs: number;
  readonly createdAtMs: number;
  readonly httpStatus: number | null;
  readonly detail: string | null;
}

const rowSchema = z.object({
  id: z.int(),
  subject_key: z.string(),
  slot: z.string(),
  effect_key: z.string(),
  effect: z.string(),
  subject: z.string(),
  event_id: z.string(),
  status: z.enum(['pending', 'sending']),
  replaced: z.int(),
  attempts: z.int(),
  next_at_ms: z.int(),
  created_at_ms: z.int(),
  http_status: z.int().nullable(),
  detail: z.string().nullable(),
});

/** Reads a row of `tagout.outbox` back. */
export function readRow(raw: unknown): OutboxRow {
  const row = rowSchema.parse(raw);
  return {
    id: row.id,
    subjectKey: row.subject_key,
    slot: row.slot,
    effectKey: row.effect_key,
    effect: effectSchema.parse(JSON.parse(row.effect)),
    subject: subjectSchema.parse(JSON.parse(row.subject)),
    eventId: row.event_id,
    status: row.status,
    replaced: row.replaced !== 0,
    attempts: row.attempts,
    nextAtMs: row.next_at_ms,
    createdAtMs: row.created_at_ms,
    httpStatus: row.http_status,
    detail: row.detail,
  };
}

/** Appends `effect.outcome`; the same end of the same attempt is one event. */
export async function recordEnd(
  sql: Sql | Tx,
  row: OutboxRow,
  what: EffectEndDetail,
  nowMs: number,
): Promise<void> {
  const { id, effect, subject, subjectKey, eventId, attempts } = row;
  const about = { outboxId: id, effect, subject, subjectKey, decision: eventId, attempts };
  const mark = stamp(`effect:${eventId}:${id}:${attempts}:${what.end}`, nowMs);
  await appendEvent(sql, effectEvent(about, what, mark));
}

const NOTHING = { githubId: null, githubAtMs: null, httpStatus: null } as const;

/** Ends a row without sending it (again). */
export async function endUnsent(
  sql: Tx,
  row: OutboxRow,
  why: { readonly end: 'superseded' | 'expired'; readonly detail: string },
  nowMs: number,
): Promise<void> {
  await sql`update tagout.outbox set status = ${why.end}, done_at_ms = ${nowMs}::bigint,
              detail = ${why.detail} where id = ${row.id}`;
  await recordEnd(sql, row, { ...NOTHING, ...why }, nowMs);
}

/**
 * Makes rows of older decisions void. One that is being sent cannot be called back: it is marked,
 * so that it is at least never sent again.
 */
export async function endReplaced(
  tx: Tx,
  rows: readonly { readonly id: number; readonly status: 'pending' | 'sending' }[],
  nowMs: number,
): Promise<void> {
  const ids = (status: string): number[] =>
    rows.filter((row) => row.status === status).map((row) => row.id);
  if (ids('sending').length > 0) {
    await tx`update tagout.outbox set replaced = 1 where id = any(${ids('sending')}::bigint[])`;
  }
  if (ids('pending').length === 0) return;
  const ended = await tx`select * from tagout.outbox where id = any(${ids('pending')}::bigint[])`;
  for (const raw of ended) {
    const detail = 'A newer decision about the same subject replaced it before it was sent.';
    await endUnsent(tx, readRow(raw), { end: 'superseded', detail }, nowMs);
  }
}

async function keepPosting(tx: Tx, row: OutboxRow, atMs: number): Promise<void> {
  const { effect } = row;
  if (effect.kind !== 'check-run' || effect.shown === null) return;
  const { repo, headSha, shown, name } = effect;
  const { pull, baseRef, digest } = shown;
  // One row whenever what this check shows changes: also when it goes back to an earlier state.
  await tx`
    insert into tagout.posting (installation_id, repo_id, pull, head_sha, base_ref, shown, at_ms,
      check_name)
    select ${repo.installationId}::bigint, ${repo.id}::bigint, ${pull}::int, ${headSha}::text,
      ${baseRef}::text, ${digest}::text, ${atMs}::bigint, ${name}::text
    where (${baseRef}::text, ${digest}::text) is distinct from
      (select (p.base_ref, p.shown) from tagout.posting p
       where p.installation_id = ${repo.installationId} and p.repo_id = ${repo.id}
         and p.pull = ${pull} and p.head_sha = ${headSha} and p.check_name = ${name}
       order by p.id desc limit 1)`;
}

/** An answer to the gate, or for a deployer outside the green check on the commit itself. */
function isRelease(effect: Effect, subject: Extract<Subject, { kind: 'deployment' }>): boolean {
  if (effect.kind === 'review-deployment') return effect.state === 'approved';
  if (effect.kind !== 'check-run' || !isExternalRun(subject.runId)) return false;
  return effect.headSha === subject.sha && effect.conclusion === 'success';
}

async function keepRelease(tx: Tx, row: OutboxRow, atMs: number): Promise<void> {
  const { subject } = row;
  if (subject.kind !== 'deployment' || !isRelease(row.effect, subject)) return;
  const { repo, runId, runAttempt, deploymentId, sha } = subject;
  await tx`insert into tagout.release values (${repo.installationId}::bigint, ${repo.id}::bigint,
             ${environmentKey(subject.environment)}, ${runId}::bigint, ${runAttempt},
             ${deploymentId}::bigint, ${sha}, 'released', ${atMs}::bigint)
           on conflict do nothing`;
}

/** Ends a row whose write stands at GitHub, and keeps what later decisions need of it. */
export async function endDone(
  tx: Tx,
  row: OutboxRow,
  what: EffectEndDetail,
  nowMs: number,
): Promise<void> {
  const atMs = what.githubAtMs ?? nowMs;
  await tx`update tagout.outbox set status = 'done', done_at_ms = ${nowMs}::bigint,
             github_id = ${what.githubId}::bigint, http_status = ${what.httpStatus}::int,
             detail = ${what.detail} where id = ${row.id}`;
  await tx`insert into tagout.written (slot, effect_key, github_id)
           values (${row.slot}, ${row.effectKey}, ${what.githubId}::bigint)
           on conflict (slot) do update set effect_key = excluded.effect_key,
             github_id = coalesce(excluded.github_id, written.github_id),
             times = written.times + 1`;
  await keepPosting(tx, row, atMs);
  await keepRelease(tx, row, atMs);
  await recordEnd(tx, row, what, nowMs);
}
