/** Single bytes of a record are changed at random places; every one must be found. */
import { verifyLog } from '../../src/core/audit/verify.ts';
import { deployments, type TestLog } from './log.ts';

/** A small, fast generator with a seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

type Stored = ReturnType<typeof columnsOf>;

function columnsOf(log: TestLog) {
  return {
    bodies: log.leaves.map(({ body }) => body),
    details: log.leaves.map(({ details }) => details.map((one) => ({ ...one }))),
    notes: [...log.notes],
  };
}

function flipped(text: string, random: () => number): string {
  const at = Math.floor(random() * text.length);
  const bit = 1 << Math.floor(random() * 7);
  const code = text.charCodeAt(at) ^ bit;
  return text.slice(0, at) + String.fromCharCode(code) + text.slice(at + 1);
}

/** Changes one byte somewhere and says where. */
function flipOne(stored: Stored, random: () => number): string {
  const { bodies, details, notes } = stored;
  const pick = <T>(rows: readonly T[]): number => Math.floor(random() * rows.length);
  const column = Math.floor(random() * 5);
  if (column === 0) {
    const at = pick(bodies);
    bodies[at] = flipped(bodies[at] ?? '', random);
    return `body ${at}`;
  }
  if (column === 1) {
    const at = pick(notes);
    notes[at] = flipped(notes[at] ?? '', random);
    return `note ${at}`;
  }
  const filled = details.flatMap((rows, at) => (rows.length > 0 ? [at] : []));
  const at = filled[pick(filled)] ?? 0;
  const rows = details[at] ?? [];
  const place = pick(rows);
  const row = rows[place];
  if (row === undefined) throw new Error('the log has no details');
  if (column === 2) rows[place] = { ...row, path: flipped(row.path, random) };
  if (column === 3) rows[place] = { ...row, value: flipped(row.value, random) };
  if (column === 4) {
    const salt = Buffer.from(row.salt);
    const byte = Math.floor(random() * salt.length);
    salt[byte] = (salt[byte] ?? 0) ^ (1 << Math.floor(random() * 8));
    rows[place] = { ...row, salt };
  }
  return `detail ${at} ${['', '', 'path', 'value', 'salt'][column]}`;
}

/** The places of changes that were not found, of so many. */
export async function missedFlips(count: number, seed: number): Promise<readonly string[]> {
  const random = randomFrom(seed);
  const log = deployments(2);
  const missed: string[] = [];
  for (let turn = 0; turn < count; turn += 1) {
    const stored = columnsOf(log);
    const where = flipOne(stored, random);
    const { verdict } = await verifyLog(
      log.verifiable({
        checkpoints: stored.notes.map((note) => ({ note, sealedMs: null })),
        leaves: stored.bodies.map((body, at) => ({ body, details: stored.details[at] ?? [] })),
      }),
    );
    if (verdict === 'intact') missed.push(`turn ${turn}: ${where}`);
  }
  return missed;
}
