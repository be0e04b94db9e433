/**
 * Rows of the register in little memory: as JSON text, some hundred of them in one compressed piece.
 * A hundred thousand rows take tens of megabytes in place of hundreds, and are read back one piece
 * at a time.
 */
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { Pack } from '../../core/report/collect.ts';
import type { Deployment } from '../../core/report/row.ts';

const PIECE_CHARS = 1 << 17;
/** Rows of one piece at most; a place is the number of the piece times this, and the row in it. */
const PIECE_ROWS = 1024;
/** Pieces that are kept open: releases come nearly in the order of their decisions. */
const OPEN_PIECES = 4;

/** A pack whose places are numbers; `at` throws RangeError where there is no row. */
export function createRowPack(): Pack<number> {
  const pieces: Buffer[] = [];
  const open = new Map<number, readonly Deployment[]>();
  let newest: Deployment[] = [];
  let texts: string[] = [];
  let chars = 0;

  function close(): void {
    pieces.push(deflateRawSync(`[${texts.join(',')}]`, { level: 1 }));
    [newest, texts, chars] = [[], [], 0];
  }

  function opened(number: number): readonly Deployment[] {
    const known = open.get(number);
    const piece = pieces[number];
    if (piece === undefined) return newest;
    const rows: readonly Deployment[] = known ?? JSON.parse(inflateRawSync(piece).toString('utf8'));
    // Put last again, so that the one that was not asked for longest is closed.
    open.delete(number);
    open.set(number, rows);
    const [oldest = number] = open.keys();
    if (open.size > OPEN_PIECES) open.delete(oldest);
    return rows;
  }

  return {
    put(row) {
      const place = pieces.length * PIECE_ROWS + newest.length;
      const text = JSON.stringify(row);
      newest.push(row);
      texts.push(text);
      chars += text.length;
      if (chars > PIECE_CHARS || newest.length === PIECE_ROWS) close();
      return place;
    },
    at(place) {
      const row = opened(Math.floor(place / PIECE_ROWS))[place % PIECE_ROWS];
      if (row === undefined) throw new RangeError(`There is no row ${place} of the register.`);
      return row;
    },
  };
}
