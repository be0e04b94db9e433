/**
 * Synthetic rows for tables that have none, so that there is something to lose. They are inserted by
 * the owner, never by the superuser, because checks and generated columns run the owner's functions.
 */
import type { Engine } from '../postgres/engine.ts';
import type { Wire, WireError } from '../postgres/wire.ts';
import type { TableInfo } from './catalog.ts';
import { describe, type FillTable, type ForeignKey, PARTITION, quote } from './row-tables.ts';
import { candidates } from './row-values.ts';
import { OBSERVER, OWNER, type Throwaway } from './workspace.ts';

export interface Unfilled {
  readonly table: string;
  readonly reason: string;
}

export interface FillWish {
  readonly tables: readonly TableInfo[];
  readonly rows: number;
}

/** Insertions tried per table until its checks are met. */
const MAX_TRIES = 150;

/** Parents before children; a circle is entered somewhere. */
function inOrder(tables: readonly FillTable[]): readonly FillTable[] {
  const byOid = new Map(tables.map((table) => [table.info.oid, table]));
  const ordered = new Set<FillTable>();
  const entered = new Set<FillTable>();
  for (const start of tables) {
    const stack = [start];
    for (let table = stack.at(-1); table !== undefined; table = stack.at(-1)) {
      const first = !entered.has(table);
      entered.add(table);
      const parents = table.foreignKeys.flatMap((key) => byOid.get(key.parent) ?? []);
      const open = first ? parents.filter((parent) => !entered.has(parent)) : [];
      if (open.length > 0) {
        stack.push(...open);
      } else {
        stack.pop();
        ordered.add(table);
      }
    }
  }
  return [...ordered];
}

interface Surroundings {
  readonly rows: number;
  /** Parents that hold rows. */
  readonly filled: ReadonlySet<number>;
  /** Tables that were tried and stay empty. */
  readonly failed: ReadonlySet<number>;
}

/** One table's insertion: which candidate each column is at. */
class Attempt {
  readonly #table: FillTable;
  readonly #rows: number;
  readonly #choices = new Map<number, readonly string[]>();
  readonly #at = new Map<number, number>();
  readonly #joined = new Map<number, string>();
  readonly #joins: string[] = [];
  #moved: number | null = null;
  readonly missing: string | null;

  constructor(table: FillTable, { rows, filled, failed }: Surroundings) {
    this.#table = table;
    this.#rows = rows;
    for (const key of table.foreignKeys) if (filled.has(key.parent)) this.#join(key);
    let missing: string | null = null;
    for (const key of table.foreignKeys) {
      // A key without a parent holds only where a column of it may be null.
      if (failed.has(key.parent) && !this.#leaveOut(key)) missing = `${key.quoted} holds no row`;
    }
    for (const column of table.columns) {
      if (this.#joined.has(column.number)) continue;
      const checks = table.checks.filter((check) => check.columns.includes(column.number));
      const list = candidates(
        column,
        checks.map((check) => check.definition),
      );
      if (list === null) missing = `no value is known for ${column.name} of type ${column.type}`;
      else this.#choices.set(column.number, list);
    }
    this.missing = missing;
  }

  #leaveOut(key: ForeignKey): boolean {
    const columns = this.#table.columns.filter(({ number }) => key.columns.includes(number));
    const free = columns.find(({ number, notNull }) => !notNull && !this.#joined.has(number));
    if (free !== undefined) this.#joined.set(free.number, 'NULL');
    return free !== undefined;
  }

  #join(key: ForeignKey): void {
    const alias = `p${this.#joins.length}`;
    if (key.columns.some((number) => this.#joined.has(number))) return;
    key.columns.forEach((number, at) => this.#joined.set(number, `${alias}.k${at}`));
    const names = key.keys.map((name, at) => `${name} AS k${at}`).join(', ');
    this.#joins.push(
      `LEFT JOIN (SELECT *, row_number() OVER () AS place, count(*) OVER () AS total
        FROM (SELECT ${names} FROM ${key.quoted} LIMIT 1000) s) ${alias}
        ON ${alias}.place = (i - 1) % ${alias}.total + 1`,
    );
  }

  get sql(): string {
    const columns = this.#table.columns;
    const values = columns.map(({ number }) => {
      const list = this.#choices.get(number) ?? [];
      return this.#joined.get(number) ?? list[this.#at.get(number) ?? 0] ?? 'NULL';
    });
    const names = columns.map((column) => quote(column.name)).join(', ');
    // A table of sequences and generated columns alone takes rows of no columns.
    const into = columns.length === 0 ? '' : `(${names})`;
    // Not drawn from the sequence of a serial or identity column: what a migration draws from it, or
    // names itself, must not meet a row that was made up.
    return `INSERT INTO ${this.#table.target} ${into} OVERRIDING SYSTEM VALUE SELECT ${values.join(', ')}
      FROM generate_series(1::bigint, ${this.#rows}) g(i) ${this.#joins.join(' ')}
      ORDER BY g.i ON CONFLICT DO NOTHING`;
  }

  /** Moves the columns that an error speaks of to their next candidates; false: there are none. */
  next(error: WireError): boolean {
    const columns = this.#columnsOf(error).filter((number) => this.#choices.has(number));
    for (const number of columns) {
      const at = (this.#at.get(number) ?? 0) + 1;
      this.#at.set(number, at);
      this.#moved = number;
      if (at < (this.#choices.get(number) ?? []).length) return true;
      this.#at.set(number, 0);
    }
    return false;
  }

  #columnsOf(error: WireError): readonly number[] {
    const { checks, columns } = this.#table;
    if (/partition/.test(error.message)) {
      return checks.find((check) => check.name === PARTITION)?.columns ?? [];
    }
    const check = checks.find((one) => one.name === error.constraint);
    if (check !== undefined) return check.columns;
    const domains = columns.filter(({ checks: own }) =>
      own.some((one) => one.name === error.constraint),
    );
    if (domains.length > 0) return domains.map((column) => column.number);
    // The server names no column for a value that its type refuses: it is the one moved last.
    return this.#moved === null ? [] : [this.#moved];
  }
}

/** Errors of a value that does not fit: another candidate may. */
const UNFIT = /^(?:23514|22\w{3}|23502|42846|42804)$/;

async function fill(owner: Wire, attempt: Attempt): Promise<string | null> {
  if (attempt.missing !== null) return attempt.missing;
  let last: WireError | null = null;
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const { error, tags } = await owner.execute(attempt.sql);
    if (error === null) return tags.at(-1) === 'INSERT 0 0' ? 'no row got past its keys' : null;
    last = error;
    if (!UNFIT.test(error.sqlstate) || !attempt.next(error)) break;
  }
  return last?.message.slice(0, 200) ?? 'no row was taken';
}

/**
 * Fills the tables and names those that could not be filled. From PostgreSQL 15 on the owner may
 * switch its triggers off for this one session; before that they fire.
 */
export async function fillTables(
  throwaway: Throwaway,
  engine: Engine,
  wish: FillWish,
): Promise<readonly Unfilled[]> {
  const observer = await throwaway.connect(OBSERVER);
  const tables = inOrder(await describe(observer, wish.tables));
  await observer.close();
  const superuser = await throwaway.connect('superuser');
  const quiet = engine.major >= 15;
  const right = `SET ON PARAMETER session_replication_role`;
  if (quiet) await superuser.rows(`GRANT ${right} TO ${OWNER}`);
  const owner = await throwaway.connect(OWNER);
  await owner.execute('RESET ALL; SET search_path = pg_catalog, pg_temp');
  if (quiet) await owner.execute('SET session_replication_role = replica');
  const empty = new Set(tables.map((table) => table.info.oid));
  const unfilled: Unfilled[] = [];
  const filled = { has: (oid: number): boolean => !empty.has(oid) };
  const failed = new Set<number>();
  const targets = new Set<string>();
  for (const table of tables) {
    // Rows of hash partitions go in through their parent, once for all of them.
    if (targets.has(table.target)) continue;
    targets.add(table.target);
    const around = { rows: wish.rows, filled: asSet(table, filled), failed };
    const reason = await fill(owner, new Attempt(table, around));
    if (reason === null) empty.delete(table.info.oid);
    else {
      failed.add(table.info.oid);
      unfilled.push({ table: table.info.name, reason });
    }
  }
  unfilled.push(...(await takeBack(owner, tables, failed)));
  await owner.close();
  if (quiet) await superuser.rows(`REVOKE ${right} FROM ${OWNER}`);
  await superuser.close();
  return unfilled;
}

/** Parents of a table that hold rows by now. */
function asSet(table: FillTable, filled: { has(oid: number): boolean }): ReadonlySet<number> {
  return new Set(table.foreignKeys.map((key) => key.parent).filter((oid) => filled.has(oid)));
}

/**
 * In a circle a table can have been filled before its parent was tried. When the parent stays empty,
 * its rows name rows that are not there: they are taken back, and so on for who needs them.
 */
async function takeBack(
  owner: Wire,
  tables: readonly FillTable[],
  failed: Set<number>,
): Promise<readonly Unfilled[]> {
  const found: Unfilled[] = [];
  for (let again = true; again; ) {
    again = false;
    for (const table of tables) {
      const key = table.foreignKeys.find(({ parent }) => failed.has(parent));
      if (key === undefined || failed.has(table.info.oid)) continue;
      const names = table.columns.filter(({ number }) => key.columns.includes(number));
      const named = names.map(({ name }) => `${quote(name)} IS NOT NULL`).join(' AND ');
      const { error, tags } = await owner.execute(
        `DELETE FROM ${table.info.quoted} WHERE ${named || 'true'}`,
      );
      if (error === null && tags.at(-1) === 'DELETE 0') continue;
      failed.add(table.info.oid);
      const reason = error?.message.slice(0, 200) ?? `${key.quoted} holds no row`;
      found.push({ table: table.info.name, reason });
      again = true;
    }
  }
  return found;
}
