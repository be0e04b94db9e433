/**
 * Reads a small zip archive from memory, by APPNOTE.TXT 6.3.10. Nothing is written anywhere. What is
 * not plainly one single archive of stored or deflated files is refused: encryption, parts, zip64,
 * names of links, entries that overlap, sizes or checksums that are not those of the content.
 */
import { Buffer } from 'node:buffer';
import { crc32, inflateRawSync } from 'node:zlib';

export interface ZipLimits {
  readonly files: number;
  /** Of all contents together, unpacked. */
  readonly bytes: number;
}

export interface ZipFile {
  readonly path: string;
  readonly content: Uint8Array;
}

/** The files, or what is wrong as the end of a sentence that begins with the archive. */
export type ZipRead =
  | { readonly ok: true; readonly files: readonly ZipFile[] }
  | { readonly ok: false; readonly why: string };

const END = 0x06054b50;
const ENTRY = 0x02014b50;
const LOCAL = 0x04034b50;
const END_BYTES = 22;
const ENTRY_BYTES = 46;
const LOCAL_BYTES = 30;

/** Bits of the general purpose flag that may be set: level of deflate, sizes behind, UTF-8 names. */
const FLAGS = 0b1000_0000_1110;

/** Something that makes the archive unfit; its message ends the sentence. */
class Unfit extends Error {}

/** Reads all files of an archive. Never throws for what the bytes hold. */
export function readZip(bytes: Uint8Array, limits: ZipLimits): ZipRead {
  try {
    return { ok: true, files: filesOf(Buffer.from(bytes), limits) };
  } catch (fault) {
    if (fault instanceof Unfit) return { ok: false, why: fault.message };
    // A read past the end of the buffer: the archive is cut off or lies about its sizes.
    if (fault instanceof RangeError) return { ok: false, why: 'is damaged' };
    throw fault;
  }
}

interface Entry {
  readonly path: string;
  readonly method: number;
  readonly crc: number;
  readonly packed: number;
  readonly size: number;
  readonly offset: number;
}

function filesOf(zip: Buffer, limits: ZipLimits): readonly ZipFile[] {
  const end = endOf(zip);
  const count = zip.readUInt16LE(end + 10);
  const start = zip.readUInt32LE(end + 16);
  const split = zip.readUInt16LE(end + 4) !== 0 || zip.readUInt16LE(end + 6) !== 0;
  if (split || count === 0xffff || start === 0xffffffff) {
    throw new Unfit('is split or in the zip64 form, which a small archive has no need of');
  }
  if (count > limits.files)
    throw new Unfit(`holds ${count} files; at most ${limits.files} are read`);
  const entries = entriesOf(zip, { start, end, count });
  const total = entries.reduce((sum, { size }) => sum + size, 0);
  if (total > limits.bytes) {
    throw new Unfit(`unpacks to ${total} bytes; at most ${limits.bytes} are read`);
  }
  const used: Range[] = [];
  return entries.flatMap((entry) => {
    const content = contentOf(zip, entry, { start, used });
    return entry.path.endsWith('/') ? [] : [{ path: entry.path, content }];
  });
}

/** The end record stands at the very end: archives of GitHub have no comment. */
function endOf(zip: Buffer): number {
  const at = zip.length - END_BYTES;
  if (at < 0 || zip.readUInt32LE(at) !== END || zip.readUInt16LE(at + 20) !== 0) {
    throw new Unfit('is no zip archive');
  }
  return at;
}

function entriesOf(
  zip: Buffer,
  { start, end, count }: { readonly start: number; readonly end: number; readonly count: number },
): readonly Entry[] {
  const entries: Entry[] = [];
  let at = start;
  for (let nth = 0; nth < count; nth += 1) {
    if (zip.readUInt32LE(at) !== ENTRY) throw new Unfit('has a damaged directory');
    const nameBytes = zip.readUInt16LE(at + 28);
    const name = zip.subarray(at + ENTRY_BYTES, at + ENTRY_BYTES + nameBytes);
    entries.push(entryOf(zip, at, nameOf(name)));
    at += ENTRY_BYTES + nameBytes + zip.readUInt16LE(at + 30) + zip.readUInt16LE(at + 32);
  }
  if (at !== end) throw new Unfit('has a damaged directory');
  const names = new Set(entries.map(({ path }) => path));
  if (names.size < entries.length) throw new Unfit('holds two files of one name');
  return entries;
}

function nameOf(bytes: Buffer): string {
  const name = bytes.toString('utf8');
  if (!Buffer.from(name, 'utf8').equals(bytes)) throw new Unfit('has a name that is not UTF-8');
  return name;
}

/** File type of the unix mode that the upper half of the external attributes holds. */
const REGULAR = new Set([0, 0o100000, 0o040000]);

function entryOf(zip: Buffer, at: number, path: string): Entry {
  const flags = zip.readUInt16LE(at + 8);
  if ((flags & ~FLAGS) !== 0) throw new Unfit('is encrypted or patched');
  const type = (zip.readUInt32LE(at + 38) >>> 16) & 0o170000;
  if (!REGULAR.has(type)) throw new Unfit('holds a link or a device');
  return {
    path,
    method: zip.readUInt16LE(at + 10),
    crc: zip.readUInt32LE(at + 16),
    packed: zip.readUInt32LE(at + 20),
    size: zip.readUInt32LE(at + 24),
    offset: zip.readUInt32LE(at + 42),
  };
}

interface Range {
  readonly from: number;
  readonly to: number;
}

interface Surroundings {
  /** Where the directory starts: contents end before it. */
  readonly start: number;
  /** What the entries before have taken: a bomb names the same bytes again and again. */
  readonly used: Range[];
}

function contentOf(zip: Buffer, entry: Entry, { start, used }: Surroundings): Uint8Array {
  const { offset, packed, size, method, crc } = entry;
  if (zip.readUInt32LE(offset) !== LOCAL) throw new Unfit('has a damaged entry');
  const from = offset + LOCAL_BYTES + zip.readUInt16LE(offset + 26) + zip.readUInt16LE(offset + 28);
  const to = from + packed;
  const overlaps = used.some((other) => offset < other.to && other.from < to);
  if (to > start || overlaps) throw new Unfit('has entries that overlap');
  used.push({ from: offset, to });
  const content = unpacked(zip.subarray(from, to), method, size);
  if (content.length !== size || crc32(content) !== crc) {
    throw new Unfit('has a file that is not what its directory says');
  }
  return content;
}

function unpacked(packed: Buffer, method: number, size: number): Uint8Array {
  if (method === 0) return packed;
  if (method !== 8) throw new Unfit('is packed in a way other than deflate');
  try {
    // The declared size is the limit, so that a bomb stops at its first byte too many.
    return inflateRawSync(packed, { maxOutputLength: Math.max(1, size) });
  } catch {
    throw new Unfit('has a file that is not what its directory says');
  }
}
