/** An upstream's answer to what was passed on, as it comes. */
export interface UpstreamAnswer {
  readonly status: number
  /** The status is a success. */
  readonly ok: boolean
  /** @param name in small letters */
  header(name: string): string | undefined
  /** Its bytes, to be read once. @throws what the connection fails with; the signal's reason */
  readonly body: AsyncIterable<Uint8Array>
  /** The rest is not wanted: the request ends. Whoever still waits for bytes gets an error. */
  cancel(): void
}
