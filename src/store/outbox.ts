/** Sends a subject's due effects to GitHub, in order, each at most once as far as can be known. */
import type { EffectEndDetail } from '../core/audit/effect-event.ts';
import type { EffectOutcome } from '../core/effect.ts';
import { TagoutError } from '../core/errors.ts';
import type { Enact, KnownWrites } from '../core/ports.ts';
import type { Locator, Subject } from '../core/subject.ts';
import { NO_TRACE, type Trace } from '../core/trace.ts';
import type { Sql, Tx } from './connect.ts';
import { jobsText } from './inbox.ts';
import { readReceipt } from './receipt.ts';
import { enactJob, judgeJob } from './jobs.ts';
import { lockSlot, mayStand, type WrittenSlot } from './progress.ts';
import { endDone, endUnsent, type OutboxRow, readRow, recordEnd } from './outbox-end.ts';

/**
 * A release is acted on while its decision is this fresh; after that the subject is judged again.
 */
export const RELEASE_MAX_AGE_MS: number = 5 * 60_000;
/** An effect that could not be written for so long is given up, and that is recorded. */
export const EFFECT_MAX_AGE_MS: number = 24 * 3_600_000;
const LONGEST_BACK_OFF_MS = 5 * 60_000;

export interface OutboxParts {
  readonly sql: Sql;
  readonly enact: Enact;
  /** Puts everything recorded so far in this log under a signed checkpoint. */
  readonly sealNow: (installationId: number) => Promise<void>;
  readonly now: () => number;
  /** Between 0 and 1, for the spread of repeats. */
  readonly random: () => number;
  /** Who watches the steps; left out: nobody. */
  readonly trace?: Trace;
}

/** The locator that judges a subject again; null for a checkout, which GitHub knows nothing of. */
function locatorOf(subject: Subject): Locator | null {
  switch (subject.kind) {
    case 'pull-request':
      return { kind: 'pull-request', repo: subject.repo, number: subject.number };
    case 'deployment': {
      const { repo, runId, environment, deploymentId } = subject;
      return { kind: 'deployment', repo, runId, environment, deploymentId };
    }
    case 'merge-group': {
      const { repo, headSha, headRef, baseRef } = subject;
      return { kind: 'merge-group', repo, headSha, headRef, baseRef };
    }
    case 'checkout':
      return null;
  }
}

/** In their order, but a chat comes last: what GitHub has to be told never waits for it. */
async function nextRow(sql: Sql, subjectKey: string): Promise<OutboxRow | null> {
  const [raw] = await sql`select * from tagout.outbox where subject_key = ${subjectKey}
    and status in ('pending', 'sending') order by kind = 'notice', id limit 1`;
  return raw === undefined ? null : readRow(raw);
}

function traceOf({ trace }: OutboxParts): Trace {
  return trace ?? NO_TRACE;
}

function releases(row: OutboxRow): boolean {
  return row.effect.kind === 'review-deployment' && row.effect.state === 'approved';
}

async function expire(parts: OutboxParts, row: OutboxRow): Promise<void> {
  const nowMs = parts.now();
  const locator = locatorOf(row.subject);
  const detail = 'The decision was too old to act on; the subject is judged again.';
  await parts.sql.begin(async (tx) => {
    await endUnsent(tx, row, { end: 'expired', detail }, nowMs);
    if (locator === null) return;
    const traceparent = parts.trace?.parent();
    const again = judgeJob(
      { locator, because: 'release-expired', delivery: null },
      { traceparent },
    );
    await tx`select tagout.enqueue(${jobsText([again])}::text::json)`;
  });
}

/** A green check is an approval as well: it lets a merge, or a deployer from outside, go on. */
function approves({ effect }: OutboxRow): boolean {
  if (effect.kind === 'review-deployment') return true;
  return effect.kind === 'check-run' && effect.conclusion === 'success';
}

/**
 * Sealed, then released: the proof that the decision lies under a committed, signed checkpoint.
 * Throws when it does not and the effect approves something; a check that holds goes without.
 */
async function requireSealed(parts: OutboxParts, row: OutboxRow): Promise<string | null> {
  try {
    const { installationId } = row.effect.repo;
    await traceOf(parts).span('seal', {}, () => parts.sealNow(installationId));
    const receipt = await readReceipt(parts.sql, row.eventId);
    if (receipt !== null || !approves(row)) return receipt;
  } catch (error) {
    if (!approves(row)) return null;
    throw error;
  }
  throw new TagoutError(
    'store-unavailable',
    'The release waits: its decision could not be sealed in the audit log yet.',
  );
}

/** How long a write waits for another of the same slot whose answer is not there yet. */
const SLOT_WAIT_MS = 250;

/**
 * Marks the row as being sent. Two pull requests with one head commit have one check between them:
 * while a write of that slot is under way (claimed, and not put off), none may overtake it, or the
 * older text could land last. Null: a newer decision was quicker, or the row has to wait.
 */
async function claim(parts: OutboxParts, row: OutboxRow): Promise<OutboxRow | null> {
  const nowMs = parts.now();
  return parts.sql.begin(async (tx) => {
    // By itself, so that what follows sees what the lock waited for.
    await lockSlot(tx, row.slot);
    const [raw] = await tx`
      with other as (
        select id from tagout.outbox where slot = ${row.slot} and id <> ${row.id}
          and status = 'sending' and attempts > 0 and next_at_ms <= ${nowMs}::bigint limit 1
      ), later as (
        update tagout.outbox set next_at_ms = ${nowMs + SLOT_WAIT_MS}::bigint
          where id = ${row.id} and status in ('pending', 'sending') and exists (select from other)
      )
      update tagout.outbox set status = 'sending', attempts = attempts + 1
        where id = ${row.id} and replaced = 0 and status in ('pending', 'sending')
          and not exists (select from other)
        returning *`;
    return raw === undefined ? null : readRow(raw);
  });
}

async function knownWrites(sql: Sql, row: OutboxRow): Promise<KnownWrites> {
  const [written] = await sql<WrittenSlot[]>`
    select effect_key as "effectKey", github_id as "githubId" from tagout.written
    where slot = ${row.slot}`;
  const githubId = written?.githubId ?? null;
  const { kind } = row.effect;
  return {
    checkRunId: kind === 'check-run' ? githubId : null,
    ...(kind === 'issue' ? { issue: githubId } : {}),
    ...(kind === 'pull-comment' ? { comment: githubId } : {}),
    uncertain: row.status === 'sending' || mayStand(written),
  };
}

/** An enactor that throws has not told what happened, so nothing is known. */
async function tryEnact(
  parts: OutboxParts,
  row: OutboxRow,
  receipt: string | null,
): Promise<EffectOutcome> {
  try {
    const known = await knownWrites(parts.sql, row);
    const shown = row.effect.kind === 'check-run' ? { receipt } : {};
    return await parts.enact.enact(row.effect, { ...known, ...shown });
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    const nothing = { githubId: null, githubAtMs: null, httpStatus: null, retryAfterMs: null };
    return { status: 'uncertain', ...nothing, detail };
  }
}

/** Doubles from 2 s to 5 min, spread, and never before GitHub's own `retry-after`. */
export function backOffMs(
  attempts: number,
  retryAfterMs: number | null,
  random: () => number,
): number {
  const step = Math.min(LONGEST_BACK_OFF_MS, 1_000 * 2 ** Math.min(attempts, 12));
  return Math.max(Math.round(step * (0.5 + random() / 2)), retryAfterMs ?? 0);
}

async function giveUp(tx: Tx, row: OutboxRow, what: EffectEndDetail, nowMs: number): Promise<void> {
  await tx`update tagout.outbox set status = 'dead', done_at_ms = ${nowMs}::bigint,
             http_status = ${what.httpStatus}::int, detail = ${what.detail} where id = ${row.id}`;
  await recordEnd(tx, row, what, nowMs);
}

async function putOff(
  tx: Tx,
  row: OutboxRow,
  what: EffectEndDetail,
  times: { readonly nowMs: number; readonly nextAtMs: number },
): Promise<void> {
  const status = what.end === 'uncertain' ? 'sending' : 'pending';
  const { nowMs, nextAtMs } = times;
  await tx`update tagout.outbox set status = ${status}, next_at_ms = ${nextAtMs}::bigint,
             http_status = ${what.httpStatus}::int, detail = ${what.detail} where id = ${row.id}`;
  // During an outage every repeat says the same; only what is new becomes an event.
  const news = row.attempts === 1 || row.httpStatus !== what.httpStatus;
  if (news) await recordEnd(tx, row, what, nowMs);
}

async function settle(parts: OutboxParts, row: OutboxRow, outcome: EffectOutcome): Promise<void> {
  const nowMs = parts.now();
  const { githubId, githubAtMs, httpStatus, detail } = outcome;
  const known = { githubId, githubAtMs, httpStatus, detail };
  await parts.sql.begin(async (tx) => {
    if (outcome.status === 'done') {
      return endDone(tx, row, { end: 'done', ...known }, nowMs);
    }
    if (outcome.status === 'refused') {
      return giveUp(tx, row, { end: 'refused', ...known }, nowMs);
    }
    if (nowMs - row.createdAtMs > EFFECT_MAX_AGE_MS) {
      return giveUp(tx, row, { end: 'dead', ...known }, nowMs);
    }
    const nextAtMs = nowMs + backOffMs(row.attempts, outcome.retryAfterMs, parts.random);
    return putOff(tx, row, { end: outcome.status, ...known }, { nowMs, nextAtMs });
  });
}

/** One row to an end or to its next time; answers whether the next row may follow. */
async function sendOne(parts: OutboxParts, row: OutboxRow): Promise<boolean> {
  const nowMs = parts.now();
  if (row.replaced) {
    const detail = 'A newer decision replaced it after an attempt whose answer was lost.';
    await parts.sql.begin((tx) => endUnsent(tx, row, { end: 'superseded', detail }, nowMs));
    return true;
  }
  if (releases(row) && nowMs - row.createdAtMs > RELEASE_MAX_AGE_MS) {
    await expire(parts, row);
    return true;
  }
  if (row.nextAtMs > nowMs) return false;
  const proven = approves(row) || row.effect.kind === 'check-run';
  const receipt = proven ? await requireSealed(parts, row) : null;
  const claimed = await claim(parts, row);
  if (claimed === null) return true;
  // What was known before this attempt decides whether an earlier one is without an answer.
  const about = { subject: row.subjectKey, effect: row.effect.kind };
  const outcome = await traceOf(parts).span('enact', about, async (tell) => {
    const sent = await tryEnact(parts, { ...claimed, status: row.status }, receipt);
    tell({ outcome: sent.status });
    return sent;
  });
  await settle(parts, claimed, outcome);
  return outcome.status === 'done' || outcome.status === 'refused';
}

/**
 * Sends what is due for a subject and comes back for the rest. One at a time per subject: the queue
 * of the job sees to that. Throws when the store fails; the job is then tried again.
 */
export async function sendDue(parts: OutboxParts, subjectKey: string): Promise<void> {
  for (;;) {
    const row = await nextRow(parts.sql, subjectKey);
    if (row === null) return;
    if (await sendOne(parts, row)) continue;
    const traceparent = traceOf(parts).parent();
    const [waiting] = await parts.sql<{ nextAtMs: number }[]>`
      select next_at_ms as "nextAtMs" from tagout.outbox
      where id = ${row.id} and status in ('pending', 'sending')`;
    if (waiting === undefined) continue;
    const later = enactJob({ subjectKey, traceparent }, waiting.nextAtMs);
    await parts.sql`select tagout.enqueue(${jobsText([later])}::text::json)`;
    return;
  }
}
