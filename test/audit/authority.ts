/** A real time-stamp authority: OpenSSL's `ts -reply` behind HTTP on this machine. */
import { execFileSync } from 'node:child_process';
import { sign } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

const CONFIG = `
[req]
distinguished_name = dn
prompt = no
[dn]
CN = Time of the test
[stamping]
extendedKeyUsage = critical,timeStamping
[serving]
extendedKeyUsage = serverAuth
[tsa]
default_tsa = here
[here]
serial = serial
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha512
accuracy = secs:1
ess_cert_id_alg = sha256
`;

export interface Authority {
  readonly url: string;
  readonly certificate: string;
  /** What it answers from now on instead of a time-stamp of the request; null: as it should. */
  answerWith(response: Buffer | null): void;
  /** The request that came last. */
  readonly last: () => Buffer;
  /** Answers a request without HTTP. */
  stamp(request: Buffer): Buffer;
  /** Another certificate of the same key. */
  certified(purpose: 'stamping' | 'serving'): string;
  /** Signs anything with that key. */
  signed(bytes: Uint8Array): Buffer;
  close(): Promise<void>;
}

/** A key of the kind that the arguments of `openssl req -newkey` name. */
export async function openAuthority(
  folder: string,
  key: readonly string[] = ['rsa:2048'],
): Promise<Authority> {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'tsa.cnf'), CONFIG);
  writeFileSync(join(folder, 'serial'), '01\n');
  const openssl = (command: string, ...more: readonly string[]): void =>
    void execFileSync('openssl', [...command.split(' '), ...more], { cwd: folder, stdio: 'pipe' });
  const made = 'req -x509 -config tsa.cnf -days 30 -extensions';
  openssl(`${made} stamping -nodes -keyout key.pem -out cert.pem -newkey`, ...key);
  let instead: Buffer | null = null;
  let last = Buffer.alloc(0);
  function stamp(request: Buffer): Buffer {
    writeFileSync(join(folder, 'request.tsq'), request);
    const reply = 'ts -reply -config tsa.cnf -queryfile request.tsq -out response.tsr';
    openssl(`${reply} -inkey key.pem -signer cert.pem`);
    return readFileSync(join(folder, 'response.tsr'));
  }
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => void chunks.push(chunk));
    request.on('end', () => {
      last = Buffer.concat(chunks);
      response.setHeader('content-type', 'application/timestamp-reply');
      response.end(instead ?? stamp(last));
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    certificate: readFileSync(join(folder, 'cert.pem'), 'utf8'),
    answerWith(response) {
      instead = response;
    },
    last: () => last,
    stamp,
    certified(purpose) {
      openssl(`${made} ${purpose} -key key.pem -out other.pem`);
      return readFileSync(join(folder, 'other.pem'), 'utf8');
    },
    signed: (bytes) => sign('sha256', bytes, readFileSync(join(folder, 'key.pem'))),
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}
