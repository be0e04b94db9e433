/** A source of the pages over a log in memory. */
import { readEvent, verifyLog } from '../../src/core/audit/verify.ts';
import { createCollector, UNPACKED } from '../../src/core/report/collect.ts';
import { periodOf } from '../../src/core/report/period.ts';
import type { LogSource } from '../../src/web/audit/source.ts';
import type { TestLog } from './log.ts';

export function memorySource(log: TestLog): LogSource {
  const collector = createCollector(UNPACKED);
  for (const { body, details } of log.leaves) {
    const event = readEvent(body);
    if (event !== null) collector.add(event, details);
  }
  const collected = collector.end();
  return {
    prepare: () => Promise.resolve(),
    rowsRead: () => log.leaves.length,
    view: () =>
      Promise.resolve({
        origin: log.origin,
        vkey: log.vkey,
        size: log.leaves.length,
        root: 'ab'.repeat(32),
        sealedMs: 1_770_000_000_000,
        collected,
        once: (_key, make) => make(),
        period: async (wish) => periodOf(collected, wish, { seed: 'ab', population: null }),
      }),
    verify: () => verifyLog(log.verifiable()),
  };
}
