import type { TensorMap } from '../../contracts/tensor.ts'
import { detectWebgpu } from '../../device/detect-webgpu.ts'
import { measureWebgpu } from '../../device/measure-webgpu.ts'
import { measureWebnn } from '../../device/measure-webnn.ts'
import { CapabilityError } from '../../errors/capability-error.ts'
import { ConfigError } from '../../errors/config-error.ts'
import { ModelError } from '../../errors/model-error.ts'
import { type Catalogue, createCatalogue } from '../../models/catalogue.ts'
import { type ModelStore, openModelStore } from '../../models/model-store.ts'
import { openRecords, type Records } from '../../models/records.ts'
import { unpackInputs } from '../../protocol/unpack-inputs.ts'
import { detectionsFor } from '../../tasks/answer-for.ts'
import { prepareInputs } from '../../tasks/prepare-inputs.ts'
import { prepareText } from '../../tasks/prepare-text.ts'
import { createSoundWindows, type SoundWindows } from '../../tasks/sound-windows.ts'
import { exposeMethods, handOver } from '../../utils/worker-methods.ts'
import type { BackgroundMethods } from './background-types.ts'

interface Opened {
  readonly records: Records
  readonly store: ModelStore
  readonly catalogue: Catalogue
}

let opening: Promise<Opened> | undefined
const tasks = new Map<number, AbortController>()
const sounds = new Map<number, SoundWindows>()

async function openAll(catalogUrl: string): Promise<Opened> {
  const records = await openRecords()
  const store = await openModelStore({ records })
  return { records, store, catalogue: createCatalogue({ url: catalogUrl, records }) }
}

function opened(): Promise<Opened> {
  if (opening === undefined) throw new ConfigError('config-invalid', 'The background worker was not opened.')
  return opening
}

/** The memory of these tensors: handed over, it is not copied. */
const buffersOf = (tensors: TensorMap): ArrayBuffer[] => [
  ...new Set(
    Object.values(tensors).flatMap(({ data }) =>
      ArrayBuffer.isView(data) && data.buffer instanceof ArrayBuffer ? [data.buffer] : [],
    ),
  ),
]

const methods: BackgroundMethods = {
  async open(catalogUrl) {
    opening ??= openAll(catalogUrl)
    const { store } = await opening
    return { persistent: store.persistent }
  },

  async models() {
    const { catalogue } = await opened()
    return (await catalogue.list()).map(({ name }) => name)
  },

  async manifest(name) {
    return (await opened()).catalogue.manifest(name)
  },

  async storedState(name) {
    const { catalogue, store } = await opened()
    return store.state(await catalogue.manifest(name))
  },

  async install(name, taskId, onProgress) {
    const controller = new AbortController()
    tasks.set(taskId, controller)
    try {
      const { catalogue, store } = await opened()
      const manifest = await catalogue.manifest(name)
      await store.install(manifest, catalogue.baseUrl(manifest), { signal: controller.signal, onProgress })
    } finally {
      tasks.delete(taskId)
    }
  },

  abort(taskId) {
    tasks.get(taskId)?.abort()
  },

  async readFiles(name) {
    const { catalogue, store } = await opened()
    const manifest = await catalogue.manifest(name)
    const files = await store.read(manifest)
    const fileAt = (path: string) => {
      const data = files.get(path)
      if (data === undefined) throw new ModelError('stored-model-damaged', `The stored model has no ${path}.`)
      return data
    }
    const graph = fileAt(manifest.graph)
    const externalData = manifest.externalData?.map((path) => ({ path, data: fileAt(path) }))
    return handOver({ graph, externalData }, [graph.buffer, ...(externalData ?? []).map(({ data }) => data.buffer)])
  },

  async remove(name) {
    const { catalogue, store } = await opened()
    await store.remove(await catalogue.manifest(name))
  },

  async modelFor(task) {
    const { catalogue } = await opened()
    for (const { name } of await catalogue.list()) {
      // A model whose manifest can't be had must not hide the ones behind it.
      const manifest = await catalogue.manifest(name).catch(() => undefined)
      if (manifest?.task === task) return name
    }
    return undefined
  },

  async prepareInputs(name, picture, full) {
    const { catalogue } = await opened()
    const prepared = await prepareInputs(await catalogue.manifest(name), picture, full)
    return handOver(prepared, buffersOf(prepared.inputs))
  },

  async prepareText(name, text) {
    const { catalogue } = await opened()
    return prepareText(await catalogue.manifest(name), text)
  },

  async unpackInputs(name, inputs) {
    const { catalogue } = await opened()
    const unpacked = unpackInputs((await catalogue.manifest(name)).wire, inputs)
    return handOver(unpacked, buffersOf(unpacked))
  },

  async openSound(name, soundId, rateHz) {
    const { preprocessing } = await (await opened()).catalogue.manifest(name)
    if (preprocessing?.kind !== 'sound') {
      throw new ModelError('manifest-invalid', `The manifest of “${name}” does not say how sound is read.`)
    }
    sounds.set(soundId, createSoundWindows(preprocessing, rateHz))
  },

  async pushSound(soundId, channels, last) {
    const windows = sounds.get(soundId)
    if (windows === undefined) {
      throw new CapabilityError('worker-unavailable', 'The worker that heard this sound has ended. Start again.')
    }
    const full = windows.push(channels, last)
    return handOver(full, [full.buffer])
  },

  closeSound(soundId) {
    sounds.delete(soundId)
  },

  async detections(name, outputs, view) {
    const { catalogue } = await opened()
    return detectionsFor(await catalogue.manifest(name), outputs, view)
  },

  detectAdapter: async () => (await detectWebgpu())?.facts,

  measureWebgpu: () => measureWebgpu(),

  measureWebnn: () => measureWebnn(),

  readRecord: async (key) => (await opened()).records.get(key),

  writeRecord: async (key, value) => (await opened()).records.set(key, value),
}

exposeMethods(methods)
