/** What the process of squawk takes by itself: started by a shell, many times, nothing of ours in it. */
import { spawnSync } from 'node:child_process';
import { squawkProgram } from '../../src/sandbox/squawk.ts';

const TIMES = 20;

/** Milliseconds of one process of squawk on this SQL. Throws when it is not installed. */
export function timeSquawk(sql: string): number {
  const program = squawkProgram();
  if (program === null) throw new Error('squawk is not installed');
  const once = '"$0" --reporter json --config /dev/null --stdin-filepath s.sql >/dev/null <<< "$1"';
  const script = `for i in $(seq ${TIMES}); do ${once}; done; test $? -le 1`;
  const began = performance.now();
  const { status } = spawnSync('bash', ['-c', script, program, sql], { env: {}, cwd: '/' });
  if (status !== 0) throw new Error('squawk did not run');
  return (performance.now() - began) / TIMES;
}
