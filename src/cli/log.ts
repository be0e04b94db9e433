/** The server's log: JSON lines with ids and figures, and nothing in them that is a secret. */
import { pino } from 'pino';
import type { DestinationStream, Logger } from 'pino';
import { TagoutError } from '../core/errors.ts';

export interface LogOptions {
  readonly level: string;
  /** Texts that must never appear, whatever quotes them. */
  readonly secrets: readonly string[];
  readonly destination?: DestinationStream;
}

const CENSORED = '[removed]';

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

/** What a credential looks like: GitHub's tokens, JSON web tokens, keys, passwords in addresses. */
const PATTERNS: readonly RegExp[] = [
  /\b(?:gh[pousr]|v1\.)_?[A-Za-z0-9_]{30,}\b/g,
  /\bgithub_pat_[A-Za-z0-9_]{20,}/g,
  /\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}/g,
  /-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|(?="))/gs,
  /(?<=:\/\/[^\s:/@"]*:)[^\s@/"]+(?=@)/g,
];

/**
 * Makes the log, on standard error as long as no other destination is given. Every line is written
 * at once, so that the last one before a crash is there.
 */
export function createLog({ level, secrets, destination }: LogOptions): Logger {
  const known = secrets.flatMap(formsOf).sort((a, b) => b.length - a.length);
  const paths = KEYS.flatMap((key) => [key, `*.${key}`, `*.*.${key}`]);
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: { paths, censor: CENSORED },
      formatters: { level: (label) => ({ level: label }) },
      hooks: { streamWrite: (line) => clean(line, known) },
    },
    destination ?? pino.destination({ fd: 2, sync: true }),
  );
}

/** A secret as it is, as JSON writes it, and line by line when it has several. */
function formsOf(secret: string): readonly string[] {
  const lines = secret.split('\n').filter((line) => line.length >= 16 && !line.startsWith('-----'));
  return [secret, JSON.stringify(secret).slice(1, -1), ...lines].filter((text) => text.length >= 8);
}

function clean(line: string, known: readonly string[]): string {
  let text = line;
  for (const secret of known) text = text.replaceAll(secret, CENSORED);
  for (const pattern of PATTERNS) text = text.replace(pattern, CENSORED);
  return text;
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
