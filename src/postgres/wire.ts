/**
 * A small client for PostgreSQL's protocol 3.0 over a unix socket, for SQL that is not trusted.
 * It differs from a driver in three ways: rows are counted and dropped unless asked for, so memory
 * stays small whatever is selected; notices are dropped; and a dying server is a rejected promise,
 * never an exception in an event handler. Format of the messages: PostgreSQL's manual, chapter
 * "Frontend/Backend Protocol".
 */
import { createConnection, type Socket } from 'node:net';
import { join } from 'node:path';

export interface WireOptions {
  readonly socketDir: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  /** Settings of the session; they win over those of the role and the database. */
  readonly settings?: Readonly<Record<string, string>>;
  /** SQL put before each query, in the same message. */
  readonly prefix?: string;
  /** What becomes of a message of level INFO when so many are kept; left out: none is wanted. */
  readonly onInfo?: (message: string, kept: number) => 'keep' | 'drop' | 'lost';
}

export interface WireError {
  readonly sqlstate: string;
  readonly message: string;
  /** 1-based position in the query, in characters; null when the server names none. */
  readonly position: number | null;
  readonly constraint: string | null;
}

export type Row = readonly (string | null)[];

export interface WireResult {
  /** Command tags of the statements that were done: `UPDATE 3`. */
  readonly tags: readonly string[];
  readonly rows: readonly Row[];
  /** The wanted messages of level INFO, each once; no setting of the session can hold them back. */
  readonly infos: readonly string[];
  /** One that was wanted could not be kept. */
  readonly infosLost: boolean;
  readonly error: WireError | null;
  /** `I` idle, `T` in a transaction, `E` in a failed one. */
  readonly state: 'I' | 'T' | 'E';
}

/** The connection is gone: the server was stopped, killed or crashed. */
export class ConnectionLost extends Error {
  constructor(detail: string) {
    super(`The connection to PostgreSQL ended: ${detail}`);
    this.name = 'ConnectionLost';
  }
}

/** The server refused a query of ours, which must not happen unless somebody set a trap for it. */
export class QueryRefused extends Error {
  constructor(error: WireError, sql: string) {
    super(`${error.sqlstate} ${error.message} (in: ${sql.trim().slice(0, 120)})`);
    this.name = 'QueryRefused';
  }
}

/** A message's type and length. */
const HEAD_BYTES = 5;
const KEPT_MESSAGE_BYTES = 64 * 1024;

type CopyData = AsyncIterable<Buffer>;

interface Pending {
  /** What is sent when the server asks for rows; null: it is told that there are none. */
  readonly copy: CopyData | null;
  /** Takes the body of a row's message; null: rows are dropped. */
  readonly onRow: ((body: Buffer) => void) | null;
  readonly tags: string[];
  readonly infos: Set<string>;
  infosLost: boolean;
  error: WireError | null;
  readonly resolve: (result: Omit<WireResult, 'rows'>) => void;
  readonly reject: (error: Error) => void;
}

function message(type: string, body: Buffer): Buffer {
  const head = Buffer.alloc(type.length + 4);
  head.write(type, 'latin1');
  head.writeInt32BE(body.length + 4, type.length);
  return Buffer.concat([head, body]);
}

function strings(...texts: readonly string[]): Buffer {
  return Buffer.concat(texts.map((text) => Buffer.from(`${text}\0`, 'utf8')));
}

/** Fields of an ErrorResponse or NoticeResponse: a letter and a text each. */
function fields(body: Buffer): Map<string, string> {
  const found = new Map<string, string>();
  for (let at = 0; at < body.length && body[at] !== 0; ) {
    const end = body.indexOf(0, at + 1);
    const stop = end < 0 ? body.length : end;
    found.set(String.fromCharCode(body[at] ?? 0), body.toString('utf8', at + 1, stop));
    at = stop + 1;
  }
  return found;
}

function errorOf(body: Buffer): WireError {
  const all = fields(body);
  const position = all.get('P');
  return {
    sqlstate: all.get('C') ?? 'XX000',
    message: (all.get('M') ?? 'unknown error').slice(0, 1000),
    position: position === undefined ? null : Number(position),
    constraint: all.get('n') ?? null,
  };
}

function rowOf(body: Buffer): Row {
  const row: (string | null)[] = [];
  let at = 2;
  for (let left = body.readInt16BE(0); left > 0; left -= 1) {
    const length = body.readInt32BE(at);
    at += 4;
    row.push(length < 0 ? null : body.toString('utf8', at, at + length));
    if (length > 0) at += length;
  }
  return row;
}

/** One session. Queries are sent one after another; the caller awaits each before the next. */
export class Wire {
  readonly #socket: Socket;
  readonly #options: WireOptions;
  #pending: Pending | null = null;
  #opening: { resolve: () => void; reject: (error: Error) => void } | null = null;
  #lost: ConnectionLost | null = null;
  #processId = 0;
  /** The beginning of a message whose rest is still to come, in the pieces that came. */
  #pieces: Buffer[] = [];
  #heldBytes = 0;
  /** With fewer bytes than this no further message is whole. */
  #neededBytes = HEAD_BYTES;
  /** Bytes of an unwanted message that are still to come. */
  #skip = 0;

  private constructor(options: WireOptions) {
    this.#options = options;
    this.#socket = createConnection(join(options.socketDir, `.s.PGSQL.${options.port}`));
    this.#socket.on('error', (error) => this.#lose(error.message));
    this.#socket.on('close', () => this.#lose('closed'));
    this.#socket.on('connect', () => this.#startUp());
    this.#socket.on('data', (chunk: Buffer) => {
      try {
        this.#take(chunk);
      } catch (error) {
        this.#socket.destroy();
        this.#lose(error instanceof Error ? error.message : String(error));
      }
    });
  }

  /** Opens a session. Rejects with ConnectionLost, which holds the server's refusal if it gave one. */
  static async connect(options: WireOptions): Promise<Wire> {
    const wire = new Wire(options);
    await new Promise<void>((resolve, reject) => {
      wire.#opening = { resolve, reject };
    });
    return wire;
  }

  /** Process id of the server's side, as in pg_locks. */
  get processId(): number {
    return this.#processId;
  }

  /** Whether nothing is known yet that ended it. */
  get isOpen(): boolean {
    return this.#lost === null;
  }

  /** Sends one Query message; it may hold several statements. SQL errors are part of the result. */
  async query(sql: string): Promise<WireResult> {
    const rows: Row[] = [];
    const result = await this.stream(sql, (row) => rows.push(row));
    return { ...result, rows };
  }

  /** Like query, with the rows counted by the tag and dropped. */
  async execute(sql: string): Promise<WireResult> {
    return { ...(await this.#send(sql, null)), rows: [] };
  }

  /** Like query, with each row given to a function as it comes. */
  stream(sql: string, onRow: (row: Row) => void): Promise<Omit<WireResult, 'rows'>> {
    return this.#send(sql, (body) => onRow(rowOf(body)));
  }

  /** The rows of one query of ours as the server sent them, undecoded. Throws QueryRefused. */
  async bodies(sql: string): Promise<readonly Buffer[]> {
    const bodies: Buffer[] = [];
    const { error } = await this.#send(sql, (body) => bodies.push(body));
    if (error !== null) throw new QueryRefused(error, sql);
    return bodies;
  }

  /** The rows of one query of ours. Throws QueryRefused. */
  async rows(sql: string): Promise<readonly Row[]> {
    const result = await this.query(sql);
    if (result.error !== null) throw new QueryRefused(result.error, sql);
    return result.rows;
  }

  /** Ends the session politely and waits until the socket is closed. */
  async close(): Promise<void> {
    if (this.#lost !== null) return;
    await new Promise<void>((resolve) => {
      this.#socket.once('close', () => resolve());
      this.#socket.end(message('X', Buffer.alloc(0)));
    });
  }

  /** Runs one `COPY … FROM stdin` and sends it these bytes, no faster than the server takes them. */
  async copyIn(sql: string, data: CopyData): Promise<WireResult> {
    return { ...(await this.#send(sql, null, data)), rows: [] };
  }

  async #giveRows(data: CopyData): Promise<void> {
    try {
      for await (const piece of data) {
        // After an error of the server the rest is read and not sent, as its place must be passed.
        if (this.#lost !== null || this.#pending?.error !== null) continue;
        if (!this.#socket.write(message('d', piece))) await this.#drained();
      }
      this.#socket.write(message('c', Buffer.alloc(0)));
    } catch (error) {
      this.#socket.write(message('f', strings(String(error).slice(0, 200))));
    }
  }

  #drained(): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.#socket.off('drain', done);
        this.#socket.off('close', done);
        resolve();
      };
      this.#socket.once('drain', done);
      this.#socket.once('close', done);
    });
  }

  #send(
    sql: string,
    onRow: Pending['onRow'],
    copy: CopyData | null = null,
  ): Promise<Omit<WireResult, 'rows'>> {
    if (this.#lost !== null) return Promise.reject(this.#lost);
    if (this.#pending !== null) return Promise.reject(new Error('a query is already under way'));
    return new Promise((resolve, reject) => {
      this.#pending = {
        copy,
        onRow,
        tags: [],
        infos: new Set(),
        infosLost: false,
        error: null,
        resolve,
        reject,
      };
      const text = `${this.#options.prefix ?? ''}${sql}`;
      this.#socket.write(message('Q', strings(text)));
    });
  }

  #startUp(): void {
    const { user, database, settings } = this.#options;
    const pairs = Object.entries({ user, database, client_encoding: 'UTF8', ...settings }).flat();
    const version = Buffer.from([0, 3, 0, 0]);
    this.#socket.write(message('', Buffer.concat([version, strings(...pairs, '')])));
  }

  #lose(detail: string): void {
    this.#lost ??= new ConnectionLost(detail);
    this.#opening?.reject(this.#lost);
    this.#pending?.reject(this.#lost);
    this.#opening = null;
    this.#pending = null;
  }

  /** Cuts the stream into messages; those that nobody wants are skipped without being held. */
  #take(chunk: Buffer): void {
    let data = chunk;
    if (this.#skip > 0) {
      const passed = Math.min(this.#skip, data.length);
      this.#skip -= passed;
      data = data.subarray(passed);
    }
    if (data.length === 0) return;
    this.#pieces.push(data);
    this.#heldBytes += data.length;
    // A large message is put together once, when all of it is there.
    if (this.#heldBytes >= this.#neededBytes) this.#cut();
  }

  #cut(): void {
    const [only, ...others] = this.#pieces;
    const buffer = only !== undefined && others.length === 0 ? only : Buffer.concat(this.#pieces);
    let at = 0;
    this.#neededBytes = HEAD_BYTES;
    while (buffer.length - at >= HEAD_BYTES) {
      const type = String.fromCharCode(buffer[at] ?? 0);
      const end = at + buffer.readInt32BE(at + 1) + 1;
      if (this.#unwanted(type, end - at)) this.#skip = Math.max(0, end - buffer.length);
      else if (end > buffer.length) {
        this.#neededBytes = end - at;
        break;
      } else this.#handle(type, buffer.subarray(at + HEAD_BYTES, end));
      at = Math.min(end, buffer.length);
    }
    this.#heldBytes = buffer.length - at;
    this.#pieces = this.#heldBytes === 0 ? [] : [Buffer.from(buffer.subarray(at))];
  }

  #unwanted(type: string, size: number): boolean {
    if (type === 'D') return (this.#pending?.onRow ?? null) === null;
    return type === 'd' || type === 'T' || (type === 'N' && size > KEPT_MESSAGE_BYTES);
  }

  #handle(type: string, body: Buffer): void {
    const pending = this.#pending;
    if (type === 'D') pending?.onRow?.(body);
    else if (type === 'C') pending?.tags.push(body.toString('utf8', 0, body.length - 1));
    else if (type === 'E') this.#fail(errorOf(body));
    else if (type === 'N') this.#notice(body);
    else if (type === 'R') this.#authenticate(body.readInt32BE(0));
    else if (type === 'K') this.#processId = body.readInt32BE(0);
    else if (type === 'G') this.#askedForRows();
    else if (type === 'Z') this.#ready(body);
  }

  #askedForRows(): void {
    const data = this.#pending?.copy ?? null;
    if (data === null) this.#socket.write(message('f', strings('no data for COPY FROM STDIN')));
    else void this.#giveRows(data);
  }

  #notice(body: Buffer): void {
    const all = fields(body);
    const pending = this.#pending;
    const message = (all.get('M') ?? '').slice(0, 500);
    if (all.get('V') !== 'INFO' || pending === null || pending.infos.has(message)) return;
    const becomes = this.#options.onInfo?.(message, pending.infos.size) ?? 'drop';
    if (becomes === 'keep') pending.infos.add(message);
    else if (becomes === 'lost') pending.infosLost = true;
  }

  #fail(error: WireError): void {
    if (this.#opening !== null) {
      this.#opening.reject(new ConnectionLost(`${error.sqlstate} ${error.message}`));
      this.#opening = null;
      this.#socket.destroy();
    } else if (this.#pending !== null) {
      this.#pending.error ??= error;
    }
  }

  #authenticate(method: number): void {
    if (method === 3) this.#socket.write(message('p', strings(this.#options.password)));
    else if (method !== 0) throw new Error(`unexpected authentication method ${method}`);
  }

  #ready(body: Buffer): void {
    const letter = String.fromCharCode(body[0] ?? 0);
    const state = letter === 'T' || letter === 'E' ? letter : 'I';
    this.#opening?.resolve();
    this.#opening = null;
    const pending = this.#pending;
    this.#pending = null;
    if (pending === null) return;
    const { tags, infosLost, error } = pending;
    pending.resolve({ tags, infos: [...pending.infos], infosLost, error, state });
  }
}
