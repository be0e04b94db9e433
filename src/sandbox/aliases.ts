/** Functions that run where their names are not written: behind operators, casts and aggregates. */
import { parseSync } from 'libpg-query';
import { isRecord, lastField } from './parse-tree.ts';
import type { KnownAlias } from './reach.ts';

type Node = Record<string, unknown>;

/** Options of CREATE AGGREGATE that name a function. */
const OF_AGGREGATE = /^(?:sfunc|finalfunc|combinefunc|msfunc|mfinalfunc|minvfunc)$/;

/** What an option of a definition names: a function is written as a type there. */
function named(option: Node): string {
  const arg = isRecord(option['arg']) ? option['arg'] : {};
  const type = isRecord(arg['TypeName']) ? arg['TypeName']['names'] : null;
  return lastField(type ?? (isRecord(arg['List']) ? arg['List']['items'] : [arg]));
}

function defined(node: Node): readonly KnownAlias[] {
  const isOperator = node['kind'] === 'OBJECT_OPERATOR';
  if (!isOperator && node['kind'] !== 'OBJECT_AGGREGATE') return [];
  const name = lastField(node['defnames']);
  const options = Array.isArray(node['definition']) ? node['definition'] : [];
  return options.flatMap((item: unknown): readonly KnownAlias[] => {
    const option = isRecord(item) && isRecord(item['DefElem']) ? item['DefElem'] : {};
    const key = String(option['defname']);
    if (isOperator) {
      const isFunction = key === 'function' || key === 'procedure';
      return isFunction ? [{ of: `operator ${name}`, function: named(option) }] : [];
    }
    return OF_AGGREGATE.test(key) ? [{ of: name, function: named(option) }] : [];
  });
}

function cast(node: Node): readonly KnownAlias[] {
  const made = isRecord(node['func']) ? lastField(node['func']['objname']) : '';
  const target = isRecord(node['targettype']) ? lastField(node['targettype']['names']) : '';
  const isAsked = node['context'] === undefined || node['context'] === 'COERCION_EXPLICIT';
  return made === '' ? [] : [{ of: isAsked ? `cast ${target}` : 'cast', function: made }];
}

export class Aliases {
  readonly #functions = new Map<string, Set<string>>();

  /** One of before. */
  learn({ of, function: name }: KnownAlias): void {
    const key = of.toLowerCase();
    this.#functions.set(key, (this.#functions.get(key) ?? new Set()).add(name.toLowerCase()));
  }

  /** Takes note of a statement that has run; answers whether it made one. */
  see(sql: string, kind: string): boolean {
    if (kind !== 'DefineStmt' && kind !== 'CreateCastStmt') return false;
    const stmt: unknown = parseSync(sql).stmts?.[0]?.stmt;
    const node = isRecord(stmt) ? stmt[kind] : null;
    if (!isRecord(node)) return false;
    const found = kind === 'DefineStmt' ? defined(node) : cast(node);
    for (const one of found) this.learn(one);
    return found.length > 0;
  }

  /** The functions behind one, in small letters. */
  of(name: string): ReadonlySet<string> {
    return this.#functions.get(name) ?? NONE;
  }
}

const NONE: ReadonlySet<string> = new Set();
