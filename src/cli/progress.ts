/** Shows at a terminal, on one line that is written over, how far long work is. */
import type { DryRunProgress } from '../core/dry-run.ts';
import { progressText } from '../core/words/progress.ts';
import type { Io } from './io.ts';

/** More often nobody reads. */
const EVERY_MS = 100;
/** A longer line would break, and a broken one cannot be written over. */
const WIDTH = 78;

/** Goes to the line's start and empties it. */
const CLEAR = '\r\u001B[2K';

export interface ProgressLine {
  readonly show: (progress: DryRunProgress) => void;
  /** Takes the line away, so that the verdict stands alone. */
  readonly end: () => void;
}

/** Writes to `err` and only where a person watches it: what is piped or logged stays as it was. */
export function progressLine(io: Io): ProgressLine {
  let phase: DryRunProgress['phase'] | null = null;
  let shownMs = 0;
  return {
    show: (progress) => {
      const nowMs = io.now();
      if (io.terminal !== true) return;
      if (progress.phase === phase && nowMs - shownMs < EVERY_MS) return;
      phase = progress.phase;
      shownMs = nowMs;
      io.err(`${CLEAR}tagout: ${progressText(progress)}`.slice(0, CLEAR.length + WIDTH));
    },
    end: () => {
      if (phase !== null) io.err(CLEAR);
    },
  };
}
