/** Who reads: a signed cookie that only the browser carries back and no script can see. */
import { createHmac, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto';

export interface Reader {
  /** GitHub's number of the account; null: somebody at this machine (`report --serve`). */
  readonly id: number | null;
  readonly login: string;
}

export interface Session extends Reader {
  /** Names this session, for its end and against forged forms. */
  readonly sessionId: string;
  readonly untilMs: number;
}

const LIFETIME_MS = 8 * 3_600_000;
/** So many ended sessions are remembered; the oldest would be over soonest. */
const MOST_ENDED = 10_000;

/** The signature was ours, so the shape is; a cookie of another version is none. */
function isSession(value: unknown): value is Session {
  if (typeof value !== 'object' || value === null) return false;
  const { id, login, sessionId, untilMs } = {
    id: 0,
    login: 0,
    sessionId: 0,
    untilMs: 0,
    ...value,
  };
  return (
    (id === null || Number.isSafeInteger(id)) &&
    typeof login === 'string' &&
    typeof sessionId === 'string' &&
    Number.isSafeInteger(untilMs)
  );
}

export interface Sessions {
  issue(reader: Reader, nowMs: number): string;
  /** Null: none, forged, ended or over. */
  read(value: string | undefined, nowMs: number): Session | null;
  /** What a form of this session must carry. */
  formToken(session: Session): string;
  /** Whether a form came from a page of this session. */
  isOwnForm(session: Session, given: string): boolean;
  /** Ends a session in this process, also for a copy of its cookie. */
  end(session: Session): void;
  /** A signature for something else that a browser carries, apart from sessions. */
  seal(purpose: string, text: string): string;
}

/** Compares in a time that does not depend on where the texts differ. */
export function sameText(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
  } catch {
    return null;
  }
}

/** Sessions under a key that is derived from a secret of the server. */
export function createSessions(secret: string | Uint8Array): Sessions {
  const key = new Uint8Array(hkdfSync('sha256', secret, 'tagout', 'audit session v2', 32));
  const ended = new Set<string>();
  const seal = (purpose: string, text: string): string =>
    createHmac('sha256', key).update(`${purpose}\n${text}`).digest('base64url');
  const formToken = ({ sessionId }: Session): string => seal('form', sessionId);
  return {
    seal,
    formToken,
    isOwnForm: (session, given) => sameText(given, formToken(session)),
    issue({ id, login }, nowMs) {
      const sessionId = randomBytes(16).toString('base64url');
      const session: Session = { id, login, sessionId, untilMs: nowMs + LIFETIME_MS };
      const text = Buffer.from(JSON.stringify(session), 'utf8').toString('base64url');
      return `${text}.${seal('session', text)}`;
    },
    read(value, nowMs) {
      const [text = '', given = ''] = (value ?? '').split('.');
      if (!sameText(given, seal('session', text))) return null;
      const session = parsed(text);
      if (!isSession(session) || session.untilMs <= nowMs) return null;
      return ended.has(session.sessionId) ? null : session;
    },
    end({ sessionId }) {
      ended.add(sessionId);
      const [oldest] = ended;
      if (ended.size > MOST_ENDED && oldest !== undefined) ended.delete(oldest);
    },
  };
}
