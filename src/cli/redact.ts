/** `tagout redact`: erases a personal text; the record stays provable. */
import { join } from 'node:path';
import { TagoutError } from '../core/errors.ts';
import { SUPERUSER } from '../postgres/cluster.ts';
import { findEngine } from '../postgres/engine.ts';
import { openStoreCluster } from '../postgres/store-cluster.ts';
import { operator } from '../store/access.ts';
import { connect, type Address } from '../store/connect.ts';
import { countTexts, type Redacted, redactTexts, type Which } from '../store/redact.ts';
import { EXIT } from './io.ts';
import type { Io } from './io.ts';
import { readStoreSettings, type StoreSettings } from './settings.ts';

export interface RedactOptions {
  /** Null: by age. */
  readonly text: string | null;
  /** A name of AGES; null: by text. */
  readonly olderThan: string | null;
  readonly basis: string;
  readonly dryRun: boolean;
}

/** Shorter texts would take half of the record with them. */
const SHORTEST = 3;

/** How long personal texts may be kept: days, or whole months by the calendar. */
const AGES: Readonly<Record<string, { readonly days: number } | { readonly months: number }>> = {
  '400d': { days: 400 },
  '12mo': { months: 12 },
  '7y': { months: 84 },
};

/** The moment before which something is older; null: no such age. A day that is missing counts back. */
export function ageBeforeMs(age: string, nowMs: number): number | null {
  const found = Object.hasOwn(AGES, age) ? AGES[age] : undefined;
  if (found === undefined) return null;
  const now = new Date(nowMs);
  if ('days' in found) return nowMs - found.days * 86_400_000;
  const then = new Date(nowMs);
  then.setUTCMonth(now.getUTCMonth() - found.months);
  if (then.getUTCDate() !== now.getUTCDate()) then.setUTCDate(0);
  return then.getTime();
}

function whichOf({ text, olderThan }: RedactOptions, nowMs: number): Which {
  if ((text === null) === (olderThan === null)) {
    throw new TagoutError('usage', 'Give either the text to erase or --older-than.');
  }
  if (olderThan === null) {
    if (text !== null && text.trim().length >= SHORTEST) return { text };
    throw new TagoutError('usage', `The text needs ${SHORTEST} characters.`);
  }
  const beforeMs = ageBeforeMs(olderThan, nowMs);
  if (beforeMs !== null) return { beforeMs };
  throw new TagoutError('usage', `--older-than is one of ${Object.keys(AGES).join(', ')}.`);
}

/** Erases the texts and says how much; answers the exit code. */
export async function redact(options: RedactOptions, io: Io): Promise<number> {
  const { basis, dryRun } = options;
  const nowMs = io.now();
  const which = whichOf(options, nowMs);
  if (basis.trim() === '') throw new TagoutError('usage', '--basis needs a reason.');
  const door = await ownerDoor(readStoreSettings(io.env, io.cwd));
  try {
    const what = { ...which, basis, doer: operator() };
    const done = dryRun
      ? await count(door.address, which)
      : await redactTexts(door.address, what, nowMs);
    io.out(words(done, dryRun));
    return EXIT.allow;
  } finally {
    await door.close();
  }
}

async function count(address: Address, which: Which): Promise<Redacted> {
  const sql = connect(address, { name: 'redact', max: 1 });
  try {
    return await countTexts(sql, which);
  } finally {
    await sql.end({ timeout: 5 });
  }
}

/** The tables' owner: the given one, or our own cluster's. */
async function ownerDoor(settings: StoreSettings) {
  const url = settings.databaseOwnerUrl ?? settings.databaseUrl;
  const role = 'tagout_owner';
  if (url !== null) return { address: { url, role }, close: () => Promise.resolve() };
  const engine = await findEngine({});
  const dataDir = join(settings.dataDir, 'store');
  const cluster = await openStoreCluster({ engine, dataDir, database: 'tagout' });
  const address = { url: cluster.url(SUPERUSER, 'tagout'), role };
  return { address, close: () => cluster.stop('fast') };
}

function words({ events, evidence, working }: Redacted, dryRun: boolean): string {
  const figures = `${events} in events, ${evidence} in evidence, ${working} in working state`;
  if (dryRun) return `There is to erase: ${figures}; nothing was erased.\n`;
  return (
    `Erased: ${figures}. Every proof stays valid; \`npx tagout verify\` counts what is gone. ` +
    'Copies outside the database (bundles, backups, WAL archives) are not reached from here.\n'
  );
}
