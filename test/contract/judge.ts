/** Hands exchanges and webhooks to the thread that judges them, and collects what it finds. */
import { Worker } from 'node:worker_threads';
import type { Exchange } from '../github/server.ts';
import type { Question, Verdict } from './worker.ts';

export interface Judge {
  exchange(exchange: Exchange): void;
  webhook(name: string, payload: unknown): void;
  /** Resolves when all that was handed in has been judged. */
  drained(): Promise<void>;
}

interface Court {
  readonly worker: Worker;
  readonly pending: Map<number, (faults: readonly string[]) => void>;
  next: number;
}

/** One thread for all local GitHubs of a process: compiling the schemas is the cost. */
let shared: Court | null = null;

function court(): Court {
  if (shared !== null) return shared;
  const worker = new Worker(new URL('./worker.ts', import.meta.url));
  const made: Court = { worker, pending: new Map(), next: 1 };
  const fail = (reason: string): void => {
    for (const resolve of made.pending.values()) resolve([reason]);
    made.pending.clear();
    shared = null;
  };
  worker.on('message', ({ id, faults }: Verdict) => {
    made.pending.get(id)?.(faults);
    made.pending.delete(id);
    if (made.pending.size === 0) worker.unref();
  });
  worker.on('error', (error) => fail(`the judge of the contract failed: ${String(error)}`));
  worker.on('exit', () => fail('the judge of the contract ended'));
  worker.unref();
  shared = made;
  return made;
}

type Unnumbered =
  | Omit<Extract<Question, { kind: 'exchange' }>, 'id'>
  | Omit<Extract<Question, { kind: 'webhook' }>, 'id'>;

export function contractJudge(violations: string[]): Judge {
  const open = new Set<Promise<void>>();
  const ask = (question: Unnumbered): void => {
    const { worker, pending, next } = court();
    court().next = next + 1;
    const judged = new Promise<readonly string[]>((resolve) => pending.set(next, resolve)).then(
      (faults) => {
        violations.push(...faults);
        open.delete(judged);
      },
    );
    open.add(judged);
    // Held while something is being judged, so that a process cannot end before the verdict.
    worker.ref();
    worker.postMessage({ ...question, id: next });
  };
  return {
    exchange: ({ query, ...rest }) => {
      const { operationId, params, body, status, answer, type } = rest;
      const call = { operationId, params, query: [...query], body, status, answer, type };
      ask({ kind: 'exchange', call });
    },
    webhook: (name, payload) => ask({ kind: 'webhook', name, payload }),
    drained: async () => {
      while (open.size > 0) await Promise.all(open);
    },
  };
}
