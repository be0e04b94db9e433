/**
 * A server as `npm start` runs it, that reads a large answer by COPY from its store all the time, as
 * the report pages do: what `driver.soak.ts` takes the connection away from.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { createLog } from '../../src/cli/log.ts';
import { readServeSettings } from '../../src/cli/settings.ts';
import { supervise } from '../../src/cli/supervise.ts';
import { serve } from '../../src/main.ts';
import { copyRows } from '../../src/store/copy.ts';

const settings = readServeSettings(process.env, process.cwd());
const log = createLog({ level: 'error', secrets: [] });
const server = await serve({ ...settings, only: null }, log);
const rows = "select n::bigint, repeat('x', 700) from generate_series(1, 3000000) as n";

async function readOnAndOn(): Promise<void> {
  for (;;) {
    try {
      // Slowly, so that there is always more on the wire than was read.
      for await (const batch of copyRows(server.store.reports, rows))
        await sleep(batch.length / 50);
    } catch {
      process.stdout.write('the reader was told\n');
    }
    await sleep(10);
  }
}

void readOnAndOn();
process.stdout.write(`listens on ${server.url}\n`);
const limits = { stopLimitMs: 25_000, crashLimitMs: 5_000 };
process.exit(await supervise(server, { log, process, ...limits, lost: server.lost }));
