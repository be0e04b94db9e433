/**
 * A pull request that is approved, merged and deployed while the line is cut at one point. Deliveries
 * come one at a time, each when the one before is worked off, so that the steps of two plays are the
 * same ones; and nobody merges before the check is green, as a protected branch demands.
 */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { run as command } from '../../src/cli.ts';
import type { RequestFault } from '../github/faults.ts';
import type { Pull } from '../github/pull.ts';
import { tagoutCheck } from '../story/scene.ts';
import { age, ageLocks, type Ground, hurry, openGround, type Replica } from './server.ts';
import type { WirePoint } from './wire.ts';

export const WIRE_CUTS = ['process', 'postgres', 'network'] as const;
export const REQUEST_CUTS = ['502', 'silence after the work', 'limited', 'process'] as const;

/** What is cut, and where. */
export type Cut =
  | (WirePoint & {
      readonly how: (typeof WIRE_CUTS)[number];
      /** While a server starts, or while it works. */
      readonly during: 'start' | 'work';
    })
  | {
      readonly operation: string;
      readonly nth: number;
      readonly how: (typeof REQUEST_CUTS)[number];
    };

/** What stands at GitHub and in the record when everything is over. */
export interface End {
  readonly gate: string | undefined;
  readonly checks: readonly string[];
  readonly labels: readonly string[];
  /** Every entry about a label in the pull request's timeline, in order: what GitHub was made to do. */
  readonly labelled: readonly string[];
  readonly notes: number;
  /** Decisions in their order. */
  readonly decided: readonly string[];
  /** Effects that came to their end, by kind. */
  readonly done: readonly string[];
  readonly unsent: number;
  readonly doubled: number;
  readonly unsealed: number;
}

export interface Played {
  readonly end: End;
  readonly statements: readonly string[];
  readonly requests: readonly string[];
  /** Whether the cut's point came by. */
  readonly met: boolean;
}

/** Far more than any play takes on a busy machine: only what never ends is to end here. */
const REST_LIMIT_MS = 5 * 60_000;
const STUCK_MS = 3_000;
/** The last statements of the loops that beat, that look for the dead, and that seal. */
const FIRST_ROUND = ['select distinct subject_key', 'is not null as sealed'];
const LATER_MS = 10 * 60_000;

export function told(cut: Cut): string {
  return 'statement' in cut
    ? `${cut.how} ${cut.when} ${cut.statement} (${cut.nth}, ${cut.during})`
    : `${cut.how} at ${cut.operation} (${cut.nth})`;
}

export class CutPlay {
  readonly ground: Ground;
  #server: Replica;
  #url: string | null = null;
  #turn = 0;
  readonly #sent = new Set<number>();
  /** The cut has come and what was lost has not been looked for since. */
  #wounded = false;
  #postgresIsDown: Promise<void> | null = null;

  private constructor(ground: Ground, server: Replica) {
    this.ground = ground;
    this.#server = server;
    this.#hold();
  }

  static async open(): Promise<CutPlay> {
    const ground = await openGround();
    // Hundreds of plays fall into one hour of GitHub's.
    ground.gh.world.allowancePerHour = Number.MAX_SAFE_INTEGER;
    return new CutPlay(ground, await ground.start());
  }

  close(): Promise<void> {
    return this.ground.close();
  }

  /** From now on GitHub's deliveries wait until they are sent one by one. */
  #hold(): void {
    this.#url = this.ground.gh.app.webhookUrl;
    this.ground.gh.app.webhookUrl = null;
  }

  /** One play; null cuts nothing. */
  async play(cut: Cut | null): Promise<Played> {
    const { repo, people, gh, wire } = this.ground;
    this.#turn += 1;
    const head = `cut-${this.#turn}`;
    const files = { [`docs/${head}.md`]: `${head}\n` };
    await repo.commit({ branch: head, files, author: people.maria });
    await this.#calm();
    const mark = gh.requests.length;
    const met = this.#arm(cut);
    if (cut !== null && 'during' in cut && cut.during === 'start') await this.restart();
    const pull = await repo.openPull({ author: people.maria, head });
    await this.#calm();
    await pull.review({ by: people.octavia });
    await this.#calm();
    assert.equal(tagoutCheck(repo, pull.headSha)?.conclusion, 'success', 'the check is green');
    const sha = await pull.merge({ by: people.octavia, method: 'squash' });
    await this.#calm();
    const run = await repo.startRun({ sha, actor: people.octavia });
    await this.#calm();
    const statements = wire.steps;
    const wasMet = met();
    gh.faults.clear();
    wire.arm(null);
    const requests = gh.requests.slice(mark).map((one) => one.operationId ?? one.path);
    const [gate] = run.job.gates;
    const end = await this.#endOf(pull, run.id);
    return {
      end: { ...end, gate: gate?.state, notes: run.notes.length },
      statements,
      requests,
      met: wasMet,
    };
  }

  /** Stops the server and starts it again; answers the statements of the start. */
  async restart(): Promise<readonly string[]> {
    const { wire } = this.ground;
    await this.#server.stop();
    if (!wire.fell) wire.steps = [];
    await this.#calm();
    // The loops of a worker begin with its start; a start is over when each has gone round once.
    for (let tries = 0; tries < 500 && !wire.fell; tries += 1) {
      if (FIRST_ROUND.every((one) => wire.steps.some((step) => step.includes(one)))) break;
      await sleep(20);
    }
    await this.#calm();
    return [...wire.steps];
  }

  #arm(cut: Cut | null): () => boolean {
    const { wire, gh } = this.ground;
    if (cut === null || 'statement' in cut) {
      wire.arm(cut, () => this.#strike(cut?.how ?? 'network'));
      return () => wire.fell;
    }
    wire.arm(null);
    let met = false;
    const act = (): void => {
      met = true;
      this.#strike(cut.how === 'process' ? 'process' : 'network');
    };
    const faults: Readonly<Record<typeof cut.how, Omit<RequestFault, 'match'>>> = {
      '502': { status: 502 },
      'silence after the work': { drop: true },
      limited: { rateLimit: 'secondary', retryAfter: 1 },
      process: { drop: true },
    };
    const match = cut.operation.startsWith('/') ? cut.operation : new RegExp(`^${cut.operation}$`);
    gh.faults.request({ match, nth: cut.nth, ...faults[cut.how], act });
    return () => met;
  }

  #strike(how: (typeof WIRE_CUTS)[number]): void {
    this.#wounded = true;
    if (how === 'process') this.#server.child.kill('SIGKILL');
    if (how === 'postgres') {
      this.#postgresIsDown = this.ground.killPostgres().then(() => this.ground.raisePostgres());
    }
  }

  /** A dead server is followed by a new one, as whoever runs it does. */
  async #raiseDead(): Promise<void> {
    if (this.#postgresIsDown !== null) {
      await this.#postgresIsDown;
      this.#postgresIsDown = null;
    }
    const { child } = this.#server;
    if (child.exitCode === null && child.signalCode === null) return;
    // A start that is cut ends with an exit code, and is tried again.
    const next = await this.ground.start().catch(() => null);
    if (next === null) return this.#raiseDead();
    this.#server = next;
    this.#hold();
    await age(this.ground.sql).catch(() => undefined);
  }

  #isReady(): Promise<boolean> {
    return fetch(`${this.#server.url}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    );
  }

  /** Sends the next delivery that GitHub holds; false when there is none. */
  async #sendNext(): Promise<boolean> {
    const { gh } = this.ground;
    const next = gh.deliveries.find(
      ({ id, outcome }) => outcome === 'no-url' && !this.#sent.has(id),
    );
    if (next === undefined) return false;
    this.#sent.add(next.id);
    gh.app.webhookUrl = this.#url;
    const sent = gh.redeliver(next);
    await gh.settled();
    gh.app.webhookUrl = null;
    // Refused or unanswered, perhaps only because of the cut: the sweep asks for it again.
    if (sent.statusCode !== 202) this.#wounded = true;
    return true;
  }

  /**
   * The product's own sweep, when what was lost is no longer on its way; answers whether it found
   * deliveries that were lost.
   */
  async #sweep(): Promise<boolean> {
    const { gh, env } = this.ground;
    for (const one of gh.world.deliveries) Object.assign(one, { atMs: one.atMs - LATER_MS });
    gh.app.webhookUrl = this.#url;
    let said = '';
    const say = (text: string): void => {
      said += text;
    };
    const io = {
      env: { ...env, LOG_LEVEL: 'error' },
      cwd: env['TAGOUT_DATA'] ?? '',
      now: Date.now,
    };
    const code = await command(['sweep'], { ...io, out: say, err: say });
    assert.equal(code, 0, said);
    await gh.settled();
    gh.app.webhookUrl = null;
    return !said.includes(' 0 asked for again');
  }

  /** Everything is delivered, judged and written, after a cut also what the cut has lost. */
  async #calm(): Promise<void> {
    const startedMs = Date.now();
    const until = startedMs + REST_LIMIT_MS;
    for (;;) {
      if (Date.now() > until) throw new Error(`no rest: ${await this.#whole()}`);
      await this.#raiseDead();
      await this.ground.gh.settled();
      await hurry(this.ground.sql).catch(() => undefined);
      const left = await this.#left().catch(() => null);
      // What a server holds and does not know of is free after a while; here soon.
      if (Date.now() > startedMs + STUCK_MS) await ageLocks(this.ground.sql).catch(() => undefined);
      // One look is enough: what follows from a job is in the queue before the job leaves it.
      if (left?.length !== 0) {
        await sleep(5);
        continue;
      }
      if (await this.#sendNext()) continue;
      if (!this.#wounded) return;
      // A server that is on its way down takes nothing; each sweep would only use up a redelivery.
      if (!(await this.#isReady())) {
        await sleep(20);
        continue;
      }
      this.#wounded = await this.#sweep();
    }
  }

  #left(): Promise<readonly object[]> {
    return this.ground.sql`
      select key, task_identifier as what, attempts, last_error as why
        from graphile_worker.jobs where key is not null or attempts < max_attempts
      union all
      select slot, status, attempts, detail from tagout.outbox
        where status in ('pending', 'sending')`;
  }

  /** Everything that tells why there is no rest. */
  async #whole(): Promise<string> {
    const { sql } = this.ground;
    const state = {
      left: await this.#left(),
      jobs: await sql`select j.id, key, j.locked_by as by, j.locked_at as at, run_at, attempts,
        q.queue_name as queue, q.locked_by as "queueBy" from graphile_worker._private_jobs j
        left join graphile_worker._private_job_queues q on q.id = j.job_queue_id`,
      replicas: await sql`select * from tagout.replica`,
      connections: await sql`select application_name as name, state, wait_event as wait,
        left(query, 100) as query from pg_stat_activity where datname is not null`,
    };
    return `${JSON.stringify(state, null, 1)}\n${this.#server.said()}`;
  }

  async #endOf(pull: Pull, runId: number): Promise<Omit<End, 'gate' | 'notes'>> {
    const { repo, sql } = this.ground;
    const keys = [`%:pull:${pull.number}`, `%:run:${runId}:%`];
    const decided = await sql<{ what: string }[]>`
      select split_part(doc->'subject'->>'key', ':', 3) || ' ' || (doc->'decision'->>'verdict')
        as what from audit.event where kind = 'decision.made'
        and doc->'subject'->>'key' like any(${keys}) order by id`;
    // How often a label is asked for is not compared, as a look that read before the first one landed
    // asks for it again: GitHub adds to a set, and `labelled` shows what it was made to do.
    const done = await sql<{ what: string }[]>`
      select kind || ' ' || status ||
        case when kind = 'labels' then '' else ' ' || count(*) end as what from tagout.outbox
      where subject_key like any(${keys}) and status in ('done', 'dead')
      group by kind, status order by 1`;
    const [sums] = await sql<{ unsent: number; doubled: number; unsealed: number }[]>`select
      (select count(*)::int from tagout.outbox
        where status in ('pending', 'sending', 'dead')) as unsent,
      (select count(*)::int from (select from audit.event group by dedupe_key
        having count(*) > 1) as e) as doubled,
      (select count(*)::int from tagout.outbox o join audit.event e on e.event_id = o.event_id
        where o.kind = 'review-deployment' and o.status = 'done'
        and not exists (select from audit.leaf l where l.event_row = e.id)) as unsealed`;
    return {
      checks: repo.checkRuns(pull.headSha).map((one) => `${one.name} ${one.conclusion}`),
      labels: [...pull.labels],
      labelled: pull.record.issue.timeline
        .filter(({ event }) => /^(?:un)?labeled$/.test(event))
        .map(({ event, detail }) => `${event} ${JSON.stringify(detail['label'])}`),
      decided: decided.map((row) => row.what),
      done: done.map((row) => row.what),
      unsent: sums?.unsent ?? -1,
      doubled: sums?.doubled ?? -1,
      unsealed: sums?.unsealed ?? -1,
    };
  }
}
