/** `tagout report --question N`: one of an auditor's questions, answered as one table. */
import { openNote, parseCheckpoint, parseVkey } from '../core/audit/note.ts';
import { readEvent } from '../core/audit/verify.ts';
import { TagoutError } from '../core/errors.ts';
import { createCollector } from '../core/report/collect.ts';
import type { Cell } from '../core/report/columns.ts';
import { periodOf, type Wish } from '../core/report/period.ts';
import { createRowPack } from '../web/audit/row-pack.ts';
import type { Population } from '../core/report/population.ts';
import { type Asked, QUESTIONS, type Question } from '../core/report/questions.ts';
import type { Table } from '../core/report/tables.ts';
import { line } from '../core/words/text.ts';
import { recordRead } from '../store/access.ts';
import type { Store } from '../store/open.ts';
import { readCheckpoints, readLeafBatches } from '../store/read-log.ts';
import { verifyStored } from '../store/verify-stored.ts';
import { csvRow } from './csv.ts';
import { EXIT, type Io } from './io.ts';

export interface QuestionWish extends Wish {
  readonly number: number;
  readonly atMs: number | null;
  readonly runId: number | null;
  readonly format: 'text' | 'csv' | 'json';
  readonly population: Population | null;
  readonly webUrl: string | null;
}

/** The question of a number. Throws TagoutError('usage') listing all of them. */
export function questionOf(text: string): Question {
  const question = QUESTIONS.find(({ number }) => String(number) === text);
  if (question !== undefined) return question;
  const all = QUESTIONS.map(({ number, asks }) => `  ${number}  ${asks}`).join('\n');
  throw new TagoutError('usage', `--question takes a number from 1 to 20:\n${all}`);
}

async function verify(store: Store, id: number): Promise<readonly string[]> {
  const { key } = store;
  const trusted = { origin: key.origin(id), installationId: id, vkeys: [key.vkey(id)] };
  const verdict = await verifyStored(store.reports, trusted);
  const problems = verdict.problems.map(({ code, message }) => `${code}: ${message}`);
  const head = `${verdict.verdict}: ${verdict.leaves} rows, ${verdict.redacted} texts erased`;
  const elsewhere = 'without this server: npx tagout report --out DIR, then python3 DIR/verify.py';
  return [head, ...problems, elsewhere];
}

/** Everything that a question can be asked of. */
export async function asked(store: Store, id: number, wish: QuestionWish): Promise<Asked> {
  const collector = createCollector(createRowPack());
  const verifier = parseVkey(store.key.vkey(id));
  const last = (await readCheckpoints(store.reports, id)).at(-1);
  const opened = last === undefined || verifier === null ? null : openNote(last.note, [verifier]);
  const head = opened === null ? null : parseCheckpoint(opened.text);
  const size = head?.size ?? 0;
  let read = 0;
  for await (const batch of readLeafBatches(store.reports, id)) {
    for (const leaf of batch) {
      const event = read < size ? readEvent(leaf.body) : null;
      read += 1;
      if (event !== null) collector.add(event, leaf.details);
    }
  }
  const gathered = collector.end();
  const seed = Buffer.from(head?.root ?? []).toString('hex');
  const { population, webUrl } = wish;
  const period = periodOf(gathered, wish, { seed, population, webUrl });
  const verified = wish.number === 13 ? await verify(store, id) : [];
  return { gathered, period, size, atMs: wish.atMs, runId: wish.runId, verified };
}

function shown(value: Cell): string {
  const text = value === null ? '–' : line(String(value), 400);
  return /^[0-9a-f]{40,64}$/.test(text) ? text.slice(0, 12) : text;
}

/** A table for a terminal: one paragraph for each row. */
export function tableText(table: Table): string {
  const width = Math.max(...table.columns.map(({ length }) => length));
  const rows = table.rows.map((row) =>
    table.columns
      .map((name, at) => `  ${name.padEnd(width)}  ${shown(row[at] ?? null)}\n`)
      .join(''),
  );
  return `${table.title}\n\n${rows.join('\n')}${rows.length === 0 ? '' : '\n'}${rows.length} rows\n`;
}

const PRINT: Readonly<
  Record<QuestionWish['format'], (table: Table, question: Question) => string>
> = {
  text: tableText,
  csv: ({ columns, rows }) => [columns, ...rows].map(csvRow).join(''),
  json: ({ title, columns, rows }, { number, asks }) => {
    const named = rows.map((row) =>
      Object.fromEntries(columns.map((name, at) => [name, row[at] ?? null])),
    );
    return `${JSON.stringify({ question: number, asks, title, rows: named }, null, 2)}\n`;
  },
};

/** Answers a question over one log; the read is recorded before anything is shown. */
export async function reportQuestion(
  store: Store,
  id: number,
  wish: QuestionWish,
  io: Io,
): Promise<number> {
  const question = questionOf(String(wish.number));
  if (question.number === 12 && wish.runId === null) {
    throw new TagoutError(
      'usage',
      'Question 12 is about one deployment: name its run with --run ID.',
    );
  }
  const what = `question ${question.number}`;
  await recordRead(store, { installationId: id, what, how: 'command', wish }, io.now);
  await store.sealer.sealNow(id);
  io.out(PRINT[wish.format](question.answer(await asked(store, id, wish)), question));
  return EXIT.allow;
}
