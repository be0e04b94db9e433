/** `tagout policy validate|explain|simulate`: what a policy file says, before it is merged. */
import { readFileSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { effectivePolicy } from '../core/effective-policy.ts';
import { TagoutError } from '../core/errors.ts';
import type { PolicyFile, PolicySources } from '../core/evidence.ts';
import type { EffectivePolicy } from '../core/policy.ts';
import { explainedPolicy } from '../core/policy-explain.ts';
import { type Approving, simulatedNeeds } from '../core/simulate.ts';
import { EXIT } from './io.ts';
import type { Io } from './io.ts';
import type { RecordedFlags } from './simulate.ts';

/** Where a repository has it, when no file is named. */
const POLICY_FILE = '.github/tagout.yml';

/** Far above what a policy may have, so that the policy's own rule gives the message. */
const MAX_BYTES = 1024 * 1024;

export interface PolicyFlags extends RecordedFlags {
  /** The organisation's file, as it would stand in its `.github` repository. */
  readonly floor?: string;
  readonly approver?: readonly string[];
}

function sourceOf(file: string, io: Io): PolicyFile {
  const path = resolve(io.cwd, file);
  const text = textOf(path);
  return { repo: '.', path: relative(io.cwd, path), commitSha: null, blob: null, text };
}

function read(file: string | undefined, io: Io, flags: PolicyFlags = {}): PolicySources {
  const floor = flags.floor === undefined ? null : sourceOf(flags.floor, io);
  return { repository: sourceOf(file ?? POLICY_FILE, io), base: null, floor };
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

/** Prints each problem on a line of its own; the exit code is 0 only when the files can speak. */
export async function validatePolicy(
  file: string | undefined,
  io: Io,
  flags: PolicyFlags = {},
): Promise<number> {
  return validated(file, effectivePolicy(read(file, io, flags)), io);
}

function validated(file: string | undefined, { problems, notes }: EffectivePolicy, io: Io): number {
  const name = file ?? POLICY_FILE;
  for (const problem of problems) io.err(`${problem.message}\n`);
  for (const note of notes) io.out(`${note}\n`);
  if (problems.length > 0) {
    io.err(`${name} cannot speak: everything that it would speak for holds.\n`);
    return EXIT.hold;
  }
  io.out(`${name} is sound.\n`);
  return EXIT.allow;
}

/**
 * Prints the effective policy, durations in milliseconds, with the origin of each value: `file`,
 * `floor` or `default`. With problems, prints those alone.
 */
export async function explainPolicy(
  file: string | undefined,
  io: Io,
  flags: PolicyFlags = {},
): Promise<number> {
  const { effective, values } = explainedPolicy(read(file, io, flags));
  const { policy, problems, notes, digest } = effective;
  if (problems.length > 0) return validated(file, effective, io);
  if (flags.format === 'text') {
    const width = Math.max(...values.map(({ key }) => key.length));
    for (const { key, value, from } of values) {
      io.out(`${key.padEnd(width)}  ${JSON.stringify(value)}  (${from.join(' and ')})\n`);
    }
    for (const note of notes) io.out(`${note}\n`);
    return EXIT.allow;
  }
  const origins = Object.fromEntries(values.map(({ key, from }) => [key, from.join(' and ')]));
  io.out(`${JSON.stringify({ policy, origins, notes, digest }, null, 2)}\n`);
  return EXIT.allow;
}

/** `carol` or `carol:platform,dba`. */
function approverOf(text: string): Approving {
  const [login = '', teams = ''] = text.split(':');
  if (login === '' || text.split(':').length > 2) {
    const message = `--approver ${text} is not a person: write a login, or login:team,team.`;
    throw new TagoutError('bad-input', message);
  }
  return { login, teams: teams.split(',').filter((team) => team !== '') };
}

/**
 * Prints for each environment and blast radius whether the approvals of these people would be
 * enough, and what would still be needed. They count as people who had no hand in the change.
 * Over recorded evidence, prints what would be decided of it, under this policy where one is given.
 */
export async function simulatePolicy(
  file: string | undefined,
  io: Io,
  flags: PolicyFlags = {},
): Promise<number> {
  const people = (flags.approver ?? []).map(approverOf);
  if (flags.recorded !== undefined || flags.evidence !== undefined) {
    const floor = flags.floor === undefined ? null : sourceOf(flags.floor, io);
    const repository = file === undefined ? null : sourceOf(file, io);
    const { simulateRecorded } = await import('./simulate.ts');
    return simulateRecorded(flags, { people, repository, floor }, io);
  }
  const effective = effectivePolicy(read(file, io, flags));
  if (effective.problems.length > 0) return validated(file, effective, io);
  const needs = simulatedNeeds(effective.policy, people);
  if (flags.format === 'json') {
    io.out(`${JSON.stringify(needs, null, 2)}\n`);
    return EXIT.allow;
  }
  const who = people.length === 0 ? 'nobody' : people.map(({ login }) => login).join(', ');
  io.out(`If ${who} approved, with write access and no hand in the change:\n`);
  for (const need of needs) {
    const said = need.ok ? 'enough' : `still needed: ${need.missing.replaceAll('`', '')}`;
    io.out(
      `${need.environment}  ${need.radius.padEnd(8)}  ${need.counted} of ${need.count}  ${said}\n`,
    );
  }
  return EXIT.allow;
}
