/** Node's HTTP server around the application, with a limit on every time that a client can take. */
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import type { Hono } from 'hono';
import { TagoutError } from '../core/errors.ts';
import type { WebEnv } from './app.ts';

export interface ServerTimes {
  readonly headersTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly keepAliveTimeoutMs: number;
  /** How often Node looks for connections that are over their time. */
  readonly checkEveryMs: number;
}

const TIMES: ServerTimes = {
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 15_000,
  keepAliveTimeoutMs: 5_000,
  checkEveryMs: 2_000,
};

export interface ListenOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly times?: Partial<ServerTimes>;
}

export interface Listening {
  /** `http://127.0.0.1:3000`, with the port that was taken. */
  readonly url: string;
  readonly server: Server;
  /** Takes nothing new, lets what runs end, and cuts what has not ended after `graceMs`. */
  close(graceMs: number): Promise<void>;
}

/** Starts to listen. Throws TagoutError('configuration') when the address cannot be taken. */
export async function listen(app: Hono<WebEnv>, options: ListenOptions): Promise<Listening> {
  const times = { ...TIMES, ...options.times };
  const handle = getRequestListener(app.fetch, { overrideGlobalObjects: false });
  const server = createServer(
    {
      maxHeaderSize: 16 * 1024,
      headersTimeout: times.headersTimeoutMs,
      requestTimeout: times.requestTimeoutMs,
      keepAliveTimeout: times.keepAliveTimeoutMs,
      connectionsCheckingInterval: times.checkEveryMs,
    },
    (incoming, outgoing) => void handle(incoming, outgoing),
  );
  server.maxConnections = 4_000;
  await bound(server, options);
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : options.port;
  const url = `http://${urlHost(options.host)}:${port}`;
  return { url, server, close: (graceMs) => closeServer(server, graceMs) };
}

function bound(server: Server, { host, port }: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => {
      const code = 'code' in cause ? String(cause.code) : cause.message;
      const remedy = code === 'EADDRINUSE' ? 'it is in use: set PORT to another, or to 0' : code;
      const message = `Cannot listen on ${host}:${port}: ${remedy}.`;
      reject(new TagoutError('configuration', message, { cause }));
    });
    server.listen(port, host, () => {
      server.removeAllListeners('error');
      resolve();
    });
  });
}

/** An address that a client can call: the wildcard is not one. */
function urlHost(host: string): string {
  if (host === '0.0.0.0' || host === '::') return 'localhost';
  return host.includes(':') ? `[${host}]` : host;
}

function closeServer(server: Server, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const cut = setTimeout(() => server.closeAllConnections(), graceMs);
    // A connection whose last answer is out stays open for a next request that will not be taken.
    const tidy = setInterval(() => server.closeIdleConnections(), 50);
    server.close(() => {
      clearTimeout(cut);
      clearInterval(tidy);
      resolve();
    });
  });
}
