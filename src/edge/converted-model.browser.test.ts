import { afterEach, expect, test } from 'vitest'
import { greedy } from '../generation/sampling/sampling.ts'
import type { ConvertedModel } from '../models/gguf/convert-gguf.ts'
import type { Precision } from '../models/gguf/gguf-weights.ts'
import { edgeFixture } from '../testing/edge-fixture.ts'
import { fakeManifest } from '../testing/fake-manifest.ts'
import { randomDecoder } from '../testing/random-decoder.ts'
import { referenceLogits } from '../testing/reference-decoder.ts'

const { openEdge, closeAll } = edgeFixture()
afterEach(closeAll)

interface Converted {
  readonly files: Record<string, Uint8Array>
  readonly facts: ConvertedModel['facts']
}

/** Converts a file in a worker of its own. */
async function convert(file: Uint8Array<ArrayBuffer>, precision: Precision): Promise<Converted> {
  const worker = new Worker(new URL('../testing/convert.worker.ts', import.meta.url), { type: 'module' })
  try {
    return await new Promise<Converted>((resolve, reject) => {
      worker.onmessage = ({ data }: MessageEvent<Converted>) => resolve(data)
      worker.onerror = ({ message }) => reject(new Error(message))
      worker.postMessage([new Blob([file]), { precision }])
    })
  } finally {
    worker.terminate()
  }
}

test.each(['fp32', 'q8', 'q4'] as const)('a GGUF file that a worker converted to %s writes here', async (precision) => {
  const { bytes, reference } = randomDecoder({ architecture: 'llama', format: 'Q4_0', tableFormat: 'Q8_0' })
  const { files, facts } = await convert(bytes, precision)
  const { graph, generation } = facts
  const fileAt = (path = '') => {
    const found = files[path]
    if (found === undefined) throw new Error(`no ${path}`)
    return found.slice()
  }
  const manifest = await fakeManifest(files, { name: 'converted', ...facts })
  const edge = openEdge()
  await edge.load(manifest, async () => ({
    graph: fileAt(graph),
    generation: {
      tokenizer: fileAt(generation?.tokenizer),
      tokenizerConfig: fileAt(generation?.tokenizerConfig),
    },
  }))
  const ids = [72, 101, 108, 108]
  const written: number[] = []
  await edge.write(
    manifest,
    {
      prompt: { ids },
      answer: [],
      ...{ sampling: greedy, stops: [], maxTokens: 1, whenFull: 'refuse' },
    },
    {
      onEvents(events) {
        for (const event of events) if (event.type === 'text') written.push(...event.tokens)
      },
    },
  )
  const logits = referenceLogits(reference, ids)
  const likeliest = logits.indexOf(Math.max(...logits))
  // 8 bits may prefer another one of those that are as good as the likeliest.
  const [first = -1] = written
  if (precision === 'q8') expect(logits[first]).toBeGreaterThan(Math.max(...logits) - 1)
  else expect(first).toBe(likeliest)
})
