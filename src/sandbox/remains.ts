/** Clusters that are done with: they end and are removed behind the answer, not before it. */
export class Remains {
  readonly #ending = new Set<Promise<void>>();
  #failure: { readonly cause: unknown } | null = null;

  /** Takes the end of a cluster over. */
  take(ending: Promise<void>): void {
    const done = ending
      .catch((cause: unknown) => {
        this.#failure ??= { cause };
      })
      .finally(() => this.#ending.delete(done));
    this.#ending.add(done);
  }

  /** Throws what went wrong with an earlier one: a disk that fills up must not go unheard. */
  check(): void {
    const failure = this.#failure;
    this.#failure = null;
    if (failure !== null) throw failure.cause;
  }

  /** Resolves when nothing is left of any. */
  async gone(): Promise<void> {
    while (this.#ending.size > 0) await Promise.all(this.#ending);
  }
}
