/** For places where each log goes by itself, so that one that is refused keeps no other back. */
import type { AnchorPlace, AnchorReceipt, WaitingLog } from '../store/anchor.ts';

/** Leaves one log after the other; answers what was kept and what went wrong. */
export async function leaveEach(
  logs: readonly WaitingLog[],
  leave: (log: WaitingLog) => Promise<AnchorReceipt>,
): ReturnType<AnchorPlace['leave']> {
  const receipts: AnchorReceipt[] = [];
  const faults: unknown[] = [];
  for (const log of logs) {
    try {
      receipts.push(await leave(log));
    } catch (error) {
      faults.push(error);
    }
  }
  return { receipts, faults };
}
