/** What a change has made itself, so that taking it away takes nothing from production. */
import {
  columnOf,
  conjuncts,
  isRecord,
  lastField,
  listedName,
  relationName,
  text,
} from './parse-tree.ts';

/** A key of its own kind: a condition on it means the row that was inserted, and no other. */
const KEYS: ReadonlySet<string> = new Set(['id', 'uuid']);

/** Words of a body that can give a name to another table. */
const RENAMES = /\b(?:alter|drop|create|execute)\b/i;

function constant(node: unknown): string | null {
  if (!isRecord(node) || !isRecord(node['A_Const'])) return null;
  const { location: _, ...value } = node['A_Const'];
  return JSON.stringify(value);
}

/** The constants that a condition compares a relation's key with; null when it is no such condition. */
function keysIn(where: Record<string, unknown>, relation: unknown): readonly string[] | null {
  const compared = where['A_Expr'];
  if (!isRecord(compared) || lastField(compared['name']) !== '=') return null;
  if (!KEYS.has(columnOf(compared['lexpr'], relation))) return null;
  const right = compared['rexpr'];
  const list = isRecord(right) && isRecord(right['List']) ? right['List']['items'] : [right];
  if (!Array.isArray(list)) return null;
  const values = list.map(constant);
  return values.every((value) => value !== null) ? values : null;
}

/** A table without a schema is looked for in `public`. */
function spellings(name: string): readonly string[] {
  if (name.startsWith('public.')) return [name, name.slice('public.'.length)];
  return name.includes('.') ? [name] : [name, `public.${name}`];
}

export class Fresh {
  readonly #tables = new Map<string, 'real' | 'temporary'>();
  readonly #columns = new Set<string>();
  readonly #rows = new Map<string, Set<string>>();
  #distrusts = false;

  /** Whether the change made this table; a function that runs later sees no temporary one. */
  hasTable(name: string, later: boolean): boolean {
    const kind = this.#distrusts ? undefined : this.#tables.get(name);
    return kind === 'real' || (kind === 'temporary' && !later);
  }

  hasColumn(table: string, column: string): boolean {
    return this.#columns.has(`${table}.${column}`);
  }

  /** Whether a condition names, by their key, rows that the change itself has inserted. */
  isOwnRow(relation: unknown, where: unknown): boolean {
    const own = this.#rows.get(relationName(relation));
    if (own === undefined) return false;
    return conjuncts(where).some(
      (one) => keysIn(one, relation)?.every((key) => own.has(key)) === true,
    );
  }

  forgetTemporary(): void {
    for (const [name, kind] of this.#tables) if (kind === 'temporary') this.#tables.delete(name);
  }

  /** What runs can have given names another meaning. */
  forget(): void {
    this.#tables.clear();
    this.#columns.clear();
    this.#rows.clear();
  }

  /** A function of the change that makes or renames something does so whenever it is called. */
  #distrust(source: string): void {
    this.#distrusts ||= RENAMES.test(source.slice(source.search(/\$|'/)));
  }

  /** Takes note of a statement that has run; `source` is its text. */
  see(kind: string, node: Record<string, unknown>, source: string): void {
    // After these a name can mean another table than before.
    if (/set_config|search_path|\bdiscard\b|\brole\b/i.test(source)) this.forget();
    else if (kind === 'DoStmt' && RENAMES.test(source)) this.forget();
    else if (kind === 'CreateFunctionStmt') this.#distrust(source);
    else if (String(node['kind']).startsWith('TRANS_STMT_ROLLBACK')) this.forget();
    else if (kind === 'DropStmt') this.#dropped(node);
    else if (kind === 'CreateStmt') this.#made(node, node['relation'], node['oncommit']);
    else if (kind === 'CreateTableAsStmt') this.#madeAs(node);
    else if (kind === 'AlterTableStmt') this.#altered(node);
    else if (kind === 'AlterObjectSchemaStmt') this.forget();
    else if (kind === 'RenameStmt') this.#renamed(node);
    else if (kind === 'InsertStmt') this.#inserted(node);
  }

  #dropped(node: Record<string, unknown>): void {
    if (node['removeType'] === 'OBJECT_SCHEMA') return this.forget();
    const list = Array.isArray(node['objects']) ? node['objects'] : [];
    for (const item of list) {
      for (const name of spellings(listedName(item))) this.#tables.delete(name);
    }
  }

  #made(node: Record<string, unknown>, relation: unknown, onCommit: unknown): void {
    if (node['if_not_exists'] === true || onCommit === 'ONCOMMIT_DROP') return;
    const name = relationName(relation);
    const temporary = isRecord(relation) && relation['relpersistence'] === 't';
    const names = temporary ? [name] : spellings(name);
    for (const one of names) this.#tables.set(one, temporary ? 'temporary' : 'real');
  }

  #madeAs(node: Record<string, unknown>): void {
    const into = isRecord(node['into']) ? node['into'] : {};
    this.#made(node, into['rel'], into['onCommit']);
  }

  #altered(node: Record<string, unknown>): void {
    const table = relationName(node['relation']);
    const commands = Array.isArray(node['cmds']) ? node['cmds'] : [];
    for (const item of commands) {
      const command =
        isRecord(item) && isRecord(item['AlterTableCmd']) ? item['AlterTableCmd'] : {};
      const subtype = String(command['subtype']);
      // The rows of a child belong to its parent from now on.
      if (/Inherit|Partition/.test(subtype)) this.forget();
      if (subtype !== 'AT_AddColumn' || command['missing_ok'] === true) continue;
      const def = isRecord(command['def']) ? command['def']['ColumnDef'] : null;
      if (isRecord(def)) this.#columns.add(`${table}.${text(def['colname'])}`);
    }
  }

  #renamed(node: Record<string, unknown>): void {
    const from = relationName(node['relation']);
    if (node['renameType'] === 'OBJECT_TABLE') {
      const kind = this.#tables.get(from);
      const schema = from.includes('.') ? `${from.slice(0, from.lastIndexOf('.'))}.` : '';
      const to = spellings(`${schema}${text(node['newname'])}`);
      for (const name of [...spellings(from), ...to]) this.#tables.delete(name);
      if (kind !== undefined) for (const name of to) this.#tables.set(name, kind);
      this.#columns.clear();
      this.#rows.clear();
    } else if (node['renameType'] === 'OBJECT_COLUMN') {
      // What had the new name before, if anything, is not what has it now.
      if (!this.#columns.delete(`${from}.${text(node['subname'])}`)) return;
      this.#columns.add(`${from}.${text(node['newname'])}`);
    }
  }

  #inserted(node: Record<string, unknown>): void {
    if (node['onConflictClause'] !== undefined) return;
    const names = Array.isArray(node['cols']) ? node['cols'] : [];
    const at = names.findIndex(
      (one) =>
        isRecord(one) && isRecord(one['ResTarget']) && KEYS.has(text(one['ResTarget']['name'])),
    );
    const select = isRecord(node['selectStmt']) ? node['selectStmt']['SelectStmt'] : null;
    const lists = isRecord(select) ? select['valuesLists'] : null;
    if (at < 0 || !Array.isArray(lists)) return;
    const table = relationName(node['relation']);
    const own = this.#rows.get(table) ?? new Set<string>();
    for (const list of lists) {
      const items = isRecord(list) && isRecord(list['List']) ? list['List']['items'] : null;
      const key = Array.isArray(items) ? constant(items[at]) : null;
      if (key !== null) own.add(key);
    }
    this.#rows.set(table, own);
  }
}
