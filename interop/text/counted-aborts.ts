/** Answers that an endpoint of ours has given up because nobody read them any more, by its metrics. */
export async function abortedAt(url: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text()
  return Number(/hither_text_answers_total\{[^}]*end="aborted"[^}]*\} (\d+)/.exec(text)?.[1] ?? 0)
}

/** Waits until it has given up another one. @throws {Error} it writes on */
export async function untilAborted(url: string, before: number): Promise<void> {
  const untilMs = performance.now() + 50_000
  while ((await abortedAt(url)) === before) {
    if (performance.now() > untilMs) throw new Error('the endpoint writes on')
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
