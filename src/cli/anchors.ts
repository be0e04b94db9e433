/** The places that the settings name for checkpoints, and the loop that brings them there. */
import { join } from 'node:path';
import { parseVkey } from '../core/audit/note.ts';
import { readCertificates } from '../core/audit/time-stamp.ts';
import type { AnchorPlace } from '../store/anchor.ts';
import { gitPlace } from './anchor-git.ts';
import { bucketPlace } from './anchor-s3.ts';
import { stampPlace } from './anchor-stamp.ts';
import { witnessPlace } from './anchor-witness.ts';
import type { Environment, ServeSettings } from './settings.ts';

/** Every place, in a fixed order, as replicas lock them by their number. */
export function placesOf(
  { anchors, dataDir }: Pick<ServeSettings, 'anchors' | 'dataDir'>,
  env: Environment,
  now: () => number,
): readonly AnchorPlace[] {
  const git = anchors?.git ?? null;
  const witness = anchors?.witness ?? null;
  const stamp = anchors?.stamp ?? null;
  const bucket = anchors?.bucket ?? null;
  const everyMs = anchors?.paidEveryMs ?? 0;
  const certificates = stamp === null ? null : readCertificates(stamp.pem);
  const key = witness === null ? null : parseVkey(witness.key);
  return [
    ...(git === null ? [] : [gitPlace(git, { folder: join(dataDir, 'anchors'), env }, now)]),
    ...(witness === null || key === null ? [] : [witnessPlace({ url: witness.url, key })]),
    ...(stamp === null || certificates === null
      ? []
      : [stampPlace({ url: stamp.url, certificates }, everyMs)]),
    ...(bucket === null ? [] : [bucketPlace(bucket, everyMs, now)]),
  ];
}
