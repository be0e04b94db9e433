/**
 * The wire between servers and their PostgreSQL, as a relay that knows PostgreSQL's protocol: every
 * statement that is executed is one step with a name, so that a step means the same in every run.
 */
import { connect as connectTo, createServer, type Server, type Socket } from 'node:net';

/** One place on the wire: the nth execution of a statement, before it arrives or after its answer. */
export interface WirePoint {
  readonly statement: string;
  readonly nth: number;
  readonly when: 'before' | 'after';
}

interface Step {
  readonly statement: string;
  /** Where its message begins in the bytes at hand. */
  readonly offset: number;
}

/** Statements without the digits that differ from run to run, cut short. */
export function nameOf(sql: string): string {
  return sql.replace(/\s+/g, ' ').replace(/\d+/g, '0').trim().slice(0, 110);
}

/** Reads what one client says; keeps what is not whole yet. */
class Reader {
  #rest: Buffer = Buffer.alloc(0);
  #started = false;
  /** Whose connection it is: the sealer's steps come by the clock. */
  #who = '';
  #last = '';
  readonly #prepared = new Map<string, string>();

  /** Steps that begin in this piece. */
  read(piece: Buffer): readonly Step[] {
    const before = this.#rest.length;
    const bytes = Buffer.concat([this.#rest, piece]);
    const steps: Step[] = [];
    let at = 0;
    for (;;) {
      // The first message has no type byte: https://www.postgresql.org/docs/18/protocol-message-formats.html
      const head = this.#started ? 1 : 0;
      if (bytes.length - at < head + 4) break;
      const length = bytes.readInt32BE(at + head);
      if (bytes.length - at < head + length) break;
      const body = bytes.subarray(at + head + 4, at + head + length);
      const kind = this.#started ? String.fromCharCode(bytes[at] ?? 0) : 'startup';
      const statement = this.#message(kind, body);
      if (statement !== null) steps.push({ statement, offset: Math.max(0, at - before) });
      this.#started ||= body.readInt32BE(0) === 196_608;
      at += head + length;
    }
    this.#rest = bytes.subarray(at);
    return steps;
  }

  #message(kind: string, body: Buffer): string | null {
    const [first = '', second = ''] = body.toString('utf8').split('\0', 2);
    if (kind === 'startup') this.#who = body.includes('tagout sealer') ? 'sealer: ' : '';
    if (kind === 'P') this.#prepared.set(first, nameOf(second));
    if (kind === 'B') return this.#named(this.#prepared.get(second) ?? 'unknown');
    return kind === 'Q' ? this.#named(nameOf(first)) : null;
  }

  /** A commit is told by what it commits. */
  #named(statement: string): string {
    const name = statement === 'commit' ? `commit after ${this.#last}` : statement;
    this.#last = statement;
    return `${this.#who}${name}`.slice(0, 110);
  }
}

export class Wire {
  /** Statements executed since it was armed or watched, in their order. */
  steps: string[] = [];
  /** Whether the cut has come. */
  fell = false;
  target: number;
  #cut: (WirePoint & { readonly act: () => void }) | null = null;
  #seen = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(target: number) {
    this.target = target;
    this.#server = createServer((client) => this.#join(client));
  }

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  /** Cuts every connection at that point, once, and then acts. Null: only counts. */
  arm(point: WirePoint | null, act: () => void = () => undefined): void {
    this.steps = [];
    this.#seen = 0;
    this.fell = false;
    this.#cut = point === null ? null : { ...point, act };
  }

  /** Cuts every connection, as a network does. */
  cutAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  close(): void {
    this.cutAll();
    this.#server.close();
  }

  #join(client: Socket): void {
    const server = connectTo(this.target, '127.0.0.1');
    const reader = new Reader();
    for (const socket of [client, server]) {
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.#sockets.delete(socket);
        client.destroy();
        server.destroy();
      });
    }
    let last = false;
    client.on('data', (piece: Buffer) => {
      for (const { statement, offset } of reader.read(piece)) {
        this.steps.push(statement);
        if (!this.#isDue(statement)) continue;
        if (this.#cut?.when === 'before') {
          // What came before it in the same piece arrives, and nothing after that.
          server.end(piece.subarray(0, offset));
          return this.#fall();
        }
        last = true;
      }
      server.write(piece);
    });
    server.on('data', (piece: Buffer) => {
      if (last) return this.#fall();
      client.write(piece);
    });
  }

  #isDue(statement: string): boolean {
    if (this.#cut === null || this.fell || statement !== this.#cut.statement) return false;
    this.#seen += 1;
    return this.#seen === this.#cut.nth;
  }

  #fall(): void {
    if (this.fell) return;
    this.fell = true;
    this.#cut?.act();
    this.cutAll();
  }
}
