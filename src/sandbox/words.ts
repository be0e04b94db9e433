/** The sandbox's own sentences: why a dry run failed or cannot be compared, and what cures it. */
import type { SqlError } from '../core/dry-run.ts';

/** `drizzle/0003_x.sql, line 4`. */
function place(error: SqlError): string {
  if (error.path === null) return 'the change';
  return error.line === null ? error.path : `${error.path}, line ${error.line}`;
}

/** Errors that say the sandbox lacks something which production may have. */
export function isLacking(error: SqlError): boolean {
  if (error.sqlstate === '58P01' || /extension ".*" is not available/.test(error.message)) {
    return true;
  }
  return error.sqlstate === '42704' && /^role ".*" does not exist/.test(error.message);
}

/** The change's own SQL ended with an error. */
export function failedReason(error: SqlError): string {
  return (
    `The migration fails: ${place(error)}: ${error.message} (SQLSTATE ${error.sqlstate}). ` +
    'Correct the SQL and push again.'
  );
}

/** The change needs what this sandbox does not have. */
export function lackingReason(error: SqlError, engine: string): string {
  return (
    `The migration could not be compared: ${place(error)}: ${error.message} in the sandbox's ` +
    `PostgreSQL ${engine} (SQLSTATE ${error.sqlstate}). Have the operator install it there, or ` +
    'create it in an earlier migration.'
  );
}

/** The base branch's own history or seed does not run. */
export function baselineReason(
  stage: 'history' | 'schema' | 'seed' | 'snapshot' | 'time',
  error: SqlError | null,
): string {
  if (stage === 'snapshot' && error === null) return noSnapshotReason();
  if (stage === 'time' || error === null) {
    return (
      'The database before the change could not be prepared in time. Squash the old migrations, ' +
      'or raise `migrations.timeout` in .github/tagout.yml.'
    );
  }
  if (stage === 'snapshot') {
    return (
      "The server's snapshot could not be restored: " +
      `${error.line === null ? '' : `line ${error.line}: `}${ofDump(error)}. Have the operator dump ` +
      'it anew with pg_dump -Fp --no-owner and try it with psql.'
    );
  }
  if (stage === 'schema') {
    return (
      `The database before the change could not be prepared, as the schema dump fails: ` +
      `${place(error)}: ${error.message} (SQLSTATE ${error.sqlstate}). Dump it anew with pg_dump ` +
      '--schema-only --no-owner and commit it on the base branch.'
    );
  }
  const what = stage === 'seed' ? 'seed SQL' : "base branch's migrations";
  return (
    `The database before the change could not be prepared, as the ${what} fail: ` +
    `${place(error)}: ${error.message} (SQLSTATE ${error.sqlstate}). Correct it on the base branch.`
  );
}

/** The wall clock ran out while the change's SQL was running. */
export function timeReason(timeoutMs: number): string {
  return (
    `The migration was ended after ${timeoutMs / 1000} s and could not be compared. Split it, or ` +
    'raise `migrations.timeout` in .github/tagout.yml on the default branch.'
  );
}

/** The run used more disk than it may. */
export function diskReason(bytes: number): string {
  return (
    `The migration was ended as it wrote more than ${Math.round(bytes / 2 ** 20)} MB to the ` +
    'sandbox and could not be compared. Split it into smaller steps.'
  );
}

/** The server under test went away without our doing. */
export function crashReason(): string {
  return (
    'The migration made the PostgreSQL of the sandbox crash and could not be compared. Find the ' +
    'statement that does it by running the migration on a copy of your own.'
  );
}

/** A file that is larger than the sandbox takes. */
export function sizeReason(path: string, bytes: number, limit: number): string {
  return (
    `The migration could not be compared, as ${path} holds ${Math.round(bytes / 2 ** 20)} MB and ` +
    `the sandbox takes ${Math.round(limit / 2 ** 20)} MB. Split the file.`
  );
}

/** The observer could not read the database after the change, by accident or by design. */
export function unseenReason(detail: string): string {
  return (
    'What the migration did could not be compared, as the database cannot be read afterwards: ' +
    `${detail}. Remove what makes reading fail (a function in an index or a type) and push again.`
  );
}

/** What our own loader says is said; what the server says of rows is not. */
function ofDump({ sqlstate, message }: SqlError): string {
  return sqlstate.startsWith('58') ? message : withheld(sqlstate);
}

/** The policy asks for a snapshot, and the operator has set up none. */
function noSnapshotReason(): string {
  return (
    'The migration could not be compared, as the policy asks for a snapshot and this server has ' +
    'none that it can read for this repository. Have the operator name the place of a pg_dump in ' +
    'TAGOUT_SNAPSHOT, or ' +
    'set `migrations.baseline: replay` in .github/tagout.yml.'
  );
}

/** A server's message can quote rows; those of a snapshot must not leave the server. */
export function withheld(sqlstate: string): string {
  return `SQLSTATE ${sqlstate}, message withheld as it could quote rows of the snapshot`;
}
