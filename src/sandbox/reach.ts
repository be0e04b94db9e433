/**
 * What code a statement reaches: functions that are called, and what writing to a table or reading a
 * view runs by itself (triggers, rules, defaults, generated columns, checks, cascades, views).
 */

export type WriteEvent = 'insert' | 'update' | 'delete' | 'truncate';

/** A function of the database before the change; its definition as pg_get_functiondef writes it. */
export interface KnownFunction {
  readonly name: string;
  readonly definition: string;
}

/**
 * A function that runs where its name is not written: `operator ===`, `cast mood` for a cast to that
 * type that is asked for, `cast` for one that happens by itself, and the name of an aggregate.
 */
export interface KnownAlias {
  readonly of: string;
  readonly function: string;
}

/** Which function a table's rows or statements run. */
export interface KnownTrigger {
  readonly table: string;
  readonly function: string;
  /** Left out: all of them. */
  readonly events?: readonly WriteEvent[];
  /** It runs before each row is written. */
  readonly isBefore?: boolean;
}

/** SQL that belongs to a table or a view. */
export interface KnownCode {
  readonly relation: string;
  /**
   * `value`: the expression of a default or a generated column. `check`: a condition. `rule`: as
   * pg_get_ruledef writes it. `view`: its query, or the statement that makes it. `table`: a statement
   * of the change that makes or alters it, for the values and checks in it.
   */
  readonly kind: 'value' | 'check' | 'rule' | 'view' | 'table';
  readonly sql: string;
}

/** Rows of `to` are written when those of `from` are. */
export interface KnownCascade {
  readonly from: string;
  readonly on: WriteEvent;
  readonly to: string;
  readonly event: WriteEvent;
}

/** What the database before the change has, for the statements that may run it. */
export interface Routines {
  readonly functions: readonly KnownFunction[];
  readonly triggers: readonly KnownTrigger[];
  readonly code: readonly KnownCode[];
  readonly cascades: readonly KnownCascade[];
  readonly aliases: readonly KnownAlias[];
}

/** What is reached: `of` is a function, a table or a view by its name in small letters. */
export interface Reached {
  readonly by: 'call' | 'read' | WriteEvent;
  readonly of: string;
  /** Called with constants only: what it makes of them was seen. */
  readonly isConstant?: boolean;
}

/** What a write runs. */
interface Fired {
  readonly code: readonly KnownCode[];
  readonly functions: readonly string[];
}

/** The tables and views of the database, and what they run by themselves. */
export class Relations {
  readonly #triggers: KnownTrigger[] = [];
  readonly #code = new Map<string, KnownCode[]>();
  readonly #cascades = new Map<string, KnownCascade[]>();

  learn({ triggers, code, cascades }: Omit<Routines, 'functions' | 'aliases'>): void {
    for (const trigger of triggers) this.add(trigger);
    for (const one of code) this.own(one);
    for (const one of cascades) keep(this.#cascades, `${one.on} ${one.from.toLowerCase()}`, one);
  }

  own(code: KnownCode): void {
    keep(this.#code, code.relation.toLowerCase(), code);
  }

  add(trigger: KnownTrigger): void {
    this.#triggers.push({ ...trigger, table: trigger.table.toLowerCase() });
  }

  /** What reading a relation runs. */
  read(relation: string): readonly KnownCode[] {
    return (this.#code.get(relation) ?? []).filter(({ kind }) => kind === 'view');
  }

  /** What writing to a table runs there and in tables that its rows reach. */
  written(table: string, event: WriteEvent): Fired {
    const code: KnownCode[] = [];
    const functions: string[] = [];
    const seen = new Set<string>();
    const open: { table: string; event: WriteEvent }[] = [{ table, event }];
    for (let one = open.pop(); one !== undefined; one = open.pop()) {
      const key = `${one.event} ${one.table}`;
      if (seen.has(key)) continue;
      seen.add(key);
      const { table: at, event: as } = one;
      for (const trigger of this.#triggers) {
        const fires = trigger.table === at && (trigger.events?.includes(as) ?? true);
        if (fires) functions.push(trigger.function.toLowerCase());
      }
      code.push(...(this.#code.get(at) ?? []).filter(({ kind }) => runs(kind, as)));
      for (const next of this.#cascades.get(key) ?? []) {
        open.push({ table: next.to.toLowerCase(), event: next.event });
      }
    }
    return { code, functions };
  }
}

function runs(kind: KnownCode['kind'], event: WriteEvent): boolean {
  if (kind === 'view') return false;
  return kind === 'rule' || event === 'insert' || event === 'update';
}

function keep<T>(map: Map<string, T[]>, key: string, one: T): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [one]);
  else list.push(one);
}
