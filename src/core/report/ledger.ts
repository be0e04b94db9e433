/**
 * Which decision and which release belong to one deployment, over a log that is read once in leaf
 * order. What is kept of a decision is the caller's: the row itself, or only where it lies.
 */
import type { DecisionMade, EffectOutcomeEvent, GlassReviewed } from '../audit/event.ts';
import type { Deployment, Disposition, ReviewAfter, Settled } from './row.ts';

/** A deployment's decision with what became of it. */
export interface Outcome<T> {
  /** The decision that GitHub was told, else the newest one. */
  readonly value: T;
  readonly leafIndex: number;
  readonly firstMs: number;
  readonly releasedMs: number | null;
  readonly releaseLeaf: number | null;
  readonly reviewed: readonly ReviewAfter[];
}

interface Kept<T> {
  readonly value: T;
  readonly eventId: string;
  readonly leaf: number;
}

interface Entry<T> {
  newest: Kept<T>;
  /** The newest decision that allowed, until a release names one. */
  allowed: Kept<T> | null;
  readonly firstMs: number;
  releasedMs: number | null;
  releaseLeaf: number | null;
  releasedBy: string | null;
  reviewed: readonly ReviewAfter[];
}

/** By the time of release or, unreleased, of the first decision. */
export function byTime(a: Outcome<unknown>, b: Outcome<unknown>): number {
  const timeOf = (one: Outcome<unknown>): number => one.releasedMs ?? one.firstMs;
  return timeOf(a) - timeOf(b) || a.leafIndex - b.leafIndex;
}

export interface Ledger<T> {
  decided(event: DecisionMade, leaf: number, value: T): void;
  released(event: EffectOutcomeEvent, leaf: number): void;
  reviewed(event: GlassReviewed, review: ReviewAfter): void;
  end(): readonly Outcome<T>[];
}

const NONE: readonly ReviewAfter[] = [];

/** The key of a deployment: one subject and attempt. */
export function deploymentKey(event: DecisionMade | EffectOutcomeEvent): string {
  return `${event.subject?.key ?? ''}:${event.subject?.runAttempt ?? 0}`;
}

/** When GitHub started a deployment that was never released; null: it did not. */
function bypassedAtMs(event: DecisionMade): number | null {
  return event.deployment?.facts?.bypassedAtMs ?? null;
}

function outcomeOf<T>(entry: Entry<T>): Outcome<T> {
  const { releasedBy, allowed, newest, firstMs, releasedMs, releaseLeaf, reviewed } = entry;
  const told = releasedBy !== null && allowed?.eventId === releasedBy;
  const { value, leaf } = told && allowed !== null ? allowed : newest;
  return { value, leafIndex: leaf, firstMs, releasedMs, releaseLeaf, reviewed };
}

export function createLedger<T>(): Ledger<T> {
  const entries = new Map<string, Entry<T>>();
  /** Deployments that broken glass released, by the event that reviews afterwards name. */
  const glass = new Map<string, Entry<T>>();
  return {
    decided(event, leaf, value) {
      const key = deploymentKey(event);
      const kept = { value, eventId: event.eventId, leaf };
      const allows = event.decision.verdict === 'allow';
      const known = entries.get(key);
      const entry: Entry<T> = known ?? {
        newest: kept,
        allowed: null,
        firstMs: event.recordedAtMs,
        releasedMs: null,
        releaseLeaf: null,
        releasedBy: null,
        reviewed: NONE,
      };
      entries.set(key, entry);
      entry.newest = kept;
      if (allows && entry.releasedBy === null) entry.allowed = kept;
      const startedMs = bypassedAtMs(event);
      if (startedMs !== null && entry.releasedBy === null) entry.releasedMs ??= startedMs;
      if (event.deployment?.facts?.glass) glass.set(event.eventId, entry);
    },
    released(event, leaf) {
      const entry = entries.get(deploymentKey(event));
      if (entry === undefined || entry.releasedBy !== null) return;
      entry.releasedMs = event.source.githubAtMs ?? event.recordedAtMs;
      entry.releaseLeaf = leaf;
      entry.releasedBy = event.links.decision;
    },
    reviewed(event, review) {
      const entry = glass.get(event.links.decision);
      if (entry !== undefined) entry.reviewed = [...entry.reviewed, review];
    },
    end: () => Array.from(entries.values(), outcomeOf),
  };
}

function dispositionOf(row: Deployment, releasedMs: number | null): Disposition {
  if (releasedMs === null) return row.verdict === 'deny' ? 'refused' : 'waiting';
  if ((row.more?.bypassedAtMs ?? null) !== null) return 'none';
  if (row.codes.some((code) => code.startsWith('break-glass'))) return 'break_glass';
  if (row.approvers.length > 0) return 'approved';
  return row.founded ? 'by_policy' : 'none';
}

/** A row with what became of it. */
export function settled(row: Deployment, outcome: Omit<Outcome<unknown>, 'value'>): Settled {
  return {
    ...row,
    firstDecidedAtMs: outcome.firstMs,
    releasedAtMs: outcome.releasedMs,
    releaseLeaf: outcome.releaseLeaf,
    reviewedAfter: outcome.reviewed,
    disposition: dispositionOf(row, outcome.releasedMs),
  };
}
