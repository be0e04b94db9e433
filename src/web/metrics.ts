/** The figures of `/metrics`, in Prometheus' text form. Names and labels hold no content. */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { StoreFigures } from '../store/figures.ts';

/** What an installation may still ask of GitHub. */
export interface BudgetFigure {
  readonly installationId: number;
  readonly resource: string;
  readonly limit: number;
  readonly remaining: number;
}

export interface MetricSources {
  readonly store: () => Promise<StoreFigures>;
  readonly budgets: () => readonly BudgetFigure[];
  /** Installations that GitHub has shut out for the moment. */
  readonly shutOut: () => number;
  readonly bytesInFlight?: () => number;
  /** Waits no longer for the store than this. */
  readonly limitMs?: number;
}

export interface SweepFigures {
  readonly missed: number;
  readonly redelivered: number;
  readonly looks: number;
  /** What could not be looked at, by part. */
  readonly unread: Readonly<Record<string, number>>;
  readonly undecidedDeployments: number;
  readonly uncheckedMerges: number;
}

export interface Metrics {
  /** One webhook was answered. */
  tookIn(status: number, ms: number): void;
  /** One look came to its end: `allow`, `hold`, `deny`, `gone`, or a fault's code. */
  judged(kind: string, result: string, ms: number): void;
  ranDry(status: string, ms: number): void;
  swept(figures: SweepFigures, atMs: number): void;
  /** What was over its time was removed: rows by table. */
  removed(rows: Readonly<Record<string, number>>, atMs: number): void;
  text(): Promise<string>;
}

const INTAKE_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 8];
const JUDGE_SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120];

/** Every figure there is, so that one place names them all. */
function figures(registers: Registry[]) {
  const gauge = (name: string, help: string, labelNames: string[] = []) =>
    new Gauge({ name: `tagout_${name}`, help, labelNames, registers });
  const counter = (name: string, help: string, labelNames: string[] = []) =>
    new Counter({ name: `tagout_${name}`, help, labelNames, registers });
  const histogram = (name: string, help: string, buckets: number[], labelNames: string[] = []) =>
    new Histogram({ name: `tagout_${name}`, help, labelNames, buckets, registers });
  return {
    deliveries: counter('deliveries_total', 'Webhooks answered, by HTTP status.', ['status']),
    intake: histogram('intake_seconds', 'From a webhook to its answer.', INTAKE_SECONDS),
    decisions: counter('decisions_total', 'Looks by what they came to.', ['kind', 'result']),
    judge: histogram('judge_seconds', 'From a job to its recorded decision.', JUDGE_SECONDS, [
      'kind',
    ]),
    dryRun: histogram('dry_run_seconds', 'Dry runs of migrations.', JUDGE_SECONDS, ['status']),
    up: gauge('store_up', '1 when the store answered this scrape.'),
    due: gauge('queue_jobs', 'Jobs that could run now.', ['task']),
    oldest: gauge('queue_oldest_seconds', 'How long the oldest job that could run waits.'),
    failed: gauge('queue_failed_jobs', 'Jobs that failed to their limit.'),
    unsent: gauge('outbox_unsent', 'Effects that are not at GitHub yet.'),
    oldestUnsent: gauge('outbox_oldest_seconds', 'How long the oldest due effect waits.'),
    dead: gauge('outbox_dead', 'Effects given up in the last day.'),
    unsealed: gauge('seal_age_seconds', 'Age of the oldest audit event without a checkpoint.'),
    anchor: gauge('anchor_age_seconds', 'Age of the oldest checkpoint that lacks its anchor.', [
      'place',
    ]),
    replicas: gauge('replicas', 'Workers that have beaten lately.'),
    remaining: gauge('github_remaining', "What is left of GitHub's allowance.", [
      'installation',
      'resource',
    ]),
    limit: gauge('github_limit', "GitHub's allowance.", ['installation', 'resource']),
    shutOut: gauge('github_shut_out', 'Installations that GitHub asked to stay away.'),
    missed: counter('missed_deliveries_total', 'Deliveries that the sweeper found missing.'),
    redelivered: counter('redelivered_total', 'Deliveries that were asked for again.'),
    looks: counter('sweep_looks_total', 'Looks that a comparison with GitHub asked for.'),
    unread: gauge('sweep_unread', 'What the last sweep could not look at.', ['part']),
    undecided: gauge('undecided_deployments', 'Deployments that came without our decision.'),
    unchecked: gauge('unchecked_merges', 'Merges without a check of ours that allowed them.'),
    expired: counter('expired_rows_total', 'Rows removed as over their time.', ['table']),
    expiredAt: gauge('last_retention_timestamp_seconds', 'When that was last done.'),
    sweptAt: gauge('last_sweep_timestamp_seconds', 'When the last sweep ended.'),
  };
}

type Figures = ReturnType<typeof figures>;

function setStore(all: Figures, now: StoreFigures): void {
  all.due.reset();
  for (const [task, count] of Object.entries(now.due)) all.due.set({ task }, count);
  all.oldest.set(now.oldestDueSeconds);
  all.failed.set(now.failed);
  all.unsent.set(now.unsent);
  all.oldestUnsent.set(now.oldestUnsentSeconds);
  all.dead.set(now.dead);
  all.unsealed.set(now.oldestUnsealedSeconds);
  all.replicas.set(now.replicas);
  for (const [place, seconds] of Object.entries(now.anchorSeconds)) {
    all.anchor.set({ place }, seconds);
  }
}

function setBudgets(all: Figures, budgets: readonly BudgetFigure[]): void {
  for (const { installationId, resource, limit, remaining } of budgets) {
    const labels = { installation: String(installationId), resource };
    all.remaining.set(labels, remaining);
    all.limit.set(labels, limit);
  }
}

async function inTime<T>(work: Promise<T>, limitMs: number): Promise<T | null> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), limitMs);
  });
  return Promise.race([work.catch(() => null), late]).finally(() => clearTimeout(timer));
}

/** Makes the metrics of one process. A store that does not answer is a figure, not a fault. */
export function createMetrics(sources: MetricSources): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const all = figures([registry]);
  return {
    tookIn(status, ms) {
      all.deliveries.inc({ status: String(status) });
      all.intake.observe(ms / 1000);
    },
    judged(kind, result, ms) {
      all.decisions.inc({ kind, result });
      all.judge.observe({ kind }, ms / 1000);
    },
    ranDry: (status, ms) => all.dryRun.observe({ status }, ms / 1000),
    swept(found, atMs) {
      all.missed.inc(found.missed);
      all.redelivered.inc(found.redelivered);
      all.looks.inc(found.looks);
      for (const [part, count] of Object.entries(found.unread)) all.unread.set({ part }, count);
      all.undecided.set(found.undecidedDeployments);
      all.unchecked.set(found.uncheckedMerges);
      all.sweptAt.set(atMs / 1000);
    },
    removed(rows, atMs) {
      for (const [table, count] of Object.entries(rows)) all.expired.inc({ table }, count);
      all.expiredAt.set(atMs / 1000);
    },
    async text() {
      const now = await inTime(sources.store(), sources.limitMs ?? 2_000);
      all.up.set(now === null ? 0 : 1);
      if (now !== null) setStore(all, now);
      setBudgets(all, sources.budgets());
      all.shutOut.set(sources.shutOut());
      return registry.metrics();
    },
  };
}
