/** Verifies a bundle on disk: no network, no database, and no trust in what the bundle says. */
import { createHash } from 'node:crypto';
import { existsSync, openSync, readdirSync, readFileSync, readSync, statSync } from 'node:fs';
import { closeSync } from 'node:fs';
import { join } from 'node:path';
import {
  type BundleDetail,
  FILES,
  type Manifest,
  manifestText,
  readCheckpointsText,
  readDetailLine,
  readManifest,
} from '../core/audit/bundle.ts';
import { openNote, parseVkey } from '../core/audit/note.ts';
import {
  createLogVerifier,
  firstDivergent,
  type LogVerdict,
  type LogVerifier,
  type Problem,
} from '../core/audit/verify.ts';
import type { Progress, Trusted } from '../store/verify-stored.ts';
import { openLines, textOf } from './lines.ts';

export type { Progress, Trusted };

const CHUNK_BYTES = 1 << 20;

function problem(code: Problem['code'], message: string): Problem {
  const kind = code === 'file-missing' ? 'unverifiable' : 'tampered';
  return { kind, code, leafIndex: null, message };
}

/** SHA-256 of a file of any size. */
export function fileSha256(path: string): string {
  const hash = createHash('sha256');
  const file = openSync(path, 'r');
  const buffer = Buffer.alloc(CHUNK_BYTES);
  try {
    for (;;) {
      const count = readSync(file, buffer, 0, buffer.length, null);
      if (count === 0) return hash.digest('hex');
      hash.update(buffer.subarray(0, count));
    }
  } finally {
    closeSync(file);
  }
}

/** Every file below a folder, one level deep, in order. */
export function filesBelow(folder: string): readonly string[] {
  return readdirSync(folder, { withFileTypes: true })
    .flatMap((entry) => {
      if (!entry.isDirectory()) return [entry.name];
      return readdirSync(join(folder, entry.name)).map((name) => `${entry.name}/${name}`);
    })
    .toSorted();
}

function readSignedManifest(folder: string, trusted: Trusted): Manifest | readonly Problem[] {
  const [path, notePath] = [join(folder, FILES.manifest), join(folder, FILES.manifestNote)];
  for (const [name, at] of [
    [FILES.manifest, path],
    [FILES.manifestNote, notePath],
  ] as const) {
    if (!existsSync(at)) return [problem('file-missing', `The bundle has no ${name}.`)];
  }
  const text = readFileSync(path, 'utf8');
  const verifiers = trusted.vkeys.map(parseVkey).filter((verifier) => verifier !== null);
  if (verifiers.length === 0) return [];
  const opened = openNote(readFileSync(notePath, 'utf8'), verifiers);
  const manifest = readManifest(text);
  if (opened?.text === manifestText(trusted.origin, text) && manifest !== null) return manifest;
  const message = `${FILES.manifest} is not the one that the given key signed for this log.`;
  return [problem('file-differs', message)];
}

/** The files must be those of the manifest, byte for byte, and no others. */
function checkFiles(folder: string, manifest: Manifest, report: (found: Problem) => void): void {
  const named = new Set<string>([FILES.manifest, FILES.manifestNote]);
  for (const { name, bytes, sha256 } of manifest.files) {
    named.add(name);
    const path = join(folder, name);
    if (!existsSync(path)) {
      report(problem('file-missing', `The bundle has no ${name}.`));
      continue;
    }
    const same = statSync(path).size === bytes && fileSha256(path) === sha256;
    if (!same) report(problem('file-differs', `${name} is not the file that was signed.`));
  }
  for (const name of filesBelow(folder)) {
    if (!named.has(name)) report(problem('file-differs', `${name} is not part of the bundle.`));
  }
}

/** Details by leaf: the file is read beside the events and must be in their order. */
function openDetails(folder: string, report: (found: Problem) => void) {
  const path = join(folder, FILES.details);
  if (!existsSync(path)) {
    // Every text would look erased, whoever took the file away.
    report(problem('file-missing', `The bundle has no ${FILES.details}.`));
    return { take: () => [], close: () => {} };
  }
  const lines = openLines(path);
  let pending: BundleDetail | null = null;
  const read = (): BundleDetail | null => {
    const line = lines.next();
    if (line === null) return null;
    const detail = readDetailLine(textOf(line));
    if (detail !== null) return detail;
    report(problem('detail-differs', `${FILES.details} holds a line that is no text of a leaf.`));
    return null;
  };
  pending = read();
  return {
    take(leaf: number): BundleDetail[] {
      const found: BundleDetail[] = [];
      while (pending !== null && pending.leaf === leaf) {
        found.push(pending);
        pending = read();
      }
      return found;
    },
    close() {
      if (pending !== null) {
        const message = `${FILES.details} holds a text of leaf ${pending.leaf} out of its order.`;
        report(problem('detail-differs', message));
      }
      lines.close();
    },
  };
}

const STEP = 20_000;

function readEvents(
  folder: string,
  verifier: LogVerifier,
  trusted: Trusted,
  progress: Progress,
): void {
  const path = join(folder, FILES.events);
  const total = statSync(path).size;
  const lines = openLines(path);
  const tree = trusted.depth === 'tree';
  const details = tree ? null : openDetails(folder, (found) => verifier.report(found));
  try {
    let index = 0;
    for (let line = lines.next(); line !== null; line = lines.next()) {
      line[0] = 0;
      if (details === null) verifier.addBytes(line);
      else verifier.add({ body: textOf(line), details: details.take(index) }, line);
      index += 1;
      if (index % STEP === 0) progress(lines.bytes, total);
    }
    progress(total, total);
  } finally {
    details?.close();
    lines.close();
  }
}

/** Finds the very row with the hashes that the bundle holds beside its events. */
function locate(folder: string, verifier: LogVerifier): void {
  const { divergence } = verifier;
  const path = join(folder, FILES.hashes);
  if (divergence === null || !existsSync(path)) return;
  const lines = openLines(path);
  const stored: string[] = [];
  try {
    for (let at = 0; at < divergence.to; at += 1) {
      const line = lines.next();
      if (line === null) break;
      if (at >= divergence.from) {
        stored.push(Buffer.from(textOf(line), 'hex').toString('latin1'));
      }
    }
  } finally {
    lines.close();
  }
  const row = firstDivergent(divergence, stored);
  if (row === null) return;
  verifier.report({
    kind: 'tampered',
    code: 'row-differs',
    leafIndex: row,
    message: `Row ${row} is the first that is not the one that was signed.`,
  });
}

/** Verifies everything in a bundle's folder. Throws only when a file cannot be read. */
export function verifyBundle(folder: string, trusted: Trusted, progress: Progress): LogVerdict {
  const path = join(folder, FILES.checkpoints);
  const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
  const notes = readCheckpointsText(text);
  const checkpoints = (notes ?? []).map((note) => ({ note, sealedMs: null }));
  const verifier = createLogVerifier({ ...trusted, checkpoints });
  if (notes === null) {
    verifier.report(problem('note-invalid', `${FILES.checkpoints} is cut or malformed.`));
  }
  const manifest = readSignedManifest(folder, trusted);
  if ('v' in manifest) checkFiles(folder, manifest, (found) => verifier.report(found));
  else for (const found of manifest) verifier.report(found);
  if (!existsSync(join(folder, FILES.events))) {
    verifier.report(problem('file-missing', `The bundle has no ${FILES.events}.`));
    return verifier.finish(false);
  }
  readEvents(folder, verifier, trusted, progress);
  locate(folder, verifier);
  return verifier.finish();
}
