import type { ActivityDecoding } from '../../contracts/decoding.ts'
import type { Manifest } from '../../contracts/manifest.ts'
import type { SoundPreprocessing } from '../../contracts/preprocessing.ts'
import type { RouteRecord } from '../../contracts/route.ts'
import type { TensorMap } from '../../contracts/tensor.ts'
import { ModelError } from '../../errors/model-error.ts'
import { ValidationError } from '../../errors/validation-error.ts'
import { literalTensors } from '../../protocol/tensors/literal-tensors.ts'
import { tensorNumbers } from '../../protocol/tensors/tensor-numbers.ts'
import { zeroTensor } from '../../protocol/tensors/zero-tensor.ts'
import { createActivityFinder } from '../../tasks/sound/find-activity.ts'
import type { SoundSource } from '../../tasks/sound/sound-source.ts'
import { invariant } from '../../utils/invariant.ts'
import { isInstance } from '../../utils/is-instance.ts'
import type { RunModel } from '../request/model-run.ts'
import { plainTensors } from '../request/tensors/tensor-maps.ts'
import type { RunOptions } from '../types/run-types.ts'
import type { VoiceActivity, VoiceMoment, VoiceTask } from '../types/task-types.ts'
import { hearStream } from './hear-stream.ts'
import { readSound } from './read-sound.ts'
import type { TaskContext } from './task-context.ts'

interface VoiceModel {
  readonly manifest: Manifest
  readonly sound: SoundPreprocessing
  readonly decoding: ActivityDecoding
}

function voiceModelOf(manifest: Manifest): VoiceModel {
  const { preprocessing, decoding } = manifest
  if (preprocessing?.kind === 'sound' && decoding?.kind === 'activity') {
    return { manifest, sound: preprocessing, decoding }
  }
  throw new ModelError('manifest-invalid', `The manifest of “${manifest.name}” does not say how sound is read.`)
}

/** Inputs that every run of the model takes beside its sound and its state. */
const constantsOf = ({ sound }: VoiceModel): TensorMap => literalTensors(sound.constants ?? [])

const firstStateOf = ({ manifest }: VoiceModel): TensorMap =>
  Object.fromEntries(
    (manifest.state ?? []).map(({ input, shape }) => {
      const type = manifest.inputs.find(({ name }) => name === input)?.type ?? 'float32'
      return [input, zeroTensor(type, shape)]
    }),
  )

/**
 * Runs window after window. The state goes along with each: it is small, and so each window of a stream
 * may run on this device or in the cloud, also after an arm has failed.
 */
function createWindowRuns(runModel: RunModel, model: VoiceModel, options: RunOptions | undefined) {
  const { manifest, decoding } = model
  const [input] = manifest.inputs
  const constants = constantsOf(model)
  let state = firstStateOf(model)
  return async (window: Float32Array): Promise<{ probability: number; route: RouteRecord }> => {
    invariant(input !== undefined, 'a model has inputs')
    const inputs: TensorMap = {
      ...constants,
      ...state,
      [input.name]: { type: 'float32', dims: [1, window.length], data: window },
    }
    const { outputs, route } = await runModel(manifest.name, options, async () => inputs)
    const output = plainTensors(outputs)[decoding.output]
    const probability = (output && tensorNumbers(output)?.[0]) ?? Number.NaN
    if (!(probability >= 0 && probability <= 1)) {
      throw new ModelError('model-wrong-answer', 'The model gave an answer that makes no sense. Try again.', {
        context: { model: manifest.name },
      })
    }
    const after = (manifest.state ?? []).flatMap(({ input: to, output: from }) => {
      const tensor = outputs[from]
      return tensor === undefined ? [] : [[to, { type: tensor.type, dims: tensor.dims, data: tensor.data }] as const]
    })
    state = Object.fromEntries(after) as TensorMap
    return { probability, route }
  }
}

const isStream = (source: MediaStream | SoundSource): source is MediaStream => isInstance(source, 'MediaStream')

/** Finds where in a sound somebody speaks. */
export function createVoiceTask({ runModel, background, model, check, open }: TaskContext): VoiceTask {
  async function* listen(
    source: MediaStream | SoundSource,
    options: RunOptions = {},
  ): AsyncGenerator<VoiceMoment, void, void> {
    const { signal } = options
    signal?.throwIfAborted()
    await open()
    const manifest = await background.manifest(await model())
    check(manifest)
    const voice = voiceModelOf(manifest)
    const { windowSamples, contextSamples = 0, rateHz } = voice.sound
    const windowMs = (windowSamples / rateHz) * 1000
    const length = windowSamples + contextSamples
    const runWindow = createWindowRuns(runModel, voice, options)
    const finder = createActivityFinder(voice.decoding, windowMs)
    const heard = isStream(source) ? await hearStream(source, signal) : undefined
    const read = isStream(source) ? undefined : await readSound(source, rateHz, signal)
    const windows = await background.openSound(manifest, heard?.rateHz ?? read?.rateHz ?? rateHz)
    let atMs = 0

    async function* answer(samples: Float32Array, droppedMs: number): AsyncGenerator<VoiceMoment, void, void> {
      for (let at = 0; at < samples.length; at += length) {
        const { probability, route } = await runWindow(samples.slice(at, at + length))
        const active = finder.push(probability)
        const dropped = at === 0 ? droppedMs : 0
        yield { atMs, lengthMs: windowMs, probability, active, segments: finder.segments, droppedMs: dropped, route }
        atMs += windowMs
      }
    }
    try {
      if (read !== undefined) yield* answer(await windows.push(read.channels, true), 0)
      for await (const { channels, droppedMs } of heard?.pieces ?? []) {
        yield* answer(await windows.push(channels, false), droppedMs)
      }
    } finally {
      await heard?.close()
    }
  }

  return {
    listen,
    async run(sound, options) {
      const probabilities: number[] = []
      let last: VoiceMoment | undefined
      for await (const moment of listen(sound, options)) {
        probabilities.push(moment.probability)
        last = moment
      }
      if (last === undefined) throw new ValidationError('sound-empty', 'There is no sound in this.')
      const answer: VoiceActivity = {
        windowMs: last.lengthMs,
        probabilities: Float32Array.from(probabilities),
        segments: last.segments(),
      }
      return { answer, route: last.route }
    },
  }
}
