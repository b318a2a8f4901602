/** An error that came from the frame, or from not reaching it. */
export class WidgetError extends Error {
  override readonly name = 'WidgetError'
  /** The library's, where it gave one; `frame-unreachable` where the frame did not answer. */
  readonly code: string | undefined

  constructor(message: string, code?: string) {
    super(message)
    this.code = code
  }
}
