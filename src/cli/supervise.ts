/**
 * How the server ends. A signal stops it in order. Anything that nobody caught ends it at once and
 * with an exit code that is not 0: the state after an unknown fault cannot be trusted to release
 * anything, and all work is in the store, so that the next start goes on where this one stopped.
 * (postgres.js throws outside any promise when a backend dies: porsager/postgres #1066, #1208.)
 * Whoever runs the server (systemd, Kubernetes, compose) starts it again.
 */
import type { EventEmitter } from 'node:events';
import { describeError } from './log.ts';

export interface Stoppable {
  /** Takes nothing new, finishes or hands back what runs, and resolves when all is closed. */
  close(): Promise<void>;
}

export interface Supervision {
  readonly log: {
    info(about: object, message: string): void;
    fatal(about: object, message: string): void;
  };
  /** Where signals and uncaught errors come from: the process. */
  readonly process: Pick<EventEmitter, 'on' | 'off'>;
  /** Stopping takes no longer; then the process ends all the same. */
  readonly stopLimitMs: number;
  /** After an uncaught error only this long is spent on closing. */
  readonly crashLimitMs: number;
  /** Resolves if a part that the server cannot live without has ended by itself. */
  readonly lost?: Promise<string>;
}

const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

/** Waits for the end of the server and answers the exit code of the process. */
export async function supervise(server: Stoppable, supervision: Supervision): Promise<number> {
  const { log, process } = supervision;
  let ending = false;
  const ended = new Promise<number>((resolve) => {
    const end = (code: number): void => {
      ending = true;
      for (const [name, listener] of listeners) process.off(name, listener);
      // While closing, later faults of the same cause are only told.
      process.on('uncaughtException', late).on('unhandledRejection', late);
      if (code !== 0) {
        // It ends soon by itself; killed now, it would leave its PostgreSQL behind.
        for (const signal of SIGNALS) process.on(signal, () => log.info({ signal }, 'closing'));
      }
      resolve(code);
    };
    const late = (error: unknown): void => log.fatal(describeError(error), 'fault while closing');
    const crash = (error: unknown): void => {
      log.fatal(describeError(error), 'uncaught fault: closing, nothing more is released');
      end(1);
    };
    const listeners: [string, (value: unknown) => void][] = [
      ...SIGNALS.map((signal): [string, () => void] => {
        const stop = (): void => {
          log.info({ signal }, 'stopping');
          end(0);
        };
        return [signal, stop];
      }),
      ['uncaughtException', crash],
      ['unhandledRejection', crash],
    ];
    for (const [name, listener] of listeners) process.on(name, listener);
    void supervision.lost?.then((what) => {
      // Closing ends every part; only one that ended before was lost.
      if (ending) return;
      log.fatal({ what }, 'a part of the server ended by itself: closing');
      end(1);
    });
  });
  const code = await ended;
  const limitMs = code === 0 ? supervision.stopLimitMs : supervision.crashLimitMs;
  const closed = await closeWithin(server, limitMs, log);
  log.info({ clean: closed }, 'stopped');
  return closed ? code : 1;
}

async function closeWithin(
  server: Stoppable,
  limitMs: number,
  log: Supervision['log'],
): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), limitMs);
  });
  const closed = server.close().then(
    () => true,
    (error: unknown) => {
      log.fatal(describeError(error), 'closing failed');
      return false;
    },
  );
  return Promise.race([closed, late]).finally(() => clearTimeout(timer));
}
