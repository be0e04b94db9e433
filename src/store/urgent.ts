/**
 * What somebody waits for goes first: webhooks that are being taken in and production gates share
 * their process with the judging of pull requests, and on few cores more at once only makes each
 * slower. Other work begins when nothing urgent is under way, one piece at a time, and after its
 * limit in any case, so that a flood of what is urgent puts it off and never stops it.
 */
import type { TaskList } from 'graphile-worker';

export interface Urgent {
  /** Counts as urgent until it has ended. */
  run<T>(work: () => Promise<T>): Promise<T>;
  /** Resolves when nothing urgent is under way, or after so long. */
  pass(limitMs: number): Promise<void>;
}

/** One urgent piece mostly follows another: the webhook, its judgement, the answer to GitHub. */
const LINGER_MS = 25;

/** One for each process. */
export function createUrgent(): Urgent {
  let running = 0;
  let lingering: NodeJS.Timeout | undefined;
  const waiting = new Set<() => void>();

  /** One waits no longer; the next one follows in another turn, if it is still quiet. */
  function letOneGo(): void {
    const [first] = waiting;
    if (running > 0 || first === undefined) return;
    first();
    if (waiting.size > 0) setImmediate(letOneGo);
  }

  return {
    async run(work) {
      running += 1;
      try {
        return await work();
      } finally {
        running -= 1;
        if (running === 0) {
          clearTimeout(lingering);
          lingering = setTimeout(letOneGo, LINGER_MS);
        }
      }
    },
    pass(limitMs) {
      if (running === 0) return Promise.resolve();
      return new Promise((resolve) => {
        const go = (): void => {
          clearTimeout(timer);
          waiting.delete(go);
          resolve();
        };
        const timer = setTimeout(go, limitMs);
        waiting.add(go);
      });
    },
  };
}

/** The tasks of production gates: the same work under names of their own. */
const GATE_TASKS = { 'judge-gate': 'judge', 'enact-gate': 'enact' } as const;

/** No job of a pull request is put off longer than this by what is urgent. */
const PUT_OFF_MS = 1_000;

/** The tasks of gates go at once and count as urgent; the others let what is urgent go first. */
export function inOrder(list: TaskList, urgent: Urgent): { all: TaskList; gates: TaskList } {
  const all: TaskList = {};
  for (const [name, task] of Object.entries(list)) {
    if (task === undefined) continue;
    all[name] = async (raw, helpers) => {
      await urgent.pass(PUT_OFF_MS);
      return task(raw, helpers);
    };
  }
  const gates: TaskList = {};
  for (const [name, same] of Object.entries(GATE_TASKS)) {
    const task = list[same];
    if (task !== undefined)
      gates[name] = (raw, helpers) => urgent.run(async () => task(raw, helpers));
  }
  return { all, gates };
}
