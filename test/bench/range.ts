/** Requests to GitHub that one production decision over 50 merged pull requests costs. */
import { openRoom, TestMemory } from '../github-room/room.ts';
import { longRange } from '../github-room/long-range.ts';
import type { Row } from './row.ts';

const COMMITS = 50;
const ALLOWED = 30;

export async function benchRange(): Promise<readonly Row[]> {
  const room = await openRoom(undefined, new TestMemory(), { validate: false });
  const { gh } = room;
  try {
    gh.org('acme', { admins: ['boss'] });
    for (const login of ['alice', 'bob', 'carol']) gh.user(login);
    const { repo } = await longRange(room, { pulls: COMMITS });
    const run = await repo.startRun({ actor: 'alice' });
    const count = async (memory: TestMemory): Promise<number> => {
      const fresh = await openRoom(gh, memory);
      const mark = gh.requests.length;
      await fresh.deployment(repo, run.id, run.deployment?.id);
      return Object.values(gh.requestsSince(mark)).reduce((all, one) => all + one, 0);
    };
    const warm = await count(room.memory);
    const empty = await count(new TestMemory());
    const what = `requests of a production decision, ${COMMITS} squashed pull requests, new process`;
    return [
      { what, reach: `≤ ${ALLOWED}`, measured: String(warm), ok: warm <= ALLOWED },
      {
        what: 'the same for a store that has kept nothing (a comparison for each pull request, once)',
        reach: '–',
        measured: String(empty),
        ok: true,
      },
    ];
  } finally {
    await gh.close();
  }
}
