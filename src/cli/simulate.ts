/**
 * `tagout policy simulate --recorded`: "what if these people approved, or this were the policy?" over
 * recorded evidence.
 */
import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { openEvidence, type OpenedEvidence } from '../core/audit/evidence-texts.ts';
import { decide } from '../core/decide.ts';
import type { Decision } from '../core/decision.ts';
import { effectivePolicy } from '../core/effective-policy.ts';
import { TagoutError } from '../core/errors.ts';
import type { Evidence, PolicyFile, Standing } from '../core/evidence.ts';
import type { EffectivePolicy } from '../core/policy.ts';
import {
  type Approving,
  type Simulated,
  simulatedApprovals,
  standingOf,
} from '../core/simulate.ts';
import { titleOf } from '../core/words/check.ts';
import { counted, line } from '../core/words/text.ts';
import { connect } from '../store/connect.ts';
import { openStore } from '../store/open.ts';
import { type Asked, readRecorded, type RecordedEvidence } from '../store/recorded.ts';
import { EXIT, type Io } from './io.ts';
import { mustExist } from './report.ts';
import { readStoreSettings } from './settings.ts';

export interface RecordedFlags {
  /** `owner/repo#12`, `owner/repo@production`, the id of a run or of a decision's event. */
  readonly recorded?: string;
  /** A file that holds one Evidence as JSON. */
  readonly evidence?: string;
  readonly databaseUrl?: string;
  readonly format?: 'json' | 'text';
}

/** What is simulated beside what was recorded. */
export interface Supposed {
  readonly people: readonly Approving[];
  /** The repository's policy file; null: the recorded one. */
  readonly repository: PolicyFile | null;
  /** The organisation's; null: the recorded one. */
  readonly floor: PolicyFile | null;
}

function askedOf(text: string): Asked {
  const [, repo = '', pull, environment] =
    /^([\w.-]+\/[\w.-]+)(?:#(\d{1,9})|@(\S.{0,254}))$/.exec(text) ?? [];
  if (pull !== undefined) return { repo, pull: Number(pull) };
  if (environment !== undefined) return { repo, environment };
  if (/^\d{1,15}$/.test(text)) return { runId: Number(text) };
  if (/^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i.test(text)) return { eventId: text };
  const message =
    '--recorded is owner/repo#NUMBER, owner/repo@ENVIRONMENT, the id of a run, or the id of a ' +
    'decision, as the report has it.';
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

/** Reads evidence as it was judged; what is stored holds commitments where people's texts were. */
function fromFile(path: string, io: Io): Evidence {
  const file = line(path, 200);
  const full = resolve(io.cwd, path);
  const instead =
    "Judge it where its record lies, with --recorded and the decision's id; a bundle of the report " +
    'holds decisions, and no evidence.';
  let text: string;
  try {
    if (statSync(full).isDirectory()) {
      throw new TagoutError('bad-input', `${file} is a folder, not evidence. ${instead}`);
    }
    text = readFileSync(full, 'utf8');
  } catch (cause) {
    if (cause instanceof TagoutError) throw cause;
    throw new TagoutError('bad-input', `${file} cannot be read as recorded evidence.`, { cause });
  }
  let opened: OpenedEvidence;
  try {
    opened = openEvidence({ body: text, sha256: '', texts: [] });
  } catch (cause) {
    const message = `${file} cannot be read as recorded evidence in JSON.`;
    throw new TagoutError('bad-input', message, { cause });
  }
  if (opened.redacted > 0) {
    const message =
      `${file} is sealed: ${counted(opened.redacted, 'text')} of it are commitments, and their ` +
      `values are kept beside it in the store. ${instead}`;
    throw new TagoutError('bad-input', message);
  }
  return opened.value as Evidence;
}

function evidenceOf(found: RecordedEvidence | null, asked: string): Evidence {
  if (found === null) {
    throw new TagoutError('bad-input', `No decision about ${line(asked, 200)} is recorded here.`);
  }
  if (found.evidence !== null) return found.evidence;
  const message = `Texts of decision ${found.eventId} were erased: it cannot be judged again.`;
  throw new TagoutError('bad-input', message);
}

interface Told extends Simulated {
  /** As it was recorded, under the recorded policy. */
  readonly recorded: Decision;
  readonly people: readonly Standing[];
  readonly policy: EffectivePolicy;
}

function told(evidence: Evidence, { people: approving, repository, floor }: Supposed): Told {
  try {
    const people = approving.map((one) => standingOf(evidence, one));
    const sources = evidence.policy;
    const policy = effectivePolicy({
      ...sources,
      repository: repository ?? sources.repository,
      floor: floor ?? sources.floor,
    });
    const recorded = decide(effectivePolicy(sources), evidence);
    return { ...simulatedApprovals(policy, evidence, people), recorded, people, policy };
  } catch (cause) {
    throw new TagoutError('bad-input', 'This is not evidence that Tagout recorded.', { cause });
  }
}

/**
 * Judges the evidence as it was recorded, and as it would be with the approvals of these people,
 * under the recorded policy files or the ones that are given in their place, and prints both.
 * Records nothing and asks GitHub nothing. Under another policy the dry run and the teams of people
 * are still the recorded ones: a team that nobody had asked for then is nobody's.
 */
export async function simulateRecorded(
  flags: RecordedFlags,
  supposed: Supposed,
  io: Io,
): Promise<number> {
  const { recorded: asked = '', evidence: file, format } = flags;
  const evidence =
    file === undefined
      ? evidenceOf(await fromStore(askedOf(asked), flags.databaseUrl, io), asked)
      : fromFile(file, io);
  const { recorded, before, after, people, policy } = told(evidence, supposed);
  if (format === 'json') {
    const { evidenceDigest } = recorded;
    io.out(`${JSON.stringify({ evidenceDigest, recorded, before, after }, null, 2)}\n`);
    return EXIT.allow;
  }
  const { people: approving, repository, floor } = supposed;
  io.out(`As recorded: ${titleOf(recorded)}\n`);
  const other = [repository, floor].flatMap((one) => one?.path ?? []);
  if (other.length > 0) {
    io.out(`Under ${line(other.join(' and '), 500)}: ${titleOf(before)}\n`);
    io.out('The dry run and the teams of people are as they were recorded.\n');
    for (const note of policy.notes) io.out(`${note}\n`);
  }
  const who = approving.length === 0 ? 'nobody' : approving.map(({ login }) => login).join(', ');
  io.out(`If ${line(who, 500)} approved: ${titleOf(after)}\n`);
  for (const { verdict, reason } of after.opinions) {
    if (verdict !== 'allow') io.out(`${verdict}: ${reason.replaceAll('`', '')}\n`);
  }
  const ids = new Set(people.map(({ id }) => id));
  for (const { person, reason } of after.refused) {
    if (person !== null && ids.has(person.id)) io.out(`${reason.replaceAll('`', '')}\n`);
  }
  return EXIT.allow;
}
