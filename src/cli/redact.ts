/** `tagout redact`: erases a personal text; the record stays provable. */
import { join } from 'node:path';
import { TagoutError } from '../core/errors.ts';
import { SUPERUSER } from '../postgres/cluster.ts';
import { findEngine } from '../postgres/engine.ts';
import { openStoreCluster } from '../postgres/store-cluster.ts';
import { operator } from '../store/access.ts';
import { connect, type Address } from '../store/connect.ts';
import { countText, type Redacted, redactText } from '../store/redact.ts';
import { EXIT } from './io.ts';
import type { Io } from './io.ts';
import { readStoreSettings, type StoreSettings } from './settings.ts';

export interface RedactOptions {
  readonly text: string;
  readonly basis: string;
  readonly dryRun: boolean;
}

/** Shorter texts would take half of the record with them. */
const SHORTEST = 3;

/** Erases the text and says how much; answers the exit code. */
export async function redact(options: RedactOptions, io: Io): Promise<number> {
  const { text, basis, dryRun } = options;
  if (text.trim().length < SHORTEST || basis.trim() === '') {
    throw new TagoutError('usage', `The text needs ${SHORTEST} characters, and --basis a reason.`);
  }
  const door = await ownerDoor(readStoreSettings(io.env, io.cwd));
  try {
    const what = { text, basis, doer: operator() };
    const done = dryRun
      ? await count(door.address, text)
      : await redactText(door.address, what, io.now());
    io.out(words(done, dryRun));
    return EXIT.allow;
  } finally {
    await door.close();
  }
}

async function count(address: Address, text: string): Promise<Redacted> {
  const sql = connect(address, { name: 'redact', max: 1 });
  try {
    return await countText(sql, text);
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
  if (dryRun) return `The text occurs ${figures}; nothing was erased.\n`;
  return (
    `Erased: ${figures}. Every proof stays valid; \`npx tagout verify\` counts what is gone. ` +
    'Copies outside the database (bundles, backups, WAL archives) are not reached from here.\n'
  );
}
