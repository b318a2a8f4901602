import type { Manifest } from '../../contracts/manifest.ts'
import { ModelError } from '../../errors/model-error.ts'
import { type OnnxHeader, readOnnx } from '../onnx/read-onnx.ts'
import { toFetchEnvironment } from '../transfer/fetch-environment.ts'
import type { AddOptions, AddSource } from './add-source.ts'
import { claimName, wishName } from './claim-name.ts'
import { describeModel, keepKnown } from './describe-model.ts'
import { weightPaths } from './given-files.ts'
import { type HubAddress, type HubModel, readHubModel } from './hub-model.ts'
import { assertWeightsFit } from './weights-fit.ts'

const placeholder = { name: 'unknown', type: 'float32', shape: [] } as const

/** The graph's inputs and outputs are read from the file once it is stored. No list shows the record until then. */
const unknown: OnnxHeader = {
  opset: 1,
  inputs: [placeholder],
  outputs: [placeholder],
  externalData: [],
  outside: [],
  weights: 1,
}

/** The weights that the graph names and that are not called as a hub's usually are. */
async function namedWeights(header: OnnxHeader, { files, beside }: HubModel, title: string) {
  const missing = weightPaths(header).filter((path) => !files.some((file) => file.path === path))
  const found = await Promise.all(missing.map(async (path) => ({ path, file: await beside(path) })))
  return found.map(({ path, file }) => {
    if (file !== undefined) return file
    throw new ModelError('onnx-unreadable', `The weights of “${title}” lie in “${path}”, which the repository lacks.`)
  })
}

/** Adds the model of a repository on a hub. @see addModel */
export async function addFromHub(source: AddSource, hub: HubAddress, options: AddOptions): Promise<string> {
  const { store, registry, signal, onProgress } = options
  const environment = toFetchEnvironment(options)
  const { precision } = source
  const title = source.title ?? hub.repository
  const model = await readHubModel(hub, { environment, offer: await options.offer(), precision, signal })
  const wished = wishName(source.name, hub.repository.split('/').at(-1) ?? hub.repository)
  return claimName(wished, model.files, options, async (name, known, isNamed) => {
    if (known !== undefined) {
      const manifest = keepKnown(known, model.files, source.title)
      await store.install(manifest, '', { signal, onProgress })
      await registry.add(manifest, isNamed)
      return
    }
    const facts = { ...model, name, title }
    let stored: Manifest = describeModel(facts, unknown)
    try {
      await store.install(stored, '', { signal, onProgress })
      const header = await readOnnx(await store.source(stored, stored.graph))
      const files = [...model.files, ...(await namedWeights(header, model, title))]
      assertWeightsFit(header, files)
      const manifest = describeModel({ ...facts, files }, header)
      if (files.length > model.files.length) await store.install(manifest, '', { signal, onProgress })
      stored = manifest
    } catch (error) {
      // A download that was cut goes on when it is added again.
      if ((await store.state(stored)).status === 'stored') await store.remove(stored)
      throw error
    }
    await store.redescribe(stored)
    await registry.add(stored, isNamed)
  })
}
