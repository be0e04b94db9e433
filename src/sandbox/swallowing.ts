/** Triggers that let a write do nothing: they run before a row is written and answer no row. */
import type { KnownTrigger } from './reach.ts';
import { lastField, relationName } from './parse-tree.ts';

/** TRIGGER_TYPE_BEFORE of PostgreSQL's parse tree. */
const BEFORE = 2;

function answersNothing(source: string): boolean {
  const plain = source.replace(/--[^\n]*|\/\*[^]*?\*\//g, ' ');
  return /\breturns\s+trigger\b/i.test(plain) && /\breturn\s*\(*\s*null\b/i.test(plain);
}

/** Keeps which trigger functions can answer no row, and which tables ask them before a write. */
export class Swallowing {
  readonly #functions = new Map<string, boolean>();
  readonly #tables = new Map<string, Set<string>>();

  /** A function as it stands from now on. */
  define(name: string, source: string): void {
    this.#functions.set(name.toLowerCase(), answersNothing(source));
  }

  /** A trigger of before. */
  learn({ table, function: name, isBefore }: KnownTrigger): void {
    if (isBefore === true) this.#ask(table, name);
  }

  #ask(table: string, name: string): void {
    const key = name.toLowerCase();
    this.#tables.set(key, (this.#tables.get(key) ?? new Set()).add(table));
  }

  /** The tables whose writes a statement makes do nothing, or can. */
  see(kind: string, node: Record<string, unknown>, source: string): readonly string[] {
    if (kind === 'CreateFunctionStmt') {
      const name = lastField(node['funcname']);
      this.define(name, source);
      return answersNothing(source) ? [...(this.#tables.get(name.toLowerCase()) ?? [])] : [];
    }
    const asks = kind === 'CreateTrigStmt' && node['row'] === true;
    if (!asks || (Number(node['timing'] ?? 0) & BEFORE) === 0) return [];
    const [table, name] = [relationName(node['relation']), lastField(node['funcname'])];
    this.#ask(table, name);
    return this.#functions.get(name.toLowerCase()) === true ? [table] : [];
  }
}
