import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import * as v from 'valibot'
import { type Manifest, manifestSchema } from '../../src/contracts/manifest.ts'
import { textToTensor } from '../../src/tasks/text/text-to-tensor.ts'

/** A text model as it is shipped. */
export interface TextModel {
  readonly manifest: Manifest
  readonly labels: readonly string[]
  /** One probability for each label. */
  run(text: string): Promise<Float32Array>
}

/** Opens the model in `folder`, beside its manifest, on one thread of onnxruntime-node. */
export async function openTextModel(folder: string): Promise<TextModel> {
  const manifest = v.parse(manifestSchema, JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8')))
  const { labels = [], preprocessing } = manifest
  if (preprocessing?.kind !== 'text') throw new Error('the model takes no text')
  const session = await InferenceSession.create(join(folder, manifest.graph), {
    intraOpNumThreads: 1,
    logSeverityLevel: 3,
  })
  return {
    manifest,
    labels,
    async run(text) {
      const { data, dims } = textToTensor(text, preprocessing)
      const { probabilities } = await session.run({ text: new Tensor('int32', Int32Array.from(data, Number), dims) })
      return v.parse(v.instance(Float32Array), probabilities?.data)
    },
  }
}
