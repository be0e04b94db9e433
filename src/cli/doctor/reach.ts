/** Whether the server answers at its public address, asked from this machine. */
import type { PostureFinding } from '../../core/posture.ts';
import type { ServeSettings } from '../settings.ts';
import { finding } from './finding.ts';

const LIMIT_MS = 5_000;

/**
 * Asks `PUBLIC_URL/healthz`, as a ping; nothing when the address is not set. What GitHub itself got
 * through stands in its deliveries, so that an address this machine cannot reach is advice.
 */
export async function reach({
  publicUrl,
}: Pick<ServeSettings, 'publicUrl'>): Promise<readonly PostureFinding[]> {
  if (publicUrl === null) return [];
  const about = 'public address';
  const answer = await ping(`${publicUrl}/healthz`);
  if (answer === null) {
    const says = `The server answers at ${publicUrl}.`;
    return [finding('reachable', 'guarded', about, { says })];
  }
  const says =
    `The server does not answer at ${publicUrl} when it is asked from this machine (${answer}). ` +
    'If GitHub cannot reach it either, its deliveries fail and gates wait: start the server, or ' +
    'open the way through proxy, firewall and name server.';
  return [finding('not-reachable', 'advice', about, { says, place: 'PUBLIC_URL' })];
}

/** Null when it answers as it should, else what came instead. */
async function ping(url: string): Promise<string | null> {
  try {
    const signal = AbortSignal.timeout(LIMIT_MS);
    const answer = await fetch(url, { redirect: 'manual', signal });
    await answer.body?.cancel();
    return answer.ok ? null : `status ${answer.status}`;
  } catch (error) {
    const late = error instanceof Error && error.name === 'TimeoutError';
    return late ? `no answer in ${LIMIT_MS / 1000} s` : 'no connection';
  }
}
