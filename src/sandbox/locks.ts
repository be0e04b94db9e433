/** Which of the locks that a session holds belong to which of its statements. */
import type { LockTaken } from '../core/dry-run.ts';
import type { Statement } from './statements.ts';

/** Statements of a run whose locks are read one by one, whatever their kind. */
const WATCHED_STATEMENTS = 500;

/** Beyond those, kinds that by themselves take no lock which stops others are not looked at. */
const PLAIN_KINDS: ReadonlySet<string> = new Set([
  'InsertStmt',
  'UpdateStmt',
  'DeleteStmt',
  'MergeStmt',
  'SelectStmt',
  'CopyStmt',
  'VariableSetStmt',
]);

/** Whether a text speaks of an object by the last part of its name. */
function names(text: string, object: string): boolean {
  const last = object.slice(object.lastIndexOf('.') + 1).toLowerCase();
  const plain = text.toLowerCase().replaceAll('"', '');
  for (let at = plain.indexOf(last); at >= 0; at = plain.indexOf(last, at + 1)) {
    const around = [plain[at - 1] ?? ' ', plain[at + last.length] ?? ' '];
    if (around.every((char) => !/[\w$\u0080-\uffff]/.test(char))) return true;
  }
  return false;
}

const keyOf = ({ mode, object }: LockTaken): string => `${mode} ${object}`;

/** The locks of one transaction, which are held until its end. */
export class TransactionLocks {
  readonly #held = new Map<string, LockTaken>();
  #watched = 0;

  /** A transaction has ended, and its locks with it. */
  clear(): void {
    this.#held.clear();
  }

  /** Whether the locks after a statement are worth a look. */
  watches(statement: Statement): boolean {
    this.#watched += 1;
    return this.#watched <= WATCHED_STATEMENTS || !PLAIN_KINDS.has(statement.kind);
  }

  /**
   * The locks under which a statement ran: those that it took, and those that an earlier statement
   * took on what it names, as they are held on and it may work for long. New rows are quick.
   */
  of(statement: Statement, now: readonly LockTaken[]): readonly LockTaken[] {
    const fresh = now.filter((lock) => !this.#held.has(keyOf(lock)));
    const earlier =
      statement.kind === 'InsertStmt'
        ? []
        : [...this.#held.values()].filter(({ object }) => names(statement.text, object));
    for (const lock of fresh) this.#held.set(keyOf(lock), lock);
    return [...fresh, ...earlier];
  }
}
