/** Who reads: a signed cookie that only the browser carries back and no script can see. */
import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';

export interface Reader {
  readonly id: number | null;
  readonly login: string;
  /** The logs that this reader may see. */
  readonly logs: readonly number[];
}

const LIFETIME_MS = 8 * 3_600_000;

interface Session extends Reader {
  readonly untilMs: number;
}

/** The signature was ours, so the shape is; a cookie of another version is none. */
function isSession(value: unknown): value is Session {
  if (typeof value !== 'object' || value === null) return false;
  const { id, login, logs, untilMs } = { id: 0, login: 0, logs: 0, untilMs: 0, ...value };
  return (
    (id === null || Number.isSafeInteger(id)) &&
    typeof login === 'string' &&
    Array.isArray(logs) &&
    logs.every((log) => Number.isSafeInteger(log)) &&
    Number.isSafeInteger(untilMs)
  );
}

export interface Sessions {
  issue(reader: Reader, nowMs: number): string;
  /** Null: none, forged or over. */
  read(value: string | undefined, nowMs: number): Reader | null;
}

function sign(key: Uint8Array, text: string): string {
  return createHmac('sha256', key).update(text).digest('base64url');
}

/** Sessions under a key that is derived from a secret of the server. */
export function createSessions(secret: string | Uint8Array): Sessions {
  const key = new Uint8Array(hkdfSync('sha256', secret, 'tagout', 'audit session v1', 32));
  return {
    issue(reader, nowMs) {
      const { id, login, logs } = reader;
      const session = JSON.stringify({ id, login, logs, untilMs: nowMs + LIFETIME_MS });
      const text = Buffer.from(session, 'utf8').toString('base64url');
      return `${text}.${sign(key, text)}`;
    },
    read(value, nowMs) {
      const [text = '', given = ''] = (value ?? '').split('.');
      const [is, should] = [Buffer.from(given), Buffer.from(sign(key, text))];
      if (is.length !== should.length || !timingSafeEqual(is, should)) return null;
      const session: unknown = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
      if (!isSession(session) || session.untilMs <= nowMs) return null;
      const { id, login, logs } = session;
      return { id, login, logs };
    },
  };
}
