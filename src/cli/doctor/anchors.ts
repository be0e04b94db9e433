/** Whether checkpoints of the record leave the house, and how old what is missing there is. */
import { join } from 'node:path';
import { TagoutError } from '../../core/errors.ts';
import type { PostureFinding } from '../../core/posture.ts';
import { counted, duration } from '../../core/words/text.ts';
import { SUPERUSER } from '../../postgres/cluster.ts';
import { findEngine } from '../../postgres/engine.ts';
import { isServing, readPostmaster } from '../../postgres/postmaster.ts';
import { openStoreCluster } from '../../postgres/store-cluster.ts';
import { anchorLag, type AnchorPlace, lateAfterMs } from '../../store/anchor.ts';
import { connect, storeFault } from '../../store/connect.ts';
import { placesOf } from '../anchors.ts';
import type { Io } from '../io.ts';
import type { ServeSettings } from '../settings.ts';
import { finding } from './finding.ts';

/** A finding for each place that the settings name, or that there is none. */
export async function anchors(
  settings: ServeSettings,
  io: Pick<Io, 'env' | 'now'>,
): Promise<readonly PostureFinding[]> {
  const places = placesOf(settings, io.env, io.now);
  if (places.length === 0) {
    const says =
      'No checkpoint of the record leaves this database, so that whoever holds it and the key ' +
      'could show another past. Let a witness or a repository of somebody else keep them.';
    const place = 'ANCHOR_GIT_URL or ANCHOR_WITNESS_URL (docs/audit.md)';
    return [finding('anchors-none', 'advice', 'anchors', { says, place })];
  }
  const url = await addressOf(settings);
  if (url === null) {
    const says = 'The store is at rest, so that it is not known how new the anchors are.';
    return [finding('anchors-unseen', 'advice', 'anchors', { says, place: settings.dataDir })];
  }
  return lags(url, places, io.now());
}

/** The store's address; null when it is embedded and nobody runs it. */
async function addressOf({ databaseUrl, dataDir }: ServeSettings): Promise<string | null> {
  if (databaseUrl !== null) return databaseUrl;
  const folder = join(dataDir, 'store');
  const postmaster = readPostmaster(folder);
  if (postmaster === null || !isServing(folder, postmaster)) return null;
  const place = { engine: await findEngine({}), dataDir: folder, database: 'tagout' };
  return (await openStoreCluster(place)).url(SUPERUSER, 'tagout');
}

async function lags(
  url: string,
  places: readonly AnchorPlace[],
  nowMs: number,
): Promise<readonly PostureFinding[]> {
  const sql = connect({ url, role: null }, { name: 'doctor', max: 1, statementTimeoutMs: 5_000 });
  try {
    const found: PostureFinding[] = [];
    for (const place of places) found.push(judge(place, await anchorLag(sql, place), nowMs));
    return found;
  } catch (error) {
    const fault = error instanceof TagoutError ? error : storeFault(error, 'reading the anchors');
    const says = `How new the anchors are could not be read: ${fault.message}`;
    return [finding('anchors-unseen', 'unknown', 'anchors', { says, place: 'DATABASE_URL' })];
  } finally {
    await sql.end({ timeout: 1 });
  }
}

const SETTING: Readonly<Record<AnchorPlace['kind'], string>> = {
  git: 'ANCHOR_GIT_URL',
  witness: 'ANCHOR_WITNESS_URL',
  timestamp: 'ANCHOR_TSA_URL',
  s3: 'ANCHOR_S3_URL',
};

function judge(
  at: Pick<AnchorPlace, 'kind' | 'name' | 'everyMs'>,
  { logs, sinceMs }: Awaited<ReturnType<typeof anchorLag>>,
  nowMs: number,
): PostureFinding {
  const about = `anchor ${at.name}`;
  if (sinceMs === null || nowMs - sinceMs <= lateAfterMs(at)) {
    const says = 'It has the newest checkpoints, or they are on their way.';
    return finding('anchor', 'guarded', about, { says });
  }
  const says =
    `It has not seen the newest checkpoints of ${counted(logs, 'log')} for ` +
    `${duration(nowMs - sinceMs)}: what is younger could be made anew unseen. The server's log says ` +
    'why; open the way to it.';
  return finding('anchor-late', 'open', about, { says, place: SETTING[at.kind] });
}
