/** Calls of functions in PostgreSQL's parse tree: what is called, and with which texts. */
import { isRecord, lastField } from './parse-tree.ts';

/** Functions of PostgreSQL and of its extensions that run the text which they are given. */
const RUN_TEXT: ReadonlySet<string> = new Set([
  'query_to_xml',
  'query_to_xmlschema',
  'query_to_xml_and_xmlschema',
  'ts_stat',
  'ts_rewrite',
  'crosstab',
  'connectby',
  'xpath_table',
  'dblink',
  'dblink_exec',
]);

/** Functions that take bytes of large objects away, or write over them. */
const LARGE_OBJECT_WRITERS: Readonly<Record<string, 'delete' | 'update'>> = {
  lo_unlink: 'delete',
  lo_truncate: 'delete',
  lo_truncate64: 'delete',
  lo_put: 'update',
  lowrite: 'update',
};

export interface Call {
  /** The last part of the name, in small letters. */
  readonly name: string;
  /** Constant texts among what it is given. */
  readonly texts: readonly string[];
  /** Everything that it is given is constant. */
  readonly isConstant: boolean;
}

function parts(node: unknown): readonly unknown[] {
  if (!isRecord(node)) return [node];
  const [key, value] = Object.entries(node)[0] ?? [];
  if (!isRecord(value)) return [node];
  if (key === 'TypeCast' || key === 'NamedArgExpr') return parts(value['arg']);
  if (key !== 'A_ArrayExpr') return [node];
  return Array.isArray(value['elements']) ? value['elements'].flatMap(parts) : [];
}

/** A call as it is written; `node` is a FuncCall. */
export function callOf(node: Record<string, unknown>): Call {
  const given = Array.isArray(node['args']) ? node['args'].flatMap(parts) : [];
  const constants = given.flatMap((one) =>
    isRecord(one) && isRecord(one['A_Const']) ? [one['A_Const']] : [],
  );
  const texts = constants.flatMap(({ sval }) =>
    isRecord(sval) && typeof sval['sval'] === 'string' ? [sval['sval']] : [],
  );
  const name = lastField(node['funcname']).toLowerCase();
  return { name, texts, isConstant: constants.length === given.length };
}

/** Whether a function of PostgreSQL's own runs the text that it is given. */
export function runsText(name: string): boolean {
  return RUN_TEXT.has(name);
}

/** What a function does to large objects; null when that is nothing. */
export function writesLargeObjects(name: string): 'delete' | 'update' | null {
  return LARGE_OBJECT_WRITERS[name] ?? null;
}
