/** What the database before the change has that its statements may run: functions, triggers, code. */
import type { Wire } from '../postgres/wire.ts';
import type { KnownCode, Routines, WriteEvent } from './reach.ts';
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
  SELECT DISTINCT c.relname, p.proname, t.tgtype
  FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid
  JOIN pg_namespace n ON n.oid = p.pronamespace
  WHERE NOT t.tgisinternal AND t.tgenabled <> 'D' AND ${OWN('n.nspname')}
  ORDER BY 1, 2 LIMIT ${MOST}`;

/** Values that every database makes alike, and constants, are left out. */
const CODE = `
  SELECT relname, kind, sql FROM (
    SELECT c.relname, 'value' AS kind, pg_get_expr(d.adbin, d.adrelid) AS sql
    FROM pg_attrdef d JOIN pg_class c ON c.oid = d.adrelid
    UNION ALL
    SELECT c.relname, 'check', pg_get_expr(o.conbin, o.conrelid)
    FROM pg_constraint o JOIN pg_class c ON c.oid = o.conrelid WHERE o.contype = 'c'
    UNION ALL
    SELECT DISTINCT c.relname, 'check', pg_get_expr(o.conbin, 0)
    FROM pg_constraint o JOIN pg_attribute a ON a.atttypid = o.contypid AND NOT a.attisdropped
    JOIN pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p') WHERE o.contypid <> 0
    UNION ALL
    SELECT c.relname, 'value', pg_get_expr(i.indexprs, i.indrelid)
    FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid WHERE i.indexprs IS NOT NULL
    UNION ALL
    SELECT c.relname, 'check', pg_get_expr(i.indpred, i.indrelid)
    FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid WHERE i.indpred IS NOT NULL
    UNION ALL
    SELECT c.relname, 'check', pg_get_expr(q.e, l.polrelid)
    FROM pg_policy l JOIN pg_class c ON c.oid = l.polrelid AND c.relforcerowsecurity,
      LATERAL (VALUES (l.polqual), (l.polwithcheck)) q(e) WHERE q.e IS NOT NULL
    UNION ALL
    SELECT c.relname, 'rule', pg_get_ruledef(w.oid)
    FROM pg_rewrite w JOIN pg_class c ON c.oid = w.ev_class
    WHERE w.rulename <> '_RETURN' AND w.ev_enabled <> 'D' AND w.oid >= 16384
    UNION ALL
    SELECT c.relname, 'view', pg_get_viewdef(c.oid)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('v', 'm') AND ${OWN('n.nspname')}) k
  WHERE (sql ~ '\\(.*\\(' OR sql ~ '\\w\\(' OR sql ~* 'current_|session_user|localtime' OR kind IN ('rule', 'view'))
    AND sql !~ '^(nextval|now|gen_random_uuid)\\([^()]*\\)$'
  LIMIT ${MOST}`;

const CASCADES = `
  SELECT p.relname, e.was, c.relname, e.becomes
  FROM pg_constraint o JOIN pg_class p ON p.oid = o.confrelid JOIN pg_class c ON c.oid = o.conrelid,
    LATERAL (VALUES ('delete', CASE o.confdeltype WHEN 'c' THEN 'delete' WHEN 'n' THEN 'update'
        WHEN 'd' THEN 'update' END),
      ('update', CASE WHEN o.confupdtype IN ('c', 'n', 'd') THEN 'update' END)) e(was, becomes)
  WHERE o.contype = 'f' AND e.becomes IS NOT NULL
  UNION
  SELECT p.relname, e, c.relname, e
  FROM pg_inherits i JOIN pg_class p ON p.oid = i.inhparent JOIN pg_class c ON c.oid = i.inhrelid,
    unnest(ARRAY['insert', 'update', 'delete', 'truncate']) e
  WHERE p.relkind IN ('r', 'p')
  ORDER BY 1, 2, 3, 4 LIMIT ${MOST * 4}`;

/** Functions of PostgreSQL itself ask nothing here. */
const ALIASES = `
  SELECT DISTINCT a.of, p.proname FROM (
    SELECT 'operator ' || oprname AS of, oprcode::oid AS code FROM pg_operator
    UNION ALL
    SELECT CASE castcontext WHEN 'e' THEN 'cast ' || t.typname ELSE 'cast' END, castfunc
    FROM pg_cast JOIN pg_type t ON t.oid = casttarget
    UNION ALL
    SELECT f.proname, s.code FROM pg_aggregate g JOIN pg_proc f ON f.oid = g.aggfnoid,
      LATERAL (VALUES (g.aggtransfn::oid), (g.aggfinalfn::oid), (g.aggcombinefn::oid),
        (g.aggmtransfn::oid), (g.aggmfinalfn::oid)) s(code)) a
  JOIN pg_proc p ON p.oid = a.code AND p.oid >= 16384
  JOIN pg_namespace n ON n.oid = p.pronamespace AND ${OWN('n.nspname')}
  ORDER BY 1, 2 LIMIT ${MOST}`;

/** Bits of pg_trigger.tgtype. */
const ROW = 1;
const BEFORE = 2;
const EVENT_BITS: readonly (readonly [WriteEvent, number])[] = [
  ['insert', 4],
  ['delete', 8],
  ['update', 16],
  ['truncate', 32],
];

const EVENTS: ReadonlySet<string> = new Set(EVENT_BITS.map(([event]) => event));

function isEvent(text: string): text is WriteEvent {
  return EVENTS.has(text);
}

function eventOf(text: string | null | undefined): WriteEvent {
  if (typeof text !== 'string' || !isEvent(text)) throw new Error(`unknown event ${text}`);
  return text;
}

const KINDS: ReadonlySet<string> = new Set<KnownCode['kind']>(['value', 'check', 'rule', 'view']);

function isKind(text: string): text is KnownCode['kind'] {
  return KINDS.has(text);
}

/** Reads them by five queries, whatever their number. */
export async function readRoutines(observer: Wire): Promise<Routines> {
  const functions = await observer.rows(FUNCTIONS);
  const triggers = functions.length === 0 ? [] : await observer.rows(TRIGGERS);
  const code = await observer.rows(CODE);
  const cascades = await observer.rows(CASCADES);
  const aliases = functions.length === 0 ? [] : await observer.rows(ALIASES);
  return {
    functions: functions.map(([name, definition]) => ({
      name: name ?? '',
      definition: definition ?? '',
    })),
    triggers: triggers.map(([table, name, type]) => ({
      table: table ?? '',
      function: name ?? '',
      events: EVENT_BITS.flatMap(([event, bit]) => ((Number(type) & bit) === 0 ? [] : [event])),
      isBefore: (Number(type) & (ROW | BEFORE)) === (ROW | BEFORE),
    })),
    code: code.flatMap(([relation, kind, sql]) =>
      typeof kind === 'string' && isKind(kind)
        ? [{ relation: relation ?? '', kind, sql: sql ?? '' }]
        : [],
    ),
    cascades: cascades.map(([from, on, to, event]) => ({
      from: from ?? '',
      on: eventOf(on),
      to: to ?? '',
      event: eventOf(event),
    })),
    aliases: aliases.map(([of, name]) => ({ of: of ?? '', function: name ?? '' })),
  };
}
