/** Runs migration steps in one session the way a framework's runner would, and keeps the record. */
import { setTimeout as sleep } from 'node:timers/promises';
import type {
  DryRunProgress,
  LockTaken,
  MigrationPlan,
  MigrationStep,
  SqlError,
  StatementRun,
} from '../core/dry-run.ts';
import type { Wire, WireError, WireResult } from '../postgres/wire.ts';
import { DestructionReader } from './destruction.ts';
import { EnvironmentReader } from './environment.ts';
import { TransactionLocks } from './locks.ts';
import type { Routines } from './reach.ts';
import { type StatedLock, StatedLocks, withStated } from './stated-locks.ts';
import { placeInStatement, type Split, split, type Statement } from './statements.ts';

/** What the observer sees of the running session, between its statements. */
export interface Watch {
  locks(): Promise<readonly LockTaken[]>;
  /** Stated locks, on the objects as they are now. */
  stated(locks: readonly StatedLock[]): Promise<readonly LockTaken[]>;
  names(oids: readonly number[]): Promise<readonly string[]>;
  /** Told once that a statement of this kind, in an open block, is still at work after a while. */
  slow(kind: string): Promise<void>;
}

export interface Executed {
  readonly statements: readonly StatementRun[];
  readonly error: SqlError | null;
}

/** Pause between two looks at the locks of a statement that runs outside a block. */
const SAMPLE_MS = 5;
/** A statement that works longer is said to be slow. */
const SLOW_MS = 200;
/** `COMMIT` in a procedure, or a statement that no block may hold: both need a run of their own. */
const REFUSED_IN_BLOCK: ReadonlySet<string> = new Set(['2D000', '25001']);
/** Rewrites could be among the messages that were not kept. */
const FLOODED: WireError = {
  sqlstate: '54000',
  message: 'the statement sends more messages about rewritten tables than can be kept',
  position: null,
  constraint: null,
};
/** Records kept of one plan; the SQL runs to its end all the same. */
const KEPT_RUNS = 5000;
/** Objects named with one statement. */
const KEPT_OBJECTS = 200;

function rowsOf(tags: readonly string[]): number | null {
  const count = /^(?:INSERT \d+|UPDATE|DELETE|MERGE|COPY|SELECT) (\d+)$/.exec(
    tags.at(-1) ?? '',
  )?.[1];
  return count === undefined ? null : Number(count);
}

function rewritten(infos: readonly string[]): readonly number[] {
  const oids = infos.flatMap((info) => /^tagout-rewrite (\d+)$/.exec(info)?.[1] ?? []);
  return [...new Set(oids.map(Number))];
}

/** Objects told by the event triggers: `public` is left out of a name, as everywhere. */
function named(infos: readonly string[]): readonly string[] {
  const found = infos.flatMap((info) => {
    const json = /^tagout-object (\[.*\])$/s.exec(info)?.[1];
    const parts = json === undefined ? null : namesIn(json);
    if (parts === null) return [];
    return [(parts[0] === 'public' && parts.length > 1 ? parts.slice(1) : parts).join('.')];
  });
  return [...new Set(found)].slice(0, KEPT_OBJECTS);
}

function namesIn(json: string): readonly string[] | null {
  try {
    const list: unknown = JSON.parse(json);
    return Array.isArray(list) ? list.map(String) : null;
  } catch {
    // The SQL under test can send such a message too, with whatever text it likes.
    return null;
  }
}

export class Executor {
  readonly #wire: Wire;
  readonly #watch: Watch | null;
  readonly #runs: StatementRun[] = [];
  #state: WireResult['state'] = 'I';
  readonly #held = new TransactionLocks();
  readonly #environment = new EnvironmentReader();
  readonly #destruction = new DestructionReader();
  readonly #stated = new StatedLocks();
  #unseen: Statement | null = null;
  #error: SqlError | null = null;
  /** Told of each statement before it runs. */
  onStatement: ((progress: DryRunProgress) => void) | null = null;
  #begun = 0;
  #of = 0;
  #rewrites: { index: number; oids: readonly number[] }[] = [];

  constructor(wire: Wire, watch: Watch | null) {
    this.#wire = wire;
    this.#watch = watch;
  }

  /** Tells of what was there before and the steps may run. */
  learn(routines: Routines): void {
    this.#environment.learn(routines);
    this.#destruction.learn(routines);
    for (const { name, definition } of routines.functions) this.#stated.learn(name, definition);
  }

  /** Runs the steps until the first error. Rejects with ConnectionLost when the server is gone. */
  async run(scope: MigrationPlan['scope'], steps: readonly MigrationStep[]): Promise<Executed> {
    for (const step of steps) {
      const ready = await split(step.sql, step.firstLine);
      this.#begun = 0;
      this.#of = ready.statements.length;
      this.#destruction.nextFile();
      if (step.transaction === 'none' || scope === 'statement') await this.#apart(step, ready);
      else if (scope === 'file') await this.#file(step, ready);
      else await this.#block(step, ready);
      if (this.#error !== null) break;
    }
    if (this.#state !== 'I') await this.#end();
    await this.#nameRewrites();
    return { statements: this.#runs, error: this.#error };
  }

  async #file(step: MigrationStep, ready: Split): Promise<void> {
    // One message is parsed as a whole before any of it runs, and a single statement runs alone.
    if (ready.error !== null) return this.#refuse(step, ready);
    if (ready.statements.length === 1) return this.#apart(step, ready);
    await this.#block(step, ready);
    if (this.#state !== 'I') await this.#end(step);
  }

  async #block(step: MigrationStep, ready: Split): Promise<void> {
    if (ready.error !== null) return this.#refuse(step, ready);
    for (const statement of ready.statements) {
      if (this.#state === 'I' && statement.kind !== 'TransactionStmt') await this.#begin();
      await this.#one(step, statement);
      if (this.#error !== null) return;
    }
  }

  /** Each statement on its own. A block is opened around one only to see its locks. */
  async #apart(step: MigrationStep, ready: Split): Promise<void> {
    if (this.#state !== 'I') await this.#end(step);
    for (const statement of ready.statements) {
      if (this.#error !== null) return;
      if (this.#state === 'I' && this.#fitsBlock(statement)) await this.#inBlock(step, statement);
      else await this.#one(step, statement);
    }
    if (ready.error !== null && this.#error === null) this.#refuse(step, ready);
  }

  /** A CALL of what nobody could read may find another way when it cannot end the transaction. */
  #fitsBlock({ alone, kind, text }: Statement): boolean {
    return this.#watch !== null && !alone && (kind !== 'CallStmt' || this.#stated.knows(text));
  }

  /** In a block of its own; what no block can hold is taken back and runs as its runner has it. */
  async #inBlock(step: MigrationStep, statement: Statement): Promise<void> {
    await this.#begin();
    await this.#one(step, statement);
    if (!REFUSED_IN_BLOCK.has(this.#error?.sqlstate ?? '')) return this.#end(step, statement);
    this.#state = (await this.#wire.execute('ROLLBACK')).state;
    this.#held.clear();
    this.#error = null;
    this.#begun -= 1;
    this.#runs.pop();
    this.#rewrites = this.#rewrites.filter(({ index }) => index < this.#runs.length);
    await this.#one(step, statement);
  }

  #refuse(step: MigrationStep, ready: Split): void {
    if (ready.error !== null) this.#error = { ...ready.error, path: step.path };
  }

  async #begin(): Promise<void> {
    this.#state = (await this.#wire.execute('BEGIN')).state;
    this.#held.clear();
  }

  /** Ends the open block; an error that comes only now (a deferred check) counts like any other. */
  async #end(step?: MigrationStep, statement?: Statement): Promise<void> {
    await this.#lastLocks();
    const result = await this.#wire.execute(this.#error === null ? 'COMMIT' : 'ROLLBACK');
    this.#state = result.state;
    this.#held.clear();
    if (result.error === null || this.#error !== null) return;
    const place = { line: statement?.line ?? null, column: statement?.column ?? null };
    const { sqlstate, message } = result.error;
    this.#error = {
      sqlstate,
      message,
      path: step?.path ?? this.#runs.at(-1)?.path ?? null,
      ...place,
    };
  }

  async #one(step: MigrationStep, statement: Statement): Promise<void> {
    this.#begun += 1;
    this.onStatement?.({
      phase: 'running',
      unit: 'statement',
      done: this.#begun,
      of: this.#of,
      path: step.path,
    });
    const stated = await this.#statedOf(statement);
    const before = performance.now();
    const sampler = this.#state === 'I' ? this.#sample() : null;
    const alarm = sampler === null ? this.#alarm(statement.kind) : null;
    const result = await this.#wire.execute(statement.text).finally(() => sampler?.stop());
    const durationMs = Math.round((performance.now() - before) * 10) / 10;
    await alarm?.stop();
    await sampler?.found();
    this.#state = result.state;
    if (result.state !== 'T') this.#held.clear();
    const refused = result.error ?? (result.infosLost ? FLOODED : null);
    const error = refused === null ? null : placed(refused, step.path, statement);
    const oids = rewritten(result.infos);
    if (oids.length > 0) this.#rewrites.push({ index: this.#runs.length, oids });
    const objects = named(result.infos);
    const environment = this.#environment.read(statement.text, statement.kind);
    const destroys = this.#destruction.read(statement.text, statement.kind);
    this.#stated.see(statement);
    if (this.#runs.length < KEPT_RUNS || error !== null || destroys.length > 0) {
      this.#runs.push({
        path: step.path,
        line: statement.line,
        column: statement.column,
        text: statement.text.slice(0, 200),
        durationMs,
        rows: rowsOf(result.tags),
        locks:
          sampler === null
            ? await this.#locks(statement)
            : withStated(await sampler.found(), stated),
        rewrites: [],
        error,
        ...(objects.length === 0 ? {} : { objects }),
        ...(environment.length === 0 ? {} : { environment }),
        ...(destroys.length === 0 ? {} : { destroys }),
      });
    } else this.#unseen = statement;
    this.#error = error;
  }

  /** Asked before it runs, as it may drop what it names. */
  async #statedOf({ text, kind }: Statement): Promise<readonly LockTaken[]> {
    if (this.#state !== 'I' || this.#watch === null) return [];
    return this.#watch.stated(this.#stated.of(text, kind));
  }

  /** Outside a block the locks are gone with the statement: they are looked at while it runs. */
  #sample(): { stop: () => void; found: () => Promise<readonly LockTaken[]> } | null {
    const watch = this.#watch;
    if (watch === null) return null;
    const seen = new Map<string, LockTaken>();
    let over = false;
    const look = async (): Promise<void> => {
      while (!over) {
        for (const lock of await watch.locks()) seen.set(`${lock.mode} ${lock.object}`, lock);
        await sleep(SAMPLE_MS);
      }
    };
    const looking = look();
    // When the server dies, the statement itself tells of it.
    looking.catch(() => undefined);
    return {
      stop: () => {
        over = true;
      },
      found: () => looking.then(() => [...seen.values()]),
    };
  }

  /** Tells the watch of a statement that is slow. Its session is its own again after `stop`. */
  #alarm(kind: string): { stop: () => Promise<void> } {
    let told: Promise<void> = Promise.resolve();
    const timer = setTimeout(() => {
      // When the server dies, the statement itself tells of it.
      told = this.#watch?.slow(kind).catch(() => undefined) ?? told;
    }, SLOW_MS);
    return {
      stop: () => {
        clearTimeout(timer);
        return told;
      },
    };
  }

  async #locks(statement: Statement): Promise<readonly LockTaken[]> {
    if (this.#watch === null || this.#state !== 'T') return [];
    if (!this.#held.watches(statement)) {
      this.#unseen = statement;
      return [];
    }
    this.#unseen = null;
    return this.#held.of(statement, await this.#watch.locks());
  }

  /** What statements that nobody looked at have locked is told with the last of them. */
  async #lastLocks(): Promise<void> {
    const [statement, at] = [this.#unseen, this.#runs.length - 1];
    const run = this.#runs[at];
    this.#unseen = null;
    if (statement === null || run === undefined || this.#watch === null) return;
    this.#runs[at] = { ...run, locks: this.#held.of(statement, await this.#watch.locks()) };
  }

  async #nameRewrites(): Promise<void> {
    for (const { index, oids } of this.#rewrites) {
      const run = this.#runs[index];
      if (run === undefined || this.#watch === null) continue;
      this.#runs[index] = { ...run, rewrites: await this.#watch.names(oids) };
    }
  }
}

function placed(error: WireError, path: string, statement: Statement): SqlError {
  const place = placeInStatement(statement, error.position);
  return { sqlstate: error.sqlstate, message: error.message, path, ...place };
}

/**
 * Replays history: each file as one message, as its runner once sent it, for nothing of it is
 * observed. Steps outside a transaction go statement by statement.
 */
export async function replay(
  wire: Wire,
  scope: MigrationPlan['scope'],
  steps: readonly MigrationStep[],
): Promise<SqlError | null> {
  for (const step of steps) {
    if (step.transaction === 'none' || scope === 'statement') {
      const done = await new Executor(wire, null).run('statement', [step]);
      if (done.error !== null) return done.error;
      continue;
    }
    const { error, state } = await wire.execute(step.sql);
    if (state !== 'I') await wire.execute(error === null ? 'COMMIT' : 'ROLLBACK');
    if (error !== null) {
      const whole = { text: step.sql, line: step.firstLine, column: 1 };
      const place =
        error.position === null
          ? { line: null, column: null }
          : placeInStatement(whole, error.position);
      return { sqlstate: error.sqlstate, message: error.message, path: step.path, ...place };
    }
  }
  return null;
}
