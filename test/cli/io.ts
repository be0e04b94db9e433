/** An Io that keeps what a command printed. */
import type { Io } from '../../src/cli/io.ts';

export interface KeptIo extends Io {
  readonly printed: { out: string; err: string };
}

export function keptIo(env: Io['env'] = {}, cwd: string = process.cwd()): KeptIo {
  const printed = { out: '', err: '' };
  return {
    env,
    cwd,
    now: () => Date.UTC(2026, 0, 1),
    out: (text) => void (printed.out += text),
    err: (text) => void (printed.err += text),
    printed,
  };
}
