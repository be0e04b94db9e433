/**
 * A backend of PostgreSQL dies while it answers with COPY. The driver may then throw outside of any
 * promise. The server either goes on or ends with an exit code that is not 0; it releases nothing on
 * the way down, and whoever starts it again finds all work in the store.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { tagoutCheck, until } from '../story/scene.ts';
import { age, type Ground, openGround, type Replica, rest } from './server.ts';

const COPYING = join(import.meta.dirname, 'copying-server.ts');
const ROUNDS = 4;

describe('a server whose backend dies amid a COPY', () => {
  let ground: Ground;
  let server: Replica;
  before(async () => {
    ground = await openGround();
    server = await ground.start({}, [], COPYING);
  });
  after(() => ground.close());

  const copying = () => ground.sql<{ pid: number }[]>`select pid from pg_stat_activity
    where query like 'copy (%' and state = 'active' and pid <> pg_backend_pid()`;

  /** Ends the backend by SIGTERM, or by SIGKILL with the whole of PostgreSQL starting anew. */
  async function killBackend(hard: boolean): Promise<void> {
    for (let tries = 0; tries < 500; tries += 1) {
      const [row] = await copying();
      if (row === undefined) {
        await sleep(10);
        continue;
      }
      if (hard) process.kill(row.pid, 'SIGKILL');
      else await ground.sql`select pg_terminate_backend(${row.pid})`;
      return;
    }
    throw new Error('nothing was being copied');
  }

  /** As systemd does; answers whether it had ended. It goes on when it copies again. */
  async function startedAgain(): Promise<boolean> {
    const goesOn = async (): Promise<'it lives'> => {
      for (;;) {
        await sleep(200);
        const rows = await copying().catch(() => []);
        if (rows.length > 0 && server.child.exitCode === null) return 'it lives';
      }
    };
    const code = await Promise.race([server.ended, goesOn()]);
    if (code === 'it lives') return false;
    assert.ok(code !== 0 && code !== null, `ended with ${code}: ${server.said()}`);
    assert.match(server.said(), /nothing more is released|ended by itself/);
    server = await ground.start({}, [], COPYING);
    await age(ground.sql).catch(() => undefined);
    return true;
  }

  for (let round = 0; round < ROUNDS; round += 1) {
    const hard = round % 2 === 1;
    test(`goes on or comes back, and judges what came (${hard ? 'SIGKILL' : 'SIGTERM'}, ${round})`, async (t) => {
      const head = `driver-${round}`;
      const files = { [`docs/${head}.md`]: `${head}\n` };
      await ground.repo.commit({ branch: head, files, author: ground.people.maria });
      // Slow, so that the judgement is under way when the backend dies.
      ground.gh.faults.latencyMs = 300;
      const pull = await ground.repo.openPull({ author: ground.people.maria, head });
      await ground.gh.settled();
      await killBackend(hard);
      const ended = await startedAgain();
      t.diagnostic(ended ? 'it ended and was started again' : 'it went on');
      ground.gh.faults.latencyMs = 0;
      await until('the check', () => tagoutCheck(ground.repo, pull.headSha), 60_000).catch(
        (error: unknown) => {
          throw new Error(server.said(), { cause: error });
        },
      );
      await rest(ground);
      assert.equal(ground.repo.checkRuns(pull.headSha).length, 1, 'written once');
      const [row] = await ground.sql`select
        (select count(*)::int from (select from audit.event group by dedupe_key
          having count(*) > 1) as e) as doubled,
        (select count(*)::int from tagout.outbox where kind = 'review-deployment') as released`;
      assert.deepEqual({ ...row }, { doubled: 0, released: 0 });
    });
  }
});
