/** How the server ends: by signal in order, by fault at once, and never hanging. */
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import { supervise } from '../../src/cli/supervise.ts';
import type { Supervision } from '../../src/cli/supervise.ts';

interface Told {
  readonly process: EventEmitter;
  readonly lines: string[];
  readonly supervision: Supervision;
}

function told(lost?: Promise<string>): Told {
  const process = new EventEmitter();
  const lines: string[] = [];
  const log = {
    info: (about: object, message: string) =>
      void lines.push(JSON.stringify({ ...about, message })),
    fatal: (about: object, message: string) =>
      void lines.push(JSON.stringify({ ...about, message })),
  };
  const limits = { stopLimitMs: 200, crashLimitMs: 60 };
  const supervision = { log, process, ...limits, ...(lost === undefined ? {} : { lost }) };
  return { process, lines, supervision };
}

test('a signal closes in order and ends with 0', async () => {
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) {
    const { process, supervision } = told();
    let closed = 0;
    const ended = supervise({ close: async () => void (closed += 1) }, supervision);
    process.emit(signal);
    process.emit('SIGTERM');
    assert.equal(await ended, 0);
    assert.equal(closed, 1);
  }
});

test('an uncaught fault closes and ends with 1, and its message is not told', async () => {
  for (const event of ['uncaughtException', 'unhandledRejection']) {
    const { process, lines, supervision } = told();
    let closed = false;
    const ended = supervise({ close: async () => void (closed = true) }, supervision);
    process.emit(event, new Error('row: hippopotamus'));
    process.emit(event, new Error('and another'));
    assert.ok(process.emit('SIGTERM'), 'a signal while it closes does not kill it');
    assert.equal(await ended, 1);
    assert.equal(closed, true);
    assert.match(lines.join(), /nothing more is released/);
    assert.match(lines.join(), /fault while closing/);
    assert.equal(lines.join().includes('hippopotamus'), false);
  }
});

test('closing that hangs or fails ends with 1 within its limit', async () => {
  const hang = (): Promise<void> => new Promise(() => undefined);
  const fail = (): Promise<void> => Promise.reject(new Error('no'));
  for (const close of [hang, fail]) {
    const { process, supervision } = told();
    const startedMs = performance.now();
    const ended = supervise({ close }, supervision);
    process.emit('SIGTERM');
    assert.equal(await ended, 1);
    assert.ok(performance.now() - startedMs < 1500);
  }
});

test('a part that ends by itself ends the server with 1', async () => {
  const { supervision, lines } = told(Promise.resolve('PostgreSQL'));
  assert.equal(await supervise({ close: async () => undefined }, supervision), 1);
  assert.match(lines.join(), /PostgreSQL/);
});

test('a part that ends because the server closes is not lost', async () => {
  const lost = Promise.withResolvers<string>();
  const { process, supervision, lines } = told(lost.promise);
  const close = async (): Promise<void> => {
    lost.resolve('PostgreSQL');
    await lost.promise;
  };
  const ended = supervise({ close }, supervision);
  process.emit('SIGTERM');
  assert.equal(await ended, 0);
  assert.doesNotMatch(lines.join(), /ended by itself/);
  assert.match(lines.join(), /"clean":true/);
});
