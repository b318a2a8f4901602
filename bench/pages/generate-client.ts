import { type Client, createClient } from 'hither'
import { tellTextWriter } from './text-writer.ts'

// The built library, as a site calls it: prompts are texts, and the model comes from its catalogue.
let client: Client | undefined
let model = ''

tellTextWriter({
  async open(options) {
    model = options.model
    client = createClient({ runtime: { backends: ['wasm'], threads: options.threads } })
    await client.prepare(model)
  },
  async write({ text: prompt }, maxTokens, { signal, onToken, onText }) {
    if (client === undefined) throw new Error('not open')
    const writing = client.generate(model, { prompt }, { maxTokens, temperature: 0, signal, privacy: 'edge-only' })
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
