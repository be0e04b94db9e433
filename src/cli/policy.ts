/** `tagout policy validate|explain`: what a policy file says, before it is merged. */
import { readFileSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { effectivePolicy } from '../core/effective-policy.ts';
import { TagoutError } from '../core/errors.ts';
import type { EffectivePolicy } from '../core/policy.ts';
import { EXIT } from './io.ts';
import type { Io } from './io.ts';

/** Far above what a policy may have, so that the policy's own rule gives the message. */
const MAX_BYTES = 1024 * 1024;

function read(file: string, io: Io): EffectivePolicy {
  const path = resolve(io.cwd, file);
  const text = textOf(path);
  const shown = relative(io.cwd, path);
  const repository = { repo: '.', path: shown, commitSha: null, blob: null, text };
  return effectivePolicy({ repository, base: null, floor: null });
}

function textOf(path: string): string {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown';
    const message = `${path} cannot be read (${code}): give the path of a policy file.`;
    throw new TagoutError('bad-input', message, { cause });
  }
  if (bytes.length > MAX_BYTES) {
    const message = `${path} is larger than 1 MB: a policy has at most 64 KiB.`;
    throw new TagoutError('bad-input', message);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new TagoutError('bad-input', `${path} is not UTF-8: save it as UTF-8.`, { cause });
  }
}

/** Prints each problem on a line of its own; the exit code is 0 only when the file can speak. */
export async function validatePolicy(file: string, io: Io): Promise<number> {
  const { problems, notes } = read(file, io);
  for (const problem of problems) io.err(`${problem.message}\n`);
  for (const note of notes) io.out(`${note}\n`);
  if (problems.length > 0) {
    io.err(`${file} cannot speak: everything that it would speak for holds.\n`);
    return EXIT.hold;
  }
  io.out(`${file} is sound.\n`);
  return EXIT.allow;
}

/** Prints the effective policy as JSON, durations in milliseconds; with problems, those alone. */
export async function explainPolicy(file: string, io: Io): Promise<number> {
  const { policy, problems, notes, digest } = read(file, io);
  if (problems.length > 0) return validatePolicy(file, io);
  io.out(`${JSON.stringify({ policy, notes, digest }, null, 2)}\n`);
  return EXIT.allow;
}
