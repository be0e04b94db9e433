/**
 * The line: receive → gather → decide → record → enact, readable on one screen.
 *
 * `receive` has happened when a Trigger comes here (web/, app.ts, store/inbox.ts); `enact` leaves
 * from the outbox that `record` filled (store/outbox.ts). A fault anywhere ends as hold: nothing is
 * recorded, so nothing can be released, and the job is tried again.
 */
import { decide } from './core/decide.ts';
import type { Decision } from './core/decision.ts';
import { effects } from './core/effects.ts';
import { notices } from './core/notices.ts';
import type { NoticeWishes } from './core/notices.ts';
import type { Gather, Progress, Record } from './core/ports.ts';
import { effectivePolicy } from './core/effective-policy.ts';
import type { Locator, Trigger } from './core/subject.ts';
import type { Evidence } from './core/evidence.ts';
import { NO_TRACE, type Trace } from './core/trace.ts';

export interface LineParts {
  readonly gather: Gather;
  /** How people are told of a waiting gate; left out: only at the gate itself. */
  readonly notices?: NoticeWishes;
  /** Where long dry runs show how far they are; left out: nowhere. */
  readonly progress?: Progress;
  readonly record: Record;
  /** Who watches the steps; left out: nobody. */
  readonly trace?: Trace;
}

export interface LineResult {
  readonly locator: Locator;
  /** Null when the subject is gone and there was nothing to judge. */
  readonly decision: Decision | null;
  readonly outbox: readonly string[];
}

/** Judges one concrete locator. Throws TagoutError when it could not be judged; the caller retries. */
export async function judge(
  trigger: Trigger,
  locator: Locator,
  parts: LineParts,
): Promise<LineResult> {
  const { trace = NO_TRACE } = parts;
  const evidence = await trace.span('gather', {}, () => gatherShown(locator, parts));
  if (evidence === null) return { locator, decision: null, outbox: [] };
  const { policy, decision } = await trace.span('decide', {}, async (tell) => {
    const effective = effectivePolicy(evidence.policy);
    const made = decide(effective, evidence);
    tell({ verdict: made.verdict });
    return { policy: effective, decision: made };
  });
  const judged = { trigger, locator, evidence, policy, decision };
  const told = parts.notices === undefined ? [] : notices(judged, parts.notices);
  const wanted = [...effects(judged), ...told];
  const recorded = await trace.span('record', {}, () =>
    parts.record.record({ ...judged, effects: wanted }),
  );
  return { locator, decision, outbox: recorded.outbox };
}

/** Gathers, and meanwhile shows at the commit's check how far a long dry run is. */
async function gatherShown(
  locator: Locator,
  { gather, progress }: LineParts,
): Promise<Evidence | null> {
  const view = progress?.begin(locator);
  if (view === undefined) return gather.read(locator);
  try {
    const evidence = await gather.read(locator, (at) => view.show(at));
    if (evidence === null) view.breakOff();
    else view.end();
    return evidence;
  } catch (fault) {
    view.breakOff();
    throw fault;
  }
}
