/** Writes zip archives as `actions/upload-artifact` streams them: sizes stand behind the contents. */
import { crc32, deflateRawSync } from 'node:zlib';

/** What a hostile archive says of an entry in place of the truth. */
export interface Lies {
  readonly size?: number;
  readonly flags?: number;
  readonly mode?: number;
  readonly crc?: number;
  readonly method?: number;
  /** Bytes that stand for the content as they are. */
  readonly packed?: Buffer;
}

/** An archive of files by name; `lies` are told in its directory. */
export function zipOf(
  files: Readonly<Record<string, string | Buffer>>,
  lies: Readonly<Record<string, Lies>> = {},
): Buffer {
  const bodies: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [path, content] of Object.entries(files)) {
    const lie = lies[path] ?? {};
    const name = Buffer.from(path);
    const bytes = Buffer.from(content);
    const packed = lie.packed ?? deflateRawSync(bytes);
    const flags = lie.flags ?? 0b1000_0000_1000;
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(20, 4);
    local.writeUInt16LE(flags, 6);
    local.writeUInt16LE(8, 8);
    local.writeUInt16LE(name.length, 26);
    const behind = Buffer.alloc(16);
    behind.writeUInt32LE(0x08074b50, 0);
    behind.writeUInt32LE(crc32(bytes), 4);
    behind.writeUInt32LE(packed.length, 8);
    behind.writeUInt32LE(bytes.length, 12);
    const entry = Buffer.alloc(46);
    entry.writeUInt32LE(0x02014b50, 0);
    entry.writeUInt16LE((3 << 8) | 20, 4);
    entry.writeUInt16LE(20, 6);
    entry.writeUInt16LE(flags, 8);
    entry.writeUInt16LE(lie.method ?? 8, 10);
    entry.writeUInt32LE(lie.crc ?? crc32(bytes), 16);
    entry.writeUInt32LE(packed.length, 20);
    entry.writeUInt32LE(lie.size ?? bytes.length, 24);
    entry.writeUInt16LE(name.length, 28);
    entry.writeUInt32LE(((lie.mode ?? 0o100644) << 16) >>> 0, 38);
    entry.writeUInt32LE(offset, 42);
    directory.push(entry, name);
    bodies.push(local, name, packed, behind);
    offset += local.length + name.length + packed.length + behind.length;
  }
  const listed = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  const count = Object.keys(files).length;
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(count, 8);
  end.writeUInt16LE(count, 10);
  end.writeUInt32LE(listed.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...bodies, listed, end]);
}
