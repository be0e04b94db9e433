/**
 * Loaded into a measured server before its own code (`--import`): on a message over its parent's
 * channel it collects its garbage and answers what it holds then. Resident memory alone cannot tell
 * what is held from what V8 has not bothered to collect yet.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** After a full collection; both in bytes. */
export interface Held {
  readonly heapUsed: number;
  readonly rss: number;
}

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc') as (how: object) => void;
/** As when memory has run out: the young generation, grown to 128 MB under load, is given back too. */
const collect = (): void => gc({ type: 'major', execution: 'sync', flavor: 'last-resort' });

process.on('message', () => {
  // The second one frees what finalizers of the first one let go.
  collect();
  setImmediate(() => {
    collect();
    const { heapUsed, rss } = process.memoryUsage();
    process.send?.({ heapUsed, rss } satisfies Held);
  });
});
// The channel alone does not keep a server alive that has ended.
process.channel?.unref();
