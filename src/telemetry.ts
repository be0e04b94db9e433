/**
 * OpenTelemetry traces for whoever sets an endpoint. The SDK is not among our dependencies: it is
 * loaded then and only then, and where it is missing the server runs on without traces.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Context, Span, SpanContext, Tracer } from '@opentelemetry/api';
import { TagoutError } from './core/errors.ts';
import { NO_TRACE, type SpanFacts, type Trace } from './core/trace.ts';

export interface Telemetry {
  readonly trace: Trace;
  /** Sends what is left, within the limit, and never throws. */
  close(): Promise<void>;
}

const OFF: Telemetry = { trace: NO_TRACE, close: () => Promise.resolve() };

const CLOSE_MS = 2_000;
/** No fact of ours is longer; the name of an environment may be. */
const MOST_CHARACTERS = 256;

const INSTALL =
  'npm install @opentelemetry/api @opentelemetry/sdk-trace @opentelemetry/resources ' +
  '@opentelemetry/exporter-trace-otlp-http';

/**
 * Opens the way to `url`, the collector's OTLP/HTTP address for traces; null: there is none.
 * `warn` is told once when the SDK is not installed or cannot be started.
 */
export async function openTelemetry(
  url: string | null,
  about: { readonly service: string; readonly version: string },
  warn: (message: string) => void,
): Promise<Telemetry> {
  if (url === null) return OFF;
  try {
    return await start(url, about);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    warn(
      code === 'ERR_MODULE_NOT_FOUND'
        ? `An OpenTelemetry endpoint is set and its SDK is not installed: run \`${INSTALL}\`. ` +
            'The server runs on without traces.'
        : `OpenTelemetry could not be started (${code}). The server runs on without traces.`,
    );
    return OFF;
  }
}

async function start(
  url: string,
  { service, version }: { readonly service: string; readonly version: string },
): Promise<Telemetry> {
  const [api, sdk, exporting, resources] = await Promise.all([
    import('@opentelemetry/api'),
    import('@opentelemetry/sdk-trace'),
    import('@opentelemetry/exporter-trace-otlp-http'),
    import('@opentelemetry/resources'),
  ]);
  const exporter = new exporting.OTLPTraceExporter({ url });
  const provider = new sdk.TracerProvider({
    resource: resources.resourceFromAttributes({
      'service.name': service,
      'service.version': version,
    }),
    spanLimits: { attributeValueLengthLimit: MOST_CHARACTERS },
    spanProcessors: [new sdk.BatchSpanProcessor({ exporter })],
  });
  return {
    trace: traceOver(api, provider.getTracer('tagout', version)),
    close: async () => {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, CLOSE_MS);
      });
      await Promise.race([provider.shutdown().catch(() => {}), late]);
      clearTimeout(timer);
    },
  };
}

/** The context is carried by ourselves: nothing global is registered that a library could use. */
function traceOver(api: typeof import('@opentelemetry/api'), tracer: Tracer): Trace {
  const contexts = new AsyncLocalStorage<Context>();
  const here = (): Context => contexts.getStore() ?? api.ROOT_CONTEXT;
  return {
    async span(name, facts, step) {
      const span = tracer.startSpan(name, { attributes: attributesOf(facts) }, here());
      const tell = (more: SpanFacts): void => void span.setAttributes(attributesOf(more));
      try {
        return await contexts.run(api.trace.setSpan(here(), span), () => step(tell));
      } catch (error) {
        fail(span, error, api.SpanStatusCode.ERROR);
        throw error;
      } finally {
        span.end();
      }
    },
    parent() {
      const at = api.trace.getSpanContext(here());
      return at === undefined ? null : traceparentOf(at);
    },
    under(parent, work) {
      const remote = parent === null ? null : readTraceparent(parent);
      const from =
        remote === null
          ? api.ROOT_CONTEXT
          : api.trace.setSpanContext(api.ROOT_CONTEXT, { ...remote, isRemote: true });
      return contexts.run(from, work);
    },
  };
}

/** The code alone: a message may quote SQL, a title or a name. */
function fail(span: Span, error: unknown, code: number): void {
  span.setAttribute('tagout.fault', error instanceof TagoutError ? error.code : 'internal');
  span.setStatus({ code });
}

function attributesOf(facts: SpanFacts): Record<string, string> {
  return Object.fromEntries(
    Object.entries(facts).map(([name, value]) => [`tagout.${name}`, value]),
  );
}

function traceparentOf({ traceId, spanId, traceFlags }: SpanContext): string {
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
}

/** Reads a W3C traceparent (version 00); null for anything else. */
function readTraceparent(text: string): SpanContext | null {
  const found = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/.exec(text);
  const [, traceId, spanId, flags] = found ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return null;
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16) };
}
