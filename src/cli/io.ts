/** What a command needs of the world, and how its faults become exit codes. */
import { TagoutError } from '../core/errors.ts';
import { cleaner, secretsIn } from './secrets.ts';

/** The world of a command, so that a test can run it without a process. */
export interface Io {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** Whether a person watches `err`: then long work shows how far it is. */
  readonly terminal?: boolean;
}

/** The exit codes of every command. */
export const EXIT = {
  allow: 0,
  /** A fault: nothing was judged, and every caller must treat it as hold. */
  fault: 1,
  hold: 10,
  deny: 20,
  usage: 64,
  /** A setting of the server is missing or malformed (sysexits EX_CONFIG). */
  configuration: 78,
} as const;

/** The process itself. */
export const realIo: Io = {
  env: process.env,
  cwd: process.cwd(),
  now: Date.now,
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  terminal: process.stderr.isTTY === true,
};

/** Says what was wrong and answers the exit code; nothing that failed has judged anything. */
export function failed(error: unknown, io: Io): number {
  const clean = cleaner(secretsIn(io.env));
  if (error instanceof TagoutError) {
    io.err(clean(`tagout: ${error.message}\n`));
    if (error.code === 'usage') return EXIT.usage;
    return error.code === 'configuration' ? EXIT.configuration : EXIT.fault;
  }
  const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const said = `tagout: a fault of Tagout itself, nothing was judged: ${detail}\n`;
  io.err(clean(said));
  return EXIT.fault;
}
