import type { TensorMap } from '../../../contracts/tensor.ts'
import { detectWebgpu } from '../../../device/detect-webgpu.ts'
import { measureWebgpu } from '../../../device/measure-webgpu.ts'
import { measureWebnn } from '../../../device/measure-webnn.ts'
import { CapabilityError } from '../../../errors/capability-error.ts'
import { ConfigError } from '../../../errors/config-error.ts'
import { ModelError } from '../../../errors/model-error.ts'
import { shapeFetch } from '../../../network/simulated-network.ts'
import { unpackInputs } from '../../../protocol/tensors/unpack-inputs.ts'
import { detectionsFor } from '../../../tasks/decode/answer-for.ts'
import { prepareInputs } from '../../../tasks/pictures/prepare-inputs.ts'
import { createSoundWindows, type SoundWindows } from '../../../tasks/sound/sound-windows.ts'
import { prepareText } from '../../../tasks/text/prepare-text.ts'
import { handOver } from '../../../utils/hand-over.ts'
import { exposeMethods } from '../../../utils/worker-methods.ts'
import type { BackgroundMethods } from './background-types.ts'
import { createModelMethods } from './model-methods.ts'
import { type OpenedModels, openModels } from './open-models.ts'

let opening: Promise<OpenedModels> | undefined
const sounds = new Map<number, SoundWindows>()

function opened(): Promise<OpenedModels> {
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
  ...createModelMethods(async () => opened()),

  async open(settings, token) {
    // This worker is one client's alone: all that it fetches is as on the network that the client pretends.
    if (settings.network !== undefined)
      globalThis.fetch = shapeFetch(globalThis.fetch.bind(globalThis), settings.network)
    opening ??= openModels(settings, token)
    const { store } = await opening
    return { persistent: store.persistent }
  },

  async modelFor(task) {
    const { registry } = await opened()
    for (const name of await registry.names()) {
      // A model whose manifest can't be had must not hide the ones behind it.
      const manifest = await registry.manifest(name).catch(() => undefined)
      if (manifest?.task === task) return name
    }
    return undefined
  },

  async prepareInputs(name, picture, full) {
    const { registry } = await opened()
    const prepared = await prepareInputs(await registry.manifest(name), picture, full)
    return handOver(prepared, buffersOf(prepared.inputs))
  },

  async prepareText(name, text) {
    const { registry } = await opened()
    return prepareText(await registry.manifest(name), text)
  },

  async unpackInputs(name, inputs) {
    const { registry } = await opened()
    const unpacked = unpackInputs((await registry.manifest(name)).wire, inputs)
    return handOver(unpacked, buffersOf(unpacked))
  },

  async openSound(name, soundId, rateHz) {
    const { preprocessing } = await (await opened()).registry.manifest(name)
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
    const { registry } = await opened()
    return detectionsFor(await registry.manifest(name), outputs, view)
  },

  detectAdapter: async () => (await detectWebgpu())?.facts,

  measureWebgpu: (budgetMs) => measureWebgpu({ budgetMs }),

  measureWebnn: (budgetMs) => measureWebnn({ budgetMs }),

  readRecord: async (key) => (await opened()).records.get(key),

  writeRecord: async (key, value) => (await opened()).records.set(key, value),
}

exposeMethods(methods)
