/** One throwaway server by itself, for tests that need several sessions of it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findEngine } from '../../src/postgres/engine.ts';
import { Baselines } from '../../src/sandbox/baseline.ts';
import { BaselineCache } from '../../src/sandbox/cache.ts';
import { openHome, startCopy, type Throwaway } from '../../src/sandbox/workspace.ts';
import { cacheMaker } from '../prepared.ts';
import { SETTINGS } from './helpers.ts';

const prepareCache = await cacheMaker();

/** A server of the engine under test, as the SQL of a change finds it. */
export async function startServer(): Promise<Throwaway> {
  const home = mkdtempSync(join(tmpdir(), 'tagout-server-test-'));
  prepareCache(home);
  openHome({ home, memory: null });
  const engine = await findEngine({ major: SETTINGS.postgres });
  const cache = new BaselineCache(home, Number.MAX_SAFE_INTEGER);
  const base = await new Baselines(home, cache).engineBase(engine);
  const server = await startCopy({ home, memory: null }, base, engine);
  return {
    ...server,
    discard: async () => {
      await server.discard();
      rmSync(home, { recursive: true, force: true });
    },
  };
}
