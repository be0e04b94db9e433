/** A repository whose next deployment brings many merged pull requests. */
import type { Repo } from '../github/index.ts';
import type { Pull } from '../github/pull.ts';
import type { Room } from './room.ts';

let count = 0;

export interface LongRange {
  readonly repo: Repo;
  readonly pulls: readonly Pull[];
  readonly numbers: readonly number[];
}

export interface RangeSize {
  readonly pulls: number;
  /** Commits and reviews of each; one when absent. */
  readonly commits?: number;
  readonly reviews?: number;
}

const SERVICES = 12;

/** Every pull request adds to its service, was reviewed, squashed, and looked at when it was merged. */
export async function longRange(room: Room, size: RangeSize): Promise<LongRange> {
  count += 1;
  const services = Array.from({ length: SERVICES }, (_, at) => [
    [`services/s${at}/src/index.ts`, `export const s${at} = 1;\n`],
    [`services/s${at}/README.md`, `# s${at}\n`],
  ]);
  const repo = await room.gh.repo(`acme/range-${count}`, {
    files: {
      'README.md': 'shop\n',
      'db/migrations/0001_a.sql': 'create table a (id int);\n',
      ...Object.fromEntries(services.flat()),
    },
    collaborators: { alice: 'write', bob: 'write', carol: 'write' },
  });
  await repo.startRun({ actor: 'bob' });
  repo.environment('production', { protectedByApp: true });
  const pulls: Pull[] = [];
  for (let at = 0; at < size.pulls; at += 1) pulls.push(await merged(room, repo, { at, ...size }));
  return { repo, pulls, numbers: pulls.map(({ number }) => number) };
}

async function merged(room: Room, repo: Repo, what: RangeSize & { at: number }): Promise<Pull> {
  const { at, commits = 1, reviews = 1 } = what;
  const branch = `change-${at}`;
  for (let n = 0; n < commits; n += 1) {
    const path = `services/s${at % SERVICES}/src/f${at}.ts`;
    const files = { [path]: `export const n = ${at + n};\n`, ...migration(at) };
    await repo.commit({ branch, files, author: 'bob', message: `${branch} ${n}` });
  }
  const pull = await repo.openPull({ author: 'bob', head: branch });
  const locator = { kind: 'pull-request', repo: room.ref(repo), number: pull.number } as const;
  await room.read(locator);
  for (let n = 0; n < reviews; n += 1) await pull.review({ by: 'alice' });
  await pull.merge({ by: 'alice', method: 'squash' });
  await room.gather.read(locator);
  return pull;
}

/** Every tenth brings a migration. */
function migration(at: number): Record<string, string> {
  if (at % 10 !== 9) return {};
  const number = String(at).padStart(4, '0');
  return { [`db/migrations/${number}_b.sql`]: `create table b${at} (id int);\n` };
}
