/** What a command needs of the world, so that a test can run it without a process. */
export interface Io {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
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
