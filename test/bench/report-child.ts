/** One measured reading of a record in a process of its own, so that its memory is its alone. */
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { findEngine } from '../../src/postgres/engine.ts';
import { openStoreCluster } from '../../src/postgres/store-cluster.ts';
import { run } from '../../src/cli.ts';
import { openPages } from '../../src/cli/report-serve.ts';
import { openStore } from '../../src/store/open.ts';

export interface Measured {
  /** One time, or one for each page. */
  readonly ms: Readonly<Record<string, number>>;
  readonly maxRssMb: number;
}

const [what = '', dataDir = '', out = ''] = process.argv.slice(2);

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now();
  await work();
  return performance.now() - startMs;
}

async function bundle(): Promise<Measured['ms']> {
  const log = createWriteStream(join(dataDir, 'bundle.log'));
  const put = (text: string): void => void log.write(text);
  const io = { env: { TAGOUT_DATA: dataDir }, cwd: dataDir, now: Date.now, out: put, err: put };
  const bundled = await timed(async () => {
    const code = await run(['report', '--out', out], io);
    if (code !== 0) throw new Error(`report ended with ${code}`);
  });
  log.end();
  return { bundle: bundled };
}

const PAGES = ['/audit', '/audit/register', '/audit/exceptions', '/audit/agents', '/audit/posture'];

/** Time to the first byte of each page: the first one after a start, and the median of the next. */
async function pages(): Promise<Measured['ms']> {
  const store = await openStore({
    databaseUrl: null,
    ownerUrl: null,
    dataDir,
    startEmbedded: async (folder) =>
      openStoreCluster({
        engine: await findEngine({}),
        dataDir: join(folder, 'store'),
        database: 'tagout',
      }),
  });
  const site = await openPages(store, { now: Date.now });
  const entered = await fetch(site.enter, { redirect: 'manual' });
  const cookie = (entered.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
  const ask = (path: string) => async (): Promise<void> => {
    const answer = await fetch(`${site.url}${path}`, { headers: { cookie } });
    if (answer.status !== 200) throw new Error(`${path} answered ${answer.status}`);
    await answer.body?.cancel();
  };
  const found: Record<string, number> = {};
  found['the first after a start'] = await timed(async () => {
    for (;;) {
      const answer = await fetch(`${site.url}/audit`, { headers: { cookie } });
      if (answer.status === 200) return;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  });
  for (const path of PAGES) {
    const times: number[] = [];
    for (let round = 0; round < 9; round += 1) {
      times.push(await timed(ask(path)));
      // The reading before is an event: sealed, it is new to the next page.
      await store.sealer.sealNow(1);
    }
    found[path] = times.toSorted((a, b) => a - b)[4] ?? Number.NaN;
  }
  await site.close(100);
  await store.close();
  return found;
}

const ms = what === 'bundle' ? await bundle() : await pages();
const measured: Measured = { ms, maxRssMb: process.resourceUsage().maxRSS / 1024 };
process.stdout.write(`${JSON.stringify(measured)}\n`);
