import type { SpanExporter } from '@opentelemetry/sdk-trace-node'
import type { TraceContext } from './trace-context.ts'

/** One request's span. Its parts are told once they are over. */
export interface RequestSpan {
  readonly context: TraceContext
  /** @param startMs on the clock of `performance.now()` */
  part(name: string, startMs: number, endMs: number): void
  end(facts: Readonly<Record<string, string | number>>, failed: boolean): void
}

export interface Tracing {
  begin(name: string, parent: TraceContext | undefined): RequestSpan
  /** Sends what is left. */
  close(): Promise<void>
}

/** Are traces asked for? By the names that every OpenTelemetry program knows. */
export const wantsTracing = (env: NodeJS.ProcessEnv): boolean =>
  env.OTEL_SDK_DISABLED !== 'true' &&
  env.OTEL_TRACES_EXPORTER !== 'none' &&
  [env.OTEL_EXPORTER_OTLP_ENDPOINT, env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT].some((url) => (url ?? '') !== '')

/**
 * Traces over OTLP, to where the environment says. Its libraries are loaded only when they are wanted. Spans hold
 * names, sizes and times, never a request's content.
 *
 * @param exporter where spans go instead
 */
export async function openTracing(version: string, exporter?: SpanExporter): Promise<Tracing> {
  const { context, SpanKind, SpanStatusCode, trace, TraceFlags } = await import('@opentelemetry/api')
  const { BatchSpanProcessor, NodeTracerProvider } = await import('@opentelemetry/sdk-trace-node')
  const { defaultResource, resourceFromAttributes } = await import('@opentelemetry/resources')
  const name = process.env.OTEL_SERVICE_NAME ?? 'hither'
  const provider = new NodeTracerProvider({
    resource: defaultResource().merge(resourceFromAttributes({ 'service.name': name, 'service.version': version })),
    spanProcessors: [new BatchSpanProcessor(exporter ?? (await otlpExporter()))],
  })
  const tracer = provider.getTracer('hither', version)
  const toEpochMs = (ms: number) => performance.timeOrigin + ms
  return {
    begin(spanName, parent) {
      const outer =
        parent === undefined
          ? context.active()
          : trace.setSpanContext(context.active(), {
              traceId: parent.traceId,
              spanId: parent.spanId,
              traceFlags: parent.sampled ? TraceFlags.SAMPLED : TraceFlags.NONE,
              isRemote: true,
            })
      const span = tracer.startSpan(spanName, { kind: SpanKind.SERVER }, outer)
      const { traceId, spanId, traceFlags } = span.spanContext()
      const inner = trace.setSpan(outer, span)
      return {
        context: { traceId, spanId, sampled: (traceFlags & TraceFlags.SAMPLED) !== 0 },
        part(partName, startMs, endMs) {
          tracer.startSpan(partName, { startTime: toEpochMs(startMs) }, inner).end(toEpochMs(endMs))
        },
        end(facts, failed) {
          span.setAttributes(facts)
          if (failed) span.setStatus({ code: SpanStatusCode.ERROR })
          span.end()
        },
      }
    },
    close: () => provider.shutdown(),
  }
}

async function otlpExporter(): Promise<SpanExporter> {
  const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-http')
  return new OTLPTraceExporter()
}
