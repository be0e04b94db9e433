/** Functions and triggers of the database before the change, which its statements may run. */
import type { Wire } from '../postgres/wire.ts';
import type { KnownFunction, KnownTrigger } from './environment.ts';
import { PRIVATE_SCHEMA } from './workspace.ts';

/** Functions beyond these are not looked into; a schema of so many is generated. */
const MOST = 5000;

const OWN = (namespace: string): string =>
  `${namespace} NOT IN ('pg_catalog', 'information_schema', '${PRIVATE_SCHEMA}')`;

const FUNCTIONS = `
  SELECT p.proname, pg_get_functiondef(p.oid)
  FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang
  WHERE ${OWN('n.nspname')} AND p.prokind IN ('f', 'p') AND l.lanname IN ('sql', 'plpgsql')
    AND NOT EXISTS (SELECT 1 FROM pg_depend d
      WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
  ORDER BY p.oid LIMIT ${MOST}`;

const TRIGGERS = `
  SELECT DISTINCT c.relname, p.proname
  FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid
  JOIN pg_namespace n ON n.oid = p.pronamespace
  WHERE NOT t.tgisinternal AND t.tgenabled <> 'D' AND ${OWN('n.nspname')}
  ORDER BY 1, 2 LIMIT ${MOST}`;

export interface Routines {
  readonly functions: readonly KnownFunction[];
  readonly triggers: readonly KnownTrigger[];
}

/** Reads them by two queries, whatever their number. */
export async function readRoutines(observer: Wire): Promise<Routines> {
  const functions = await observer.rows(FUNCTIONS);
  const triggers = functions.length === 0 ? [] : await observer.rows(TRIGGERS);
  return {
    functions: functions.map(([name, definition]) => ({
      name: name ?? '',
      definition: definition ?? '',
    })),
    triggers: triggers.map(([table, name]) => ({ table: table ?? '', function: name ?? '' })),
  };
}
