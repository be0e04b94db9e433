/** Every read of the record is itself in the record. */
import { userInfo } from 'node:os';
import { type Doer, readEventOf } from '../core/audit/notice-event.ts';
import { appendEvent, stamp } from './append.ts';
import { type Sql, storeFault } from './connect.ts';

/** Whoever sits at the server: GitHub's number is not known, the system's name is. */
export function operator(): Doer {
  try {
    return { kind: 'operator', id: null, login: userInfo().username };
  } catch {
    return { kind: 'operator', id: null, login: 'unknown' };
  }
}

export interface ReadOf {
  readonly installationId: number;
  /** `register`, `bundle`, `deployment …`. */
  readonly what: string;
  readonly how: 'command' | 'web';
  readonly wish?: { readonly fromMs: number | null; readonly toMs: number | null };
  readonly doer?: Doer;
  /** False: it was asked for and refused. */
  readonly shown?: boolean;
}

/** Records that somebody reads, before they are shown anything. */
export async function recordRead(
  store: { readonly sql: Sql },
  read: ReadOf,
  now: () => number = Date.now,
): Promise<void> {
  const { installationId, what, how, wish, doer = operator(), shown = true } = read;
  const { fromMs, toMs } = wish ?? { fromMs: null, toMs: null };
  const mark = stamp('', now());
  const about = { installationId, what, how, fromMs, toMs, shown, doer };
  const event = readEventOf(about, { ...mark, dedupeKey: `read:${mark.eventId}` });
  try {
    await appendEvent(store.sql, event);
  } catch (error) {
    throw storeFault(error, 'recording who reads the record');
  }
}
