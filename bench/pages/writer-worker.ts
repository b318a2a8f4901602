import type { GivenPrompt, OwnWriter, WriterOptions } from './text-writer.ts'

type Asked =
  | { readonly open: WriterOptions }
  | { readonly write: GivenPrompt; readonly tokens: number; readonly remembers: boolean }
  | { readonly abort: true }
type Said = { readonly token: number } | { readonly done: true } | { readonly error: string }

/** A writer whose work is done in a worker; each token is a message. */
export function workerWriter(worker: Worker): OwnWriter {
  const ask = (asked: Asked, onToken?: (id: number | undefined) => void): Promise<void> =>
    new Promise((resolve, reject) => {
      worker.onmessage = ({ data }: MessageEvent<Said>) => {
        if ('token' in data) onToken?.(data.token)
        else if ('error' in data) reject(new Error(data.error))
        else resolve()
      }
      worker.onerror = (event) => reject(new Error(event.message))
      worker.postMessage(asked)
    })
  return {
    open: (options) => ask({ open: options }),
    write(prompt, tokens, { remembers, signal, onToken }) {
      signal.addEventListener('abort', () => worker.postMessage({ abort: true } satisfies Asked))
      return ask({ write: prompt, tokens, remembers }, onToken)
    },
  }
}

/** The worker's side. */
export function serveWriter({ open, write }: OwnWriter): void {
  let controller = new AbortController()
  const say = (said: Said) => self.postMessage(said)
  self.onmessage = async ({ data }: MessageEvent<Asked>) => {
    if ('abort' in data) {
      controller.abort()
      return
    }
    controller = new AbortController()
    try {
      if ('open' in data) await open(data.open)
      else {
        const { write: prompt, tokens, remembers } = data
        const onToken = (token = Number.NaN) => say({ token })
        await write(prompt, tokens, { remembers, signal: controller.signal, onToken, onText: () => {} })
      }
      say({ done: true })
    } catch (error) {
      say({ error: String(error) })
    }
  }
}
