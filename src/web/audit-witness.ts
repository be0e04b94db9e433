/**
 * The protocol of a witness (c2sp.org/tlog-witness): it signs a log's checkpoint only when that
 * goes on from the newest one that it has seen, so nobody can show it a shorter or another past.
 */
import { Hono } from 'hono';
import { verifyConsistency } from '../core/audit/merkle.ts';
import {
  type Checkpoint,
  cosignatureLine,
  openNote,
  parseCheckpoint,
  type Verifier,
} from '../core/audit/note.ts';
import type { KeyObject } from 'node:crypto';
import type { WebEnv } from './app.ts';

export interface WitnessState {
  /** The newest note of a log, or null. */
  read(origin: string): string | null;
  /** Durable when it returns. */
  write(origin: string, note: string): void;
}

export interface WitnessParts {
  readonly logs: readonly Verifier[];
  readonly signer: { readonly name: string; readonly privateKey: KeyObject };
  readonly state: WitnessState;
  readonly now: () => number;
}

export interface WitnessAnswer {
  readonly status: 200 | 400 | 403 | 404 | 409 | 422;
  readonly body: string;
}

const MAX_BYTES = 64 * 1024;
const FORM = /^old (0|[1-9]\d{0,15})\n((?:[A-Za-z0-9+/]{43}=\n){0,63})\n([^]+)$/u;

const refuse = (status: 400 | 403 | 404 | 422, why: string): WitnessAnswer => ({
  status,
  body: `${why}\n`,
});

function checkpointOf(note: string): Checkpoint | null {
  return parseCheckpoint(note.slice(0, note.lastIndexOf('\n\n') + 1));
}

/** Judges one request; everything between reading and writing the state happens at once. */
export function addCheckpoint(text: string, parts: WitnessParts): WitnessAnswer {
  const [, oldText = '', hashes = '', note = ''] = FORM.exec(text) ?? [];
  const unsigned = checkpointOf(note);
  if (oldText === '' || unsigned === null) return refuse(400, 'The request is malformed.');
  const log = parts.logs.find(({ name }) => name === unsigned.origin);
  if (log === undefined) return refuse(404, 'This log is not known here.');
  const opened = openNote(note, [log]);
  if (opened === null) return refuse(403, "The checkpoint is not signed by the log's key.");
  const oldSize = Number(oldText);
  if (oldSize > unsigned.size) return refuse(400, 'The old size is larger than the new one.');
  const last = parts.state.read(unsigned.origin);
  const known = last === null ? null : checkpointOf(last);
  const knownSize = known?.size ?? 0;
  if (oldSize !== knownSize) return { status: 409, body: `${knownSize}\n` };
  if (known !== null && known.size === unsigned.size) {
    if (Buffer.compare(known.root, unsigned.root) !== 0)
      return { status: 409, body: `${knownSize}\n` };
  } else if (known !== null) {
    const proof = hashes
      .split('\n')
      .slice(0, -1)
      .map((hash) => Buffer.from(hash, 'base64'));
    if (!verifyConsistency(known, unsigned, proof)) {
      return refuse(422, 'The checkpoint does not go on from the one that was seen before.');
    }
  }
  parts.state.write(unsigned.origin, note);
  return { status: 200, body: cosignatureLine(opened.text, parts.signer, parts.now()) };
}

/** The witness as an HTTP application: `POST /add-checkpoint`. */
export function createWitnessApp(parts: WitnessParts): Hono<WebEnv> {
  const app = new Hono<WebEnv>();
  app.post('/add-checkpoint', async (context) => {
    const length = Number(context.req.header('content-length') ?? Number.NaN);
    if (!(length <= MAX_BYTES)) return context.text('The request is too large.\n', 413);
    const { status, body } = addCheckpoint(await context.req.text(), parts);
    if (status === 409) context.header('content-type', 'text/x.tlog.size');
    return context.body(body, status);
  });
  // The newest checkpoint that was seen, for `npx tagout verify --anchor`.
  app.get('/checkpoint/:origin{.+}', (context) => {
    const note = parts.state.read(context.req.param('origin'));
    return note === null ? context.text('Nothing was seen of it.\n', 404) : context.text(note);
  });
  return app;
}
