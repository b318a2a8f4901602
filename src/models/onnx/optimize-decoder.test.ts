import { InferenceSession, Tensor } from 'onnxruntime-node'
import { describe, expect, test } from 'vitest'
import { createDecoder } from '../../generation/decoder/create-decoder.ts'
import { type ExportedKind, exportedDecoder, exportedLayers, gather } from '../../testing/exported-decoder.ts'
import { blobSource } from './byte-source.ts'
import { createGraphBuilder } from './graph-builder.ts'
import { optimizeDecoder } from './optimize-decoder.ts'
import { writeOnnx } from './write-onnx.ts'

const ids = [3, 17, 4, 4, 39, 0, 21, 8, 30]

/** Logits after a text that is read in three pieces, and how many tokens the last run gave logits of. */
async function run(bytes: Uint8Array) {
  const session = await InferenceSession.create(bytes, { intraOpNumThreads: 1 })
  try {
    let rows = 0
    const decoder = createDecoder(
      {
        inputMetadata: session.inputMetadata,
        inputNames: session.inputNames,
        outputNames: session.outputNames,
        run: async (feeds: Parameters<typeof session.run>[0]) => {
          const outputs = await session.run(feeds)
          rows = outputs.logits?.dims[1] ?? 0
          return outputs
        },
      } as InferenceSession,
      Tensor,
    )
    if (typeof decoder === 'string') throw new Error(decoder)
    let { logits, keyValues } = await decoder.read(ids.slice(0, 4), decoder.start)
    ;({ logits, keyValues } = await decoder.read(ids.slice(4, 5), keyValues))
    ;({ logits } = await decoder.read(ids.slice(5), keyValues))
    return { logits: [...logits], rows, operators: Buffer.from(bytes).toString('latin1') }
  } finally {
    await session.release()
  }
}

const optimize = (bytes: Uint8Array<ArrayBuffer>) => optimizeDecoder(blobSource(new Blob([bytes])))

test.each<ExportedKind>([{}, { rotary: true }, { packed: true, rotary: true }, { window: 3, rotary: true }])(
  'a rewritten decoder answers the same: %o',
  async (kind) => {
    const bytes = await exportedDecoder(kind)
    const optimized = await optimize(bytes)
    expect(optimized).toMatchObject({ attentions: exportedLayers, cutsLogits: true })
    const [before, after] = [await run(bytes), await run(await gather(optimized.pieces()))]
    expect(before.rows).toBe(4)
    expect(after.rows).toBe(1)
    expect(after.operators).not.toContain('GroupQueryAttention')
    expect(Math.max(...before.logits) - Math.min(...before.logits)).toBeGreaterThan(0.5)
    for (const [index, value] of before.logits.entries()) expect(after.logits[index]).toBeCloseTo(value, 4)
  },
)

test('what was rewritten once has nothing more to rewrite', async () => {
  const once = await gather((await optimize(await exportedDecoder({}))).pieces())
  const twice = await optimize(once)
  expect(twice.attentions).toBe(0)
  expect((await run(await gather(twice.pieces()))).logits).toEqual((await run(once)).logits)
})

test('logits stay where something else needs what they are made of', async () => {
  const optimized = await optimize(await exportedDecoder({ showsProduct: true }))
  const after = await run(await gather(optimized.pieces()))
  expect(after.rows).toBe(4)
  expect(optimized.cutsLogits).toBe(false)
})

describe('what is not rewritten is refused', () => {
  test('an attention with a setting that is not known', async () => {
    await expect(optimize(await exportedDecoder({ softcap: 30 }))).rejects.toMatchObject({
      code: 'onnx-unsupported',
      message: expect.stringMatching(/softcap/),
    })
  })

  test('what is no decoder, and what is no model', async () => {
    const graph = createGraphBuilder()
    graph.name(graph.add('Neg', ['x']), 'y')
    const value = (name: string) => ({ name, type: 'float32' as const, shape: [1] })
    const other = { inputs: [value('x')], outputs: [value('y')], nodes: graph.nodes, weights: [], opsets: { '': 18 } }
    await expect(optimize(await gather(writeOnnx(other)))).rejects.toMatchObject({ code: 'onnx-unsupported' })
    await expect(optimize(new TextEncoder().encode('nothing of that kind'))).rejects.toMatchObject({
      code: 'onnx-unreadable',
    })
  })
})
