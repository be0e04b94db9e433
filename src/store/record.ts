/** Records a judgement: evidence, audit event and outbox in one transaction, or nothing at all. */
import { decisionEvent, factOf } from '../core/audit/decision-event.ts';
import { sealEvidence, type StoredEvidence } from '../core/audit/evidence-texts.ts';
import { digestOf } from '../core/canonical.ts';
import { evidenceDigest } from '../core/decide.ts';
import { TagoutError } from '../core/errors.ts';
import type { Evidence } from '../core/evidence.ts';
import type { Judged, Record as RecordPort } from '../core/ports.ts';
import { locatorKey } from '../core/subject.ts';
import { NO_TRACE, type Trace } from '../core/trace.ts';
import { appendEvent, freshSalt, stamp } from './append.ts';
import { type Sql, storeFault, type Tx } from './connect.ts';
import { jobsText } from './inbox.ts';
import { enactJob } from './jobs.ts';
import { keepWatch } from './keep-watch.ts';
import { endReplaced } from './outbox-end.ts';
import { planEffects, type UnsentRow, type WrittenRow } from './plan-effects.ts';
import { slotOf } from './slots.ts';

/** GitHub's front ends differ by this much in their `Date`. */
const CLOCK_TOLERANCE_MS = 2_000;

/** A reader pressed "Re-run", or the sweeper found that GitHub does not show what we wrote. */
const ASKED_ANEW = /rerequested|^sweep/;

interface Known {
  readonly fact: string;
  readonly eventId: string;
  readonly readAtMs: number;
}

/** Locks the subject for this transaction and reads what was last decided about it. */
async function lockSubject(tx: Tx, key: string): Promise<Known | null> {
  // Two statements, one after the other: pipelined, the second one need not see what the lock
  // waited for.
  await tx`select pg_advisory_xact_lock(hashtextextended(${key}, 0))`;
  const rows = await tx<Known[]>`
    select fact, event_id as "eventId", read_at_ms as "readAtMs"
    from tagout.subject where key = ${key}`;
  return rows[0] ?? null;
}

function checkOrder(known: Known | null, judged: Judged): void {
  if (known === null || judged.evidence.readAtMs >= known.readAtMs - CLOCK_TOLERANCE_MS) return;
  throw outdated();
}

function outdated(): TagoutError {
  return new TagoutError(
    'internal',
    'Newer evidence about this subject was recorded meanwhile; it must be read and judged again.',
  );
}

/**
 * Open pull requests with one head commit share its check, and each is judged in a queue of its
 * own: what was read earlier about all of them must not replace what was read later. The same second
 * counts as later, as GitHub's clock has no finer times.
 */
async function checkSameHead(tx: Tx, judged: Judged): Promise<void> {
  const { subject, changes, readAtMs } = judged.evidence;
  if (subject.kind !== 'pull-request') return;
  const { repo, number, headSha } = subject;
  const others = changes.flatMap(({ pull }) =>
    pull === null || pull === number
      ? []
      : [locatorKey({ kind: 'pull-request', repo, number: pull })],
  );
  const head = `${repo.installationId}:${repo.id}:${headSha}`;
  await tx`select pg_advisory_xact_lock(hashtextextended(${head}, 2))`;
  if (others.length === 0) return;
  const newer = await tx`select 1 from tagout.subject
    where key = any(${others}::text[]) and read_at_ms > ${readAtMs}::bigint limit 1`;
  if (newer.length > 0) throw outdated();
}

/** The evidence that the decision says it stands on, as it is stored; no other is recorded. */
function storedEvidence(judged: Judged): StoredEvidence {
  if (evidenceDigest(judged.evidence) === judged.decision.evidenceDigest) {
    return sealEvidence(judged.evidence, freshSalt);
  }
  throw new TagoutError(
    'internal',
    'The decision names another evidence than the one that it came with; nothing was recorded.',
  );
}

/** The texts first need their evidence: both statements travel together, in this order. */
async function keepEvidence(tx: Tx, { body, sha256, texts }: StoredEvidence): Promise<void> {
  await Promise.all([
    tx`insert into audit.evidence (body) values (${body}) on conflict do nothing`,
    tx`insert into audit.evidence_text (sha256, commitment, salt, value)
       select ${sha256}, t.commitment, decode(t.salt, 'hex'), t.value from unnest(
         ${texts.map((text) => text.commitment)}::text[],
         ${texts.map((text) => Buffer.from(text.salt).toString('hex'))}::text[],
         ${texts.map((text) => text.value)}::text[]) as t(commitment, salt, value)
       on conflict do nothing`,
  ]);
}

async function keepFact(
  tx: Tx,
  judged: Judged,
  about: { readonly key: string; readonly known: Known | null; readonly nowMs: number },
): Promise<string> {
  const { key, known, nowMs } = about;
  const { decision, evidence, locator } = judged;
  const fact = factOf(judged);
  const { installationId } = locator.repo;
  if (known?.fact === fact) {
    await tx`update tagout.subject set read_at_ms = greatest(read_at_ms, ${evidence.readAtMs})
             where key = ${key}`;
    return known.eventId;
  }
  const previous = known?.eventId ?? null;
  const mark = stamp(`decision:${digestOf([installationId, key, fact, previous])}`, nowMs);
  const stored = storedEvidence(judged);
  const place = { key, previous, repo: locator.repo, evidence: stored.sha256 };
  const event = decisionEvent(judged, place, mark);
  const [, added] = await Promise.all([
    keepEvidence(tx, stored),
    appendEvent(tx, event),
    tx`insert into tagout.subject values (${key}, ${installationId}::bigint,
         ${evidence.readAtMs}::bigint, ${fact}, ${decision.verdict}, ${mark.eventId}::uuid,
         ${nowMs}::bigint)
       on conflict (key) do update set read_at_ms = excluded.read_at_ms, fact = excluded.fact,
         verdict = excluded.verdict, event_id = excluded.event_id,
         decided_at_ms = excluded.decided_at_ms`,
  ]);
  if (!added) throw new TagoutError('internal', 'The audit event was not added.');
  return mark.eventId;
}

async function readOutbox(
  tx: Tx,
  key: string,
  slots: readonly string[],
): Promise<{ unsent: readonly UnsentRow[]; written: readonly WrittenRow[] }> {
  const unsent = await tx<UnsentRow[]>`
    select id, slot, effect_key as "effectKey", status from tagout.outbox
    where status in ('pending', 'sending') and replaced = 0
      and (subject_key = ${key} or slot = any(${slots}::text[])) order by id for update`;
  const written = await tx<WrittenRow[]>`
    select slot, effect_key as "effectKey", times from tagout.written
    where slot = any(${slots}::text[])`;
  return { unsent, written };
}

/** Puts into the outbox what is not written yet, and makes older rows of the same key void. */
export async function fillOutbox(
  tx: Tx,
  judged: Pick<Judged, 'trigger' | 'locator' | 'effects'> & {
    readonly evidence: Pick<Evidence, 'subject'>;
  },
  about: {
    readonly key: string;
    readonly eventId: string;
    readonly nowMs: number;
    readonly traceparent: string | null;
  },
): Promise<readonly string[]> {
  const { key, eventId, nowMs, traceparent } = about;
  const { subject } = judged.evidence;
  const { effects, locator } = judged;
  const slots = effects.map((effect) => slotOf(effect, subject));
  const { unsent, written } = await readOutbox(tx, key, slots);
  const anew = ASKED_ANEW.test(judged.trigger.because);
  const plan = planEffects({ effects, subject, anew }, unsent, written);
  await endReplaced(tx, plan.replace, nowMs);
  const rows = plan.add.map(({ slot, effectKey, effect }) => ({
    slot,
    key: effectKey,
    kind: effect.kind,
    effect: JSON.stringify(effect),
  }));
  // An approval that expired with its answer lost may stand at GitHub: look before writing.
  const added = await tx<{ id: number }[]>`
    insert into tagout.outbox (installation_id, subject_key, slot, effect_key, kind, effect,
      subject, event_id, next_at_ms, created_at_ms, status)
    select ${locator.repo.installationId}::bigint, ${key}, r.slot, r.key, r.kind, r.effect,
      ${JSON.stringify(subject)}, ${eventId}::uuid, ${nowMs}::bigint, ${nowMs}::bigint,
      case when exists (select from tagout.outbox o where o.slot = r.slot
        and o.effect_key = r.key and o.status = 'expired' and o.attempts > 0)
      then 'sending' else 'pending' end
    from json_to_recordset(${JSON.stringify(rows)}::text::json)
      as r(slot text, key text, kind text, effect text)
    returning id`;
  if (added.length + plan.keep.length > 0 || plan.replace.length > 0) {
    const job = enactJob({ subjectKey: key, traceparent }, null);
    await tx`select tagout.enqueue(${jobsText([job])}::text::json)`;
  }
  return [...plan.keep, ...added.map((row) => row.id)].map(String);
}

/**
 * The port `Record` over a pool of the application's role. One audit event per fact: a judgement
 * that comes to the same as the subject's last one adds no event, and only what is not yet written
 * leaves.
 */
export function createRecord(sql: Sql, now: () => number, trace: Trace = NO_TRACE): RecordPort {
  return {
    async record(judged) {
      const key = locatorKey(judged.locator);
      const traceparent = trace.parent();
      try {
        return await sql.begin(async (tx) => {
          const known = await lockSubject(tx, key);
          checkOrder(known, judged);
          await checkSameHead(tx, judged);
          const nowMs = now();
          const eventId = await keepFact(tx, judged, { key, known, nowMs });
          await keepWatch(tx, judged, nowMs);
          const about = { key, eventId, nowMs, traceparent };
          return { eventId, outbox: await fillOutbox(tx, judged, about) };
        });
      } catch (error) {
        throw storeFault(error, 'recording a decision');
      }
    },
  };
}
