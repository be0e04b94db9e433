/**
 * GitHub's log of the deliveries that it made to us. GitHub keeps it for three days; the sweep puts
 * what it reads there here, so that a report can tell of a whole period which deliveries failed.
 */
import { type Sql, storeFault } from './connect.ts';

/** One attempt to deliver, as GitHub's log has it. */
export interface LoggedAttempt {
  readonly id: number;
  /** X-GitHub-Delivery: the same for every attempt. */
  readonly guid: string;
  readonly installationId: number | null;
  readonly repoId: number | null;
  /** Event with its action: `deployment_protection_rule.requested`. */
  readonly event: string;
  readonly atMs: number;
  /** What our server answered; 0: nothing. */
  readonly statusCode: number;
}

/** What became of one delivery: its newest attempt, and whether it ever came into our inbox. */
export interface LoggedDelivery extends Omit<LoggedAttempt, 'id'> {
  readonly attempts: number;
  readonly stored: boolean;
}

export interface DeliveryLogWish {
  /** From and before which moment the first attempt was made; null: no limit. */
  readonly fromMs: number | null;
  readonly toMs: number | null;
  /** Only this repository; left out: all of them. */
  readonly repoId?: number;
}

export interface DeliveryLog {
  /** Keeps attempts; `unknown` are the deliveries that are not in our inbox now. */
  keep(attempts: readonly LoggedAttempt[], unknown: ReadonlySet<string>): Promise<void>;
  /** One row for each delivery, the oldest first. */
  read(wish: DeliveryLogWish): Promise<readonly LoggedDelivery[]>;
}

const BATCH = 1_000;

async function keepBatch(
  sql: Sql,
  batch: readonly LoggedAttempt[],
  unknown: ReadonlySet<string>,
): Promise<void> {
  const rows = batch.map((one) => ({ ...one, stored: !unknown.has(one.guid) }));
  // An attempt does not change, but a delivery that was missing may have come in since.
  await sql`
    insert into tagout.delivery_log
      select id, guid, "installationId", "repoId", event, "atMs", "statusCode", stored
      from json_to_recordset(${JSON.stringify(rows)}::text::json) as g(
        id bigint, guid text, "installationId" bigint, "repoId" bigint, event text, "atMs" bigint,
        "statusCode" int, stored boolean)
    on conflict (id) do update set stored = true
      where excluded.stored and not tagout.delivery_log.stored`;
}

/** The archive over a pool of the application's role. Throws TagoutError('store-unavailable'). */
export function createDeliveryLog(sql: Sql): DeliveryLog {
  return {
    async keep(attempts, unknown) {
      try {
        for (let at = 0; at < attempts.length; at += BATCH) {
          await keepBatch(sql, attempts.slice(at, at + BATCH), unknown);
        }
      } catch (error) {
        throw storeFault(error, "keeping GitHub's log of deliveries");
      }
    },
    async read({ fromMs, toMs, repoId }) {
      try {
        return await sql<LoggedDelivery[]>`
          select guid, (array_agg(installation_id order by at_ms desc, id desc))[1]
              as "installationId",
            (array_agg(repo_id order by at_ms desc, id desc))[1] as "repoId",
            min(event) as event, min(at_ms) as "atMs", count(*)::int as attempts,
            (array_agg(status_code order by at_ms desc, id desc))[1] as "statusCode",
            bool_or(stored) or exists (select from tagout.delivery d where d.id = l.guid) as stored
          from tagout.delivery_log l
          where ${repoId ?? null}::bigint is null or repo_id = ${repoId ?? null}::bigint
          group by guid
          having (${fromMs}::bigint is null or min(at_ms) >= ${fromMs}::bigint)
            and (${toMs}::bigint is null or min(at_ms) < ${toMs}::bigint)
          order by min(at_ms), guid`;
      } catch (error) {
        throw storeFault(error, "reading GitHub's log of deliveries");
      }
    },
  };
}
