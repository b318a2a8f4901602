/** One real browser, driven from here: the same few steps whatever protocol it speaks. */
export interface BrowserDriver {
  /** With its version. */
  readonly name: string
  goto(url: string): Promise<void>
  /**
   * What an expression gives in the page, awaited.
   *
   * @throws {Error} with the message of what it threw
   */
  evaluate(expression: string): Promise<unknown>
  close(): Promise<void>
}

/** Asks until the expression gives something true. */
export async function until(driver: BrowserDriver, expression: string, patienceMs = 60_000): Promise<unknown> {
  const lastMs = performance.now() + patienceMs
  for (;;) {
    const value = await driver.evaluate(expression)
    if (value) return value
    if (performance.now() > lastMs) throw new Error(`never came true: ${expression}`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}
