/** A running Tagout on a local GitHub, for the ways round that need its queue and store. */
import type { ServeSettings } from '../../src/main.ts';
import { type LocalGitHub, LocalGitHub as Hub, type Repo } from '../github/index.ts';
import { manifest, startTagout } from '../story/tagout.ts';
import { crew } from './line.ts';

type Tagout = Awaited<ReturnType<typeof startTagout>>;

export interface Server {
  readonly gh: LocalGitHub;
  readonly tagout: Tagout;
  readonly url: string;
  /** A repository whose first commit runs in production, with the gate enabled. */
  shop(files?: Readonly<Record<string, string>>): Promise<Repo>;
  /** How many audit events of a kind there are about a repository. */
  events(repo: Repo, kind?: string): Promise<number>;
  /** Verdicts of the recorded decisions in which an opinion has this code. */
  codes(repo: Repo, code: string): Promise<readonly string[]>;
  /** How many recorded decisions refuse an approval with this code. */
  refused(repo: Repo, code: string): Promise<number>;
  close(): Promise<void>;
}

export async function openServer(settings: Partial<ServeSettings> = {}): Promise<Server> {
  const gh = await Hub.start({ app: await manifest(), validate: false });
  gh.org('acme', { teams: { platform: ['octavia'], sre: ['olaf'] }, admins: ['root'] });
  for (const login of Object.keys(crew)) gh.user(login);
  const tagout = await startTagout(gh, { settings });
  const { sql } = tagout.served.store;
  let count = 0;
  return {
    gh,
    tagout,
    url: tagout.url,
    async shop(files = {}) {
      count += 1;
      const all = { 'README.md': '# shop\n', 'src/server.ts': 'listen();\n', ...files };
      const made = { files: all, collaborators: crew, author: 'boss' } as const;
      const repo = await gh.repo(`acme/app-${count}`, made);
      await repo.startRun({ actor: 'maria' });
      repo.environment('production', { protectedByApp: true });
      return repo;
    },
    async events(repo, kind = 'decision.made') {
      const [row] = await sql<{ n: number }[]>`select count(*)::int as n from audit.event
        where kind = ${kind} and (doc->'repo'->>'id')::bigint = ${repo.id}`;
      return row?.n ?? 0;
    },
    async codes(repo, code) {
      const like = JSON.stringify([{ code }]);
      const rows = await sql<{ verdict: string }[]>`
        select doc->'decision'->>'verdict' as verdict from audit.event
        where kind = 'decision.made' and (doc->'repo'->>'id')::bigint = ${repo.id}
          and doc->'decision'->'opinions' @> ${like}::text::jsonb`;
      return rows.map((row) => row.verdict);
    },
    async refused(repo, code) {
      const like = JSON.stringify([{ codes: [code] }]);
      const [row] = await sql<{ n: number }[]>`select count(*)::int as n from audit.event
        where kind = 'decision.made' and (doc->'repo'->>'id')::bigint = ${repo.id}
          and doc->'decision'->'refused' @> ${like}::text::jsonb`;
      return row?.n ?? 0;
    },
    async close() {
      await gh.settled();
      await tagout.close();
      await gh.close();
    },
  };
}
