/** `tagout report --out DIR`: the folder that an auditor takes away and checks without us. */
import type { KeyObject } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkpointsText, FILES, type Manifest, manifestText } from '../core/audit/bundle.ts';
import { openNote, parseCheckpoint, parseVkey, signedTime, signNote } from '../core/audit/note.ts';
import { createProofs, proofText } from '../core/audit/proof.ts';
import type { SealedLeaf } from '../core/audit/verify.ts';
import { canonicalText } from '../core/canonical.ts';
import { TagoutError } from '../core/errors.ts';
import { type Exception, exceptionsOf, otherExceptions } from '../core/report/exceptions.ts';
import { controlsPaper, queriesPaper, reportPage, verifyPaper } from '../core/report/papers.ts';
import type { ReportAbout } from '../core/report/papers.ts';
import {
  type Compared,
  compareWith,
  loggedPlace,
  type Told,
  type Wish,
  withinOf,
} from '../core/report/period.ts';
import { forPage } from '../core/report/record-tables.ts';
import type { LoggedPlace, Population } from '../core/report/population.ts';
import { timeOf } from '../core/report/row.ts';
import { statementOf } from '../core/report/statements.ts';
import { createSummary } from '../core/report/summary.ts';
import {
  EXCEPTIONS,
  exceptionCells,
  REGISTER,
  registerCells,
  smallTables,
  type Table,
} from '../core/report/tables.ts';
import { csvRow } from './csv.ts';
import { type LeftAnchor, writeAnchors } from './report-anchors.ts';
import { writer } from './report-files.ts';
import { populationLines } from './report-population.ts';
import { type LogFiles, readDeployments, writeLog } from './report-log.ts';
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
  readonly population: Population | null;
  /** Checkpoints that were left elsewhere; left out: none is known. */
  readonly anchors?: readonly LeftAnchor[];
  readonly version: string;
  /** Where people open GitHub's pages; null or left out: not known, so nothing links there. */
  readonly webUrl?: string | null;
}

/** An empty folder, or a clear word why not. */
function makeFolder(folder: string): void {
  if (existsSync(folder) && (!statSync(folder).isDirectory() || readdirSync(folder).length > 0)) {
    throw new TagoutError('usage', `--out ${folder} is not an empty folder: name a new one.`);
  }
  mkdirSync(join(folder, 'proofs'), { recursive: true });
}

function writeTable(folder: string, table: Table): void {
  const file = writer(join(folder, `${table.name}.csv`));
  file.add(csvRow(table.columns));
  for (const row of table.rows) file.add(csvRow(row));
  file.close();
}

function writeProofs(folder: string, told: Told, log: LogFiles, note: string): void {
  const { sample } = told.summary;
  if (sample.length === 0) return;
  const pathOf = createProofs(log.hashes);
  for (const { leafIndex } of sample) {
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

interface Period {
  readonly wish: Wish;
  readonly compared: Compared;
  readonly seed: string;
  readonly size: number;
}

/** Registers, exceptions and statements, a row at a time; what the other tables need is counted. */
function writeRegisters(
  folder: string,
  log: LogFiles,
  period: Period,
  source: Pick<BundleSource, 'origin' | 'version' | 'webUrl'>,
): Told {
  const { wish, compared, seed, size } = period;
  const within = withinOf(wish);
  const asOfMs = log.gathered.lastMs ?? 0;
  const summarizer = createSummary(seed);
  const open = (name: string) => writer(join(folder, name));
  const [csv, jsonl] = [open('deployments.csv'), open('deployments.jsonl')];
  const [found, statements] = [open('exceptions.csv'), open('statements.intoto.jsonl')];
  csv.add(csvRow(REGISTER.columns));
  found.add(csvRow(EXCEPTIONS.columns));
  const tell = (exceptions: readonly Exception[]): void => {
    for (const one of exceptions) found.add(csvRow(exceptionCells(one)));
  };
  for (const row of readDeployments(folder, log)) {
    if (!within(timeOf(row), row.repo)) continue;
    const exceptions = exceptionsOf(row, asOfMs);
    const types = exceptions.map(({ type }) => type);
    const cells = registerCells(row, types, { told: compared, size });
    summarizer.add(row, exceptions);
    csv.add(csvRow(cells));
    const named = REGISTER.columns.map((name, at) => [name, cells[at] ?? null]);
    jsonl.add(`${JSON.stringify(Object.fromEntries(named))}\n`);
    tell(exceptions);
    if (row.releasedAtMs === null) continue;
    statements.add(`${JSON.stringify(statementOf(row, types, source))}\n`);
  }
  const others = otherExceptions(log.gathered, compared.differences, within);
  summarizer.addOther(others);
  tell(others);
  for (const file of [csv, jsonl, found, statements]) file.close();
  const { webUrl = null } = source;
  return { ...compared, summary: summarizer.end(), seed, asOfMs, webUrl };
}

/** The comparison with GitHub needs a word of every deployment, and only then the period. */
function comparedWith(
  folder: string,
  log: LogFiles,
  about: { readonly wish: Wish; readonly population: Population | null },
): Compared {
  const { wish, population } = about;
  const places: LoggedPlace[] = [];
  if (population !== null) {
    for (const row of readDeployments(folder, log)) places.push(loggedPlace(row));
  }
  return compareWith(places, population, { within: withinOf(wish), gathered: log.gathered });
}

function pageTables(
  told: Told,
  about: { readonly size: number; readonly small: readonly Table[] },
): readonly Table[] {
  const { summary } = told;
  const rows = summary.first.map((row) => {
    const types = exceptionsOf(row, told.asOfMs).map(({ type }) => type);
    return registerCells(row, types, { told, size: about.size });
  });
  // What a reader looks for comes first; the long register last.
  return [
    { ...EXCEPTIONS, rows: summary.worst.map(exceptionCells), total: summary.exceptions },
    ...about.small.map(forPage),
    { ...REGISTER, rows, total: summary.deployments },
  ];
}

const VERIFIER = new URL('./report-verify.py', import.meta.url);

/** Writes the bundle; the same record and wish give the same bytes. Throws TagoutError. */
export async function writeBundle(
  folder: string,
  source: BundleSource,
  wish: Wish,
  progress: Progress = () => {},
): Promise<Told> {
  const head = lastHead(source);
  const { size } = head;
  makeFolder(folder);
  const log = await writeLog(folder, source, size, progress);
  const root = Buffer.from(head.root).toString('hex');
  const { population, version, origin, vkey, anchors = [] } = source;
  const compared = comparedWith(folder, log, { wish, population });
  const told = writeRegisters(folder, log, { wish, compared, seed: root, size }, source);
  const { sealedMs } = head;
  const { redacted, gathered } = log;
  const about: ReportAbout = { origin, vkey, version, wish, root, size, sealedMs, redacted };
  const put = (name: string, text: string | Uint8Array): void =>
    writeFileSync(join(folder, name), text);
  put(FILES.checkpoints, checkpointsText(source.notes));
  const small = smallTables(gathered, told, wish);
  for (const table of small) writeTable(folder, table);
  if (population !== null) {
    const file = writer(join(folder, 'population.jsonl'));
    for (const line of populationLines(population)) file.add(line);
    file.close();
  }
  writeProofs(folder, told, log, head.note);
  writeAnchors(folder, anchors, source.notes);
  put('controls.json', controlsPaper(told));
  put('queries.sql', queriesPaper());
  put('VERIFY.md', verifyPaper(about));
  put('verify.py', readFileSync(VERIFIER));
  const tables = pageTables(told, { size, small });
  put('report.html', reportPage(about, told, { gathered, tables }));
  const { reportPdf } = await import('./report-pdf.ts');
  put('report.pdf', await reportPdf(about, told, { gathered, tables }));
  writeManifest(folder, source, about);
  return told;
}
