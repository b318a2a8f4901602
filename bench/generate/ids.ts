import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Browser } from 'playwright'
import { openTextCodec } from '../../src/generation/prompt/text-codec.ts'
import type { GenerateInput } from '../../src/index.ts'
import { hasSmollm2, smollm2Model } from '../../src/testing/smollm2-model.ts'
import { storiesIds } from '../../src/testing/stories-ids.ts'
import { hasStoriesModel, storiesTexts, storiesWriter } from '../../src/testing/stories-model.ts'
import type { Bench } from '../support/bench.ts'
import { openBenchBrowser, softwareAdapter } from '../support/bench-browser.ts'
import { openEdgeSite } from '../support/edge-site.ts'
import { arms } from './arms.ts'
import { textsInBrowser } from './browser-texts.ts'
import { conversations, newTokens } from './conversations.ts'
import { type OraclePrecision, openOraclePrompts, openOwnLoop, openOwnPrompts, openTransformersLoop } from './oracle.ts'
import { openWriter, write } from './writer-pages.ts'

const all = { precision: 'fp32,q8', places: 'node,wasm,webgpu' }

type Print = (line: string) => void
interface Wanted {
  readonly input: GenerateInput
  /** What Transformers.js makes of it. */
  readonly text: string
}

/** Whether the loop of `src/generation` writes the ids of Transformers.js, both in Node on the same files. */
async function compareInNode(precisions: readonly OraclePrecision[], print: Print) {
  const [own, oracle] = [openOwnPrompts(), await openOraclePrompts()]
  const prompts = conversations.map((messages) => ({ own: own(messages), oracle: oracle(messages) }))
  const alike = prompts.filter((each) => JSON.stringify(each.own) === JSON.stringify(each.oracle)).length
  print(`SmolLM2, prompts alike, as text and as ids: ${alike} of ${prompts.length}`)
  const figures: Record<string, unknown> = { prompts: prompts.length, alike }
  for (const precision of precisions) {
    const [ours, theirs] = [await openOwnLoop(precision), await openTransformersLoop(precision)]
    const rows: { readonly tokens: number; readonly differsAt: number | undefined }[] = []
    for (const [index, { oracle: prompt }] of prompts.entries()) {
      const [a, b] = [await ours.write(prompt.ids, newTokens), await theirs.write(prompt.ids, newTokens)]
      const at = b.findIndex((id, place) => a[place] !== id)
      const differsAt = at >= 0 ? at : a.length === b.length ? undefined : b.length
      rows.push({ tokens: b.length, differsAt })
      if (differsAt !== undefined) print(`  ${precision}, conversation ${index}: another token at ${differsAt}`)
    }
    await ours.close()
    await theirs.close()
    const same = rows.filter(({ differsAt }) => differsAt === undefined).length
    const tokens = rows.reduce((sum, row) => sum + row.tokens, 0)
    print(`SmolLM2, ${precision}, Node: ${same} of ${rows.length} answers have the same ids, ${tokens} tokens in all`)
    figures[precision] = { same, of: rows.length, tokens, rows }
  }
  return figures
}

/** Whether `client.generate` of the built library writes the texts that these ids are. */
async function compareInBrowser(
  browser: Browser,
  origin: string,
  options: { readonly model: string; readonly backend: 'wasm' | 'webgpu'; readonly maxTokens: number },
  wanted: readonly Wanted[],
  print: Print,
) {
  const { model, backend, maxTokens } = options
  const inputs = wanted.map(({ input }) => input)
  const written = await textsInBrowser(browser, origin, { model, backend }, inputs, maxTokens, print)
  const others = wanted.flatMap(({ text }, index) => (written[index] === text ? [] : [index]))
  const same = wanted.length - others.length
  print(
    `${model}, ${backend === 'wasm' ? 'WASM' : 'software WebGPU'}: ${same} of ${wanted.length} answers are the same`,
  )
  if (others.length > 0) print(`  not those to the prompts ${others.join(', ')}`)
  return { model, backend, same, of: wanted.length }
}

/** What the recorded ids of stories260k are as texts. */
function storiesWanted(): readonly Wanted[] {
  const textOf = storiesTexts()
  return storiesIds().rows.map((row) => ({ input: { prompt: row.text }, text: textOf(row) }))
}

const oracle = 'transformers-q8-own-graph'

/** What Transformers.js writes to the conversations in the browser, with the same file. */
async function smollm2Wanted(browser: Browser, origin: string, print: Print): Promise<readonly Wanted[]> {
  const model = smollm2Model()
  const codec = openTextCodec(model, model)
  const read = openOwnPrompts()
  const page = await openWriter(browser, origin, oracle, 1, print)
  const wanted: Wanted[] = []
  for (const messages of conversations) {
    // The contender's page writes on over the end of an answer.
    const { ids } = await write(page, read(messages), newTokens)
    const end = ids.findIndex((id) => model.ends.has(id))
    wanted.push({ input: { messages }, text: codec.decode(end < 0 ? ids : ids.slice(0, end)) })
  }
  await page.context().close()
  return wanted
}

/**
 * Whether Hither writes the tokens that Transformers.js writes, greedy, on the same files: stories260k to a hundred
 * prompts, a hundred tokens each, and SmolLM2 to twenty conversations by its chat template, 64 tokens each. In Node by
 * their ids (for stories260k, a test of `npm test` does it); in Chromium by the text that they are, written by
 * `client.generate` of the built library. SmolLM2 is held against Transformers.js in Chromium there: its products of whole
 * numbers are rounded otherwise than in Node.
 *
 * `--precision fp32,q8,q4` of SmolLM2 in Node; in the browser it is 8 bits on WASM. `--places node,wasm,webgpu`; WebGPU is
 * a software adapter, with stories260k alone.
 */
export const bench: Bench = async (flags, print) => {
  const precisions = (flags.value('precision') ?? all.precision).split(',') as OraclePrecision[]
  const places = (flags.value('places') ?? all.places).split(',')
  if (!hasSmollm2) print('SmolLM2 is not built: npx tsx bench/generate/build-smollm2.ts')
  const node = hasSmollm2 && places.includes('node') ? await compareInNode(precisions, print) : undefined
  const backends = (['wasm', 'webgpu'] as const).filter((backend) => places.includes(backend))
  if (backends.length === 0) return { node }

  const folder = mkdtempSync(join(tmpdir(), 'hither-stories-'))
  try {
    if (hasStoriesModel) await writeStories(folder)
    const site = await openEdgeSite({
      pages: ['generate-client', arms[oracle].page],
      models: [],
      files: hasSmollm2 ? arms[oracle].files : {},
      modelFolders: {
        ...(hasStoriesModel && { stories260k: folder }),
        ...(hasSmollm2 && { 'smollm2-q8-hub': `${smollm2Model().folder}models/smollm2-q8-hub` }),
      },
    })
    const browser = await openBenchBrowser(softwareAdapter)
    const figures: unknown[] = []
    const compare = async (model: string, backend: 'wasm' | 'webgpu', maxTokens: number, wanted: readonly Wanted[]) =>
      figures.push(await compareInBrowser(browser, site.origin, { model, backend, maxTokens }, wanted, print))
    try {
      for (const backend of hasStoriesModel ? backends : [])
        await compare('stories260k', backend, storiesIds().newTokens, storiesWanted())
      if (hasSmollm2 && backends.includes('wasm'))
        await compare('smollm2-q8-hub', 'wasm', newTokens, await smollm2Wanted(browser, site.origin, print))
    } finally {
      await browser.close()
      await site.close()
    }
    return { node, browser: figures }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function writeStories(folder: string): Promise<void> {
  const { manifest, files } = await storiesWriter()
  const encoded = { ...files, 'manifest.json': new TextEncoder().encode(JSON.stringify(manifest)) }
  for (const [path, bytes] of Object.entries(encoded)) {
    const to = join(folder, manifest.revision, path)
    mkdirSync(dirname(to), { recursive: true })
    writeFileSync(to, bytes)
  }
}
