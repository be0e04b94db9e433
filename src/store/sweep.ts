/** What the sweeper compares with GitHub's truth: which deliveries we have, and what we decided. */
import { type RepoRef } from '../core/subject.ts';
import { type Sql, storeFault } from './connect.ts';

/** What we last decided about one subject. */
export interface KnownSubject {
  readonly key: string;
  /** The commit that was judged; null when the event does not say. */
  readonly sha: string | null;
  /** GitHub's time of the newest reading. */
  readonly readAtMs: number;
  readonly verdict: string;
  /** Our check run on that commit, once it was written. */
  readonly checkRunId: number | null;
}

export interface SweepMemory {
  /** Of these delivery ids the ones that are not stored. */
  unknown(guids: readonly string[]): Promise<ReadonlySet<string>>;
  /** Everything decided about a repository, by subject key. */
  subjects(repo: RepoRef): Promise<ReadonlyMap<string, KnownSubject>>;
}

/** The sweeper's memory over a pool of the application's role. */
export function createSweepMemory(sql: Sql): SweepMemory {
  return {
    async unknown(guids) {
      try {
        const rows = await sql<{ id: string }[]>`
          select id from unnest(${[...guids]}::text[]) as asked(id)
          where not exists (select from tagout.delivery d where d.id = asked.id)`;
        return new Set(rows.map((row) => row.id));
      } catch (error) {
        throw storeFault(error, 'looking for missed deliveries');
      }
    },
    async subjects(repo) {
      const prefix = `${repo.installationId}:${repo.id}:`;
      try {
        const rows = await sql<KnownSubject[]>`
          select s.key, e.doc->'subject'->>'sha' as sha, s.read_at_ms as "readAtMs", s.verdict,
            w.github_id as "checkRunId"
          from tagout.subject s
          left join audit.event e on e.event_id = s.event_id
          left join tagout.written w
            on w.slot = ${prefix} || 'check:' || (e.doc->'subject'->>'sha') || ':tagout'
          where s.installation_id = ${repo.installationId}::bigint and s.key ^@ ${prefix}`;
        return new Map(rows.map((row) => [row.key, row]));
      } catch (error) {
        throw storeFault(error, 'reading what was decided');
      }
    },
  };
}
