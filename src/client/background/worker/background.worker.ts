import { detectWebgpu } from '../../../device/detect-webgpu.ts'
import { measureWebgpu } from '../../../device/measure-webgpu.ts'
import { measureWebnn } from '../../../device/measure-webnn.ts'
import { ConfigError } from '../../../errors/config-error.ts'
import { ModelError } from '../../../errors/model-error.ts'
import { unpackInputs } from '../../../protocol/tensors/unpack-inputs.ts'
import { detectionsFor } from '../../../tasks/decode/answer-for.ts'
import { prepareInputs } from '../../../tasks/pictures/prepare-inputs.ts'
import { prepareText } from '../../../tasks/text/prepare-text.ts'
import { handOver } from '../../../utils/calls/hand-over.ts'
import { servePage } from '../../../utils/calls/serve-page.ts'
import { lazyPart } from '../../../utils/lazy-part.ts'
import { tensorBuffers } from '../../../utils/tensor-buffers.ts'
import type { BackgroundMethods } from './background-types.ts'
import { createModelMethods } from './model-methods.ts'
import { type OpenedModels, openModels } from './open-models.ts'

let opening: Promise<OpenedModels> | undefined

function opened(): Promise<OpenedModels> {
  if (opening === undefined) throw new ConfigError('config-invalid', 'The background worker was not opened.')
  return opening
}

/** Only a page that shows what a slow network does pretends one. */
const simulation = lazyPart('pretends a network', () => import('../../../network/simulated-network.ts'))
/** Resampling and cutting of sound is a file of its own: most pages hear none. */
const soundWindows = lazyPart('hears sound', () => import('../../../tasks/sound/sound-windows.ts'))

const methods: BackgroundMethods = {
  ...createModelMethods(async () => opened()),

  async open(settings, token, onTraffic) {
    opening ??= (async () => {
      const { network } = settings
      // This worker is one client's alone: all that it fetches is as on the network that the client pretends.
      if (network !== undefined) {
        const { shapeFetch } = await simulation.get()
        globalThis.fetch = shapeFetch(globalThis.fetch.bind(globalThis), network)
      }
      return openModels(settings, token, onTraffic)
    })()
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

  async prepareInputs(by, picture, full) {
    const prepared = await prepareInputs(by, picture, full)
    return handOver(prepared, tensorBuffers(prepared.inputs))
  },

  prepareText: async (by, text) => prepareText(by, text),

  async unpackInputs({ wire }, inputs) {
    const unpacked = unpackInputs(wire, inputs)
    return handOver(unpacked, tensorBuffers(unpacked))
  },

  async openSound({ name, preprocessing }, rateHz) {
    if (preprocessing?.kind !== 'sound') {
      throw new ModelError('manifest-invalid', `The manifest of “${name}” does not say how sound is read.`)
    }
    const { createSoundWindows } = await soundWindows.get()
    const windows = createSoundWindows(preprocessing, rateHz)
    return {
      async push(channels, last) {
        const full = windows.push(channels, last)
        return handOver(full, [full.buffer])
      },
    }
  },

  detections: async (by, outputs, view) => detectionsFor(by, outputs, view),

  detectAdapter: async () => (await detectWebgpu())?.facts,

  measureWebgpu: (budgetMs) => measureWebgpu({ budgetMs }),

  measureWebnn: (budgetMs) => measureWebnn({ budgetMs }),

  readRecord: async (key) => (await opened()).records.get(key),

  writeRecord: async (key, value) => (await opened()).records.set(key, value),
}

servePage(methods)
