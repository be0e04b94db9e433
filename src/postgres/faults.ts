/** Turns what PostgreSQL says when it does not start into a sentence with a remedy. */
import { TagoutError, type FaultCode } from '../core/errors.ts';

export interface FailedStart {
  readonly log: string;
  readonly dataDir: string;
  readonly fault?: FaultCode;
  readonly engine: { readonly version: string; readonly binDir: string };
}

const REMEDIES: readonly (readonly [RegExp, (failed: FailedStart) => string])[] = [
  [
    /No space left on device|wrote only \d+ of \d+ bytes|Check free disk space/i,
    (f) => `the disk of ${f.dataDir} is full; free some space`,
  ],
  [
    /Read-only file system/i,
    (f) =>
      `${f.dataDir} lies on a read-only file system; mount it writable, or name another folder ` +
      'in TAGOUT_DATA',
  ],
  [/Address already in use/i, () => 'its port is taken by another program; choose another port'],
  [
    /lock file "postmaster\.pid" already exists/i,
    (f) => `another server uses ${f.dataDir}; stop that one first`,
  ],
  [
    /database files are incompatible|was initialized by PostgreSQL version/i,
    (f) =>
      `${f.dataDir} was made by another major version than ${f.engine.version}; start that ` +
      'version, or move the folder away',
  ],
  [
    /could not create shared memory segment|could not resize shared memory/i,
    () => 'the machine has no shared memory left; raise its limit or stop other servers',
  ],
  [
    /error while loading shared libraries: ([^:\s]+)/i,
    (f) => `${f.engine.binDir} lacks a library of the system; install PostgreSQL anew`,
  ],
  [
    /cannot be run as root|"root" execution/i,
    () => 'it cannot run as root and no other user could be taken; run Tagout as a normal user',
  ],
  [
    /Permission denied|Operation not permitted/i,
    (f) => `its user may not use ${f.dataDir} or ${f.engine.binDir}; correct the permissions`,
  ],
  [
    /No such file or directory/i,
    (f) => `a file is missing in ${f.dataDir} or ${f.engine.binDir}; name other folders`,
  ],
];

/** The fault for a server that could not be made or started. */
export function startFault(what: 'made' | 'started', failed: FailedStart): TagoutError {
  const known = REMEDIES.find(([pattern]) => pattern.test(failed.log));
  const lines = failed.log.trim().split('\n');
  const telling = lines.filter((line) => known?.[0].test(line)).slice(-1);
  const last = (telling.length > 0 ? telling : lines.slice(-3)).join(' / ').slice(-400);
  const why = known === undefined ? 'it ended by itself' : known[1](failed);
  return new TagoutError(
    failed.fault ?? 'sandbox-unavailable',
    `PostgreSQL ${failed.engine.version} could not be ${what}: ${why}. It said: ${last}`,
  );
}
