/** AWS Signature Version 4 for one request with its whole body, as docs.aws.amazon.com tells it. */
import { createHash, createHmac } from 'node:crypto';

export interface AwsKey {
  readonly keyId: string;
  readonly secret: string;
  readonly region: string;
  readonly service: string;
}

export interface AwsRequest {
  readonly method: string;
  /** Its path is encoded already, as it goes out. */
  readonly url: URL;
  /** Names in lower case; `host` and `x-amz-date` are added. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
}

const sha256 = (data: string | Uint8Array): string =>
  createHash('sha256').update(data).digest('hex');

const hmac = (key: string | Uint8Array, text: string): Buffer =>
  createHmac('sha256', key).update(text).digest();

function encoded(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function queryOf(url: URL): string {
  const pairs = [...url.searchParams].map(([name, value]) => [encoded(name), encoded(value)]);
  return pairs
    .map(([name, value]) => `${name}=${value}`)
    .toSorted()
    .join('&');
}

/** The headers with the date and `authorization`. Every one that is given is signed. */
export function signed(
  request: AwsRequest,
  { keyId, secret, region, service }: AwsKey,
  atMs: number,
): Readonly<Record<string, string>> {
  const time = new Date(atMs).toISOString().replaceAll(/[-:]|\.\d{3}/g, '');
  const day = time.slice(0, 8);
  const headers = { ...request.headers, host: request.url.host, 'x-amz-date': time };
  const names = Object.keys(headers).toSorted();
  const lines = names.map((name) => {
    const value = new Map(Object.entries(headers)).get(name) ?? '';
    return `${name}:${value.trim().replaceAll(/ +/g, ' ')}\n`;
  });
  const list = names.join(';');
  const { method, url, body } = request;
  const path = url.pathname;
  const canonical = [method, path, queryOf(url), lines.join(''), list, sha256(body)].join('\n');
  const scope = `${day}/${region}/${service}/aws4_request`;
  const text = `AWS4-HMAC-SHA256\n${time}\n${scope}\n${sha256(canonical)}`;
  let key: string | Uint8Array = `AWS4${secret}`;
  for (const part of [day, region, service, 'aws4_request']) key = hmac(key, part);
  const signature = hmac(key, text).toString('hex');
  const credential = `Credential=${keyId}/${scope}`;
  const authorization = `AWS4-HMAC-SHA256 ${credential}, SignedHeaders=${list}, Signature=${signature}`;
  return { ...headers, authorization };
}
