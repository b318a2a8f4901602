import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const folder = fileURLToPath(new URL('../../.cache/smollm2/', import.meta.url))

/** SmolLM2-135M-Instruct, where `npx tsx bench/generate/build-smollm2.ts` has built it. */
export const hasSmollm2 = existsSync(`${folder}tokenizer.json`)
if (!hasSmollm2) console.log('SmolLM2 is not built (npx tsx bench/generate/build-smollm2.ts): it is not tried')

const json = (name: string): unknown => JSON.parse(readFileSync(`${folder}${name}`, 'utf8'))

/** Its files, in the layout of the hub. */
export const smollm2Model = () => ({
  folder,
  tokenizer: json('tokenizer.json'),
  config: json('tokenizer_config.json') as { readonly eos_token: string },
  template: readFileSync(`${folder}chat_template.jinja`, 'utf8'),
  vocabulary: 49_152,
  contextTokens: 8_192,
  ends: new Set([0, 2]),
})
