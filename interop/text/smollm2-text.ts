import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ChatMessage } from '../../src/contracts/chat.ts'
import { openChatTemplate } from '../../src/generation/prompt/chat-template.ts'
import { openTextCodec, type TextCodec } from '../../src/generation/prompt/text-codec.ts'

/** Its tokens, and its conversations as text. */
export interface Smollm2Text {
  readonly codec: TextCodec
  render(messages: readonly ChatMessage[]): string
}

/** @param folder the model's, with the manifest */
export async function openSmollm2Text(folder: string): Promise<Smollm2Text> {
  const json = async (name: string): Promise<unknown> => JSON.parse(await readFile(join(folder, name), 'utf8'))
  const { generation } = (await json('manifest.json')) as {
    readonly generation: { readonly vocabulary: number; readonly contextTokens: number }
  }
  const config = (await json('tokenizer_config.json')) as { readonly eos_token?: string; readonly bos_token?: string }
  const codec = openTextCodec({ tokenizer: await json('tokenizer.json'), config }, generation)
  const source = await readFile(join(folder, 'chat_template.jinja'), 'utf8')
  const template = openChatTemplate(source, { bos: config.bos_token, eos: config.eos_token })
  return { codec, render: (messages) => template.render({ messages }) }
}
