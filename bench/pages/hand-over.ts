import { type Client, createClient, type GenerateOptions } from 'hither'

/** An answer as the page saw it. */
export interface SeenAnswer {
  readonly text: string
  readonly finishReason: string
  readonly tokens: number
  /** When the page had its first text, in milliseconds from its question. */
  readonly firstTextMs: number
  /** The longest time without new text, in milliseconds. */
  readonly longestSilenceMs: number
  readonly moves: readonly {
    readonly from: string
    readonly to: string
    readonly reason: string
    readonly gapMs: number
  }[]
  readonly wastedTokens: number
}

let client: Client | undefined
let model = ''
let now: { tokens: number; arm: string | undefined } = { tokens: 0, arm: undefined }

const handOver = {
  async open(given: string): Promise<void> {
    model = given
    client = createClient({ endpoint: { url: location.origin }, runtime: { backends: ['wasm'], threads: 1 } })
    await client.prepare(model)
  },
  /** So many tokens are shown of the answer that is being written, and who wrote the last of them. */
  now: () => now,
  async write(prompt: string, maxTokens: number, privacy: GenerateOptions['privacy']): Promise<SeenAnswer> {
    if (client === undefined) throw new Error('not open')
    now = { tokens: 0, arm: undefined }
    const startedAt = performance.now()
    let lastAt = startedAt
    let [firstTextMs, longestSilenceMs] = [Number.NaN, 0]
    const writing = client.generate(model, { prompt }, { maxTokens, temperature: 0, ...(privacy && { privacy }) })
    for await (const part of writing) {
      if (part.type !== 'text') continue
      const at = performance.now()
      if (now.tokens === 0) firstTextMs = at - startedAt
      else longestSilenceMs = Math.max(longestSilenceMs, at - lastAt)
      lastAt = at
      now = { tokens: now.tokens + part.tokens, arm: part.arm }
    }
    const { text, finishReason, usage, route } = await writing.done
    return {
      ...{ text, finishReason, tokens: usage.answerTokens, firstTextMs, longestSilenceMs },
      moves: (route?.writing?.moves ?? []).map(({ from, to, reason, gapMs }) => ({ from, to, reason, gapMs })),
      wastedTokens: route?.writing?.wastedTokens ?? 0,
    }
  },
}
export type HandOver = typeof handOver
Object.assign(globalThis, { handOver })
