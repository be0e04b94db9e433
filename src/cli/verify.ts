/** `tagout verify`: whether a record is the one that was signed. */
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { installationOf, readCheckpointsText } from '../core/audit/bundle.ts';
import { parseProof } from '../core/audit/proof.ts';
import { judgeStamp, readCertificates } from '../core/audit/time-stamp.ts';
import type { LogVerdict, StampedNote } from '../core/audit/verify.ts';
import { counted } from '../core/words/text.ts';
import { TagoutError } from '../core/errors.ts';
import type { Io } from './io.ts';
import { type Progress, type Trusted, verifyBundle } from './verify-bundle.ts';

export interface VerifyOptions {
  readonly bundle: string | null;
  readonly databaseUrl: string | null;
  readonly keys: readonly string[];
  readonly origin: string | null;
  readonly anchors: readonly string[];
  /** A file with the certificates of time-stamp authorities that the reader trusts. */
  readonly tsaCert: string | null;
  readonly since: string | null;
  readonly treeOnly: boolean;
  readonly json: boolean;
}

/** Exit codes of `verify` alone: it judges a record, not a change. */
export const VERIFY_EXIT = { intact: 0, tampered: 1, unverifiable: 2 } as const;

/** Verifies a bundle or a database and says what was found; answers the exit code. */
export async function verify(options: VerifyOptions, io: Io): Promise<number> {
  const trusted = await readTrusted(options, io);
  const startedMs = io.now();
  const progress = progressBar(io);
  let verdict: LogVerdict;
  try {
    verdict = await verdictOf(options, trusted, { io, progress });
  } catch (error) {
    progress.end();
    if (error instanceof TagoutError && error.code === 'usage') throw error;
    const why = error instanceof Error ? error.message : String(error);
    io.err(`tagout: the record cannot be verified: ${why}\n`);
    return VERIFY_EXIT.unverifiable;
  }
  progress.end();
  const tookMs = io.now() - startedMs;
  io.out(options.json ? jsonText(verdict, trusted, tookMs) : verdictText(verdict, trusted, tookMs));
  return VERIFY_EXIT[verdict.verdict];
}

async function verdictOf(
  options: VerifyOptions,
  trusted: Trusted,
  { io, progress }: { readonly io: Io; readonly progress: Bar },
): Promise<LogVerdict> {
  const { bundle, databaseUrl } = options;
  if (databaseUrl !== null) {
    const { verifyDatabase } = await import('./verify-database.ts');
    return verifyDatabase(databaseUrl, trusted, progress.step);
  }
  const folder = resolve(io.cwd, bundle ?? '.');
  return verifyBundle(folder, trusted, progress.step);
}

function usage(message: string): TagoutError {
  return new TagoutError('usage', message);
}

async function readTrusted(options: VerifyOptions, io: Io): Promise<Trusted> {
  if ((options.bundle === null) === (options.databaseUrl === null)) {
    throw usage('Name either a bundle folder or --database-url, not both and not none.');
  }
  const [first] = options.keys;
  if (first === undefined) throw usage('--key is missing: the verifier key that you trust.');
  if (options.bundle !== null) {
    const folder = resolve(io.cwd, options.bundle);
    if (!existsSync(folder) || !statSync(folder).isDirectory()) {
      throw usage(`${options.bundle} is not a folder; unpack the bundle first.`);
    }
  }
  const origin = options.origin ?? first.split('+')[0] ?? '';
  const installationId = installationOf(origin);
  if (installationId === null) {
    throw usage('The origin does not end in the number of an installation: give --origin.');
  }
  const since = options.since === null ? 0 : Number(options.since);
  if (!Number.isSafeInteger(since) || since < 0) {
    throw usage('--since is not a number of rows.');
  }
  return {
    origin,
    installationId,
    vkeys: options.keys,
    anchors: (
      await Promise.all(
        options.anchors
          .filter((given) => !given.startsWith(STAMP))
          .map((given) => anchorsFrom(given, installationId, io)),
      )
    ).flat(),
    stamps: readStamps(options, io),
    since,
    depth: options.treeOnly ? 'tree' : 'all',
  };
}

const STAMP = 'tsr:';

function fileAt(io: Io, what: string, path: string): Buffer {
  try {
    return readFileSync(resolve(io.cwd, path));
  } catch {
    throw usage(`${what} ${path} cannot be read.`);
  }
}

/** `tsr:FILE.tsr`: a time-stamp, and beside it FILE.checkpoint, the note that it is over. */
function readStamps({ anchors, tsaCert }: VerifyOptions, io: Io): readonly StampedNote[] {
  const given = anchors.filter((anchor) => anchor.startsWith(STAMP));
  if (given.length === 0) return [];
  if (tsaCert === null) {
    throw usage(
      '--anchor tsr:… needs --tsa-cert: the certificate of the authority that you trust.',
    );
  }
  const certificates = readCertificates(fileAt(io, '--tsa-cert', tsaCert).toString('utf8'));
  if (certificates === null) throw usage(`--tsa-cert ${tsaCert} holds no certificate in PEM.`);
  return given.map((anchor) => {
    const path = anchor.slice(STAMP.length);
    const response = fileAt(io, '--anchor', path);
    const note = fileAt(io, '--anchor', path.replace(/(?:\.tsr)?$/, '.checkpoint'));
    const text = note.toString('utf8');
    return { note: text, judged: judgeStamp({ response, note: text, certificates }) };
  });
}

/**
 * Checkpoints that the reader has from elsewhere: `git:REPOSITORY[#BRANCH]` is every one that ever
 * stood on an anchor branch, everything else a file.
 */
async function anchorsFrom(given: string, logId: number, io: Io): Promise<readonly string[]> {
  const [, url, branch = 'tagout-anchors'] = /^git:([^#]+)(?:#(.+))?$/.exec(given) ?? [];
  if (url === undefined) return anchorNotes(given, io);
  const { readAnchored } = await import('../git/anchor-branch.ts');
  const folder = mkdtempSync(join(tmpdir(), 'tagout-anchor-'));
  try {
    const at = existsSync(resolve(io.cwd, url)) ? resolve(io.cwd, url) : url;
    const repository = { url: at, branch, keyPath: null, token: null };
    const notes = await readAnchored(repository, logId, { folder, env: io.env });
    if (notes.length > 0) return notes;
    throw new TagoutError('git', `it holds no checkpoint of log ${logId}.`);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw usage(`--anchor ${given} cannot be read: ${why}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A file of checkpoints, or of one `tlog-proof`, whose last part is a checkpoint. */
function anchorNotes(path: string, io: Io): readonly string[] {
  let text: string;
  try {
    text = readFileSync(resolve(io.cwd, path), 'utf8');
  } catch {
    throw usage(`--anchor ${path} cannot be read.`);
  }
  const proof = parseProof(text)?.note;
  const notes = readCheckpointsText(proof ?? text);
  if (notes === null || notes.length === 0) {
    throw usage(`--anchor ${path} holds no checkpoint.`);
  }
  return notes;
}

function rate(rows: number, ms: number): string {
  return ms < 50 ? '' : `, ${Math.round((rows / ms) * 1000).toLocaleString('en-US')} rows/s`;
}

const HEADLINE: Readonly<Record<LogVerdict['verdict'], string>> = {
  intact: 'INTACT: every row is the one that was signed, in its order.',
  tampered: 'TAMPERED: this record is not the one that was signed.',
  unverifiable: 'CANNOT VERIFY: something that is needed for a verdict is missing.',
};

function verdictText(verdict: LogVerdict, trusted: Trusted, tookMs: number): string {
  const given = (trusted.anchors?.length ?? 0) + (trusted.stamps?.length ?? 0);
  const rows = [
    HEADLINE[verdict.verdict],
    `  log        ${trusted.origin}`,
    `  size       ${verdict.size}, root ${verdict.root || '(none)'}`,
    `  read       ${counted(verdict.leaves, 'row')} in ${(tookMs / 1000).toFixed(1)} s` +
      rate(verdict.leaves, tookMs),
    `  anchors    ${counted(given, 'given anchor')}`,
    `  redacted   ${counted(verdict.redacted, 'field')}`,
  ];
  if ((trusted.since ?? 0) > 0) rows.push(`  judged     from row ${trusted.since}`);
  if (trusted.depth === 'tree') rows.push('  judged     bytes and signatures only');
  const first = verdict.problems.find((found) => found.leafIndex !== null);
  if (first !== undefined) rows.push(`  first divergent row: ${firstRow(verdict)}`);
  for (const { code, message } of verdict.problems) rows.push(`  ${code}: ${message}`);
  return `${rows.join('\n')}\n`;
}

/** The lowest row that any problem names. */
function firstRow({ problems }: LogVerdict): number | null {
  const exact = problems.filter(({ code }) => code === 'row-differs');
  const named = (exact.length > 0 ? exact : problems).flatMap(({ leafIndex }) =>
    leafIndex === null ? [] : [leafIndex],
  );
  return named.length === 0 ? null : Math.min(...named);
}

function jsonText(verdict: LogVerdict, trusted: Trusted, tookMs: number): string {
  const firstDivergentRow = firstRow(verdict);
  const about = { tagout: 1, origin: trusted.origin, ...verdict, firstDivergentRow, tookMs };
  return `${JSON.stringify(about)}\n`;
}

interface Bar {
  readonly step: Progress;
  end(): void;
}

const BAR_CELLS = 30;

/** A bar on a terminal, nothing elsewhere. */
function progressBar(io: Io): Bar {
  if (io.terminal !== true) return { step: () => {}, end: () => {} };
  let shown = false;
  let lastMs = 0;
  return {
    step(done, of) {
      const nowMs = io.now();
      if (nowMs - lastMs < 100) return;
      lastMs = nowMs;
      shown = true;
      const share = of === 0 ? 1 : Math.min(1, done / of);
      const full = Math.round(share * BAR_CELLS);
      const bar = '█'.repeat(full) + '░'.repeat(BAR_CELLS - full);
      io.err(`\r${bar} ${String(Math.round(share * 100)).padStart(3)} %`);
    },
    end() {
      if (shown) io.err('\r\u001b[K');
    },
  };
}
