/** Archives: those that real programs write are read, and no other does any harm. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { deflateRawSync } from 'node:zlib';
import { readZip } from '../../src/github/zip.ts';
import { type Lies, zipOf } from '../github/zip.ts';

const LIMITS = { files: 10, bytes: 10_000 };

/** Written by Python's zipfile: deflated, a folder, a stored file with a name beyond ASCII. */
const PYTHON =
  'UEsDBBQAAAAIAAAAIVxN9QILLgAAAHsAAAAIAAAAYmFzZS5zcWxLLkpNLElVKElMyklVKC1OLSpW0MhMUcjMK1EoKMrM' +
  'TSyqVMhOrdS05kqmukIAUEsDBBQAAAAAAAAAIVwAAAAAAAAAAAAAAAAEAAAAc3FsL1BLAwQUAAAIAAAAACFcZmc7nSYA' +
  'AAAmAAAAFAAAAHNxbC8wMDAxIGHDsWFkaXIuc3FsYWx0ZXIgdGFibGUgdXNlcnMgYWRkIGNvbHVtbiBhZ2UgaW50OwpQ' +
  'SwECFAMUAAAACAAAACFcTfUCCy4AAAB7AAAACAAAAAAAAAAAAAAApIEAAAAAYmFzZS5zcWxQSwECFAMUAAAAAAAAACFc' +
  'AAAAAAAAAAAAAAAABAAAAAAAAAAAAAAAgAFUAAAAc3FsL1BLAQIUAxQAAAgAAAAAIVxmZzudJgAAACYAAAAUAAAAAAAA' +
  'AAAAAACAAXYAAABzcWwvMDAwMSBhw7FhZGlyLnNxbFBLBQYAAAAAAwADAKoAAADOAAAAAAA=';

/** The same written to a stream, so that sizes stand behind the content. */
const STREAMED =
  'UEsDBBQACAAIAAAAIVwAAAAAAAAAAAAAAAAIAAAAcGxhbi5zcWwrTs1JTS5RMLTmKh7SLABQSwcIGtzo7Q8AAADIAAAA' +
  'UEsBAhQDFAAIAAgAAAAhXBrc6O0PAAAAyAAAAAgAAAAAAAAAAAAAAIABAAAAAHBsYW4uc3FsUEsFBgAAAAABAAEANgAA' +
  'AEUAAAAAAA==';

function textsOf(bytes: Buffer): Record<string, string> | string {
  const read = readZip(bytes, LIMITS);
  if (!read.ok) return read.why;
  return Object.fromEntries(
    read.files.map(({ path, content }) => [path, Buffer.from(content).toString('utf8')]),
  );
}

describe('archives of real programs', () => {
  test('deflated, stored, with a folder', () => {
    assert.deepEqual(textsOf(Buffer.from(PYTHON, 'base64')), {
      'base.sql': 'create table users (id int primary key);\n'.repeat(3),
      'sql/0001 añadir.sql': 'alter table users add column age int;\n',
    });
  });
  test('streamed', () => {
    const texts = textsOf(Buffer.from(STREAMED, 'base64'));
    assert.deepEqual(texts, { 'plan.sql': 'select 1;\n'.repeat(20) });
  });
  test('empty, and with an empty file', () => {
    assert.deepEqual(textsOf(zipOf({})), {});
    assert.deepEqual(textsOf(zipOf({ 'a.sql': '' })), { 'a.sql': '' });
  });
});

describe('hostile archives', () => {
  const files = { 'a.sql': 'select 1;\n' };
  const lie = (lies: Lies): Buffer => zipOf(files, { 'a.sql': lies });
  const zeros = deflateRawSync(Buffer.alloc(50_000_000));
  const twice = (): Buffer => {
    const zip = zipOf({ 'a.sql': 'select 1;\n', 'b.sql': 'select 2;\n' });
    // The second entry of the directory points to the content of the first.
    zip.writeUInt32LE(0, zip.length - 22 - 51 + 42);
    return zip;
  };
  const cases: readonly (readonly [string, Buffer, RegExp])[] = [
    ['nothing', Buffer.alloc(0), /is no zip archive/],
    ['text', Buffer.from('select 1;\n'.repeat(10)), /is no zip archive/],
    ['cut off in front', zipOf(files).subarray(20), /damaged/],
    ['with something behind', Buffer.concat([zipOf(files), Buffer.from('x')]), /is no zip/],
    ['a bomb that tells its size', zipOf({ 'a.sql': Buffer.alloc(20_000) }), /unpacks to 20000/],
    ['a bomb that hides its size', lie({ packed: zeros }), /not what its directory says/],
    ['too many files', zipOf(Object.fromEntries(many(11))), /holds 11 files/],
    ['another checksum', lie({ crc: 7 }), /not what its directory says/],
    ['a smaller size', lie({ size: 3 }), /not what its directory says/],
    ['a larger size', lie({ size: 30 }), /not what its directory says/],
    ['encrypted', lie({ flags: 1 }), /encrypted/],
    ['packed otherwise', lie({ method: 12 }), /other than deflate/],
    ['a symbolic link', lie({ mode: 0o120777 }), /link or a device/],
    ['entries over each other', twice(), /overlap/],
    ['content that reaches into the directory', lie({ packed: Buffer.alloc(0) }), /directory says/],
  ];
  for (const [name, bytes, why] of cases) {
    test(name, () => {
      const told = textsOf(bytes);
      assert.ok(typeof told === 'string', JSON.stringify(told));
      assert.match(told, why);
    });
  }

  test('every cut and every changed byte of a real archive is read or refused, never thrown', () => {
    const real = Buffer.from(PYTHON, 'base64');
    for (let at = 0; at < real.length; at += 1) {
      assert.equal(typeof textsOf(real.subarray(0, at)), 'string');
      const changed = Buffer.from(real);
      changed[at] = (changed[at] ?? 0) ^ 0xff;
      textsOf(changed);
    }
  });
});

function many(count: number): readonly [string, string][] {
  return Array.from({ length: count }, (_, at) => [`${at}.sql`, '']);
}
