// node scripts/write-stories-ids.mjs: writes src/testing/recorded/stories260k-ids.jsonl: what Transformers.js makes of 100 prompts with
// ../shared/models/stories260k: their ids, and 100 greedy tokens more. The prompts are drawn from ../shared/data/tales
// with a fixed seed; ten are of what fairy tales lack. Tests hold the loop of src/generation against the file, also in
// browsers, where Transformers.js would bring a runtime of its own.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { AutoModelForCausalLM, AutoTokenizer, env } from '@huggingface/transformers'

const root = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url))
const [model, folder, out] = [
  'stories260k',
  root('../shared/data/tales/'),
  root('src/testing/recorded/stories260k-ids.jsonl'),
]
const [drawn, newTokens, seed] = [90, 100, 19]
const others = [
  'Once upon a time',
  'Lily',
  ' a blank before it',
  'two  blanks,\n\nand lines\n',
  'Zoë and the naïve café',
  '从前有一个小女孩',
  'A dog 🐶 and a family 👨‍👩‍👧 went',
  '1, 2, 3, 12345',
  'e\u0301\u0323 and \u200b\u00a0 no letters \u0000',
  '"',
]

/** Park and Miller 1988: the next of a sequence of numbers, in [0, 1). */
function createRandom(start) {
  let state = start
  return () => {
    state = (state * 48_271) % 2_147_483_647
    return state / 2_147_483_647
  }
}

function drawPrompts() {
  const random = createRandom(seed)
  const files = readdirSync(folder)
    .filter((name) => name.endsWith('.txt'))
    .sort()
  return Array.from({ length: drawn }, () => {
    const text = readFileSync(`${folder}${files[Math.floor(random() * files.length)]}`, 'utf8')
    const start = Math.floor(random() * (text.length - 1_000))
    const words = text.slice(text.indexOf(' ', start) + 1).split(' ')
    return words.slice(0, 1 + Math.floor(random() * 40)).join(' ')
  })
}

env.allowRemoteModels = false
env.localModelPath = root('../shared/models/')
const tokenizer = await AutoTokenizer.from_pretrained(model)
const decoder = await AutoModelForCausalLM.from_pretrained(model, {
  dtype: 'fp32',
  device: 'cpu',
  session_options: { intraOpNumThreads: 1 },
})
const rows = []
for (const text of [...others, ...drawPrompts()]) {
  const inputs = tokenizer(text)
  const sequences = await decoder.generate({ ...inputs, max_new_tokens: newTokens, do_sample: false })
  const ids = Array.from(sequences.data, Number)
  const prompt = Array.from(inputs.input_ids.data, Number)
  rows.push({ text, prompt, answer: ids.slice(prompt.length) })
}
const lines = [{ transformers: env.version, newTokens }, ...rows].map((row) => `${JSON.stringify(row)}\n`)
writeFileSync(out, lines.join(''))
console.log(`${rows.length} prompts, ${rows.reduce((sum, { answer }) => sum + answer.length, 0)} tokens: ${out}`)
