/** What the report says of one repository, from the server's own sealed record. */
import assert from 'node:assert/strict';
import { readEvent } from '../../src/core/audit/verify.ts';
import { createCollector, UNPACKED } from '../../src/core/report/collect.ts';
import { type Period, periodOf } from '../../src/core/report/period.ts';
import { readLeaves } from '../../src/store/read-log.ts';
import type { Repo } from '../github/index.ts';
import type { Server } from './server.ts';

/** Seals what is there, and reads the whole record of the organisation `acme`. */
export async function periodOfRecord(server: Server, repo: Repo): Promise<Period> {
  const { store } = server.tagout.served;
  const logId = server.gh.installation('acme').id;
  await store.sealer.sealNow(logId);
  const collector = createCollector(UNPACKED);
  for await (const { body, details } of readLeaves(store.reports, logId)) {
    const event = readEvent(body);
    assert.ok(event);
    collector.add(event, details);
  }
  const wish = { fromMs: null, toMs: null, repo: repo.fullName };
  return periodOf(collector.end(), wish, { seed: '00', population: null });
}
