/**
 * On a snapshot the SQL under test works on real rows, and a message of the server can quote them
 * (`invalid input syntax for type integer: "…"`): nobody but the server may see such a message.
 */
import type { FolderRun, SqlError, StatementRun } from '../core/dry-run.ts';
import { withheld } from './words.ts';

/** Any state can be raised with any text, so no message of the server speaks here. */
const hush = (error: SqlError | null): SqlError | null =>
  error === null ? null : { ...error, message: withheld(error.sqlstate) };

/** The same run without a word of the server's own. */
export function withoutMessages(folder: FolderRun): FolderRun {
  const { observation } = folder;
  const statements = folder.statements.map(
    (run): StatementRun => ({ ...run, error: hush(run.error) }),
  );
  const down = observation?.downDifference.map((text) =>
    /^[^:]* fails: /.test(text) ? text.replace(/^([^:]* fails): .*$/s, '$1') : text,
  );
  return {
    ...folder,
    statements,
    error: hush(folder.error),
    observation: observation === null ? null : { ...observation, downDifference: down ?? [] },
  };
}
