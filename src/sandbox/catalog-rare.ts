/**
 * Queries for kinds of objects that few migrations make: operators, casts, publications and the like.
 * They read the same rows as those of catalog.ts and stand after the same `ns` and `ext`.
 */

/** Objects below this number came with PostgreSQL itself. */
const FIRST_OWN = 16384;

const own = (catalog: string, alias: string): string =>
  `${alias}.oid >= ${FIRST_OWN} AND NOT EXISTS (SELECT 1 FROM ext
    WHERE classid = '${catalog}'::regclass AND objid = ${alias}.oid)`;

/** Objects of one catalog that are told as what they are and by all that the catalog says of them. */
function plain(catalog: string, what: string, prefix: string): string {
  return `
  SELECT 'object', '${catalog}' || o.oid, NULL, '${what} ' || n.prefix || o.${prefix}name,
    (to_jsonb(o) - 'oid' - '${prefix}name' - '${prefix}owner')::text
  FROM ${catalog} o JOIN ns n ON n.oid = o.${prefix}namespace WHERE ${own(catalog, 'o')}`;
}

/** Entries in the columns kind, id, parent, name and definition. */
export const RARE: string = [
  `
  SELECT 'operator', 'q' || o.oid, NULL,
    format('%s%s(%s, %s)', n.prefix, o.oprname, CASE o.oprleft WHEN 0 THEN 'none'
      ELSE format_type(o.oprleft, NULL) END, format_type(o.oprright, NULL)), 'function ' || o.oprcode
  FROM pg_operator o JOIN ns n ON n.oid = o.oprnamespace WHERE ${own('pg_operator', 'o')}`,
  `
  SELECT 'cast', 'k' || o.oid, NULL,
    format_type(o.castsource, NULL) || ' to ' || format_type(o.casttarget, NULL),
    CASE o.castcontext WHEN 'i' THEN 'implicit' WHEN 'a' THEN 'in assignments' ELSE 'explicit' END
    || CASE o.castmethod WHEN 'f' THEN ' by ' || o.castfunc::regproc WHEN 'i' THEN ' by text'
      ELSE ' as it is' END
  FROM pg_cast o WHERE ${own('pg_cast', 'o')}`,
  `
  SELECT 'publication', 'u' || o.oid, NULL, o.pubname,
    CASE WHEN o.puballtables THEN 'all tables' ELSE coalesce((SELECT
      string_agg(t.schemaname || '.' || t.tablename, ', ' ORDER BY 1)
      FROM pg_publication_tables t WHERE t.pubname = o.pubname), 'no table') END
    || format(' (%s%s%s%s)', o.pubinsert::int, o.pubupdate::int, o.pubdelete::int, o.pubtruncate::int)
  FROM pg_publication o`,
  plain('pg_collation', 'collation', 'coll'),
  plain('pg_conversion', 'conversion', 'con'),
  plain('pg_statistic_ext', 'statistics', 'stx'),
  plain('pg_ts_config', 'text search configuration', 'cfg'),
  plain('pg_ts_dict', 'text search dictionary', 'dict'),
].join('\n  UNION ALL');
