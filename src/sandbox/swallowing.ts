/** Triggers that let a write do nothing: they run before a row is written and answer no row. */
import type { KnownTrigger, WriteEvent } from './reach.ts';
import { lastField, relationName } from './parse-tree.ts';

/** Bits of a trigger in PostgreSQL's parse tree, as in pg_trigger.tgtype. */
const BEFORE = 2;
const EVENT_BITS: readonly (readonly [WriteEvent, number])[] = [
  ['insert', 4],
  ['delete', 8],
  ['update', 16],
];

/** What a function answers as a trigger's; `row`: another row than NEW and OLD as they came. */
interface Answers {
  /** It can answer no row at all. */
  readonly nothing: boolean;
  /** It answers OLD and never NEW: no row for an INSERT, and an UPDATE that changes nothing. */
  readonly oldAlone: boolean;
}

/** Answers that are a row whenever the trigger fires; one of several goes by what has happened. */
const ROWS = /^\(*(?:new|old|coalesce\(\s*(?:new\s*,\s*old|old\s*,\s*new)\s*\))\)*$/i;
/** NEW as a whole is given another value, which can be none. */
const REPLACED =
  /(?:^|;|\b(?:begin|then|else|loop)\b)\s*new\s*:?=|\binto\s+(?:strict\s+)?new\b(?!\s*\.)/i;

/** Whether an answer is NEW or OLD, or a CASE that ends in nothing else. */
function isRow(answer: string): boolean {
  const [, inner] = /^\(*\s*case\b([^]*)\bend\s*\)*$/i.exec(answer) ?? [];
  if (inner === undefined) return ROWS.test(answer);
  const ends = [...inner.matchAll(/\b(?:then|else)\s+(\w+)/gi)].map((hit) => hit[1] ?? '');
  return /\belse\b/i.test(inner) && ends.every((one) => ROWS.test(one));
}

function answersOf(source: string): Answers {
  const plain = source.replace(/--[^\n]*|\/\*[^]*?\*\//g, ' ');
  if (!/\breturns\s+trigger\b/i.test(plain)) return { nothing: false, oldAlone: false };
  // A body in plain quotes ends in one; in any other, texts are no code.
  const inside = /(\$\w*\$)([^]*)\1/.exec(plain)?.[2];
  const body = inside?.replace(/'(?:[^']|'')*'/g, '0') ?? plain;
  const answers = [...body.matchAll(/\breturn\b\s*([^;']*)/gi)].map((hit) => (hit[1] ?? '').trim());
  const rows = answers.map(isRow);
  const names = answers.join(' ').toLowerCase();
  return {
    nothing: rows.includes(false) || REPLACED.test(body),
    oldAlone: /\bold\b/.test(names) && !/\bnew\b/.test(names),
  };
}

/** Whether a trigger for these events can let a write do nothing. */
function swallows({ nothing, oldAlone }: Answers, events: readonly WriteEvent[]): boolean {
  return nothing || (oldAlone && events.some((one) => one === 'insert' || one === 'update'));
}

interface Asked {
  readonly table: string;
  readonly events: readonly WriteEvent[];
}

/** Keeps which trigger functions can answer no row, and which tables ask them before a write. */
export class Swallowing {
  readonly #functions = new Map<string, Answers>();
  readonly #tables = new Map<string, Asked[]>();

  /** A function as it stands from now on. */
  define(name: string, source: string): void {
    this.#functions.set(name.toLowerCase(), answersOf(source));
  }

  /** A trigger of before. */
  learn({ table, function: name, events, isBefore }: KnownTrigger): void {
    const all = EVENT_BITS.map(([event]) => event);
    if (isBefore === true) this.#ask(name, { table, events: events ?? all });
  }

  #ask(name: string, asked: Asked): void {
    const key = name.toLowerCase();
    this.#tables.set(key, [...(this.#tables.get(key) ?? []), asked]);
  }

  /** The tables whose writes a statement makes do nothing, or can. */
  see(kind: string, node: Record<string, unknown>, source: string): readonly string[] {
    if (kind === 'CreateFunctionStmt') {
      const key = lastField(node['funcname']).toLowerCase();
      const answers = answersOf(source);
      this.#functions.set(key, answers);
      const asking = (this.#tables.get(key) ?? []).filter(({ events }) =>
        swallows(answers, events),
      );
      return [...new Set(asking.map(({ table }) => table))];
    }
    const asks = kind === 'CreateTrigStmt' && node['row'] === true;
    if (!asks || (Number(node['timing'] ?? 0) & BEFORE) === 0) return [];
    const bits = Number(node['events'] ?? 0);
    const events = EVENT_BITS.flatMap(([event, bit]) => ((bits & bit) === 0 ? [] : [event]));
    const [table, name] = [relationName(node['relation']), lastField(node['funcname'])];
    this.#ask(name, { table, events });
    const answers = this.#functions.get(name.toLowerCase());
    return answers !== undefined && swallows(answers, events) ? [table] : [];
  }
}
