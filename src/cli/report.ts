/** `tagout report`: the register of production deployments, as text, CSV or JSON. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { TagoutError } from '../core/errors.ts';
import { recordRead } from '../store/access.ts';
import { openStore } from '../store/open.ts';
import { readLogIds } from '../store/read-log.ts';
import { productionDeployments } from '../store/report.ts';
import type { DeploymentRow, ReportWish } from '../store/report.ts';
import { csvRow } from './csv.ts';
import { EXIT } from './io.ts';
import type { Io } from './io.ts';
import { REGISTER_COLUMNS, registerRow } from './register.ts';
import { questionOf } from './report-question.ts';
import { deploymentText, emptyTally, periodText, tallied, tallyText } from './report-text.ts';
import { readStoreSettings } from './settings.ts';
import type { StoreSettings } from './settings.ts';

export interface ReportOptions {
  readonly from?: string;
  readonly to?: string;
  readonly repo?: string;
  readonly format: 'text' | 'csv' | 'json';
  /** A folder for the bundle, in place of printing. */
  readonly out?: string;
  readonly org?: string;
  readonly serve?: true;
  /** Number of an auditor's question, with the moment and the run that it is about. */
  readonly question?: string;
  readonly at?: string;
  readonly run?: string;
  /** A file in which GitHub's own lists are kept. */
  readonly population?: string;
}

type Rows = AsyncIterable<DeploymentRow>;

/** Prints the register row by row, so that a long one needs no memory. */
export async function report(options: ReportOptions, io: Io): Promise<number> {
  const wish = readWish(options);
  const settings = readStoreSettings(io.env, io.cwd);
  mustExist(settings);
  const { databaseUrl, databaseOwnerUrl: ownerUrl, dataDir } = settings;
  const store = await openStore({ databaseUrl, ownerUrl, dataDir });
  try {
    if (options.serve === true) {
      const { serveReport } = await import('./report-serve.ts');
      return await serveReport(store, wish, io);
    }
    const { out, org = null, population = null } = options;
    if (options.question !== undefined) {
      const { answerQuestion } = await import('./report-out.ts');
      const { format } = options;
      const about = { ...wish, ...readQuestion(options), format, org, population };
      return await answerQuestion(store, about, io);
    }
    if (out !== undefined) {
      const { reportBundle } = await import('./report-out.ts');
      return await reportBundle(store, { ...wish, out, org, population }, io);
    }
    for (const installationId of await readLogIds(store.reports)) {
      await recordRead(store, { installationId, what: 'register', how: 'command', wish }, io.now);
    }
    await PRINT[options.format](productionDeployments(store.reports, wish), wish, io);
    return EXIT.allow;
  } finally {
    await store.close();
  }
}

type Print = (rows: Rows, wish: ReportWish, io: Io) => Promise<void>;

const PRINT: Readonly<Record<ReportOptions['format'], Print>> = {
  text: async (rows, wish, io) => {
    let tally = emptyTally();
    io.out(periodText(wish));
    for await (const row of rows) {
      io.out(deploymentText(row));
      tally = tallied(tally, row);
    }
    io.out(tallyText(tally));
  },
  csv: async (rows, _wish, io) => {
    io.out(csvRow(REGISTER_COLUMNS));
    for await (const row of rows) io.out(csvRow(registerRow(row)));
  },
  json: async (rows, wish, io) => {
    const about = { tagout: 1, ...wish };
    io.out(`${JSON.stringify(about).slice(0, -1)},"deployments":[`);
    let before = '\n';
    for await (const row of rows) {
      io.out(`${before}${JSON.stringify(row)}`);
      before = ',\n';
    }
    io.out('\n]}\n');
  },
};

/** A report over a store that is made for it would be empty and look like an answer. */
export function mustExist({ databaseUrl, dataDir }: StoreSettings): void {
  if (databaseUrl !== null || existsSync(join(dataDir, 'store', 'PG_VERSION'))) return;
  throw new TagoutError(
    'configuration',
    `There is no store in ${dataDir}: set DATABASE_URL, or TAGOUT_DATA to the server's data folder.`,
  );
}

/** The wish from the command line. Throws TagoutError('usage') naming the option. */
export function readWish(options: Omit<ReportOptions, 'format'>): ReportWish {
  const fromMs = readTime('--from', options.from);
  const toMs = readTime('--to', options.to);
  const repo = options.repo ?? null;
  if (fromMs !== null && toMs !== null && fromMs >= toMs) {
    throw new TagoutError('usage', '--from is not before --to; --to is the first day that is out.');
  }
  if (repo !== null && !/^[\w.-]+\/[\w.-]+$/.test(repo)) {
    throw new TagoutError('usage', `--repo ${JSON.stringify(repo)} is not of the form owner/name.`);
  }
  return { fromMs, toMs, repo };
}

/** The question from the command line. Throws TagoutError('usage') naming the option. */
function readQuestion({ question = '', at, run }: ReportOptions) {
  if (run !== undefined && !/^-?[1-9]\d{0,14}$/.test(run)) {
    throw new TagoutError('usage', `--run ${JSON.stringify(run)} is not the number of a run.`);
  }
  const { number } = questionOf(question);
  return { number, atMs: readTime('--at', at), runId: run === undefined ? null : Number(run) };
}

function readTime(option: string, text: string | undefined): number | null {
  if (text === undefined) return null;
  const match = /^(\d{4}-\d\d-\d\d)(T\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?)?(Z|[+-]\d\d:\d\d)?$/.exec(
    text,
  );
  const [, day = '', time = 'T00:00', zone = 'Z'] = match ?? [];
  const atMs = Date.parse(`${day}${time}${zone}`);
  const sameDay = new Date(Date.parse(`${day}T00:00Z`));
  if (match === null || Number.isNaN(atMs) || !sameDay.toISOString().startsWith(day)) {
    const example = '2026-01-31 or 2026-01-31T12:00Z';
    throw new TagoutError('usage', `${option} ${JSON.stringify(text)} is not a date: ${example}.`);
  }
  return atMs;
}
