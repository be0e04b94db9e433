/** `tagout plan`: the SQL that migrations in code sent, from PostgreSQL's log, for `tagout-plan`. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { TagoutError } from '../core/errors.ts';
import { sqlOfLog } from '../migrations/statement-log.ts';
import { EXIT, type Io } from './io.ts';

/** Prints the SQL; answers the exit code. Throws TagoutError('bad-input') for an unusable log. */
export async function plan(options: { readonly log: string }, io: Io): Promise<number> {
  const text = await readFile(resolve(io.cwd, options.log), 'utf8').catch((cause: unknown) => {
    const message = `the log ${options.log} cannot be read; name the file that PostgreSQL wrote`;
    throw new TagoutError('bad-input', message, { cause });
  });
  const sql = sqlOfLog(text);
  if (sql === '') {
    throw new TagoutError(
      'bad-input',
      `the log ${options.log} holds no statement; set log_statement to all before migrating`,
    );
  }
  io.out(sql);
  return EXIT.allow;
}
