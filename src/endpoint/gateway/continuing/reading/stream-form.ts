/** Bytes of an answer that is not streamed, and of an event: these are read whole, so that half of one is an error. */
export const maxWholeBytes = 64 * 1024 * 1024

/** The last event of a stream that has no end. */
export const cutOffEvent = (message: string): string =>
  `data: ${JSON.stringify({ error: { message, type: 'server_error', code: 'cut_off' } })}\n\n`

export const isEvents = (response: Response): boolean =>
  /^text\/event-stream\b/i.test(response.headers.get('content-type') ?? '')
