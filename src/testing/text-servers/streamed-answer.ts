import type { UpstreamAnswer } from '../../endpoint/gateway/upstreams/upstream-answer.ts'

/** An answer that has come from an upstream, with these bytes. */
export const streamedAnswer = (body: AsyncIterable<Uint8Array>): UpstreamAnswer => ({
  status: 200,
  ok: true,
  header: () => undefined,
  body,
  cancel: () => {},
})
