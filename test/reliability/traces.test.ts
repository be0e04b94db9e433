/** OpenTelemetry traces: what a collector is sent over OTLP/HTTP, and what it never is. */
import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import { registerHooks } from 'node:module';
import { after, before, describe, test } from 'node:test';
import { z } from 'zod';
import { NO_TRACE } from '../../src/core/trace.ts';
import { openTelemetry } from '../../src/telemetry.ts';
import { dropColumn, tagoutCheck, until } from '../story/scene.ts';
import { type Ground, openGround, rest } from './server.ts';

const attributeSchema = z.object({ key: z.string(), value: z.object({ stringValue: z.string() }) });
const spanSchema = z.object({
  traceId: z.string(),
  spanId: z.string(),
  parentSpanId: z.string().optional(),
  name: z.string(),
  attributes: z.array(attributeSchema),
});
const exportSchema = z.object({
  resourceSpans: z.array(
    z.object({ scopeSpans: z.array(z.object({ spans: z.array(spanSchema) })) }),
  ),
});
type Span = z.infer<typeof spanSchema>;

/** A collector's OTLP/HTTP door: takes JSON, and keeps what came. */
class Collector {
  readonly spans: Span[] = [];
  /** Everything that came, as it came. */
  text = '';
  readonly #server: Server = createServer((request, response) => {
    let body = '';
    request.on('data', (part: Buffer) => (body += part.toString()));
    request.on('end', () => {
      assert.equal(request.url, '/v1/traces');
      this.text += body;
      for (const { scopeSpans } of exportSchema.parse(JSON.parse(body)).resourceSpans) {
        this.spans.push(...scopeSpans.flatMap(({ spans }) => spans));
      }
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
  });

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    const address = this.#server.address();
    assert.ok(address !== null && typeof address === 'object');
    return `http://127.0.0.1:${address.port}`;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

const fact = (span: Span, name: string): string | undefined =>
  span.attributes.find(({ key }) => key === `tagout.${name}`)?.value.stringValue;

test('an endpoint without the SDK is one clear line, and the server goes on', async () => {
  const hooks = registerHooks({
    resolve: (name, context, next) =>
      next(name === '@opentelemetry/sdk-trace' ? '@opentelemetry/not-installed' : name, context),
  });
  const said: string[] = [];
  const about = { service: 'tagout', version: '0' };
  const opened = await openTelemetry('http://127.0.0.1:9/v1/traces', about, (m) => said.push(m));
  hooks.deregister();
  assert.equal(opened.trace, NO_TRACE);
  assert.equal(said.length, 1);
  assert.match(
    said[0] ?? '',
    /SDK is not installed: run `npm install @opentelemetry\/api .*without/,
  );
  await opened.close();
});

test('without an endpoint nothing is loaded or said', async () => {
  const about = { service: 'tagout', version: '0' };
  const opened = await openTelemetry(null, about, (message) => assert.fail(message));
  assert.equal(opened.trace, NO_TRACE);
});

describe('with an endpoint', () => {
  let ground: Ground;
  const collector = new Collector();
  before(async () => {
    ground = await openGround();
  });
  after(async () => {
    await ground.close();
    collector.close();
  });

  test('a delivery is followed from one process to the other, up to the write', async () => {
    const OTEL_EXPORTER_OTLP_ENDPOINT = await collector.listen();
    const web = await ground.start({ OTEL_EXPORTER_OTLP_ENDPOINT }, ['--only=web']);
    const [author, head] = [ground.people.maria, 'unspeakable-branch'];
    await ground.repo.commit({ branch: head, files: dropColumn, author });
    const pull = await ground.repo.openPull({ author, head, title: 'An unspeakable title' });
    await ground.gh.settled();
    const worker = await ground.start({ OTEL_EXPORTER_OTLP_ENDPOINT }, ['--only=worker']);
    await until('the check', () => tagoutCheck(ground.repo, pull.headSha));
    await rest(ground);
    assert.equal((await web.stop()).code, 0, web.said());
    assert.equal((await worker.stop()).code, 0, worker.said());
    assert.equal(web.said() + worker.said(), '');
    assert.deepEqual([...new Set(collector.spans.map(({ name }) => name))].sort(), [
      'decide',
      'dry run',
      'enact',
      'gather',
      'judge',
      'receive',
      'record',
      'seal',
    ]);
  });

  test('every step hangs where it belongs, in the trace of its delivery', () => {
    const bySpan = new Map(collector.spans.map((span) => [span.spanId, span]));
    const parents: Readonly<Record<string, string>> = {
      judge: 'receive',
      gather: 'judge',
      'dry run': 'gather',
      decide: 'judge',
      record: 'judge',
      seal: 'record',
      enact: 'record',
    };
    for (const span of collector.spans) {
      const parent = bySpan.get(span.parentSpanId ?? '');
      assert.equal(parent?.name, parents[span.name], span.name);
      if (parent !== undefined) assert.equal(parent.traceId, span.traceId);
    }
  });

  test('ids, verdicts and outcomes are told', () => {
    const of = (name: string) => collector.spans.filter((span) => span.name === name);
    const ids = new Set(of('receive').map((span) => fact(span, 'delivery')));
    const [judged] = of('judge').filter((span) => fact(span, 'delivery') !== undefined);
    assert.ok(judged && ids.has(fact(judged, 'delivery')));
    assert.equal(fact(judged, 'verdict'), 'hold');
    assert.match(fact(judged, 'subject') ?? '', /^\d+:\d+:pull:\d+$/);
    assert.ok(of('dry run').every((span) => fact(span, 'outcome') !== undefined));
    assert.ok(of('enact').some((span) => fact(span, 'effect') === 'check-run'));
    assert.ok(of('enact').every((span) => fact(span, 'outcome') === 'done'));
  });

  test('nothing that a person wrote, no name and no secret left the house', () => {
    const { app } = ground.gh;
    for (const word of ['acme', 'shop', 'maria', 'unspeakable', 'DROP', 'users']) {
      assert.equal(collector.text.includes(word), false, word);
    }
    assert.equal(collector.text.includes(app.webhookSecret), false);
    assert.doesNotMatch(collector.text, /gh[sp]_|eyJ|postgres:/);
  });
});
