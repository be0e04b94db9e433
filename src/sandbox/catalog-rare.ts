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

/** What a comment stands on, by the catalog that its object is in: the entry that goes with it. */
const COMMENTED = `CASE d.classoid
    WHEN 'pg_class'::regclass THEN 'c' || d.objoid || CASE WHEN d.objsubid > 0 AND EXISTS
      (SELECT 1 FROM pg_class WHERE oid = d.objoid AND relkind IN ('r', 'p', 'f'))
      THEN '.' || d.objsubid ELSE '' END
    WHEN 'pg_proc'::regclass THEN 'p' || d.objoid
    WHEN 'pg_type'::regclass THEN 't' || d.objoid
    WHEN 'pg_namespace'::regclass THEN 'n' || d.objoid
    WHEN 'pg_constraint'::regclass THEN 'o' || d.objoid
    WHEN 'pg_trigger'::regclass THEN 'g' || d.objoid
    WHEN 'pg_policy'::regclass THEN 'l' || d.objoid
    WHEN 'pg_extension'::regclass THEN 'e' || d.objoid END`;

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
  // That a sequence belongs to another column is another entry: a column's new name is none.
  `
  SELECT 'owner', 'os' || r.oid || '.' || d.refobjid || '.' || d.refobjsubid, 'c' || r.oid,
    r.name || ' by ' || t.name || '.' || a.attname, ''
  FROM pg_depend d JOIN rel r ON r.oid = d.objid AND r.relkind = 'S'
  JOIN tab t ON t.oid = d.refobjid
  JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid
  WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype = 'a'`,
  `
  SELECT 'comment', 'm' || d.classoid || '.' || d.objoid || '.' || d.objsubid, ${COMMENTED},
    regexp_replace((pg_identify_object(d.classoid, d.objoid, d.objsubid)).identity, '^public[.]', ''),
    d.description
  FROM pg_description d
  WHERE (d.objoid >= ${FIRST_OWN} OR d.classoid = 'pg_namespace'::regclass)
    AND NOT EXISTS (SELECT 1 FROM ext WHERE classid = d.classoid AND objid = d.objoid)
  UNION ALL
  SELECT 'comment', 'mb', NULL, 'the database', d.description
  FROM pg_shdescription d JOIN pg_database b ON b.oid = d.objoid
  WHERE d.classoid = 'pg_database'::regclass AND b.datname = current_database()`,
  // What the options hold, a password among them, is nobody's to read here.
  `
  SELECT 'object', 'fw' || w.oid, NULL, 'foreign-data wrapper ' || w.fdwname,
    concat('handler ', w.fdwhandler, ', options ', left(md5(w.fdwoptions::text), 8))
  FROM pg_foreign_data_wrapper w WHERE ${own('pg_foreign_data_wrapper', 'w')}
  UNION ALL
  SELECT 'object', 'fs' || s.oid, NULL, 'foreign server ' || s.srvname, concat('type ', s.srvtype,
    ', version ', s.srvversion, ', options ', left(md5(s.srvoptions::text), 8))
  FROM pg_foreign_server s
  UNION ALL
  SELECT 'object', 'fu' || u.oid, 'fs' || u.umserver, 'user mapping of '
    || coalesce(pg_get_userbyid(nullif(u.umuser, 0)), 'public') || ' on ' || s.srvname,
    concat('options ', left(md5(u.umoptions::text), 8))
  FROM pg_user_mapping u JOIN pg_foreign_server s ON s.oid = u.umserver
  UNION ALL
  SELECT 'object', 'ff' || f.ftrelid, 'c' || f.ftrelid, 'options of the foreign table ' || t.name,
    concat('server ', s.srvname, ', options ', left(md5(f.ftoptions::text), 8))
  FROM pg_foreign_table f JOIN tab t ON t.oid = f.ftrelid
  JOIN pg_foreign_server s ON s.oid = f.ftserver`,
  plain('pg_collation', 'collation', 'coll'),
  plain('pg_conversion', 'conversion', 'con'),
  plain('pg_statistic_ext', 'statistics', 'stx'),
  plain('pg_ts_config', 'text search configuration', 'cfg'),
  plain('pg_ts_dict', 'text search dictionary', 'dict'),
].join('\n  UNION ALL');
