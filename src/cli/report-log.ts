/**
 * The log's own files of a bundle, and its deployments. One pass writes every row's exact bytes and
 * keeps of each deployment only where its decision lies; the rows of the register are read back from
 * there one by one, so that memory does not grow with what a row holds.
 */
import { join } from 'node:path';
import { detailLine, FILES, readDetailLine } from '../core/audit/bundle.ts';
import { hashText, markedLeafHash } from '../core/audit/tree.ts';
import { commitmentsIn, readEvent } from '../core/audit/verify.ts';
import { TagoutError } from '../core/errors.ts';
import { createRecorder, type Gathered } from '../core/report/collect.ts';
import { byTime, type Outcome, settled } from '../core/report/ledger.ts';
import { deploymentOf, type Settled, type ShownAt } from '../core/report/row.ts';
import type { BundleSource } from './report-bundle.ts';
import { openPlaces, type Places, writer } from './report-files.ts';
import type { Progress } from './verify-bundle.ts';

/** Where a decision lies: first and last byte in `events.jsonl` and in `details.jsonl`. */
type Place = readonly [from: number, to: number, detailsFrom: number, detailsTo: number];

export interface LogFiles {
  readonly gathered: Gathered;
  /** Of every deployment of the log. */
  readonly outcomes: readonly Outcome<Place>[];
  /** 32 bytes for each leaf. */
  readonly hashes: Uint8Array;
  readonly redacted: number;
  readonly shownAt: ShownAt;
}

/** One pass over the log: its exact bytes, hashes and texts, and what the tables need. */
export async function writeLog(
  folder: string,
  source: BundleSource,
  size: number,
  progress: Progress,
): Promise<LogFiles> {
  const open = (name: string) => writer(join(folder, name));
  const [events, hashes, details] = [open(FILES.events), open(FILES.hashes), open(FILES.details)];
  let place: Place = [0, 0, 0, 0];
  const recorder = createRecorder((): Place => place);
  const leafHashes = Buffer.alloc(size * 32);
  let [index, redacted] = [0, 0];
  for await (const batch of source.leaves) {
    for (const leaf of batch) {
      if (index >= size) break;
      const hash = markedLeafHash(leaf.marked);
      leafHashes.write(hash, index * 32, 'latin1');
      const [from, detailsFrom] = [events.bytes, details.bytes];
      // The bytes as they were hashed, without the mark before them.
      events.addBytes(leaf.marked.subarray(1));
      events.add('\n');
      hashes.add(`${hashText(hash)}\n`);
      for (const detail of leaf.details) details.add(detailLine({ leaf: index, ...detail }));
      place = [from, events.bytes - 1, detailsFrom, details.bytes];
      redacted += Math.max(0, commitmentsIn(leaf.body) - leaf.details.length);
      recorder.add(eventIn(leaf.body), leaf.details);
      index += 1;
    }
    progress(index, size);
  }
  for (const file of [events, hashes, details]) file.close();
  if (index < size) {
    throw new TagoutError(
      'store-unavailable',
      `The record has ${index} of the ${size} rows that its last checkpoint covers: ` +
        'it was tampered with; run `npx tagout verify --database-url …`.',
    );
  }
  const outcomes = recorder.outcomes();
  const { shownAt } = recorder;
  return { gathered: recorder.gathered(), outcomes, hashes: leafHashes, redacted, shownAt };
}

/** What no reader could take for an event stops the report; the verifier says which row it is. */
function eventIn(body: string) {
  const event = readEvent(body);
  if (event !== null) return event;
  throw new TagoutError(
    'store-unavailable',
    'The record holds a row that is no event of this version; run `npx tagout verify` first.',
  );
}

interface Opened {
  readonly events: Places;
  readonly details: Places;
  readonly shownAt: ShownAt;
}

function rowAt(opened: Opened, { value, ...outcome }: Outcome<Place>): Settled {
  const { events, details, shownAt } = opened;
  const [from, to, detailsFrom, detailsTo] = value;
  const event = eventIn(events.read(from, to));
  if (event.kind !== 'decision.made') throw new RangeError(`Leaf at byte ${from} is no decision.`);
  const lines = details.read(detailsFrom, detailsTo).split('\n').slice(0, -1);
  const texts = lines.flatMap((line) => readDetailLine(line) ?? []);
  const { leafIndex } = outcome;
  return settled(deploymentOf(event, texts, { leafIndex, shownAt }), outcome);
}

/** The deployments of a log one by one, by the time of release or, unreleased, of first decision. */
export function* readDeployments(folder: string, log: LogFiles): Generator<Settled> {
  const events = openPlaces(join(folder, FILES.events));
  const details = openPlaces(join(folder, FILES.details));
  const opened = { events, details, shownAt: log.shownAt };
  try {
    for (const outcome of log.outcomes.toSorted(byTime)) yield rowAt(opened, outcome);
  } finally {
    events.close();
    details.close();
  }
}
