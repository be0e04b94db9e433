/** The state around the gate as it was last read: kept in a table, its changes as audit events. */
import type { PostureChanged } from '../core/audit/event.ts';
import { postureEvent } from '../core/audit/state-event.ts';
import {
  type KnownState,
  lostReading,
  type PostureReading,
  type PostureState,
  postureChanges,
} from '../core/posture-state.ts';
import type { RepoRef } from '../core/subject.ts';
import { appendEvent, stamp } from './append.ts';
import { type Sql, storeFault, type Tx } from './connect.ts';

export interface PosturePlace {
  readonly installationId: number;
  /** Null: the installation itself. */
  readonly repo: RepoRef | null;
}

export interface PostureRead {
  /** Why it was looked at: `posture.poll`, `push`. */
  readonly because: string;
  readonly readAtMs: number;
}

export interface PostureMemory {
  /** Keeps a reading of one place; answers how many events it made. */
  keep(place: PosturePlace, reading: PostureReading, read: PostureRead): Promise<number>;
  /**
   * All that is known of an installation's repositories beside `seen` takes this state, since it
   * cannot be read any more. Answers how many events it made.
   */
  lose(
    installationId: number,
    lost: Pick<PostureState, 'state' | 'detail'> & { readonly seen: readonly number[] },
    read: PostureRead,
  ): Promise<number>;
  /** Installations of which something is known. */
  installations(): Promise<readonly number[]>;
}

/** Repositories have ids from 1 on. */
const INSTALLATION_ITSELF = 0;

/** The posture memory over a pool of the application's role. */
export function createPostureMemory(sql: Sql): PostureMemory {
  return {
    async keep(place, reading, read) {
      try {
        return await sql.begin(async (tx) => {
          await onlyWriter(tx, place.installationId);
          const known = await knownOf(tx, place);
          return keepChanges(tx, place, { known, reading, read });
        });
      } catch (error) {
        throw storeFault(error, 'keeping posture');
      }
    },
    async lose(installationId, { seen, ...state }, read) {
      try {
        return await sql.begin(async (tx) => {
          await onlyWriter(tx, installationId);
          let events = 0;
          for (const repo of await reposBeside(tx, installationId, seen)) {
            const place = { installationId, repo };
            const known = await knownOf(tx, place);
            const reading = lostReading(known, state);
            events += await keepChanges(tx, place, { known, reading, read });
          }
          return events;
        });
      } catch (error) {
        throw storeFault(error, 'keeping posture');
      }
    },
    async installations() {
      const rows = await sql<{ id: number }[]>`
        select distinct installation_id as id from tagout.posture order by 1`;
      return rows.map(({ id }) => id);
    },
  };
}

/** One writer for each installation, until its transaction ends. */
async function onlyWriter(tx: Tx, installationId: number): Promise<void> {
  await tx`select pg_advisory_xact_lock(hashtextextended(${`posture:${installationId}`}, 0))`;
}

async function knownOf(
  tx: Tx,
  { installationId, repo }: PosturePlace,
): Promise<readonly KnownState[]> {
  return tx<KnownState[]>`
    select about, item, environment, state, since_ms as "sinceMs" from tagout.posture
    where installation_id = ${installationId}::bigint
      and repo_id = ${repo?.id ?? INSTALLATION_ITSELF}::bigint
    order by item`;
}

/** Names of repositories stand in the event that was written when they were first seen. */
async function reposBeside(
  tx: Tx,
  installationId: number,
  seen: readonly number[],
): Promise<readonly RepoRef[]> {
  const rows = await tx<{ id: number; name: string }[]>`
    select distinct on (p.repo_id) p.repo_id as id, e.doc->'repo'->>'name' as name
    from tagout.posture p join audit.event e
      on e.kind = 'posture.changed' and (e.doc->>'installationId')::bigint = p.installation_id
        and (e.doc->'repo'->>'id')::bigint = p.repo_id
    where p.installation_id = ${installationId}::bigint
      and not p.repo_id = any(${[INSTALLATION_ITSELF, ...seen]}::bigint[])
    order by p.repo_id, e.id desc`;
  return rows.map(({ id, name }) => {
    const at = name.indexOf('/');
    return { installationId, id, owner: name.slice(0, at), name: name.slice(at + 1) };
  });
}

interface Comparison {
  readonly known: readonly KnownState[];
  readonly reading: PostureReading;
  readonly read: PostureRead;
}

async function keepChanges(
  tx: Tx,
  place: PosturePlace,
  { known, reading, read }: Comparison,
): Promise<number> {
  // A reading that waited behind a newer one says nothing about now.
  if (known.some(({ sinceMs }) => sinceMs > read.readAtMs)) return 0;
  const changes = postureChanges(known, reading, read.readAtMs);
  for (const change of changes) {
    await keepState(tx, place, change);
    await tell(tx, place, { change, read });
  }
  return changes.length;
}

async function keepState(
  tx: Tx,
  { installationId, repo }: PosturePlace,
  { about, item, environment, to, toMs }: PostureChanged['posture'],
): Promise<void> {
  const repoId = repo?.id ?? INSTALLATION_ITSELF;
  if (to === null) {
    await tx`delete from tagout.posture where installation_id = ${installationId}::bigint
      and repo_id = ${repoId}::bigint and item = ${item}`;
    return;
  }
  await tx`insert into tagout.posture values (${installationId}::bigint, ${repoId}::bigint,
      ${item}, ${about}, ${environment}, ${to}, ${toMs}::bigint)
    on conflict (installation_id, repo_id, item)
    do update set state = excluded.state, since_ms = excluded.since_ms`;
}

async function tell(
  tx: Tx,
  { installationId, repo }: PosturePlace,
  { change, read }: { readonly change: PostureChanged['posture']; readonly read: PostureRead },
): Promise<void> {
  const { because, readAtMs } = read;
  const seen = { installationId, repo, because, delivery: null, githubAtMs: null };
  const place = `${installationId}:${repo?.id ?? INSTALLATION_ITSELF}`;
  const key = `posture:${place}:${change.item}:${readAtMs}`;
  await appendEvent(tx, postureEvent(change, seen, stamp(key, readAtMs)));
}
