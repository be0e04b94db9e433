/** Looks into PostgreSQL's parse tree, whose nodes come as plain JSON. */

export function isRecord(node: unknown): node is Record<string, unknown> {
  return typeof node === 'object' && node !== null && !Array.isArray(node);
}

/** The text of a name or of a constant; empty when it is none. */
export function text(node: unknown): string {
  if (typeof node === 'string') return node;
  const held = isRecord(node) && isRecord(node['String']) ? node['String']['sval'] : null;
  return typeof held === 'string' ? held : '';
}

/** The last part of a list of names. */
export function lastField(list: unknown): string {
  return Array.isArray(list) ? text(list.at(-1)) : '';
}

/** `shop.users` of a RangeVar, as it is written. */
export function relationName(node: unknown): string {
  if (!isRecord(node)) return '';
  const [schema, table] = [text(node['schemaname']), text(node['relname'])];
  return schema === '' ? table : `${schema}.${table}`;
}

/** Conditions that must all be true. */
export function conjuncts(where: unknown): readonly Record<string, unknown>[] {
  if (!isRecord(where)) return [];
  const all = where['BoolExpr'];
  if (!isRecord(all) || all['boolop'] !== 'AND_EXPR') return [where];
  return Array.isArray(all['args']) ? all['args'].flatMap(conjuncts) : [];
}

function targets(update: Record<string, unknown>): readonly Record<string, unknown>[] {
  const list = Array.isArray(update['targetList']) ? update['targetList'] : [];
  return list.flatMap((item) =>
    isRecord(item) && isRecord(item['ResTarget']) ? [item['ResTarget']] : [],
  );
}

/** The columns that an UPDATE sets. */
export function columnsOf(update: Record<string, unknown>): readonly string[] {
  return targets(update).map((target) => text(target['name']));
}

/** The column of a relation that a node is: plain, or after the relation's own name or alias. */
export function columnOf(node: unknown, relation: unknown): string {
  const fields = isRecord(node) && isRecord(node['ColumnRef']) ? node['ColumnRef']['fields'] : null;
  if (!Array.isArray(fields)) return '';
  const named = isRecord(relation) ? relation : {};
  const alias = isRecord(named['alias'])
    ? text(named['alias']['aliasname'])
    : text(named['relname']);
  return fields.length === 1 || text(fields.at(-2)) === alias ? lastField(fields) : '';
}

/** Columns of an UPDATE of a relation that get a value only where they have none. */
export function keptValues(
  update: Record<string, unknown>,
  relation: unknown,
): ReadonlySet<string> {
  const missing = conjuncts(update['whereClause']).flatMap((one) => {
    const test = one['NullTest'];
    const isNull = isRecord(test) && test['nulltesttype'] === 'IS_NULL';
    return isNull ? [columnOf(test['arg'], relation)] : [];
  });
  const coalesced = targets(update).flatMap((target) => {
    const value = isRecord(target['val']) ? target['val']['CoalesceExpr'] : null;
    const args = isRecord(value) ? value['args'] : null;
    const name = text(target['name']);
    return Array.isArray(args) && columnOf(args[0], relation) === name ? [name] : [];
  });
  return new Set([...missing, ...coalesced]);
}

/** `shop.users` of an item in a list of names. */
export function listedName(item: unknown): string {
  if (!isRecord(item)) return '';
  const list = isRecord(item['List']) ? item['List']['items'] : null;
  const type = isRecord(item['TypeName']) ? item['TypeName']['names'] : null;
  const parts = list ?? type ?? [item];
  return Array.isArray(parts) ? parts.map(text).join('.') : '';
}
