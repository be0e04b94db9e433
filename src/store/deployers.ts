/** Deployers outside of GitHub's workflows: their tokens, and the decisions that they ask for. */
import { createHash, randomBytes } from 'node:crypto';
import { z } from 'zod';
import { environmentKey } from '../core/subject.ts';
import { type Sql, storeFault } from './connect.ts';

export interface DeployerPlace {
  /** `owner/name`. */
  readonly repository: string;
  readonly environment: string;
}

function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

/** Makes a token for one environment of one repository; only its hash is kept. */
export async function createDeployerToken(
  sql: Sql,
  place: DeployerPlace,
  nowMs: number,
): Promise<string> {
  const token = `tagout_${randomBytes(32).toString('base64url')}`;
  try {
    await sql`insert into tagout.deployer_token values (${hashOf(token)},
      ${place.repository.toLowerCase()}, ${environmentKey(place.environment)}, ${nowMs}::bigint)`;
  } catch (error) {
    throw storeFault(error, 'keeping the token of a deployer');
  }
  return token;
}

/**
 * Whether a token speaks for a place. It is found by its hash, so that the time of the answer tells
 * nothing about any other token.
 */
export async function isDeployerToken(
  sql: Sql,
  token: string,
  place: DeployerPlace,
): Promise<boolean> {
  try {
    const rows = await sql`select 1 from tagout.deployer_token where sha256 = ${hashOf(token)}
      and repository = ${place.repository.toLowerCase()}
      and environment = ${environmentKey(place.environment)}`;
    return rows.length === 1;
  } catch (error) {
    throw storeFault(error, 'looking up the token of a deployer');
  }
}

export interface LastDecision {
  readonly verdict: 'allow' | 'hold' | 'deny';
  readonly codes: readonly string[];
  readonly decidedAtMs: number;
  /** GitHub's clock when what it stands on was read. */
  readonly readAtMs: number;
}

const rowSchema = z.object({
  verdict: z.enum(['allow', 'hold', 'deny']),
  decidedAtMs: z.coerce.number(),
  readAtMs: z.coerce.number(),
  opinions: z.array(z.object({ verdict: z.string(), code: z.string() })).nullable(),
});

/** What was last decided about a locator's key; null when nothing was. */
export async function lastDecision(sql: Sql, key: string): Promise<LastDecision | null> {
  try {
    const [raw] = await sql`
      select s.verdict, s.decided_at_ms as "decidedAtMs", s.read_at_ms as "readAtMs",
        e.doc->'decision'->'opinions' as opinions
      from tagout.subject s left join audit.event e on e.event_id = s.event_id
      where s.key = ${key}`;
    if (raw === undefined) return null;
    const { opinions, ...row } = rowSchema.parse(raw);
    const against = (opinions ?? []).filter((one) => one.verdict !== 'allow');
    return { ...row, codes: [...new Set(against.map((one) => one.code))] };
  } catch (error) {
    throw storeFault(error, 'reading the last decision');
  }
}
