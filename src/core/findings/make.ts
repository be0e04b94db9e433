/** How a finding is made: its level follows from its radius, its figures are whole numbers. */
import { atLeast } from '../blast-radius.ts';
import type { BlastRadius, Finding, FindingLevel } from '../findings.ts';

/** High and critical are danger; below that a finding is a note unless it is advice. */
export function levelOf(radius: BlastRadius, below: 'advice' | 'note'): FindingLevel {
  return atLeast(radius, 'high') ? 'danger' : below;
}

export interface FindingText {
  readonly id: string;
  readonly radius: BlastRadius;
  readonly object: string;
  readonly message: string;
  readonly evidence: string;
  readonly figures?: Readonly<Record<string, number>>;
  readonly path?: string | null;
  readonly line?: number | null;
  readonly advice?: boolean;
}

/** A finding with its level. */
export function makeFinding(text: FindingText): Finding {
  const { id, radius, object, message, evidence } = text;
  return {
    id,
    level: levelOf(radius, text.advice === true ? 'advice' : 'note'),
    radius,
    object,
    message,
    evidence,
    figures: text.figures ?? {},
    path: text.path ?? null,
    line: text.line ?? null,
  };
}

/** `1,000`. Written out, as the locale of a machine must not change a sentence. */
export function figure(value: number): string {
  return String(value).replace(/\B(?=(?:\d{3})+$)/g, ',');
}

/** `1 row`, `1,000 rows`. */
export function counted(value: number, one: string, many: string = `${one}s`): string {
  return `${figure(value)} ${value === 1 ? one : many}`;
}
