import { type Client, createClient, type GenerateInput } from 'hither'
import { tellTextWriter } from './text-writer.ts'

// The built library, as a site calls it: prompts are texts, and the model comes from its catalogue.
let client: Client | undefined
let model = ''
const opened = () => {
  if (client === undefined) throw new Error('not open')
  return client
}

tellTextWriter({
  async open(options) {
    model = options.model
    client = createClient({ runtime: { backends: [options.backend ?? 'wasm'], threads: options.threads } })
    await client.prepare(model)
  },
  async write({ text: prompt }, maxTokens, { signal, onToken, onText }) {
    const writing = opened().generate(model, { prompt }, { maxTokens, temperature: 0, signal, privacy: 'edge-only' })
    for await (const part of writing) {
      if (part.type !== 'text') continue
      onText(part.text)
      for (let token = 0; token < part.tokens; token += 1) onToken(undefined)
    }
    const { finishReason, error } = await writing.done
    if (finishReason === 'cut-off') throw error ?? new Error('cut off')
    if (finishReason === 'aborted') throw new Error('aborted')
  },
})

/** What the likeliest tokens after each input are, as text. */
async function texts(inputs: readonly GenerateInput[], maxTokens: number): Promise<string[]> {
  const written: string[] = []
  for (const input of inputs) {
    const { text } = await opened().generate(model, input, { maxTokens, temperature: 0, privacy: 'edge-only' }).done
    written.push(text)
  }
  return written
}
export type ClientTexts = typeof texts
Object.assign(globalThis, { clientTexts: texts })
