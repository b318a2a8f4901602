import { fileURLToPath } from 'node:url'
import { AutoModelForCausalLM, AutoTokenizer, env } from '@huggingface/transformers'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type OracleRow, storiesIds } from '../testing/stories-ids.ts'
import { hasStoriesModel, storiesModel } from '../testing/stories-model.ts'
import { createDecoder, type Decoder } from './decoder/create-decoder.ts'
import { createRememberedPrefixes } from './decoder/remembered-prefixes.ts'
import { openTextCodec } from './prompt/text-codec.ts'
import { greedy } from './sampling/sampling.ts'
import { writeTokens } from './write-tokens.ts'

// Ten thousand steps of the network, and five answers of the oracle: only what hangs is to end.
const longTest = 900_000

// The oracle's own runs differ from ours where the sums of several threads do.
const oneThread = { intraOpNumThreads: 1 }

describe.skipIf(!hasStoriesModel)('the ids of Transformers.js, on the same files', () => {
  const { rows, newTokens } = storiesIds()
  let session: InferenceSession
  let decoder: Decoder
  beforeAll(async () => {
    session = await InferenceSession.create(storiesModel().graph, oneThread)
    const made = createDecoder(session, Tensor)
    if (typeof made === 'string') throw new Error(made)
    decoder = made
  })
  afterAll(() => session.release())

  /** As the oracle has it: with the token that ended it. */
  async function write(prompt: readonly number[], prefixes = createRememberedPrefixes(0)): Promise<readonly number[]> {
    const { ends, contextTokens } = storiesModel()
    const ids: number[] = []
    const options = { decoder, prefixes, prompt, sampling: greedy, contextTokens, pause: async () => {} }
    const writing = writeTokens({ ...options, ends: new Set(), maxTokens: newTokens })
    for await (const id of writing) {
      ids.push(id)
      if (ends.has(id)) break
    }
    return ids
  }

  test('a hundred prompts are split into the same ids', () => {
    const model = storiesModel()
    const codec = openTextCodec(model, model)
    expect(rows).toHaveLength(100)
    for (const { text, prompt } of rows) expect(codec.encode(text, { whole: true })).toEqual(prompt)
  })

  test(
    'greedy, a hundred prompts are gone on with by the same ids',
    async () => {
      expect(newTokens).toBe(100)
      expect(rows.filter(({ answer }) => answer.length === newTokens).length).toBeGreaterThan(80)
      const prefixes = createRememberedPrefixes(20e6)
      // Each with what others have left in the cache.
      for (const { text, prompt, answer } of rows)
        expect({ text, ids: await write(prompt, prefixes) }).toEqual({ text, ids: answer })
    },
    longTest,
  )

  test(
    'what is written down is what Transformers.js gives',
    async () => {
      env.allowRemoteModels = false
      env.localModelPath = fileURLToPath(new URL('../../../shared/models/', import.meta.url))
      const tokenizer = await AutoTokenizer.from_pretrained('stories260k')
      const options = { dtype: 'fp32', device: 'cpu', session_options: oneThread } as const
      const model = await AutoModelForCausalLM.from_pretrained('stories260k', options)
      const live = async (text: string): Promise<OracleRow> => {
        const inputs = tokenizer(text)
        const prompt = Array.from(inputs.input_ids.data as BigInt64Array, Number)
        const sequences = await model.generate({ ...inputs, max_new_tokens: newTokens, do_sample: false })
        const ids = Array.from((sequences as { data: BigInt64Array }).data, Number)
        return { text, prompt, answer: ids.slice(prompt.length) }
      }
      for (const row of rows.filter((_, index) => index % 20 === 0)) expect(await live(row.text)).toEqual(row)
      await model.dispose()
    },
    longTest,
  )
})
