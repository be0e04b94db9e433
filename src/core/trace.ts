/**
 * What a step of the line tells of itself while somebody watches: names, ids and verdicts, nothing
 * that a person wrote. Off, it costs a function call.
 */

/** The steps that have a span. */
export type SpanName =
  | 'receive'
  | 'judge'
  | 'gather'
  | 'dry run'
  | 'decide'
  | 'record'
  | 'seal'
  | 'enact';

/** All that a span may hold: each is an id or a word of ours. */
export interface SpanFacts {
  /** X-GitHub-Delivery. */
  readonly delivery?: string;
  /** `locatorKey`. */
  readonly subject?: string;
  readonly because?: string;
  readonly verdict?: string;
  /** Kind of an effect. */
  readonly effect?: string;
  /** How a step ended: `stored`, `done`, a dry run's status. */
  readonly outcome?: string;
}

export type Tell = (facts: SpanFacts) => void;

export interface Trace {
  /** Runs a step inside a span, which ends with it; what it throws is thrown on. */
  span<T>(name: SpanName, facts: SpanFacts, step: (tell: Tell) => Promise<T>): Promise<T>;
  /** W3C traceparent of the span at hand, to be kept in a job; null when there is none. */
  parent(): string | null;
  /** Runs work as a part of the trace that a job has kept; null: of none. */
  under<T>(parent: string | null, work: () => Promise<T>): Promise<T>;
}

const untold: Tell = () => {};

/** Nobody watches. */
export const NO_TRACE: Trace = {
  span: (_name, _facts, step) => step(untold),
  parent: () => null,
  under: (_parent, work) => work(),
};
