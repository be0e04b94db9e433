import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { describe, test } from 'node:test';
import { leafHash } from '../../src/core/audit/merkle.ts';
import {
  openNote,
  parseCheckpoint,
  parseVkey,
  signCheckpoint,
  signNote,
  vkeyOf,
} from '../../src/core/audit/note.ts';

/** The example of Go's golang.org/x/mod/sumdb/note, whose format C2SP describes. */
const NEUMANN = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW';
const NEUMANN_NOTE =
  'If you think cryptography is the answer to your problem,\n' +
  "then you don't know what your problem is.\n\n" +
  '— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n';

const { privateKey } = generateKeyPairSync('ed25519');
const verifier = (name: string) => {
  const parsed = parseVkey(vkeyOf(name, privateKey));
  assert.ok(parsed !== null);
  return parsed;
};

describe('signed notes', () => {
  test("verify Go's example with its key, and not with one letter changed", () => {
    const key = parseVkey(NEUMANN);
    assert.ok(key !== null);
    assert.equal(openNote(NEUMANN_NOTE, [key])?.signers[0]?.name, 'PeterNeumann');
    assert.equal(openNote(NEUMANN_NOTE.replace('answer', 'Answer'), [key]), null);
  });

  test('a verifier key with a wrong id, type or length is none', () => {
    const good = vkeyOf('log', privateKey);
    assert.notEqual(parseVkey(good), null);
    const [name, id, data] = good.split('+');
    for (const bad of [
      '',
      `other+${id}+${data}`,
      `${name}+00000000+${data}`,
      `${name}+${id}+AAAA`,
      `${name}+${id}`,
      NEUMANN.replace('+AR', '+BR'),
    ]) {
      assert.equal(parseVkey(bad), null, bad);
    }
  });

  test('a checkpoint is read as it was written, by the key that signed it alone', () => {
    const root = leafHash('x');
    const note = signCheckpoint({ origin: 'tagout/audit/7', size: 12, root }, privateKey);
    const opened = openNote(note, [verifier('tagout/audit/7')]);
    assert.deepEqual(opened && parseCheckpoint(opened.text), {
      origin: 'tagout/audit/7',
      size: 12,
      root: Buffer.from(root),
    });
    assert.equal(openNote(note, [verifier('tagout/audit/8')]), null);
    const other = parseVkey(vkeyOf('tagout/audit/7', generateKeyPairSync('ed25519').privateKey));
    assert.ok(other !== null);
    assert.equal(openNote(note, [other]), null);
  });

  test('every single changed character of a note is found', () => {
    const note = signCheckpoint({ origin: 'log', size: 3, root: leafHash('y') }, privateKey);
    const keys = [verifier('log')];
    for (let at = 0; at < note.length; at += 1) {
      const bent = note.slice(0, at) + (note[at] === 'A' ? 'B' : 'A') + note.slice(at + 1);
      assert.equal(openNote(bent, keys), null, `character ${at}`);
    }
  });

  test('checkpoints with extension lines, odd numbers or odd roots are none', () => {
    const root = Buffer.from(leafHash('z')).toString('base64');
    assert.notEqual(parseCheckpoint(`log\n1\n${root}\n`), null);
    for (const text of [
      `log\n01\n${root}\n`,
      `log\n-1\n${root}\n`,
      `log\n1\n${root}\nmore\n`,
      `log\n1\n${root.slice(4)}\n`,
      `log\n9999999999999999\n${root}\n`,
      `\n1\n${root}\n`,
    ]) {
      assert.equal(parseCheckpoint(text), null, text);
    }
  });

  test('a name that would break the line is refused', () => {
    for (const name of ['', 'a b', 'a+b', 'a\nb']) {
      assert.throws(() => signNote('text\n', name, privateKey), /name/);
    }
    assert.throws(() => signNote('no newline', 'log', privateKey), /newline/);
  });
});
