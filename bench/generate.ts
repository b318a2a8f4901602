import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { openTextCodec } from '../src/generation/prompt/text-codec.ts'
import { hasSmollm2, smollm2Model } from '../src/testing/smollm2-model.ts'
import { type Arm, arms, isArm, usualArms } from './generate/arms.ts'
import { measureReuse } from './generate/measure-reuse.ts'
import { measureSpeed } from './generate/measure-speed.ts'
import { createPrompts } from './generate/prompts.ts'
import { openWriter } from './generate/writer-pages.ts'
import type { Bench } from './support/bench.ts'
import { openBenchBrowser } from './support/bench-browser.ts'
import { openEdgeSite } from './support/edge-site.ts'
import { sharedPath } from './support/shared-models.ts'

const tales = join(sharedPath('../data/tales'), 'grimms-fairy-tales.txt')
const numbersOf = (text: string) => text.split(',').map(Number)

/**
 * How fast text comes, on WASM: until the first token after prompts of several lengths, and from token to token there.
 * SmolLM2-135M by `client.generate`, by its loop alone, by Transformers.js on the same weights, and by wllama on the GGUF
 * file that they are from. Then what Hither's cache of keys and values saves.
 *
 * `--rounds 12`, `--tokens 16` written a measurement, `--contexts 32,256,512`, `--threads 1,2`, `--conversations 200`,
 * `--arms hither-q8,wllama`, `--only speed,reuse`, `--verbose`.
 */
export const bench: Bench = async (flags, print) => {
  if (!existsSync(tales) || !hasSmollm2) {
    print('SmolLM2 is not built (npx tsx bench/generate/build-smollm2.ts), or ../shared/data/tales is not there')
    return {}
  }
  const rounds = Number(flags.value('rounds') ?? 12)
  const tokens = Number(flags.value('tokens') ?? 16)
  const conversations = Number(flags.value('conversations') ?? 200)
  const contexts = numbersOf(flags.value('contexts') ?? '32,256,512')
  const names = flags.value('arms')?.split(',').filter(isArm) ?? usualArms
  const only = flags.value('only')?.split(',') ?? ['speed', 'reuse']
  const model = smollm2Model()
  const text = readFileSync(tales, 'utf8').slice(20_000, 420_000)
  const prompts = createPrompts(text, openTextCodec(model, model))

  const site = await openEdgeSite({
    pages: [...new Set(names.map((name) => arms[name].page))],
    models: [],
    files: Object.fromEntries(names.flatMap((name) => Object.entries(arms[name].files))),
    modelFolders: Object.fromEntries(names.flatMap((name) => Object.entries((arms[name] as Arm).models ?? {}))),
  })
  const figures: Record<string, unknown>[] = []
  try {
    for (const threads of numbersOf(flags.value('threads') ?? '1,2')) {
      // Memory is measured without the browser's usual wait.
      const browser = await openBenchBrowser(['--enable-blink-features=ForceEagerMeasureMemory'])
      try {
        const options = { origin: site.origin, names, prompts, threads, rounds, contexts, tokens, print }
        const isVerbose = flags.has('verbose')
        const speed = only.includes('speed') ? await measureSpeed(browser, { ...options, isVerbose }) : undefined
        const own = names.find((name) => name === 'client-q8' || name === 'hither-q8')
        if (!only.includes('reuse') || own === undefined) {
          figures.push({ threads, speed })
          continue
        }
        const page = await openWriter(browser, site.origin, own, threads, print)
        figures.push({ threads, speed, reuse: await measureReuse(page, prompts, { rounds, conversations }, print) })
      } finally {
        await browser.close()
      }
    }
  } finally {
    await site.close()
  }
  return { model: 'SmolLM2-135M-Instruct', rounds, tokens, contexts, figures }
}
