/** What changed in the catalog: privileges, row security, types, names and plain additions. */
import type { FolderRun, ObjectChange, ObjectKind } from '../dry-run.ts';
import type { BlastRadius, Finding } from '../findings.ts';
import { keepsEveryValue, typeIn } from './column-types.ts';
import { makeFinding } from './make.ts';
import { placeOf } from './place.ts';

interface Verdict {
  readonly id: string;
  readonly radius: BlastRadius;
  readonly message: string;
}

/** Tables and columns that go are told by their data (data.ts). */
const toldByData: ReadonlySet<ObjectKind> = new Set(['table', 'column']);

const nouns: Readonly<Record<ObjectKind, string>> = {
  schema: 'Schema',
  table: 'Table',
  column: 'Column',
  default: 'Default of',
  constraint: 'Constraint',
  index: 'Index',
  view: 'View',
  function: 'Function',
  trigger: 'Trigger',
  policy: 'Policy',
  'row-security': 'Row security of',
  grant: 'Privileges on',
  owner: 'Owner of',
  sequence: 'Sequence',
  type: 'Type',
  extension: 'Extension',
  operator: 'Operator',
  cast: 'Cast of',
  publication: 'Publication',
  comment: 'Comment on',
  object: 'The',
};

const securityOrder = ['disabled', 'enabled', 'forced'];

interface Around {
  /** Objects that are new in this change, by name. */
  readonly fresh: ReadonlySet<string>;
  /** Tables and definitions of constraints that are gone. */
  readonly dropped: ReadonlySet<string>;
}

/** The object that a grant, a policy or a trigger belongs to: `users` of `users to app`. */
function holder(change: ObjectChange): string {
  if (change.kind === 'grant') return change.object.replace(/ to [^ ]+$/, '');
  return change.object.slice(0, Math.max(0, change.object.lastIndexOf('.')));
}

function rowSecurity(change: ObjectChange): Verdict {
  const before = securityOrder.indexOf(change.before ?? 'disabled');
  const after = securityOrder.indexOf(change.after ?? 'disabled');
  const stronger = change.change !== 'removed' && before >= 0 && after > before;
  const states = `${change.before ?? 'disabled'} before, ${change.after ?? 'disabled'} after`;
  return stronger
    ? {
        id: 'row-security-strengthened',
        radius: 'medium',
        message: `Row security of ${change.object} made stronger: ${states}`,
      }
    : {
        id: 'row-security-weakened',
        radius: 'high',
        message: `Row security of ${change.object} weakened: ${states}`,
      };
}

function policyChange(change: ObjectChange, around: Around): Verdict {
  const tightens =
    (change.change === 'added' && change.after?.startsWith('restrictive ') === true) ||
    (change.change === 'removed' && change.before?.startsWith('for ') === true);
  if (change.change === 'added' && around.fresh.has(holder(change))) {
    return { id: 'policy-added', radius: 'medium', message: `Policy ${change.object} added` };
  }
  if (tightens) {
    const message = `Policy ${change.object} ${change.change}, so fewer rows can be reached`;
    return { id: 'policy-tightened', radius: 'medium', message };
  }
  const message = `Policy ${change.object} ${change.change}, so more rows can be reached`;
  return { id: 'policy-weakened', radius: 'high', message };
}

function privilegesIn(text: string | null): readonly string[] {
  return (text ?? '')
    .split(',')
    .map((one) => one.trim())
    .filter(Boolean);
}

function grantChange(change: ObjectChange, around: Around): Verdict {
  const before = new Set(privilegesIn(change.before));
  const won = privilegesIn(change.after).filter((one) => !before.has(one));
  if (won.length === 0) {
    const message = `Privileges on ${change.object} taken away: ${change.before ?? ''}`;
    return { id: 'privileges-narrowed', radius: 'medium', message };
  }
  const message = `Privileges on ${change.object} widened by ${won.join(', ')}`;
  const ownTable = around.fresh.has(holder(change)) && !change.object.endsWith(' to public');
  if (ownTable) return { id: 'privileges-given', radius: 'medium', message };
  return { id: 'privileges-widened', radius: 'high', message };
}

/** A function that runs with its owner's rights lends them to whoever may call it. */
function runsAsOwner(text: string | null): boolean {
  return /\bSECURITY DEFINER\b/i.test(text ?? '');
}

function columnChange(change: ObjectChange): Verdict {
  const { object, before, after } = change;
  if (after?.startsWith('renamed to ') === true) return renamed(change);
  const types = `from ${typeIn(before ?? '')} to ${typeIn(after ?? '')}`;
  if (typeIn(before ?? '') === typeIn(after ?? '')) {
    const message = `Column ${object} changed from ${before ?? ''} to ${after ?? ''}`;
    return { id: 'column-changed', radius: 'medium', message };
  }
  if (keepsEveryValue(before ?? '', after ?? '')) {
    const message = `Column ${object} widened ${types}`;
    return { id: 'column-widened', radius: 'medium', message };
  }
  const message = `Column ${object} narrowed ${types}, which cannot hold every value of before`;
  return { id: 'column-narrowed', radius: 'high', message };
}

/** Code that runs while the new schema is already there still uses the old name. */
function renamed(change: ObjectChange): Verdict {
  const message = `${nouns[change.kind]} ${change.object} ${change.after ?? 'renamed'}`;
  const data = ['schema', 'table', 'column'].includes(change.kind);
  return { id: `${change.kind}-renamed`, radius: data ? 'high' : 'medium', message };
}

function schemaChange(change: ObjectChange): Verdict {
  const { object } = change;
  if (object.startsWith('settings of ')) {
    const message = `Settings changed: ${object}: ${change.after ?? 'none'}`;
    return { id: 'settings-changed', radius: 'high', message };
  }
  if (change.change === 'removed') {
    return { id: 'schema-dropped', radius: 'critical', message: `Schema ${object} dropped` };
  }
  return plainChange(change);
}

const verbs = { added: 'added', removed: 'dropped', changed: 'changed' } as const;

function plainChange(change: ObjectChange): Verdict {
  const { kind, object } = change;
  const message = `${nouns[kind]} ${object} ${verbs[change.change]}`;
  return { id: `${kind}-${verbs[change.change]}`, radius: 'medium', message };
}

function functionChange(change: ObjectChange): Verdict {
  if (change.change !== 'removed' && runsAsOwner(change.after)) {
    const message = `Function ${change.object} ${verbs[change.change]} with its owner's rights`;
    return { id: 'function-with-owner-rights', radius: 'high', message };
  }
  return plainChange(change);
}

function triggerChange(change: ObjectChange): Verdict {
  const disabled = change.after?.endsWith(' (disabled)') === true;
  if (!disabled) return plainChange(change);
  const message = `Trigger ${change.object} switched off`;
  return { id: 'trigger-disabled', radius: 'medium', message };
}

/** Labels of an enum, or any other definition that lost a part, can no longer hold old values. */
function typeChange(change: ObjectChange): Verdict {
  const labels = (text: string | null): readonly string[] => text?.match(/'(?:[^']|'')*'/g) ?? [];
  const after = new Set(labels(change.after));
  const lost = labels(change.before).filter((label) => !after.has(label));
  if (change.change !== 'changed' || lost.length === 0) return plainChange(change);
  const message = `Type ${change.object} narrowed: ${lost.join(', ')} removed`;
  return { id: 'type-narrowed', radius: 'high', message };
}

/** A sequence goes with the column that it belongs to. */
function ownership(change: ObjectChange): Verdict {
  const [sequence = '', column = ''] = change.object.split(' by ');
  const message =
    change.change === 'removed'
      ? `Sequence ${sequence} belongs to column ${column} no more`
      : `Sequence ${sequence} belongs to column ${column} now, and is dropped with it`;
  return { id: 'sequence-ownership-changed', radius: 'medium', message };
}

function ownerChange(change: ObjectChange): Verdict {
  if (change.change !== 'changed') return ownership(change);
  const { object, before, after } = change;
  const message = `Owner of ${object} changed from ${before ?? 'nobody'} to ${after ?? 'nobody'}`;
  return { id: 'owner-changed', radius: 'high', message };
}

/** `FOR VALUES …`, `DEFAULT` or `inherits …` of a definition: the table that its rows are read with. */
function partOf(definition: string | null): string {
  return /(?:FOR VALUES .*|\bDEFAULT\b.*|\binherits .*)$/.exec(definition ?? '')?.[0] ?? '';
}

/** Queries of the parent do not see the rows of a table that is no part of it any more. */
function tableChange(change: ObjectChange): Verdict {
  const { object, before, after } = change;
  const isApart = change.change === 'changed' && partOf(before) !== '' && partOf(after) === '';
  if (!isApart) return plainChange(change);
  const message = `Table ${object} taken out of its parent: whoever reads the parent sees its rows no more`;
  return { id: 'rows-detached', radius: 'high', message };
}

/** What is published leaves the database with whoever may replicate. */
function publicationChange(change: ObjectChange): Verdict {
  if (change.change === 'removed') return plainChange(change);
  const message = `Publication ${change.object} ${verbs[change.change]}: replicas may read ${change.after ?? ''}`;
  return { id: 'publication-widened', radius: 'high', message };
}

/** Tools that make an interface of the schema take orders from comments: `@omit`, `@graphql(…)`. */
const ORDERS = /(?:^|\s)@\w/;

function commentChange(change: ObjectChange): Verdict {
  const { object, before, after } = change;
  const verdict = { id: 'comment-changed', radius: 'low' } as const;
  const message = `Comment on ${object} ${verbs[change.change]}`;
  if (!ORDERS.test(before ?? '') && !ORDERS.test(after ?? '')) return { ...verdict, message };
  const orders = `${message}; it holds an order such as @omit, which tools read`;
  return { id: 'comment-orders-changed', radius: 'medium', message: orders };
}

/** What a foreign key does to rows of its own table when rows of the other are deleted. */
function onDelete(definition: string | null): string {
  return /\bON DELETE (CASCADE|SET NULL|SET DEFAULT)\b/.exec(definition ?? '')?.[1] ?? '';
}

/** Columns of a foreign key's own side. */
function keyColumns(definition: string): readonly string[] {
  const list = /^FOREIGN KEY \(([^)]*)\)/.exec(definition)?.[1] ?? '';
  return list.split(',').map((one) => one.trim().replace(/^"(.*)"$/, '$1'));
}

function keyOf(table: string, definition: string | null): string {
  return `${table} ${(definition ?? '').replace(/ NOT VALID$/, '')}`;
}

/** Deletes that were refused, or reached nothing, take rows along from now on. */
function constraintChange(change: ObjectChange, around: Around): Verdict {
  const { object, before, after } = change;
  const [was, is] = [onDelete(before), onDelete(after)];
  const table = holder(change);
  // Under another name it is the same key.
  const isSame = is === was || around.dropped.has(keyOf(table, after));
  if (change.change === 'removed' || is === '' || isSame) return plainChange(change);
  const other = /\bREFERENCES ([^(]+)\(/.exec(after ?? '')?.[1] ?? 'the other table';
  const columns = keyColumns(after ?? '').map((column) => `${table}.${column}`);
  const what = is === 'CASCADE' ? `delete rows of ${table}` : `empty ${columns.join(', ')}`;
  const message = `Constraint ${object} ${verbs[change.change]}: deletes in ${other} now ${what} (ON DELETE ${is})`;
  const isFresh = columns.every((column) => around.fresh.has(column));
  if (is !== 'CASCADE' || isFresh) return { ...plainChange(change), message };
  return { id: 'deletes-cascade', radius: 'high', message };
}

type Judge = (change: ObjectChange, around: Around) => Verdict;

/** Kinds that are more than an addition, a drop or a change. */
const judges: Readonly<Partial<Record<ObjectKind, Judge>>> = {
  'row-security': rowSecurity,
  policy: policyChange,
  grant: grantChange,
  owner: ownerChange,
  column: (change) => (change.change === 'changed' ? columnChange(change) : plainChange(change)),
  schema: schemaChange,
  function: functionChange,
  trigger: triggerChange,
  type: typeChange,
  table: tableChange,
  publication: publicationChange,
  comment: commentChange,
  constraint: constraintChange,
};

function verdictOf(change: ObjectChange, around: Around): Verdict {
  if (change.change === 'changed' && change.after?.startsWith('renamed to ') === true) {
    return renamed(change);
  }
  return (judges[change.kind] ?? plainChange)(change, around);
}

/** Parts of an object that is itself new are told with it. */
function belongsToFresh(change: ObjectChange, around: Around): boolean {
  if (change.change !== 'added') return false;
  const parts: readonly ObjectKind[] = [
    'column',
    'default',
    'constraint',
    'trigger',
    'row-security',
  ];
  if (!parts.includes(change.kind)) return false;
  if (change.kind === 'row-security') return around.fresh.has(change.object);
  return around.fresh.has(holder(change));
}

const verbOf = /\b(?:alter|create|drop|grant|revoke|rename|comment|do|execute|set)\b/;

/** Findings about the catalog in one folder that ran and was observed. */
export function findObjects(folder: FolderRun): readonly Finding[] {
  const objects = folder.observation?.objects ?? [];
  const fresh = new Set(
    objects
      .filter(({ kind, change }) => change === 'added' && !['grant', 'owner'].includes(kind))
      .map(({ object }) => object),
  );
  const gone = new Set(
    objects
      .filter(({ kind, change }) => change === 'removed' && kind === 'table')
      .map(({ object }) => object),
  );
  const dropped = new Set(
    objects
      .filter(({ kind, change }) => change === 'removed' && kind === 'constraint')
      .map((change) => keyOf(holder(change), change.before)),
  );
  const around = { fresh, dropped };
  return objects
    .filter((change) => !(change.change === 'removed' && toldByData.has(change.kind)))
    .filter((change) => !(change.change === 'removed' && goneWith(change, gone)))
    .filter((change) => !belongsToFresh(change, around))
    .map((change) => {
      const { id, radius, message } = verdictOf(change, around);
      const place = placeOf(folder, change.object, verbOf);
      return makeFinding({
        id,
        radius,
        object: change.object,
        message,
        evidence: 'dry run',
        ...place,
      });
    });
}

/** Parts that went because their table did are told with the table. */
function goneWith(change: ObjectChange, gone: ReadonlySet<string>): boolean {
  return gone.has(holder(change)) || gone.has(change.object);
}
