import type { BrowserContext, Page } from '@playwright/test'

/** What a worker holds, in bytes: objects, and the memory of its buffers. */
export interface HeapSample {
  readonly usedBytes: number
  readonly bufferBytes: number
}

interface Answer {
  readonly id?: number
  readonly result?: { readonly usedSize?: number; readonly backingStorageSize?: number }
}

const total = ({ usedBytes, bufferBytes }: HeapSample) => usedBytes + bufferBytes

/** Watches the heap of the page's workers through the debugger. Call it before the worker starts. */
export async function watchWorkerHeaps(context: BrowserContext, page: Page) {
  const session = await context.newCDPSession(page)
  const sessions = new Map<string, string>()
  const waiting = new Map<number, (answer: Answer) => void>()
  let ids = 0
  session.on('Target.attachedToTarget', ({ sessionId, targetInfo }) => sessions.set(sessionId, targetInfo.url))
  session.on('Target.receivedMessageFromTarget', ({ message }) => {
    const answer = JSON.parse(message) as Answer
    if (answer.id !== undefined) waiting.get(answer.id)?.(answer)
  })
  await session.send('Target.setAutoAttach', { autoAttach: true, waitForDebuggerOnStart: false, flatten: false })

  const ask = async (sessionId: string, method: string): Promise<Answer> => {
    const id = ++ids
    const answered = new Promise<Answer>((resolve) => waiting.set(id, resolve))
    await session.send('Target.sendMessageToTarget', { sessionId, message: JSON.stringify({ id, method }) })
    return answered
  }
  return {
    /**
     * What the worker whose address has this in it holds now: the least of three collections in a row, each with its
     * look sent along, as a busy worker makes new garbage between the two. Undefined while there is no such worker.
     */
    async sample(name: string): Promise<HeapSample | undefined> {
      const found = [...sessions].find(([, url]) => url.includes(name))
      if (found === undefined) return undefined
      let least: HeapSample | undefined
      for (let round = 0; round < 3; round += 1) {
        const [, { result }] = await Promise.all([
          ask(found[0], 'HeapProfiler.collectGarbage'),
          ask(found[0], 'Runtime.getHeapUsage'),
        ])
        const sample = { usedBytes: result?.usedSize ?? 0, bufferBytes: result?.backingStorageSize ?? 0 }
        if (least === undefined || total(sample) < total(least)) least = sample
      }
      return least
    },
  }
}
