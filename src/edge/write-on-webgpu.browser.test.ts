import { afterEach, expect, test } from 'vitest'
import { greedy } from '../generation/sampling/sampling.ts'
import type { WriteRequest } from '../generation/writer/write-request.ts'
import { edgeFixture, fastWebgpu } from '../testing/edge-fixture.ts'
import { type TinyWriter, tinyWriter } from '../testing/tiny-writer.ts'
import type { EdgeEngine } from './edge-types.ts'

const { openEdge, closeAll } = edgeFixture()
afterEach(closeAll)

/** Where WASM may not run it, nothing has to be compared with that first. */
const onWebgpu = { ...fastWebgpu, backends: ['webgpu'] } as const

const request = (changes: Partial<WriteRequest> = {}): WriteRequest => ({
  prompt: { text: 'Once upon a time there was a king who had three sons, and the youngest' },
  answer: [],
  sampling: greedy,
  stops: [],
  maxTokens: 120,
  whenFull: 'refuse',
  ...changes,
})

async function write(edge: EdgeEngine, { manifest }: TinyWriter, wanted: WriteRequest) {
  const tokens: number[] = []
  const ids: number[] = []
  let cached = 0
  await edge.write(manifest, wanted, {
    onEvents(events) {
      for (const event of events) {
        if (event.type === 'text') tokens.push(...event.tokens)
        if (event.type === 'prompt') ids.push(...event.ids)
        if (event.type === 'read') cached = event.cached
      }
    },
  })
  return { tokens, ids, cached }
}

test('a graphics processor writes what WASM writes; its cache stays there, also of edited texts', async () => {
  const model = await tinyWriter()
  const [wasm, webgpu] = [openEdge(), openEdge(onWebgpu)]
  await wasm.load(model.manifest, model.readFiles)
  const { backend } = await webgpu.load(model.manifest, model.readFiles)
  expect(backend).toBe('webgpu')
  const whole = await write(wasm, model, request())
  expect(await write(webgpu, model, request())).toEqual(whole)
  // Another text with the same beginning, and the first one again: what they share is known.
  const edited = request({ prompt: { ids: [...whole.ids.slice(0, 40), 5, 6, 7] } })
  const [here, there] = [await write(wasm, model, edited), await write(webgpu, model, edited)]
  expect(there).toEqual(here)
  expect(there.cached).toBe(40)
  const rest = await write(webgpu, model, request({ prompt: { ids: whole.ids }, answer: whole.tokens.slice(0, 50) }))
  expect(rest.tokens).toEqual(whole.tokens.slice(50))
})

test('two texts at a time do not disturb each other there', async () => {
  const model = await tinyWriter()
  const [wasm, webgpu] = [openEdge(), openEdge(onWebgpu)]
  await wasm.load(model.manifest, model.readFiles)
  await webgpu.load(model.manifest, model.readFiles)
  const wanted = [request(), request({ prompt: { text: 'Once upon a time there was a queen' } })]
  const apart = [
    await write(wasm, model, wanted[0] as WriteRequest),
    await write(wasm, model, wanted[1] as WriteRequest),
  ]
  const together = await Promise.all(wanted.map((each) => write(webgpu, model, each)))
  expect(together.map(({ tokens }) => tokens)).toEqual(apart.map(({ tokens }) => tokens))
})
