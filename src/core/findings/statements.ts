/** What the statements did while they ran: rewrites, blocking locks, and a down part that fails. */
import { largeTableRows } from '../blast-radius.ts';
import type { DryRun, EnvironmentSign, FolderRun, StatementRun } from '../dry-run.ts';
import type { BlastRadius, Finding } from '../findings.ts';
import { weigh } from '../weigh.ts';
import { productionRows, sizeOf } from './data.ts';
import { counted, makeFinding } from './make.ts';

/** Modes that stop writers, or readers and writers, while they are held. */
const blockingModes: ReadonlySet<string> = new Set([
  'Share',
  'ShareRowExclusive',
  'Exclusive',
  'AccessExclusive',
]);

/**
 * Actions of ALTER TABLE that PostgreSQL finishes without reading the table, so that their lock is
 * short whatever the size. A rewrite is seen apart and overrides this list.
 */
const shortActions: readonly RegExp[] = [
  /^add (?:column )?(?:if not exists )?(?!constraint\b|primary\b|unique\b|check\b|foreign\b|exclude\b)(?!.*\b(?:check|unique|primary key|references|generated)\b)/,
  /^add (?:constraint \S+ )?(?:check|foreign key)\b.*\bnot valid$/,
  /^add (?:constraint \S+ )?(?:unique|primary key) using index\b/,
  /^drop\b/,
  /^rename\b/,
  /^alter (?:column )?\S+ (?:set default|drop default|drop not null|set statistics|set storage|drop identity|drop expression|set \(|reset \()/,
  /^(?:enable|disable|force|no force) /,
  /^owner to\b/,
  /^set schema\b/,
  /^(?:set|reset) \(/,
  /^detach partition\b/,
  /^replica identity\b/,
];

const shortStatements =
  /^(?:drop (?:table|index|view|materialized view|trigger|policy|rule|function|schema|type|sequence)|create (?:or replace )?(?:trigger|constraint trigger|policy|rule|view|table)|comment on|alter (?:policy|trigger|index|view|sequence|type)|grant|revoke|truncate)\b/;

/** Statement texts are cut at this length, and a cut text could hide an action. */
const cutAt = 200;

/** The actions of an ALTER TABLE, split at commas that are not inside brackets or quotes. */
function actionsOf(list: string): readonly string[] {
  const actions: string[] = [];
  let depth = 0;
  let quoted = false;
  let current = '';
  for (const char of list) {
    if (char === "'") quoted = !quoted;
    else if (!quoted && char === '(') depth += 1;
    else if (!quoted && char === ')') depth -= 1;
    if (char === ',' && depth === 0 && !quoted) {
      actions.push(current.trim());
      current = '';
    } else current += char;
  }
  return [...actions, current.trim()];
}

function isShort(statement: StatementRun): boolean {
  if (statement.rewrites.length > 0) return false;
  const text = statement.text
    .replace(/--[^\n]*/g, ' ')
    .replace(/\/\*.*?\*\//gs, ' ')
    .toLowerCase()
    .replace(/\s+/g, ' ')
    .replace(/[; ]+$/, '')
    .trim();
  if (shortStatements.test(text)) return true;
  const table = /^alter table (?:if exists )?(?:only )?(?:"[^"]*"|[^\s"])+ ?\*? (.*)$/.exec(text);
  if (table === null || statement.text.length >= cutAt) return false;
  return actionsOf(table[1] ?? '').every((action) => shortActions.some((one) => one.test(action)));
}

/** Of a lock that is gone with its statement, so that nobody could be sure to see it. */
const statedOnly = ", stated by PostgreSQL's documentation, not observed";

interface Sized {
  readonly radius: BlastRadius;
  readonly size: string;
  readonly figures: Readonly<Record<string, number>>;
}

function sizedRadius(run: DryRun, folder: FolderRun, table: string): Sized {
  const rows = productionRows(run, folder, table);
  if (rows === null) return { radius: 'high', size: 'of unknown size in production', figures: {} };
  const radius = rows >= largeTableRows ? 'high' : 'medium';
  return { radius, size: `of ${counted(rows, 'row')} in production`, figures: { rows } };
}

/** `; that takes about 40 s there`, with statistics. */
function tookThere(run: DryRun, folder: FolderRun, statement: StatementRun, table: string): string {
  const weighed = weigh(run, folder, statement, table);
  return weighed === null ? '' : `; estimated time there: ${counted(weighed.seconds, 'second')}`;
}

function heldByStatement(run: DryRun, folder: FolderRun, statement: StatementRun): Finding[] {
  const place = { path: statement.path, line: statement.line, evidence: 'dry run' };
  const rewrites = statement.rewrites.filter((table) => sizeOf(folder, table) !== null);
  const rewritten = rewrites.map((table) => {
    const { radius, size, figures } = sizedRadius(run, folder, table);
    const time = tookThere(run, folder, statement, table);
    const message = `Table ${table} rewritten while nobody can use it; it is ${size}${time}`;
    return makeFinding({
      id: 'table-rewritten',
      radius,
      object: table,
      message,
      figures,
      ...place,
    });
  });
  if (isShort(statement)) return rewritten;
  const locked = statement.locks
    .filter(({ mode, object }) => blockingModes.has(mode) && sizeOf(folder, object) !== null)
    .filter(({ object }) => !rewrites.includes(object))
    .map(({ object, mode, stated }) => {
      const { radius, size, figures } = sizedRadius(run, folder, object);
      const stops = mode === 'AccessExclusive' ? 'nobody can use it' : 'nobody can write to it';
      const time = tookThere(run, folder, statement, object);
      const message =
        `Table ${object} locked (${mode}${stated === true ? statedOnly : ''}) while it is read ` +
        `through, so ${stops}; it is ${size}${time}`;
      return makeFinding({ id: 'blocking-lock', radius, object, message, figures, ...place });
    });
  return [...rewritten, ...locked];
}

/** Each finding of an id and an object once: the first statement that did it is where it belongs. */
function once(findings: readonly Finding[]): readonly Finding[] {
  const seen = new Map<string, Finding>();
  for (const finding of findings) {
    const key = `${finding.id} ${finding.object}`;
    if (!seen.has(key)) seen.set(key, finding);
  }
  return [...seen.values()];
}

function downFindings(folder: FolderRun): readonly Finding[] {
  if (folder.observation?.downRestores !== false) return [];
  const difference = folder.observation.downDifference;
  const named = difference.slice(0, 3).join('; ');
  return [
    makeFinding({
      id: 'down-does-not-restore',
      radius: 'medium',
      object: folder.folder,
      message: `The down part does not restore what was there before${named === '' ? '' : `: ${named}`}`,
      evidence: 'dry run',
      figures: { differences: difference.length },
      path: folder.steps[0]?.path ?? null,
      advice: true,
    }),
  ];
}

const environmentWords: Readonly<Record<EnvironmentSign, readonly [BlastRadius, string]>> = {
  server: ['high', 'asks which server, database or setting it runs on'],
  role: ['high', 'asks as which role it runs'],
  dynamic: ['high', 'runs text that it has put together'],
  sleep: ['high', 'waits'],
  chance: ['medium', 'depends on the time or on chance in a condition'],
  condition: ['medium', 'made nothing here, as it writes on a condition only'],
};

function asksWhere(statement: StatementRun): readonly Finding[] {
  const { environment = [], objects = [], path, line } = statement;
  // A condition that was met has shown what it leads to.
  const told = environment.filter((sign) => sign !== 'condition' || objects.length === 0);
  return told.map((sign) => {
    const [radius, what] = environmentWords[sign];
    return makeFinding({
      id: 'environment-aware-sql',
      radius,
      object: path,
      message: `The SQL ${what}, so it can behave differently in production`,
      evidence: 'plan',
      path,
      line,
      advice: true,
    });
  });
}

/** Findings about how one folder's statements ran. */
export function findStatements(run: DryRun, folder: FolderRun): readonly Finding[] {
  const held = folder.statements.flatMap((statement) => heldByStatement(run, folder, statement));
  const asked = folder.statements.flatMap(asksWhere);
  return [...once(held), ...asked, ...downFindings(folder)];
}
