/** SQL that means harm: what a case is, and those that came later. */
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
/** Milliseconds for what has no end. */
export const quick = 900;

export const MORE: readonly HostileCase[] = [
  {
    name: 'code in an untrusted language',
    sql: `do language plpython3u 'import os'`,
    status: ['failed', 'not-comparable'],
    says: /42501|42704|does not exist/,
  },
  {
    name: 'a foreign-data wrapper',
    sql: 'create foreign data wrapper away',
    status: 'failed',
    says: /42501/,
  },
  {
    name: 'a server',
    sql: `create server away foreign data wrapper postgres_fdw options (host '127.0.0.1')`,
    status: ['failed', 'not-comparable'],
    says: /42501|42704|does not exist/,
  },
  {
    name: "switching the observer's trigger off",
    sql: 'alter event trigger tagout_rewrite disable',
    status: 'failed',
    says: /42501/,
  },
  {
    name: 'advisory locks of a transaction',
    sql: 'do $$ begin for i in 1..10000000 loop perform pg_advisory_xact_lock(i); end loop; end $$',
    status: ['failed', 'not-comparable'],
    says: /53200|ended after/,
    timeoutMs: quick,
  },
  {
    name: 'no connection for anybody',
    sql: `do $$ begin execute format('alter database %I allow_connections false', current_database()); end $$`,
    status: ['failed', 'not-comparable'],
    says: /22023|42501|could not be compared/,
  },
  {
    name: 'workers for every query',
    sql: `set max_parallel_workers_per_gather = 64; set parallel_setup_cost = 0;
      set parallel_tuple_cost = 0; set min_parallel_table_scan_size = 0;
      alter table victims set (parallel_workers = 64); select count(*) from victims;
      alter table victims reset (parallel_workers)`,
    status: 'ok',
  },
  {
    name: 'a hundred thousand messages',
    sql: `do $$ begin for i in 1..100000 loop raise info 'tagout-object ["x%"]', i; end loop; end $$`,
    status: ['ok', 'failed'],
  },
  {
    name: 'a worker in the background',
    sql: 'create extension pg_background; select pg_background_launch($$select 1$$)',
    status: ['failed', 'not-comparable'],
    says: /42501|not available/,
  },
  {
    name: 'a NUL character in an escape',
    sql: `select U&'a\\0000b', E'\\x00'`,
    status: 'failed',
    says: /42601|22021|22P05/,
  },
  {
    name: 'half of a pair of surrogates',
    sql: `select U&'\\D800'`,
    status: 'failed',
    says: /42601|22021|22P05/,
  },
  {
    name: 'a program in other letters',
    sql: `do $$ begin execute U&'c\\006Fpy victims to pr\\006Fgram ''touch ${mark}'''; end $$`,
    status: 'failed',
    says: /42501/,
  },
];
