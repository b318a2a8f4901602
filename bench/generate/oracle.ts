import { AutoModelForCausalLM, AutoTokenizer, env, Tensor as TheirTensor } from '@huggingface/transformers'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import type { ChatMessage } from '../../src/contracts/chat.ts'
import { createDecoder } from '../../src/generation/decoder/create-decoder.ts'
import { createRememberedPrefixes } from '../../src/generation/decoder/remembered-prefixes.ts'
import { openChatTemplate } from '../../src/generation/prompt/chat-template.ts'
import { openTextCodec } from '../../src/generation/prompt/text-codec.ts'
import { greedy } from '../../src/generation/sampling/sampling.ts'
import { writeTokens } from '../../src/generation/write-tokens.ts'
import { smollm2Model } from '../../src/testing/smollm2-model.ts'

export type OraclePrecision = 'fp32' | 'q4' | 'q8'
const files = { fp32: 'onnx/model.onnx', q4: 'onnx/model_q4.onnx', q8: 'onnx/model_quantized.onnx' } as const

// Sums of several threads differ from run to run.
const oneThread = { intraOpNumThreads: 1 }

/** A conversation as a model is given it. */
export interface Prompt {
  readonly text: string
  readonly ids: readonly number[]
}

/** Reads conversations as Hither does. */
export function openOwnPrompts(): (messages: readonly ChatMessage[]) => Prompt {
  const model = smollm2Model()
  const codec = openTextCodec(model, model)
  const template = openChatTemplate(model.template, { eos: model.config.eos_token })
  return (messages) => {
    const text = template.render({ messages })
    return { text, ids: codec.encode(text, { whole: false }) }
  }
}

function builtFolder(): string {
  env.allowRemoteModels = false
  const { folder } = smollm2Model()
  return folder
}

/** Reads conversations as Transformers.js does. */
export async function openOraclePrompts(): Promise<(messages: readonly ChatMessage[]) => Prompt> {
  const tokenizer = await AutoTokenizer.from_pretrained(builtFolder())
  const chat_template = smollm2Model().template
  return (messages) => {
    const chat = messages.map(({ role, content }) => ({ role, content }))
    const text = tokenizer.apply_chat_template(chat, { chat_template, tokenize: false, add_generation_prompt: true })
    return { text: String(text), ids: tokenizer.encode(String(text), { add_special_tokens: false }) }
  }
}

/** Goes on with a prompt, greedy; the token that ends the answer is the last one. */
export interface Oracle {
  write(prompt: readonly number[], newTokens: number): Promise<readonly number[]>
  close(): Promise<unknown>
}

export async function openOwnLoop(precision: OraclePrecision): Promise<Oracle> {
  const { folder, ends, contextTokens } = smollm2Model()
  const session = await InferenceSession.create(`${folder}${files[precision]}`, oneThread)
  const decoder = createDecoder(session, Tensor)
  if (typeof decoder === 'string') throw new Error(decoder)
  return {
    async write(prompt, maxTokens) {
      const prefixes = createRememberedPrefixes(0)
      const options = { decoder, prefixes, prompt, sampling: greedy, maxTokens, contextTokens, pause: async () => {} }
      const ids: number[] = []
      for await (const id of writeTokens({ ...options, ends: new Set() })) {
        ids.push(id)
        if (ends.has(id)) break
      }
      return ids
    },
    close: () => session.release(),
  }
}

export async function openTransformersLoop(precision: OraclePrecision): Promise<Oracle> {
  const options = { dtype: precision, device: 'cpu', session_options: oneThread } as const
  const model = await AutoModelForCausalLM.from_pretrained(builtFolder(), options)
  return {
    async write(prompt, newTokens) {
      const dims = [1, prompt.length]
      const sequences = await model.generate({
        inputs: new TheirTensor('int64', BigInt64Array.from(prompt, BigInt), dims),
        attention_mask: new TheirTensor('int64', new BigInt64Array(prompt.length).fill(1n), dims),
        max_new_tokens: newTokens,
        do_sample: false,
      } as never)
      return Array.from((sequences as { data: BigInt64Array }).data, Number).slice(prompt.length)
    },
    close: () => model.dispose(),
  }
}
