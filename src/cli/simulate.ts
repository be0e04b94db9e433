/** `tagout policy simulate --recorded`: "what if these people approved?" over recorded evidence. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { effectivePolicy } from '../core/effective-policy.ts';
import { TagoutError } from '../core/errors.ts';
import type { Evidence } from '../core/evidence.ts';
import { type Approving, simulatedApprovals, standingOf } from '../core/simulate.ts';
import { titleOf } from '../core/words/check.ts';
import { line } from '../core/words/text.ts';
import { connect } from '../store/connect.ts';
import { openStore } from '../store/open.ts';
import { type Asked, readRecorded, type RecordedEvidence } from '../store/recorded.ts';
import { EXIT, type Io } from './io.ts';
import { mustExist } from './report.ts';
import { readStoreSettings } from './settings.ts';

export interface RecordedFlags {
  /** `owner/repo#12`, or the id of a decision's event. */
  readonly recorded?: string;
  /** A file that holds one Evidence as JSON. */
  readonly evidence?: string;
  readonly databaseUrl?: string;
  readonly format?: 'json' | 'text';
}

function askedOf(text: string): Asked {
  const [, repo = '', pull = ''] = /^([\w.-]+\/[\w.-]+)#(\d{1,9})$/.exec(text) ?? [];
  if (repo !== '') return { repo, pull: Number(pull) };
  if (/^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i.test(text)) return { eventId: text };
  const message = '--recorded is owner/repo#NUMBER or the id of a decision, as the report has it.';
  throw new TagoutError('usage', message);
}

async function fromStore(asked: Asked, url: string | undefined, io: Io) {
  if (url !== undefined) {
    const sql = connect({ url, role: null }, { name: 'simulate', max: 1 });
    try {
      return await readRecorded(sql, asked);
    } finally {
      await sql.end({ timeout: 5 });
    }
  }
  const settings = readStoreSettings(io.env, io.cwd);
  mustExist(settings);
  const { databaseUrl, databaseOwnerUrl: ownerUrl, dataDir } = settings;
  const store = await openStore({ databaseUrl, ownerUrl, dataDir });
  try {
    return await readRecorded(store.sql, asked);
  } finally {
    await store.close();
  }
}

function fromFile(path: string, io: Io): Evidence {
  try {
    const value: Evidence = JSON.parse(readFileSync(resolve(io.cwd, path), 'utf8'));
    if (value.v === 1 && Array.isArray(value.changes)) return value;
  } catch (cause) {
    const message = `${line(path, 200)} cannot be read as recorded evidence in JSON.`;
    throw new TagoutError('bad-input', message, { cause });
  }
  throw new TagoutError('bad-input', `${line(path, 200)} is not evidence that Tagout recorded.`);
}

function evidenceOf(found: RecordedEvidence | null, asked: string): Evidence {
  if (found === null) {
    throw new TagoutError('bad-input', `No decision about ${line(asked, 200)} is recorded here.`);
  }
  if (found.evidence !== null) return found.evidence;
  const message = `Texts of decision ${found.eventId} were erased: it cannot be judged again.`;
  throw new TagoutError('bad-input', message);
}

/**
 * Judges the evidence as it was recorded, under the policy files that it holds, without and with
 * the approvals of these people, and prints both. Records nothing and asks GitHub nothing.
 */
export async function simulateRecorded(
  flags: RecordedFlags,
  approving: readonly Approving[],
  io: Io,
): Promise<number> {
  const { recorded = '', evidence: file, format } = flags;
  const evidence =
    file === undefined
      ? evidenceOf(await fromStore(askedOf(recorded), flags.databaseUrl, io), recorded)
      : fromFile(file, io);
  const people = approving.map((one) => standingOf(evidence, one));
  const policy = effectivePolicy(evidence.policy);
  const { before, after } = simulatedApprovals(policy, evidence, people);
  if (format === 'json') {
    io.out(
      `${JSON.stringify({ evidenceDigest: before.evidenceDigest, before, after }, null, 2)}\n`,
    );
    return EXIT.allow;
  }
  const who = approving.length === 0 ? 'nobody' : approving.map(({ login }) => login).join(', ');
  io.out(`As recorded: ${titleOf(before)}\nIf ${line(who, 500)} approved: ${titleOf(after)}\n`);
  for (const { verdict, reason } of after.opinions) {
    if (verdict !== 'allow') io.out(`${verdict}: ${reason.replaceAll('`', '')}\n`);
  }
  const ids = new Set(people.map(({ id }) => id));
  for (const { person, reason } of after.refused) {
    if (person !== null && ids.has(person.id)) io.out(`${reason.replaceAll('`', '')}\n`);
  }
  return EXIT.allow;
}
