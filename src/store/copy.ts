/**
 * Reads many rows quickly: PostgreSQL's binary COPY, whose fields are handed out as pieces of the
 * bytes that came, without a copy of each.
 */
import { Readable } from 'node:stream';
import type { Sql } from './connect.ts';

/** The fields of a row; null is SQL's null. The byte before a field may be overwritten. */
export type RawRow = readonly (Buffer | null)[];

const SIGNATURE_BYTES = 11;
/** Signature, flags and the length of the header's extension. */
const HEADER_BYTES = SIGNATURE_BYTES + 4 + 4;

/** One row from `at`; null when its bytes have not all come. */
function readRow(bytes: Buffer, at: number): { row: RawRow | 'end'; next: number } | null {
  if (bytes.length < at + 2) return null;
  const count = bytes.readInt16BE(at);
  if (count === -1) return { row: 'end', next: at + 2 };
  const row: (Buffer | null)[] = [];
  let next = at + 2;
  for (let field = 0; field < count; field += 1) {
    if (bytes.length < next + 4) return null;
    const length = bytes.readInt32BE(next);
    next += 4;
    if (length === -1) {
      row.push(null);
      continue;
    }
    if (bytes.length < next + length) return null;
    row.push(bytes.subarray(next, next + length));
    next += length;
  }
  return { row, next };
}

/**
 * The rows of a query in batches as they come. The query is text of ours: COPY takes no parameters.
 */
export async function* copyRows(
  sql: Sql,
  query: string,
): AsyncGenerator<readonly RawRow[], void, undefined> {
  const own = await sql.reserve();
  try {
    // In order along an index from the first row on, instead of sorting a whole log on disk.
    await own.unsafe(
      'set enable_hashjoin = off; set enable_mergejoin = off; set enable_sort = off',
    );
    yield* rowsOf(own, query);
  } finally {
    try {
      await own.unsafe('reset enable_hashjoin; reset enable_mergejoin; reset enable_sort');
    } finally {
      own.release();
    }
  }
}

/**
 * PostgreSQL's error can come in one piece with the stream's beginning. The driver then ends the
 * stream before whoever awaits it could listen, and an error that nobody hears ends the process. So
 * there is a listener from the first moment; the error itself is thrown to the reader.
 */
function heard(query: ReturnType<Sql['unsafe']>): ReturnType<Sql['unsafe']> {
  const resolve: unknown = Reflect.get(query, 'resolve');
  if (typeof resolve !== 'function') throw new TypeError('the driver resolves in another way');
  return Object.assign(query, {
    resolve: (stream: unknown) => {
      if (stream instanceof Readable) stream.on('error', () => {});
      resolve(stream);
    },
  });
}

async function* rowsOf(
  sql: Pick<Sql, 'unsafe'>,
  query: string,
): AsyncGenerator<readonly RawRow[], void, undefined> {
  const copy = heard(sql.unsafe(`copy (${query}) to stdout with (format binary)`));
  const stream = await copy.readable();
  try {
    yield* batchesOf(stream);
  } finally {
    await letGo(stream);
  }
}

/**
 * The driver stops its socket while the reader is behind and starts it again when the stream asks
 * for more. A stream that has ended asks for nothing: where more than its buffer came in one piece
 * with its end, the socket would stay stopped, and the connection's next statement would wait for
 * ever. And until the end has come the connection takes no statement at all.
 */
async function letGo(stream: Readable): Promise<void> {
  const rest: AsyncIterator<unknown> = stream.iterator({ destroyOnReturn: false });
  let ended = false;
  // What ended it with an error is thrown by the reading; one who stopped early asks no more.
  while (!ended)
    ended = await rest.next().then(
      (next) => next.done === true,
      () => true,
    );
  stream._read(0);
}

async function* batchesOf(stream: Readable): AsyncGenerator<readonly RawRow[], void, undefined> {
  let rest: Buffer = Buffer.alloc(0);
  let at = HEADER_BYTES;
  for await (const chunk of stream.iterator({ destroyOnReturn: false })) {
    // A fresh copy: the driver uses its own buffer again.
    rest = Buffer.concat([rest, chunk]);
    if (rest.length < at) continue;
    const rows: RawRow[] = [];
    for (let found = readRow(rest, at); found !== null; found = readRow(rest, at)) {
      at = found.next;
      if (found.row === 'end') break;
      rows.push(found.row);
    }
    rest = rest.subarray(at);
    at = 0;
    if (rows.length > 0) yield rows;
  }
}
