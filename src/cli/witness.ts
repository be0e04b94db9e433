/** `tagout witness`: another machine that remembers a log and refuses to see it go back or fork. */
import { join, resolve } from 'node:path';
import { parseVkey } from '../core/audit/note.ts';
import { TagoutError } from '../core/errors.ts';
import { openLogKey } from '../store/key.ts';
import { listen } from '../web/server.ts';
import { createWitnessApp } from '../web/audit-witness.ts';
import { EXIT } from './io.ts';
import type { Io } from './io.ts';
import { createWitnessState } from './witness-state.ts';

export interface WitnessOptions {
  readonly keys: readonly string[];
  readonly state: string;
  readonly port: string;
  readonly host: string;
}

const GRACE_MS = 2_000;

/** Listens until the process is told to end; answers the exit code. */
export async function witness(options: WitnessOptions, io: Io): Promise<number> {
  const logs = options.keys.map((key) => {
    const verifier = parseVkey(key);
    if (verifier !== null) return verifier;
    throw new TagoutError('usage', `--key ${key} is not a verifier key of a log.`);
  });
  const port = Number(options.port);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new TagoutError('usage', '--port is not a number from 0 to 65535.');
  }
  const folder = resolve(io.cwd, options.state);
  const key = openLogKey(join(folder, 'witness.key'), 'tagout/witness');
  const name = key.origin(0);
  const state = createWitnessState(folder);
  const signer = { name, privateKey: key.privateKey };
  const app = createWitnessApp({ logs, signer, state, now: io.now });
  const listening = await listen(app, { host: options.host, port });
  io.out(`The witness listens on ${listening.url}; its key is ${key.vkey(0)}\n`);
  await new Promise<void>((ended) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => ended());
  });
  await listening.close(GRACE_MS);
  return EXIT.allow;
}
