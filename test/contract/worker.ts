/** Judges in a thread of its own, so that the local GitHub's answers are not slowed down. */
import { parentPort } from 'node:worker_threads';
import { Contract, type Call } from './validate.ts';

export type Question =
  | { readonly id: number; readonly kind: 'exchange'; readonly call: Call }
  | {
      readonly id: number;
      readonly kind: 'webhook';
      readonly name: string;
      readonly payload: unknown;
    };

export interface Verdict {
  readonly id: number;
  readonly faults: readonly string[];
}

const contract = new Contract();

function judge(question: Question): readonly string[] {
  try {
    return question.kind === 'exchange'
      ? contract.exchange(question.call)
      : contract.webhook(question.name, question.payload);
  } catch (error) {
    return [`the contract could not be judged: ${String(error)}`];
  }
}

parentPort?.on('message', (question: Question) => {
  const verdict: Verdict = { id: question.id, faults: judge(question) };
  parentPort?.postMessage(verdict);
});
