/** `tagout report --out DIR`: the folder that an auditor takes away and checks without us. */
import type { KeyObject } from 'node:crypto';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import {
  checkpointsText,
  detailLine,
  FILES,
  type Manifest,
  manifestText,
} from '../core/audit/bundle.ts';
import { openNote, parseCheckpoint, parseVkey, signedTime, signNote } from '../core/audit/note.ts';
import { createProofs, proofText } from '../core/audit/proof.ts';
import { hashText, markedLeafHash } from '../core/audit/tree.ts';
import type { SealedLeaf } from '../core/audit/verify.ts';
import { commitmentsIn, readEvent } from '../core/audit/verify.ts';
import { canonicalText } from '../core/canonical.ts';
import { TagoutError } from '../core/errors.ts';
import { createCollector, type Collected } from '../core/report/collect.ts';
import { controlsPaper, queriesPaper, reportPage, verifyPaper } from '../core/report/papers.ts';
import type { ReportAbout } from '../core/report/papers.ts';
import { type Period, periodOf, type PopulationRow, type Wish } from '../core/report/period.ts';
import { statementOf } from '../core/report/statements.ts';
import { type Table, tablesOf } from '../core/report/tables.ts';
import { csvRow } from './csv.ts';
import { fileSha256, filesBelow, type Progress } from './verify-bundle.ts';

/** A leaf with its hash and bytes, as the store reads it. */
export interface BundleLeaf extends SealedLeaf {
  readonly marked: Uint8Array;
}

export interface BundleSource {
  readonly origin: string;
  readonly vkey: string;
  readonly privateKey: KeyObject;
  /** Signed notes by size; leaves past the last are left out. */
  readonly notes: readonly string[];
  readonly leaves: AsyncIterable<readonly BundleLeaf[]> | Iterable<readonly BundleLeaf[]>;
  readonly population: readonly PopulationRow[] | null;
  readonly version: string;
}

interface LogFiles {
  readonly collected: Collected;
  readonly hashes: Uint8Array;
  readonly redacted: number;
}

/** An empty folder, or a clear word why not. */
function makeFolder(folder: string): void {
  if (existsSync(folder) && (!statSync(folder).isDirectory() || readdirSync(folder).length > 0)) {
    throw new TagoutError('usage', `--out ${folder} is not an empty folder: name a new one.`);
  }
  mkdirSync(join(folder, 'proofs'), { recursive: true });
}

interface Lines {
  add(line: string): void;
  close(): void;
}

/** Writes a file piece by piece. */
function writer(path: string): Lines {
  const file = openSync(path, 'w');
  let pending: string[] = [];
  let chars = 0;
  const flush = (): void => {
    if (chars > 0) writeSync(file, pending.join(''));
    pending = [];
    chars = 0;
  };
  return {
    add(line) {
      pending.push(line);
      chars += line.length;
      if (chars > 1 << 20) flush();
    },
    close() {
      flush();
      closeSync(file);
    },
  };
}

/** What no reader could take for an event is still part of the log; the verifier will say so. */
function addLeaf(leaf: BundleLeaf, collector: ReturnType<typeof createCollector>): void {
  const event = readEvent(leaf.body);
  if (event === null) {
    throw new TagoutError(
      'store-unavailable',
      'The record holds a row that is no event of this version; run `npx tagout verify` first.',
    );
  }
  collector.add(event, leaf.details);
}

/** One pass over the log: its exact bytes, hashes and texts, and what the tables need. */
async function writeLog(
  folder: string,
  source: BundleSource,
  size: number,
  progress: Progress,
): Promise<LogFiles> {
  const open = (name: string): Lines => writer(join(folder, name));
  const files = [FILES.events, FILES.hashes, FILES.details].map(open);
  const [events, hashes, details] = files;
  const collector = createCollector();
  const leafHashes = Buffer.alloc(size * 32);
  let [index, redacted] = [0, 0];
  for await (const batch of source.leaves) {
    for (const leaf of batch) {
      if (index >= size) break;
      const hash = markedLeafHash(leaf.marked);
      leafHashes.write(hash, index * 32, 'latin1');
      events?.add(`${leaf.body}\n`);
      hashes?.add(`${hashText(hash)}\n`);
      for (const detail of leaf.details) details?.add(detailLine({ leaf: index, ...detail }));
      redacted += Math.max(0, commitmentsIn(leaf.body) - leaf.details.length);
      addLeaf(leaf, collector);
      index += 1;
    }
    progress(index, size);
  }
  for (const file of files) file.close();
  if (index < size) {
    throw new TagoutError(
      'store-unavailable',
      `The record has ${index} of the ${size} rows that its last checkpoint covers: ` +
        'it was tampered with; run `npx tagout verify --database-url …`.',
    );
  }
  return { collected: collector.end(), hashes: leafHashes, redacted };
}

function writeTable(folder: string, table: Table): void {
  const file = writer(join(folder, `${table.name}.csv`));
  file.add(csvRow(table.columns));
  for (const row of table.rows) file.add(csvRow(row));
  file.close();
}

function writeJsonLines(folder: string, name: string, rows: Iterable<unknown>): void {
  const file = writer(join(folder, name));
  for (const row of rows) file.add(`${JSON.stringify(row)}\n`);
  file.close();
}

function* rowObjects(table: Table): Generator<unknown> {
  for (const row of table.rows) {
    yield Object.fromEntries(table.columns.map((name, at) => [name, row[at] ?? null]));
  }
}

function* statements(period: Period, source: BundleSource): Generator<unknown> {
  for (const row of period.deployments) {
    if (row.releasedAtMs !== null) yield statementOf(row, period, source);
  }
}

function writeProofs(folder: string, period: Period, log: LogFiles, note: string): void {
  if (period.sample.length === 0) return;
  const pathOf = createProofs(log.hashes);
  for (const { leafIndex } of period.sample) {
    const text = proofText(leafIndex, pathOf(leafIndex), note);
    writeFileSync(join(folder, 'proofs', `${leafIndex}.tlog-proof`), text);
  }
}

/** The last checkpoint with its time. */
function lastHead(source: BundleSource) {
  const verifier = parseVkey(source.vkey);
  const note = source.notes.at(-1);
  if (verifier === null || note === undefined) {
    throw new TagoutError('usage', 'There is no sealed record of this installation yet.');
  }
  const opened = openNote(note, [verifier]);
  const head = opened === null ? null : parseCheckpoint(opened.text);
  const sealedMs = signedTime(note, verifier);
  if (head !== null && sealedMs !== null) return { ...head, note, sealedMs };
  throw new TagoutError(
    'store-unavailable',
    'The last checkpoint is not signed by this server’s key: run `npx tagout verify` first.',
  );
}

function writeManifest(folder: string, source: BundleSource, about: ReportAbout): void {
  const names = filesBelow(folder);
  const manifest: Manifest = {
    v: 1,
    origin: source.origin,
    size: about.size,
    root: about.root,
    files: names.map((name) => ({
      name,
      bytes: statSync(join(folder, name)).size,
      sha256: fileSha256(join(folder, name)),
    })),
  };
  const text = canonicalText(manifest);
  writeFileSync(join(folder, FILES.manifest), text);
  const note = signNote(manifestText(source.origin, text), source.origin, source.privateKey);
  writeFileSync(join(folder, FILES.manifestNote), note);
}

const VERIFIER = new URL('./report-verify.py', import.meta.url);

/** Writes the bundle; the same record and wish give the same bytes. Throws TagoutError. */
export async function writeBundle(
  folder: string,
  source: BundleSource,
  wish: Wish,
  progress: Progress = () => {},
): Promise<Period> {
  const head = lastHead(source);
  makeFolder(folder);
  const log = await writeLog(folder, source, head.size, progress);
  const root = Buffer.from(head.root).toString('hex');
  const { population, version, origin, vkey } = source;
  const period = periodOf(log.collected, wish, { seed: root, population });
  const about: ReportAbout = {
    origin,
    vkey,
    version,
    wish,
    root,
    size: head.size,
    sealedMs: head.sealedMs,
    redacted: log.redacted,
  };
  const tables = tablesOf(log.collected, period, head.size);
  const put = (name: string, text: string | Uint8Array): void =>
    writeFileSync(join(folder, name), text);
  put(FILES.checkpoints, checkpointsText(source.notes));
  for (const table of tables) writeTable(folder, table);
  const [register] = tables;
  if (register !== undefined) writeJsonLines(folder, 'deployments.jsonl', rowObjects(register));
  writeJsonLines(folder, 'statements.intoto.jsonl', statements(period, source));
  writeProofs(folder, period, log, head.note);
  put('controls.json', controlsPaper(period));
  put('queries.sql', queriesPaper());
  put('VERIFY.md', verifyPaper(about));
  put('verify.py', readFileSync(VERIFIER));
  put('report.html', reportPage(about, period, { collected: log.collected, tables }));
  writeManifest(folder, source, about);
  return period;
}
