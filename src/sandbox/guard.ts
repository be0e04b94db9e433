/** Ends a run from outside when it takes too long or fills the disk; SQL has no say in it. */
import { statfs } from 'node:fs/promises';
import { sizeOf } from './cache.ts';
import type { Throwaway } from './workspace.ts';

export type Ended = 'time' | 'disk';

export interface Guard {
  /** Why the run was ended; null while it was not. */
  readonly ended: Ended | null;
  /** Starts the clock again. */
  allow(timeoutMs: number): void;
  release(): void;
}

const LOOK_MS = 150;

/**
 * Watches a run. Free space of the file system is looked at often, as that is cheap; the folder
 * itself is measured only when the space shrank by what the run may use.
 */
export function guard(run: Throwaway, timeoutMs: number, diskBytes: number): Guard {
  const state: { ended: Ended | null; freeBefore: number | null; busy: boolean } = {
    ended: null,
    freeBefore: null,
    busy: false,
  };
  const end = (why: Ended): void => {
    if (state.ended !== null) return;
    state.ended = why;
    run.kill();
  };
  const look = async (): Promise<void> => {
    const { bavail, bsize } = await statfs(run.dataDir);
    const free = bavail * bsize;
    state.freeBefore ??= free;
    const low = free < 256 * 2 ** 20;
    if (low || (state.freeBefore - free > diskBytes && sizeOf(run.dataDir) > diskBytes))
      end('disk');
  };
  let clock = setTimeout(() => end('time'), timeoutMs);
  const looker = setInterval(() => {
    if (state.busy) return;
    state.busy = true;
    void look()
      .catch(() => undefined)
      .finally(() => {
        state.busy = false;
      });
  }, LOOK_MS);
  return {
    get ended() {
      return state.ended;
    },
    allow: (ms) => {
      clearTimeout(clock);
      clock = setTimeout(() => end('time'), ms);
    },
    release: () => {
      clearTimeout(clock);
      clearInterval(looker);
    },
  };
}
