import { InferenceSession, Tensor } from 'onnxruntime-node'
import { createDecoder, type Decoder } from '../../src/generation/decoder/create-decoder.ts'
import { openTextCodec, type TextCodec } from '../../src/generation/prompt/text-codec.ts'
import { hasSmollm2, smollm2Model } from '../../src/testing/smollm2-model.ts'
import type { Bench } from '../support/bench.ts'
import { conversations } from './conversations.ts'
import { nearTie } from './near-tie.ts'
import { openOwnLoop, openOwnPrompts, type Prompt } from './oracle.ts'

const newTokens = 40
/** What a server of llama.cpp goes on with, greedy. `llama_cpp.server` and `llama-server` both take this. */
async function completed(server: string, { text, ids }: Prompt): Promise<string> {
  const answer = await fetch(new URL('/v1/completions', server), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ prompt: text, max_tokens: newTokens, temperature: 0, top_k: 1, repeat_penalty: 1 }),
  })
  if (!answer.ok) throw new Error(`${server} answered ${answer.status}: ${await answer.text()}`)
  const body = (await answer.json()) as { choices: { text: string }[]; usage: { prompt_tokens: number } }
  if (body.usage.prompt_tokens !== ids.length)
    throw new Error(`the server splits the prompt into ${body.usage.prompt_tokens} tokens, not ${ids.length}`)
  return body.choices[0]?.text ?? ''
}

/** By how much the first choice after these tokens is better than the second, in logits. */
async function leadAfter(decoder: Decoder, ids: readonly number[]): Promise<number> {
  const { logits } = await decoder.read(ids, decoder.start)
  const [first = 0, second = 0] = [...logits].sort((a, b) => b - a)
  return first - second
}

/** After how many tokens a text parts from another one, or ends where that goes on. Undefined: they are the same. */
function agreeing(ids: readonly number[], theirs: string, codec: TextCodec): number | undefined {
  if (codec.decode(ids) === theirs) return undefined
  // A character of several tokens is not whole before the last of them.
  const textOf = (tokens: number) => codec.decode(ids.slice(0, tokens)).replace(/\uFFFD+$/, '')
  const last = ids.findIndex((_, at) => !theirs.startsWith(textOf(at + 1)))
  if (last < 0) return ids.length
  // The two may have parted within that character: their text as tokens says where.
  let first = last
  while (first > 0 && textOf(first) === textOf(first - 1)) first -= 1
  const others = codec.encode(theirs, { whole: false })
  const alike = ids.findIndex((id, at) => others[at] !== id)
  return Math.min(last, Math.max(first, alike))
}

/**
 * Whether SmolLM2 converted from its GGUF file, in the 4 bits of that file, writes the texts that a server of llama.cpp
 * writes with the file itself: 20 conversations, 40 tokens, greedy. Where the texts part, the lead of Hither's token over
 * the second one tells whether both were as good.
 *
 * `--server http://127.0.0.1:8000` is one that runs, with `.cache/smollm2/model.gguf`.
 */
export const bench: Bench = async (flags, print) => {
  const server = flags.value('server') ?? 'http://127.0.0.1:8000'
  if (!hasSmollm2) throw new Error('SmolLM2 is not built: npx tsx bench/generate/build-smollm2.ts')
  const model = smollm2Model()
  const codec = openTextCodec(model, model)
  const ours = await openOwnLoop('q4')
  const session = await InferenceSession.create(`${model.folder}onnx/model_q4.onnx`, { intraOpNumThreads: 1 })
  const decoder = createDecoder(session, Tensor)
  if (typeof decoder === 'string') throw new Error(decoder)

  const rows: { readonly tokens: number; readonly lead?: number }[] = []
  for (const [index, prompt] of conversations.map(openOwnPrompts()).entries()) {
    const theirs = await completed(server, prompt)
    const ids = (await ours.write(prompt.ids, newTokens)).filter((id) => !model.ends.has(id))
    const tokens = agreeing(ids, theirs, codec)
    if (tokens === undefined) rows.push({ tokens: ids.length })
    else {
      const lead = await leadAfter(decoder, [...prompt.ids, ...ids.slice(0, tokens)])
      rows.push({ tokens, lead })
      print(`  conversation ${index}: another token after ${tokens}, where ours led by ${lead.toFixed(2)}`)
    }
  }
  await ours.close()
  await session.release()

  const parted = rows.flatMap(({ lead }) => (lead === undefined ? [] : [lead]))
  const far = parted.filter((lead) => lead >= nearTie).length
  const tokens = rows.reduce((sum, row) => sum + row.tokens, 0)
  print(
    `SmolLM2, 4 bits, beside llama.cpp: ${rows.length - parted.length} of ${rows.length} texts are the same to the end, ` +
      `${parted.length - far} up to a near-tie (a lead below ${nearTie}), ${far} part elsewhere; ${tokens} tokens agree`,
  )
  return {
    conversations: rows.length,
    same: rows.length - parted.length,
    nearTies: parted.length - far,
    far,
    tokens,
    rows,
  }
}
