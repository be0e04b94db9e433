/**
 * Group commit: what comes while an earlier group is being written waits and goes with the next
 * one. A commit that notifies the queue's listeners holds a lock of the whole database, so commits
 * come one after the other anyhow; the more each one carries, the more are done.
 */

export interface TogetherOptions<In, Out> {
  /** Writes a group as one; answers in the group's order, or throws and has written nothing. */
  readonly write: (group: readonly In[]) => Promise<readonly Out[]>;
  /** The most in one group. */
  readonly max: number;
  /** Groups under way at a time. */
  readonly lanes: number;
  /** Whether one of a group may be at fault, so that each is tried by itself. */
  readonly isSingleFault: (error: unknown) => boolean;
}

interface Waiting<In, Out> {
  readonly value: In;
  readonly resolve: (out: Out) => void;
  readonly reject: (error: unknown) => void;
}

/** Makes the function that writes one value, together with others where there are others. */
export function together<In, Out>(options: TogetherOptions<In, Out>): (value: In) => Promise<Out> {
  const waiting: Waiting<In, Out>[] = [];
  let running = 0;

  async function writeGroup(group: readonly Waiting<In, Out>[]): Promise<void> {
    try {
      const outs = await options.write(group.map((one) => one.value));
      for (const [at, one] of group.entries()) {
        const out = outs[at];
        if (out === undefined) one.reject(new Error('a group was answered in part'));
        else one.resolve(out);
      }
    } catch (error) {
      if (group.length === 1 || !options.isSingleFault(error)) {
        for (const one of group) one.reject(error);
        return;
      }
      // One after the other: the group was refused for one of them.
      for (const one of group) await writeGroup([one]);
    }
  }

  function start(): void {
    if (running >= options.lanes || waiting.length === 0) return;
    running += 1;
    void writeGroup(waiting.splice(0, options.max)).finally(() => {
      running -= 1;
      start();
    });
  }

  return (value) =>
    new Promise((resolve, reject) => {
      waiting.push({ value, resolve, reject });
      start();
    });
}
