/** The dry run beside its peer: the same SQL sent alone to a server on a copy of the same baseline. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { findEngine } from '../../src/postgres/engine.ts';
import { MEMORY } from '../../src/sandbox/memory.ts';
import { OWNER, startCopy } from '../../src/sandbox/workspace.ts';

/** The prepared database that a sandbox used last: finding it touches its `size`. */
function lastBaseline(home: string): { readonly dataDir: string; readonly sizeBytes: number } {
  const root = join(home, 'baselines');
  const [last] = readdirSync(root)
    .map((key) => join(root, key))
    .filter((folder) => existsSync(join(folder, 'facts')))
    .toSorted((a, b) => statSync(join(b, 'size')).mtimeMs - statSync(join(a, 'size')).mtimeMs);
  if (last === undefined) throw new Error('no baseline was prepared');
  return { dataDir: join(last, 'data'), sizeBytes: 64 * 2 ** 20 };
}

/** Milliseconds that the SQL takes by itself, without the copy and the start of its server. */
export async function timeAlone(home: string, sql: string): Promise<number> {
  const places = { home, memory: MEMORY };
  const run = await startCopy(places, lastBaseline(home), await findEngine());
  try {
    const owner = await run.connect(OWNER);
    const began = performance.now();
    const { error } = await owner.execute(sql);
    if (error !== null) throw new Error(error.message);
    return performance.now() - began;
  } finally {
    await run.discard();
  }
}
