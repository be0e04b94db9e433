import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { run } from '../../src/cli.ts';
import { filesBelow } from '../../src/cli/verify-bundle.ts';
import { writeBundle } from '../../src/cli/report-bundle.ts';
import { leafHash } from '../../src/core/audit/merkle.ts';
import { parseProof, provesInclusion } from '../../src/core/audit/proof.ts';
import { deployments, type TestLog } from './log.ts';

const SECOND = new Set([
  'manifest.json dropped',
  'manifest.json changed by one bit',
  'events.jsonl reordered',
  'events.jsonl doubled',
  'checkpoints.txt emptied',
  'details.jsonl changed by one bit',
]);
const ALL = { fromMs: null, toMs: null, repo: null };

describe('a bundle', () => {
  let root: string;
  let good: string;
  let log: TestLog;
  before(async () => {
    root = mkdtempSync(join(tmpdir(), 'tagout-bundle-'));
    good = join(root, 'good');
    log = deployments(4);
    await writeBundle(good, log.source(), ALL);
  });
  after(() => rmSync(root, { recursive: true, force: true }));

  const verify = async (folder: string, ...more: string[]): Promise<[number, string]> => {
    let out = '';
    const put = (text: string): void => {
      out += text;
    };
    const io = { env: {}, cwd: root, now: Date.now, out: put, err: put };
    return [await run(['verify', folder, '--key', log.vkey, ...more], io), out];
  };
  const python = (folder: string): number | null =>
    spawnSync('python3', [join(good, 'verify.py'), folder, '--key', log.vkey]).status;
  const copy = (name: string): string => {
    const folder = join(root, name);
    cpSync(good, folder, { recursive: true });
    return folder;
  };

  test('is intact for both verifiers, and says so', async () => {
    const [code, out] = await verify(good);
    assert.equal(code, 0, out);
    assert.match(out, /INTACT/);
    assert.equal(python(good), 0);
    const [, json] = await verify(good, '--json');
    assert.equal(JSON.parse(json).verdict, 'intact');
  });

  test('has the same bytes for the same record and wish', async () => {
    const again = join(root, 'again');
    await writeBundle(again, log.source(), ALL);
    assert.deepEqual(filesBelow(again), filesBelow(good));
    for (const name of filesBelow(good)) {
      assert.deepEqual(readFileSync(join(again, name)), readFileSync(join(good, name)), name);
    }
  });

  test('the second verifier has at most 150 lines of code and no import but its own', () => {
    const text = readFileSync(join(good, 'verify.py'), 'utf8');
    const lines = text.split('\n').filter((line) => line.trim() !== '');
    assert.ok(lines.length <= 150, String(lines.length));
    assert.deepEqual(text.match(/^import .*$/gm), ['import base64, hashlib, json, os, sys']);
  });

  test('holds a proof for every sampled row', () => {
    const names = readdirSync(join(good, 'proofs'));
    assert.equal(names.length, 4);
    for (const name of names) {
      const proof = parseProof(readFileSync(join(good, 'proofs', name), 'utf8'));
      assert.ok(proof !== null);
      const body = log.leaves[proof.index]?.body ?? '';
      assert.ok(provesInclusion(proof, leafHash(body)));
      assert.ok(!provesInclusion(proof, leafHash(`${body} `)));
    }
  });

  test('names the very row that was edited', async () => {
    const folder = copy('edited');
    const path = join(folder, 'events.jsonl');
    writeFileSync(path, readFileSync(path, 'utf8').replace('"attempts":1', '"attempts":7'));
    const [code, out] = await verify(folder, '--json');
    assert.equal(code, 1);
    const row = log.leaves.findIndex(({ body }) => body.includes('"attempts":1'));
    assert.equal(JSON.parse(out).firstDivergentRow, row);
    assert.equal(python(folder), 1);
  });

  const mutants: readonly (readonly [string, (folder: string, name: string) => void])[] = [
    ['dropped', (folder, name) => rmSync(join(folder, name))],
    ['emptied', (folder, name) => writeFileSync(join(folder, name), '')],
    [
      'doubled',
      (folder, name) => appendFileSync(join(folder, name), readFileSync(join(folder, name))),
    ],
    [
      'reordered',
      (folder, name) => {
        const lines = readFileSync(join(folder, name), 'utf8').split('\n');
        writeFileSync(join(folder, name), [...lines.slice(1), lines[0]].join('\n'));
      },
    ],
    [
      'changed by one bit',
      (folder, name) => {
        const bytes = readFileSync(join(folder, name));
        const at = Math.floor(bytes.length / 2);
        bytes[at] = (bytes[at] ?? 0) ^ 1;
        writeFileSync(join(folder, name), bytes);
      },
    ],
  ];
  for (const [what, mutate] of mutants) {
    test(`no file of it may be ${what}`, async () => {
      for (const name of filesBelow(good)) {
        if (statSync(join(good, name)).size === 0) continue;
        const folder = copy('mutant');
        const before = readFileSync(join(folder, name));
        mutate(folder, name);
        const same =
          filesBelow(folder).includes(name) && readFileSync(join(folder, name)).equals(before);
        const [code, out] = await verify(folder);
        if (!same) assert.ok(code === 1 || code === 2, `${name} ${what}: ${code} ${out}`);
        // The second one starts a process each time, so it sees the files that matter most.
        if (SECOND.has(`${name} ${what}`)) {
          const other = python(folder);
          assert.ok(same || other === 1 || other === 2, `python: ${name} ${what}: ${other}`);
        }
        rmSync(folder, { recursive: true });
      }
    });
  }

  test('a file too much is found', async () => {
    const folder = copy('more');
    writeFileSync(join(folder, 'notes.txt'), 'all is well');
    assert.equal((await verify(folder))[0], 1);
    assert.equal(python(folder), 1);
  });

  test('another key, no key, no folder: 1, 64, 64; a broken key: 2', async () => {
    const io = { env: {}, cwd: root, now: Date.now, out: () => {}, err: () => {} };
    const other = log.vkey.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A'));
    assert.equal(await run(['verify', good, '--key', other], io), 2);
    assert.equal(await run(['verify', good], io), 64);
    assert.equal(await run(['verify', '--key', log.vkey], io), 64);
    assert.equal(await run(['verify', join(root, 'nowhere'), '--key', log.vkey], io), 64);
    assert.equal((await verify(good, '--since', 'x'))[0], 64);
    assert.equal((await verify(good, '--origin', 'elsewhere/2'))[0], 1);
  });

  test('an anchor that the record does not reach shows the cut', async () => {
    const longer = deployments(5);
    writeFileSync(join(root, 'anchor.txt'), longer.notes.at(-1) ?? '');
    const [code, out] = await verify(good, '--anchor', join(root, 'anchor.txt'));
    assert.equal(code, 1);
    assert.match(out, /3 rows are missing that an anchor covers/);
    writeFileSync(join(root, 'anchor.txt'), log.notes[3] ?? '');
    assert.equal((await verify(good, '--anchor', join(root, 'anchor.txt')))[0], 0);
  });
});
