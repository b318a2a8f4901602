/** How a writer is opened. */
export interface WriterOptions {
  /** Where the model's files lie, as the hub lays them out; of wllama, the GGUF file. */
  readonly model: string
  readonly precision: 'q8' | 'q4'
  readonly threads: number
  /** Of `client.generate`. Default: WASM. */
  readonly backend?: 'wasm' | 'webgpu'
}
/** What is gone on from, as text and as the tokens of that text: each writer takes the one that it can take. */
export interface GivenPrompt {
  readonly text: string
  readonly ids: readonly number[]
}
export interface WriteOptions {
  /** Go on from what was read before, and remember what is read. Default: as if nothing was ever read. */
  readonly remembers?: boolean
  /** Abort it so long after it began, in milliseconds. */
  readonly abortAfterMs?: number
}
export interface Written {
  /** Milliseconds after the page asked at which each token came to it. */
  readonly atMs: readonly number[]
  /** The tokens, where the writer says which; else `text` has what they are. */
  readonly ids: readonly number[]
  readonly text: string
  /** From the abort until another text, of a short prompt, had its first token, in milliseconds. */
  readonly nextAfterMs?: number
}

/** What the bench asks of each contender's page. Tokens are greedy, and none of them ends an answer. */
export interface TextWriter {
  open(options: WriterOptions): Promise<void>
  write(prompt: GivenPrompt, tokens: number, options?: WriteOptions): Promise<Written>
  /** Bytes of memory of the page and its workers. */
  memory(): Promise<number>
}

/** What a contender's own code does. */
export interface OwnWriter extends Pick<TextWriter, 'open'> {
  /** Writes, and says each token as it comes. @throws where it was aborted */
  write(
    prompt: GivenPrompt,
    tokens: number,
    options: {
      readonly remembers: boolean
      readonly signal: AbortSignal
      /** @param id undefined where the writer does not say it */
      readonly onToken: (id: number | undefined) => void
      readonly onText: (text: string) => void
    },
  ): Promise<void>
}

interface MemoryMeasure {
  measureUserAgentSpecificMemory(): Promise<{ readonly bytes: number }>
}

/** Lets the bench measure a writer. */
export function tellTextWriter({ open, write }: OwnWriter): void {
  const textWriter: TextWriter = {
    open,
    async write(prompt, tokens, { remembers = false, abortAfterMs } = {}) {
      const [atMs, ids]: [number[], number[]] = [[], []]
      const controller = new AbortController()
      const startedAt = performance.now()
      let abortedAt: number | undefined
      const abort = () => {
        abortedAt = performance.now()
        controller.abort()
      }
      const timer = abortAfterMs === undefined ? undefined : setTimeout(abort, abortAfterMs)
      let text = ''
      const onToken = (id: number | undefined) => {
        atMs.push(performance.now() - startedAt)
        if (id !== undefined) ids.push(id)
      }
      const onText = (more: string) => {
        text += more
      }
      try {
        await write(prompt, tokens, { remembers, signal: controller.signal, onToken, onText })
      } catch (error) {
        if (abortedAt === undefined) throw error
      }
      clearTimeout(timer)
      if (abortedAt === undefined) return { atMs, ids, text }
      // Who asked hears of the abort at once. The device is free when it writes something else.
      const next = { text: prompt.text.slice(0, 10), ids: prompt.ids.slice(0, 2) }
      const { signal } = new AbortController()
      await write(next, 1, { remembers: false, signal, onToken: () => {}, onText: () => {} })
      return { atMs, ids, text, nextAfterMs: performance.now() - abortedAt }
    },
    memory: async () => (await (performance as unknown as MemoryMeasure).measureUserAgentSpecificMemory()).bytes,
  }
  Object.assign(globalThis, { textWriter })
}
