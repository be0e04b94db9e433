/**
 * No field of a bundle's rows may be other than it was signed: each field of each kind of row is
 * dropped, doubled, replaced and reordered. Once the files are left as they are, and once the manifest
 * is signed anew over them, as somebody with the key could: then the checkpoints tell.
 * `MUTANTS=all`: every one of them instead of some.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { writeBundle } from '../../src/cli/report-bundle.ts';
import { verifyBundle } from '../../src/cli/verify-bundle.ts';
import { FILES, manifestText, readManifest } from '../../src/core/audit/bundle.ts';
import { signNote } from '../../src/core/audit/note.ts';
import { canonicalText, sha256Hex } from '../../src/core/canonical.ts';
import { EVENTS } from './kinds.ts';
import { createLog, deployments, START_MS, type TestLog, uuid } from './log.ts';
import { mutantsOf } from './mutate.ts';

const STEP = process.env['MUTANTS'] === 'all' ? 1 : 41;

interface Case {
  readonly what: string;
  readonly files: Readonly<Record<string, string>>;
}

/** Decisions and releases with their texts, and one event of each other kind. */
function logOfAllKinds(): TestLog {
  const log = deployments(1, createLog());
  Object.values(EVENTS).forEach((event, at) => {
    // What is released twice, or on no decision, would be refused before it is mutated.
    if (event.kind === 'decision.made' || event.kind === 'effect.outcome') return;
    const atMs = START_MS + 600_000;
    const own = { eventId: uuid(900 + at, atMs), dedupeKey: `kind ${at}`, recordedAtMs: atMs };
    log.addBody(canonicalText({ ...event, ...own }));
  });
  log.seal(START_MS + 601_000);
  return log;
}

describe('a bundle with one wrong field', () => {
  let root: string;
  let folder: string;
  let log: TestLog;
  before(async () => {
    root = mkdtempSync(join(tmpdir(), 'tagout-mutants-'));
    folder = join(root, 'bundle');
    log = logOfAllKinds();
    await writeBundle(folder, log.source(), { fromMs: null, toMs: null, repo: null });
  });
  after(() => rmSync(root, { recursive: true, force: true }));

  const textOf = (name: string): string => readFileSync(join(folder, name), 'utf8');
  const judge = ({ files }: Case): string => {
    const kept = Object.keys(files).map((name) => [name, textOf(name)] as const);
    try {
      for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
      const trusted = { origin: log.origin, installationId: 1, vkeys: [log.vkey] };
      return verifyBundle(folder, trusted, () => {}).verdict;
    } finally {
      for (const [name, text] of kept) writeFileSync(join(folder, name), text);
    }
  };
  const python = (cases: readonly Case[]): readonly string[] => {
    const input = cases.map(({ files }) => `${JSON.stringify(files)}\n`).join('');
    const driver = join(import.meta.dirname, 'mutants.py');
    const ran = spawnSync('python3', [driver, folder, '--key', log.vkey], {
      input,
      encoding: 'utf8',
      maxBuffer: 1 << 26,
    });
    assert.equal(ran.status, 0, ran.stderr);
    return ran.stdout.trim().split('\n');
  };
  /** The manifest that names the changed file, signed with the log's own key. */
  const signedAnew = (name: string, text: string): Readonly<Record<string, string>> => {
    const manifest = readManifest(textOf(FILES.manifest));
    assert.ok(manifest !== null);
    const row = { name, bytes: Buffer.byteLength(text), sha256: sha256Hex(text) };
    const files = manifest.files.map((file) => (file.name === name ? row : file));
    const made = canonicalText({ ...manifest, files });
    const note = signNote(manifestText(log.origin, made), log.origin, log.privateKey);
    return { [name]: text, [FILES.manifest]: made, [FILES.manifestNote]: note };
  };
  /** Mutants of the JSON lines of a file. */
  const linesOf = (name: string): readonly { what: string; text: string }[] => {
    const lines = textOf(name).split('\n').slice(0, -1);
    return lines.flatMap((line, at) =>
      [...mutantsOf(JSON.parse(line))]
        .filter(({ text }) => text !== line)
        .map(({ what, text }) => ({
          what: `${name} ${at}${what}`,
          text: `${[...lines.slice(0, at), text, ...lines.slice(at + 1)].join('\n')}\n`,
        })),
    );
  };
  /** Mutants of the words of a checkpoint's lines. */
  const wordsOf = (name: string): readonly { what: string; text: string }[] => {
    const words = textOf(name).split(/(?<=[ \n])|(?=[ \n])/);
    return words.flatMap((word, at) => {
      const made = { dropped: [], doubled: [word, word], replaced: [`${word}A`] };
      return Object.entries(made).map(([how, put]) => ({
        what: `${name} word ${at} ${how}`,
        text: [...words.slice(0, at), ...put, ...words.slice(at + 1)].join(''),
      }));
    });
  };
  /** An effect that is none once ended the second verifier with a fault instead of a verdict. */
  const sample = <T extends { what: string }>(rows: readonly T[]): readonly T[] =>
    rows.filter(({ what }, at) => at % STEP === 0 || what.endsWith('/effect replaced'));
  const refused = (cases: readonly Case[]): void => {
    assert.ok(cases.length > 2, `${cases.length} mutants`);
    for (const one of cases) assert.notEqual(judge(one), 'intact', one.what);
    const codes = python(cases);
    assert.equal(codes.length, cases.length);
    codes.forEach((code, at) => assert.match(code, /^[12]$/, `python: ${cases[at]?.what}`));
  };

  test('is itself intact, for both verifiers', () => {
    const whole = { what: 'whole', files: {} };
    assert.equal(judge(whole), 'intact');
    assert.deepEqual(python([whole]), ['0']);
    const name = FILES.events;
    const anew = { what: 'signed anew', files: signedAnew(name, textOf(name)) };
    assert.equal(judge(anew), 'intact', 'a manifest signed anew over the same files');
    assert.deepEqual(python([anew]), ['0']);
  });

  for (const name of [FILES.events, FILES.details]) {
    test(`is refused by both: ${name}`, () => {
      refused(sample(linesOf(name)).map(({ what, text }) => ({ what, files: { [name]: text } })));
    });
  }

  for (const name of [FILES.events, FILES.details]) {
    test(`is refused by both when the manifest is signed anew: ${name}`, () => {
      const made = sample(linesOf(name));
      refused(made.map(({ what, text }) => ({ what, files: signedAnew(name, text) })));
    });
  }

  test('is refused by both: checkpoints, as they are and signed anew', () => {
    const { checkpoints } = FILES;
    const made = sample(wordsOf(checkpoints));
    refused(made.map(({ what, text }) => ({ what, files: { [checkpoints]: text } })));
    refused(made.map(({ what, text }) => ({ what, files: signedAnew(checkpoints, text) })));
  });

  for (const name of [FILES.events, FILES.details, FILES.checkpoints]) {
    test(`cannot be verified by either without ${name}, though the manifest names none`, () => {
      const less = join(root, `without-${name}`);
      cpSync(folder, less, { recursive: true });
      rmSync(join(less, name));
      const manifest = readManifest(textOf(FILES.manifest));
      assert.ok(manifest !== null);
      const files = manifest.files.filter((file) => file.name !== name);
      const made = canonicalText({ ...manifest, files });
      const note = signNote(manifestText(log.origin, made), log.origin, log.privateKey);
      writeFileSync(join(less, FILES.manifest), made);
      writeFileSync(join(less, FILES.manifestNote), note);
      const trusted = { origin: log.origin, installationId: 1, vkeys: [log.vkey] };
      assert.equal(verifyBundle(less, trusted, () => {}).verdict, 'unverifiable');
      const script = join(less, 'verify.py');
      assert.equal(spawnSync('python3', [script, less, '--key', log.vkey]).status, 2);
    });
  }

  test('is refused by both: the manifest', () => {
    const { manifest } = FILES;
    const made = sample([...mutantsOf(JSON.parse(textOf(manifest)))]);
    refused(made.map(({ what, text }) => ({ what, files: { [manifest]: text } })));
  });
});
