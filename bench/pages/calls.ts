/** A tensor as it goes to a peer's worker. */
export interface PlainTensor {
  readonly type: string
  readonly dims: readonly number[]
  readonly data: ArrayBufferView
}
export type PlainTensors = Record<string, PlainTensor>

/** Asks a peer's worker, as a page would that has one request under way at a time. */
export function askWorker(worker: Worker) {
  return <T>(message: object, transfer: Transferable[] = []): Promise<T> =>
    new Promise((resolve, reject) => {
      worker.onmessage = ({ data }: MessageEvent<{ value?: T; error?: string }>) =>
        data.error === undefined ? resolve(data.value as T) : reject(new Error(data.error))
      worker.onerror = (event) => reject(new Error(event.message))
      worker.postMessage(message, transfer)
    })
}

/** Answers the page, one message after the other. */
export function answerPage<M>(answer: (message: M) => Promise<{ value: unknown; transfer?: Transferable[] }>): void {
  self.onmessage = async ({ data }: MessageEvent<M>) => {
    try {
      const { value, transfer = [] } = await answer(data)
      self.postMessage({ value }, { transfer })
    } catch (error) {
      self.postMessage({ error: String(error) })
    }
  }
}

/** Outputs, and their buffers to hand over. */
export function toPlain(outputs: Record<string, { type: string; dims: readonly number[]; data: unknown }>) {
  const value: PlainTensors = {}
  const transfer: Transferable[] = []
  for (const [name, { type, dims, data }] of Object.entries(outputs)) {
    if (!ArrayBuffer.isView(data)) continue
    value[name] = { type, dims, data }
    transfer.push(data.buffer as ArrayBuffer)
  }
  return { value, transfer }
}
