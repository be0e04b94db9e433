/** The server's log: JSON lines with ids and figures, and nothing in them that is a secret. */
import { pino } from 'pino';
import type { DestinationStream, Logger } from 'pino';
import { TagoutError } from '../core/errors.ts';
import { CENSORED, cleaner } from './secrets.ts';

export interface LogOptions {
  readonly level: string;
  /** Texts that must never appear, whatever quotes them. */
  readonly secrets: readonly string[];
  readonly destination?: DestinationStream;
}

/** Keys whose values are never written, wherever they are. */
const KEYS = [
  'payload',
  'body',
  'headers',
  'signature',
  'secret',
  'token',
  'password',
  'privateKey',
  'authorization',
  'cookie',
];

/**
 * Makes the log, on standard error as long as no other destination is given. Every line is written
 * at once, so that the last one before a crash is there.
 */
export function createLog({ level, secrets, destination }: LogOptions): Logger {
  const paths = KEYS.flatMap((key) => [key, `*.${key}`, `*.*.${key}`]);
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: { paths, censor: CENSORED },
      formatters: { level: (label) => ({ level: label }) },
      hooks: { streamWrite: cleaner(secrets) },
    },
    destination ?? pino.destination({ fd: 2, sync: true }),
  );
}

/**
 * What of an error may be logged: a fault of ours with its message, of any other only its name,
 * code and where it came from, as its message may quote a payload or a row.
 */
export function describeError(error: unknown): { readonly [key: string]: string } {
  if (error instanceof TagoutError) return { fault: error.code, detail: error.message };
  if (!(error instanceof Error)) return { fault: 'internal', detail: typeof error };
  const code = 'code' in error && typeof error.code === 'string' ? { errorCode: error.code } : {};
  const lines = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  const stack = lines.slice(0, 8).map((line) => line.trim());
  return { fault: 'internal', name: error.name, ...code, stack: stack.join(' | ') };
}
