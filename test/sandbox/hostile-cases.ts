/** SQL that means harm, and how each piece of it ends. */
import type { DryRunStatus } from '../../src/core/dry-run.ts';

export interface HostileCase {
  readonly name: string;
  readonly sql: string;
  readonly status: DryRunStatus | readonly DryRunStatus[];
  /** SQLSTATE of the error, or words of the reason. */
  readonly says?: RegExp;
  readonly timeoutMs?: number;
}

/** Where a case that escapes would leave a file. */
export const mark = '/tmp/tagout-hostile-was-here';
const quick = 900;

export const CASES: readonly HostileCase[] = [
  {
    name: 'COPY TO PROGRAM',
    sql: `copy victims to program 'touch ${mark}'`,
    status: 'failed',
    says: /42501/,
  },
  {
    name: 'COPY FROM PROGRAM',
    sql: `copy victims from program 'id'`,
    status: 'failed',
    says: /42501/,
  },
  {
    name: 'COPY to a server file',
    sql: `copy victims to '${mark}'`,
    status: 'failed',
    says: /42501/,
  },
  {
    name: 'reading a server file',
    sql: `select pg_read_file('/etc/passwd')`,
    status: 'failed',
    says: /42501/,
  },
  {
    name: 'listing a server folder',
    sql: `select pg_ls_dir('/')`,
    status: 'failed',
    says: /42501/,
  },
  {
    name: 'importing a large object',
    sql: `select lo_import('/etc/passwd')`,
    status: 'failed',
    says: /42501/,
  },
  { name: 'LOAD', sql: `load '/tmp/evil.so'`, status: 'failed', says: /42501|58P01/ },
  {
    name: 'a C function',
    sql: `create function f() returns int language c as '/tmp/evil', 'f'`,
    status: 'failed',
    says: /42501/,
  },
  {
    name: 'an untrusted language',
    sql: 'create extension plpython3u',
    status: ['failed', 'not-comparable'],
    says: /42501|not available/,
  },
  {
    name: 'dblink',
    sql: 'create extension dblink',
    status: ['failed', 'not-comparable'],
    says: /42501|not available/,
  },
  {
    name: 'a foreign server',
    sql: 'create extension postgres_fdw',
    status: ['failed', 'not-comparable'],
    says: /42501|not available/,
  },
  { name: 'ALTER SYSTEM', sql: 'alter system set fsync = off', status: 'failed', says: /42501/ },
  {
    name: 'reloading the settings',
    sql: 'select pg_reload_conf()',
    status: 'failed',
    says: /42501/,
  },
  { name: 'SET ROLE', sql: 'set role tagout_superuser', status: 'failed', says: /42501/ },
  {
    name: 'SET ROLE to the observer',
    sql: 'set role tagout_observer',
    status: 'failed',
    says: /42501/,
  },
  {
    name: 'SET SESSION AUTHORIZATION',
    sql: 'set session authorization tagout_superuser',
    status: 'failed',
    says: /42501/,
  },
  { name: 'creating a role', sql: 'create role evil superuser', status: 'failed', says: /42501/ },
  {
    name: 'becoming superuser',
    sql: 'alter role app_owner superuser',
    status: 'failed',
    says: /42501/,
  },
  {
    name: 'bypassing row security',
    sql: 'alter role app_owner bypassrls',
    status: 'failed',
    says: /42501/,
  },
  {
    name: "dropping the observer's trigger",
    sql: 'drop event trigger tagout_rewrite',
    status: 'failed',
    says: /42501/,
  },
  {
    name: "dropping the observer's schema",
    sql: 'drop schema tagout_sandbox_private cascade',
    status: 'failed',
    says: /42501/,
  },
  {
    name: "replacing the observer's function",
    sql: `create or replace function tagout_sandbox_private.tell_rewrite() returns event_trigger language plpgsql as 'begin end'`,
    status: 'failed',
    says: /42501/,
  },
  {
    name: 'an event trigger',
    sql: `create function e() returns event_trigger language plpgsql as 'begin end'; create event trigger e on ddl_command_end execute function e()`,
    status: 'failed',
    says: /42501/,
  },
  {
    name: 'editing the catalog',
    sql: `update pg_class set relname = 'x' where relname = 'victims'`,
    status: 'failed',
    says: /42501/,
  },
  {
    name: 'allowing catalog edits',
    sql: 'set allow_system_table_mods = on',
    status: 'failed',
    says: /42501/,
  },
  {
    name: 'switching triggers off',
    sql: 'set session_replication_role = replica',
    status: 'failed',
    says: /42501/,
  },
  { name: 'another database', sql: 'create database other', status: 'failed', says: /42501/ },
  {
    name: 'ending other sessions',
    sql: `do $$ declare p int; begin for p in select pid from pg_stat_activity where usename = 'tagout_observer' loop perform pg_terminate_backend(p); end loop; end $$`,
    status: 'failed',
    says: /42501/,
  },
  {
    name: 'ending its own session',
    sql: 'select pg_terminate_backend(pg_backend_pid())',
    status: ['failed', 'not-comparable'],
    says: /crash|57P01/,
  },
  {
    name: 'advisory locks without end',
    sql: 'select pg_advisory_lock(i) from generate_series(1, 10000000) i',
    status: ['failed', 'not-comparable'],
    says: /53200|ended after/,
    timeoutMs: quick,
  },
  {
    name: 'an endless loop',
    sql: 'do $$ begin loop end loop; end $$',
    status: 'not-comparable',
    says: /ended after/,
    timeoutMs: quick,
  },
  {
    name: 'statement_timeout unset',
    sql: `set statement_timeout = 0;\nselect pg_sleep(3600)`,
    status: 'not-comparable',
    says: /ended after/,
    timeoutMs: quick,
  },
  {
    name: 'recursion without end',
    sql: `create function r() returns int language plpgsql as 'begin return r(); end'; select r()`,
    status: 'failed',
    says: /54001/,
  },
  {
    name: 'a trillion rows',
    sql: 'select i, repeat(chr(65), 1000) from generate_series(1, 1000000000000) i',
    status: 'not-comparable',
    says: /ended after|wrote more than/,
    timeoutMs: quick,
  },
  {
    name: 'a text of a gigabyte',
    sql: `select length(repeat('x', 1000000000) || repeat('y', 70000000))`,
    status: 'failed',
    says: /53200|54000/,
    timeoutMs: 60_000,
  },
  {
    name: 'filling the disk',
    sql: `create table big as select repeat(md5(i::text), 60) as t from generate_series(1, 100000000) i`,
    status: 'not-comparable',
    says: /wrote more than/,
  },
  {
    name: 'filling the disk by a sort',
    sql: `select count(*) from (select md5(i::text) || repeat('x', 500) as t from generate_series(1, 100000000) i order by 1) s`,
    status: ['failed', 'not-comparable'],
    says: /wrote more than|53400|ended after/,
    timeoutMs: 6000,
  },
  {
    name: 'a hundred thousand notices',
    sql: `do $$ begin for i in 1..100000 loop raise notice '%', i; end loop; end $$`,
    status: 'ok',
  },
  {
    name: 'psql meta-command',
    sql: `\\! touch ${mark}\nselect 1`,
    status: 'failed',
    says: /command of psql/,
  },
  {
    name: 'COPY FROM STDIN',
    sql: 'copy victims from stdin',
    status: 'failed',
    says: /no data for COPY/,
  },
  {
    name: 'a NUL character',
    sql: 'select 1; \0 drop table victims',
    status: 'failed',
    says: /NUL character/,
  },
  {
    name: 'exporting a large object',
    sql: `select lo_export(lo_from_bytea(0, 'x'), '${mark}')`,
    status: 'failed',
    says: /42501/,
  },
  {
    name: 'large objects without end',
    sql: `do $$ begin loop perform lo_from_bytea(0, decode(repeat('ab', 8000000), 'hex')); end loop; end $$`,
    status: 'not-comparable',
    says: /wrote more than|ended after/,
  },
  {
    name: 'background sessions',
    sql: 'create extension pg_cron',
    status: ['failed', 'not-comparable'],
    says: /42501|not available/,
  },
  {
    name: 'a library in every later session of its own',
    sql: `alter role app_owner set session_preload_libraries = 'evil'`,
    status: 'failed',
    says: /42501/,
  },
  {
    name: 'a program by text that is put together',
    sql: `do $$ begin execute 'copy vic' || 'tims to program ''touch ${mark}'''; end $$`,
    status: 'failed',
    says: /42501/,
  },
  {
    name: 'cancelling the observer',
    sql: `select pg_cancel_backend(pid) from pg_stat_activity where usename = 'tagout_observer'`,
    status: 'failed',
    says: /42501/,
  },
  {
    name: 'locking the catalog',
    sql: 'lock table pg_catalog.pg_class in access exclusive mode',
    status: 'failed',
    says: /42501/,
  },
  {
    name: 'a prepared transaction that outlives its session',
    sql: `begin; delete from victims; prepare transaction 'later'`,
    status: 'failed',
    says: /55000/,
  },
  {
    name: 'a recursive query without end',
    sql: 'with recursive r as (select 1 as n union all select n + 1 from r) select count(*) from r',
    status: 'not-comparable',
    says: /ended after|wrote more than/,
    timeoutMs: quick,
  },
  {
    name: 'messages to other sessions without end',
    sql: `select pg_notify('a' || i % 100, repeat('x', 7000)) from generate_series(1, 100000000) i`,
    status: ['failed', 'not-comparable'],
    says: /53200|ended after|wrote more than/,
    timeoutMs: quick,
  },
  {
    name: 'an array of a gigabyte',
    sql: 'select array_length(array_fill(0::bigint, array[130000000]) || 1::bigint, 1)',
    status: 'failed',
    says: /53200|54000/,
  },
  {
    name: 'a psql command after a statement',
    sql: `select 'drop table victims' \\gexec`,
    status: 'failed',
    says: /42601/,
  },
  {
    name: 'a file that psql would read',
    sql: `\\i /etc/passwd`,
    status: 'failed',
    says: /command of psql/,
  },
  {
    name: 'libraries that later sessions cannot load',
    sql: `do $$ begin execute format('alter database %I set local_preload_libraries = %L', current_database(), 'nothing'); end $$`,
    status: 'not-comparable',
    says: /could not be compared/,
  },
  { name: 'an empty file', sql: '', status: 'ok' },
  {
    name: 'a failing index predicate as a trap for readers',
    sql: `create function trap(int) returns bool immutable language plpgsql as $$ begin if current_user <> 'app_owner' then raise exception 'trapped'; end if; return true; end $$; create index on victims (id) where trap(1) ; update victims set secret = 'x'`,
    status: 'not-comparable',
    says: /cannot be read/,
  },
];
