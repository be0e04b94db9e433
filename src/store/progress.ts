/**
 * Shows at a commit's check how far a long dry run is. It is the check's own slot: a word of
 * progress and a conclusion never leave at once, and a conclusion always lands last.
 */
import { CHECK_NAME } from '../core/effects.ts';
import type { DryRunAt, Progress, ProgressView, SendProgress } from '../core/ports.ts';
import { type Locator, locatorKey } from '../core/subject.ts';
import { brokenOffCheck, progressCheck } from '../core/words/progress.ts';
import type { Sql, Tx } from './connect.ts';
import { checkSlot } from './slots.ts';

/** A shorter dry run shows its end only. */
const AFTER_MS = 5_000;
/** GitHub is told no more often. */
const EVERY_MS = 15_000;

/**
 * What `tagout.written` says of a check while a dry run goes on, so that whatever is decided is
 * written after it: no effect has such a key. `RUNNING`: never concluded yet.
 */
const RUNNING = 'progress:running';
const AGAIN = 'progress:again';

export interface WrittenSlot {
  readonly effectKey: string;
  readonly githubId: number | null;
}

export interface ProgressParts {
  readonly sql: Sql;
  readonly send: SendProgress;
  readonly now: () => number;
  readonly afterMs?: number;
  readonly everyMs?: number;
}

/** Writes of a slot are claimed under this lock, until the transaction's end. */
export async function lockSlot(tx: Tx, slot: string): Promise<void> {
  await tx`select pg_advisory_xact_lock(hashtextextended(${slot}, 1))`;
}

/** A word of progress may have made a check run whose id did not come back. */
export function mayStand(written: WrittenSlot | undefined): boolean {
  return written?.effectKey === RUNNING && written.githubId === null;
}

/** One judgement's progress, as it is sent. */
interface Word {
  readonly at: DryRunAt;
  readonly locator: Locator;
  readonly sinceMs: number;
  readonly isOver: () => boolean;
  /** The last word of a judgement that decided nothing. */
  readonly isBrokenOff: boolean;
}

/** Makes the port; one write at a time for the whole process. */
export function createProgress(parts: ProgressParts): Progress {
  let last: Promise<void> = Promise.resolve();
  const say = (word: Word): Promise<void> => {
    // Whatever fails is for the conclusion to mend: the judgement is never the worse for it.
    last = last.then(() => write(parts, word)).catch(() => {});
    return last;
  };
  return { begin: (locator) => view(parts, locator, say) };
}

function view(
  { now, afterMs = AFTER_MS, everyMs = EVERY_MS }: ProgressParts,
  locator: Locator,
  say: (word: Word) => Promise<void>,
): ProgressView {
  let at: DryRunAt | null = null;
  let sinceMs = 0;
  let over = false;
  let said = false;
  let timer: NodeJS.Timeout | undefined;
  const later = (ms: number): void => {
    timer = setTimeout(() => void tick(), ms).unref();
  };
  const tick = async (): Promise<void> => {
    if (at !== null) {
      said = true;
      await say({ at, locator, sinceMs, isOver: () => over, isBrokenOff: false });
    }
    if (!over) later(everyMs);
  };
  const end = (): void => {
    over = true;
    clearTimeout(timer);
  };
  return {
    show(seen) {
      // A merge group's dry runs are of its pull requests, and its check is on its own commit.
      at = locator.kind === 'merge-group' ? { ...seen, headSha: locator.headSha } : seen;
      if (over || timer !== undefined) return;
      sinceMs = now();
      later(afterMs);
    },
    end,
    breakOff() {
      end();
      // What never showed progress has nothing to take back.
      if (at !== null && said) {
        void say({ at, locator, sinceMs, isOver: () => false, isBrokenOff: true });
      }
    },
  };
}

/**
 * First the store knows that the check will show progress, then GitHub shows it: a conclusion that
 * is recorded in between is therefore always seen as not yet written, and follows.
 */
async function write({ sql, send, now }: ProgressParts, word: Word): Promise<void> {
  const { at, locator, sinceMs } = word;
  const { repo } = locator;
  const slot = checkSlot(repo, at.headSha, CHECK_NAME);
  const marked = await sql.begin(async (tx) => {
    await lockSlot(tx, slot);
    return (await isLate(tx, slot, word)) ? null : mark(tx, slot);
  });
  if (marked === null) return;
  await sql.begin(async (tx) => {
    await lockSlot(tx, slot);
    if (await isLate(tx, slot, word)) return;
    const id = await send({
      repo,
      name: CHECK_NAME,
      headSha: at.headSha,
      ...(word.isBrokenOff ? brokenOffCheck() : progressCheck(at.progress, now() - sinceMs)),
      checkRunId: marked.githubId,
      concluded: word.isBrokenOff || marked.effectKey === AGAIN,
    });
    await tx`update tagout.written set github_id = ${id}::bigint where slot = ${slot}`;
  });
}

/** Marks the slot; null where nothing can be told, as a run may be there whose id is not known. */
async function mark(tx: Tx, slot: string): Promise<WrittenSlot | null> {
  const [known] = await tx<WrittenSlot[]>`
    select effect_key as "effectKey", github_id as "githubId" from tagout.written
    where slot = ${slot}`;
  if (known !== undefined && known.githubId === null) return null;
  const effectKey = known === undefined || known.effectKey === RUNNING ? RUNNING : AGAIN;
  await tx`insert into tagout.written (slot, effect_key) values (${slot}, ${effectKey})
    on conflict (slot) do update set effect_key = excluded.effect_key`;
  return { effectKey, githubId: known?.githubId ?? null };
}

/** Whether the judgement has ended, or a conclusion was recorded since its dry run began. */
async function isLate(tx: Tx, slot: string, word: Word): Promise<boolean> {
  if (word.isOver()) return true;
  const newer = await tx`
    select 1 from tagout.outbox where slot = ${slot} and status in ('pending', 'sending')
    union all
    select 1 from tagout.outbox where slot = ${slot} and created_at_ms >= ${word.sinceMs}::bigint
    union all
    select 1 from tagout.subject
    where key = ${locatorKey(word.locator)} and read_at_ms > ${word.sinceMs}::bigint
    limit 1`;
  return newer.length > 0 || word.isOver();
}
