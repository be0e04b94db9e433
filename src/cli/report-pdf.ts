/**
 * The report as PDF: summary, exceptions, samples. The same bytes for the same report: its times are
 * those of the last checkpoint, and the library draws its names from a fixed seed.
 */
import { type PDFFont, type PDFPage, PDFDocument, rgb, StandardFonts } from 'pdf-lib';
import type { Gathered } from '../core/report/collect.ts';
import { type Cell, iso } from '../core/report/columns.ts';
import { CONTROL_ROWS } from '../core/report/controls.ts';
import { LIMITS, type ReportAbout } from '../core/report/papers.ts';
import { headline, type Told } from '../core/report/period.ts';
import type { Table } from '../core/report/tables.ts';

const [WIDTH, HEIGHT, MARGIN] = [841.89, 595.28, 40];
const SMALL = 7.5;
const INK = rgb(0.12, 0.14, 0.16);
const SOFT = rgb(0.35, 0.39, 0.43);
const LINE = rgb(0.82, 0.85, 0.88);
const SHADE = rgb(0.965, 0.973, 0.98);

interface Fonts {
  readonly plain: PDFFont;
  readonly bold: PDFFont;
  /** Characters that the built-in fonts can draw. */
  readonly known: ReadonlySet<number>;
}

/** Letters that the built-in fonts lack are shown by their number, never left out. */
function drawable(text: string, { known }: Fonts): string {
  return Array.from(text, (char) => {
    const code = char.codePointAt(0) ?? 0;
    if (char === '→') return '->';
    if (code >= 0x20 && known.has(code)) return char;
    return code === 0x0a || code === 0x09 ? ' ' : `\\u{${code.toString(16)}}`;
  }).join('');
}

/** A reader without the built-in fonts draws others that are wider. */
const WIDER = 1.15;

/** Lines of at most a width; words that are longer are cut. */
function wrapped(text: string, font: PDFFont, drawn: number, width: number): readonly string[] {
  const size = drawn * WIDER;
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const joined = line === '' ? word : `${line} ${word}`;
    if (font.widthOfTextAtSize(joined, size) <= width) {
      line = joined;
      continue;
    }
    if (line !== '') lines.push(line);
    line = word;
    while (font.widthOfTextAtSize(line, size) > width) {
      let fit = line.length - 1;
      while (fit > 1 && font.widthOfTextAtSize(line.slice(0, fit), size) > width) fit -= 1;
      lines.push(line.slice(0, fit));
      line = line.slice(fit);
    }
  }
  return line === '' && lines.length > 0 ? lines : [...lines, line];
}

/** Puts text and tables on pages, from top to bottom. */
class Writer {
  readonly #document: PDFDocument;
  readonly #fonts: Fonts;
  #page: PDFPage;
  #y = HEIGHT - MARGIN;

  constructor(document: PDFDocument, fonts: Fonts) {
    this.#document = document;
    this.#fonts = fonts;
    this.#page = document.addPage([WIDTH, HEIGHT]);
  }

  #room(height: number): boolean {
    if (this.#y - height >= MARGIN + 14) return false;
    this.#page = this.#document.addPage([WIDTH, HEIGHT]);
    this.#y = HEIGHT - MARGIN;
    return true;
  }

  text(value: string, style: { size?: number; bold?: boolean; soft?: boolean } = {}): void {
    const { size = 10, bold = false, soft = false } = style;
    const font = bold ? this.#fonts.bold : this.#fonts.plain;
    for (const line of wrapped(drawable(value, this.#fonts), font, size, WIDTH - 2 * MARGIN)) {
      this.#room(size * 1.5);
      this.#y -= size * 1.35;
      const at = { x: MARGIN, y: this.#y, size, font, color: soft ? SOFT : INK };
      this.#page.drawText(line, at);
    }
    this.#y -= size * 0.3;
  }

  heading(value: string): void {
    this.#room(90);
    this.#y -= 12;
    this.text(value, { size: 14, bold: true });
  }

  figures(rows: readonly (readonly [string, string])[]): void {
    const width = (WIDTH - 2 * MARGIN - (rows.length - 1) * 8) / rows.length;
    this.#room(64);
    const y = this.#y - 58;
    for (const [at, [name, value]] of rows.entries()) {
      const x = MARGIN + at * (width + 8);
      this.#page.drawRectangle({ x, y, width, height: 52, borderColor: LINE, borderWidth: 1 });
      const size = value.length > 8 ? 13 : 20;
      this.#page.drawText(value, { x: x + 8, y: y + 28, size, font: this.#fonts.bold, color: INK });
      const { plain: font } = this.#fonts;
      for (const [row, line] of wrapped(name, font, 8, width - 16).entries()) {
        this.#page.drawText(line, { x: x + 8, y: y + 15 - row * 10, size: 8, font, color: SOFT });
      }
    }
    this.#y = y - 10;
  }

  table(columns: readonly (readonly [string, number])[], rows: readonly (readonly Cell[])[]): void {
    const total = columns.reduce((sum, [, share]) => sum + share, 0);
    const widths = columns.map(([, share]) => ((WIDTH - 2 * MARGIN) * share) / total);
    const head = columns.map(([name]) => name.replaceAll('_', ' '));
    this.#row(head, widths, null);
    for (const row of rows) {
      const cells = row.map((value) => (value === null ? '' : String(value)));
      this.#row(cells, widths, head);
    }
    if (rows.length === 0) this.text('None in this period.', { size: 9, soft: true });
    this.#y -= 6;
  }

  /** `head` is drawn again on a new page; null: this is the head. */
  #row(cells: readonly string[], widths: readonly number[], head: readonly string[] | null): void {
    const isHead = head === null;
    const font = isHead ? this.#fonts.bold : this.#fonts.plain;
    const lines = cells.map((cell, at) =>
      wrapped(drawable(cell, this.#fonts), font, SMALL, (widths[at] ?? 0) - 6).slice(0, 6),
    );
    const height = Math.max(1, ...lines.map(({ length }) => length)) * SMALL * 1.3 + 5;
    if (this.#room(height + 2) && head !== null) this.#row(head, widths, null);
    const y = this.#y - height;
    const [x, width] = [MARGIN, WIDTH - 2 * MARGIN];
    if (isHead) this.#page.drawRectangle({ x, y, width, height, color: SHADE });
    const ends = { start: { x, y }, end: { x: x + width, y } };
    this.#page.drawLine({ ...ends, thickness: 0.5, color: LINE });
    let left = MARGIN + 3;
    for (const [at, cell] of lines.entries()) {
      for (const [row, line] of cell.entries()) {
        const top = this.#y - SMALL * 1.25 - row * SMALL * 1.3;
        this.#page.drawText(line, { x: left, y: top, size: SMALL, font, color: INK });
      }
      left += widths[at] ?? 0;
    }
    this.#y = y;
  }

  /** Says on every page what it belongs to. */
  footers(text: string): void {
    const pages = this.#document.getPages();
    const { plain: font } = this.#fonts;
    for (const [at, page] of pages.entries()) {
      const words = drawable(`${text} · page ${at + 1} of ${pages.length}`, this.#fonts);
      page.drawText(words, { x: MARGIN, y: MARGIN - 14, size: 7, font, color: SOFT });
    }
  }
}

/** Some columns of a table by their names. */
function columnsOf(
  table: Table | undefined,
  wanted: readonly (readonly [string, number])[],
): readonly (readonly Cell[])[] {
  if (table === undefined) return [];
  const places = wanted.map(([name]) => table.columns.indexOf(name));
  return table.rows.map((row) => places.map((at) => short(row[at] ?? null)));
}

function short(value: Cell): Cell {
  const text = String(value ?? '');
  if (/^\d{4}-\d\d-\d\dT/.test(text)) return `${text.slice(0, 10)} ${text.slice(11, 16)}`;
  return /^[0-9a-f]{40,64}$/.test(text) ? text.slice(0, 12) : value;
}

const SECTIONS: readonly (readonly [string, string, readonly (readonly [string, number])[]])[] = [
  [
    'scope',
    'Scope',
    [
      ['repo', 4],
      ['environment', 3],
      ['production_by', 4],
      ['judged', 1.2],
      ['released', 1.2],
      ['exceptions', 1.4],
    ],
  ],
  [
    'population',
    'Completeness',
    [
      ['side', 3],
      ['repo', 3],
      ['environment', 2],
      ['head_sha', 2],
      ['at', 2.2],
      ['cause', 4],
      ['evidence', 5],
    ],
  ],
  [
    'exceptions',
    'Exceptions',
    [
      ['type', 3],
      ['severity', 1.3],
      ['leaf_index', 1.3],
      ['repo', 3],
      ['environment', 2],
      ['at', 2.4],
      ['detail', 6],
    ],
  ],
  [
    'break_glass',
    'Break glass',
    [
      ['repo', 3],
      ['released_at', 2.4],
      ['pr', 1],
      ['who', 2],
      ['second_person', 2],
      ['reason', 4],
      ['review_after', 1.6],
      ['reviewed_by', 2],
    ],
  ],
  [
    'samples',
    'Sample',
    [
      ['rank', 0.8],
      ['leaf_index', 1.4],
      ['repo', 3],
      ['environment', 2],
      ['head_sha', 2],
      ['approvers', 3],
      ['disposition', 2],
      ['link', 5],
    ],
  ],
];

function title(about: ReportAbout): string {
  const { fromMs, toMs, repo } = about.wish;
  const day = (ms: number | null, open: string): string => iso(ms)?.slice(0, 10) ?? open;
  const where = repo === null ? '' : `, ${repo}`;
  return `${day(fromMs, 'first event')} to ${day(toMs, 'last checkpoint')}${where}`;
}

async function openDocument(about: ReportAbout): Promise<readonly [PDFDocument, Fonts]> {
  const document = await PDFDocument.create({ updateMetadata: false });
  const at = new Date(about.sealedMs);
  document.setTitle(`Deployments to production, ${title(about)}`, { showInWindowTitleBar: true });
  document.setProducer(`Tagout ${about.version}`);
  document.setCreator(about.origin);
  document.setLanguage('en');
  document.setCreationDate(at);
  document.setModificationDate(at);
  const plain = await document.embedFont(StandardFonts.Helvetica);
  const bold = await document.embedFont(StandardFonts.HelveticaBold);
  return [document, { plain, bold, known: new Set(plain.getCharacterSet()) }];
}

/** The bytes of `report.pdf`. */
export async function reportPdf(
  about: ReportAbout,
  told: Told,
  { tables }: { readonly gathered: Gathered; readonly tables: readonly Table[] },
): Promise<Uint8Array> {
  const [document, fonts] = await openDocument(about);
  const writer = new Writer(document, fonts);
  writer.text('Deployments to production', { size: 20, bold: true });
  writer.text(`${title(about)} (UTC) · log ${about.origin}`, { soft: true });
  writer.figures(headline(told));
  const { summary } = told;
  writer.text(`Exceptions: ${summary.exceptions}, by type:`, { bold: true });
  writer.table(
    [
      ['type', 4],
      ['count', 1],
    ],
    [...summary.exceptionTypes].toSorted(([a, x], [b, y]) => y - x || (a < b ? -1 : 1)),
  );
  for (const [name, heading, columns] of SECTIONS) {
    const table = tables.find((one) => one.name === name);
    writer.heading(heading);
    const all = table?.total ?? table?.rows.length ?? 0;
    const rows = columnsOf(table, columns);
    if (rows.length < all) {
      writer.text(`${rows.length} of ${all}; all are in ${name}.csv.`, { size: 8, soft: true });
    }
    if (name === 'samples') {
      writer.text(`Seed: ${told.seed || 'none'}, the root of the last checkpoint.`, { size: 8 });
    }
    writer.table(columns, rows);
  }
  writer.heading('Controls that this supports');
  writer.table(
    [
      ['framework', 2],
      ['control', 3],
      ['supports', 5],
      ['files', 4],
    ],
    CONTROL_ROWS,
  );
  writer.heading('Integrity and limits');
  writer.text(`Signed at ${iso(about.sealedMs)} over ${about.size} rows; root ${about.root}`);
  writer.text(`Verifier key ${about.vkey}; ${about.redacted} texts erased.`);
  writer.text('Check the bundle itself: npx tagout verify . --key KEY, or python3 verify.py.');
  writer.text(LIMITS.replaceAll('\n', ' '));
  writer.footers(`Tagout ${about.version} · ${about.origin} · ${title(about)}`);
  return document.save();
}
