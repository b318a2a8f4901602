import type { Manifest, TaskName } from '../../contracts/manifest.ts'
import type { TensorMap } from '../../contracts/tensor.ts'
import { ValidationError } from '../../errors/validation-error.ts'
import type { Detections } from '../../tasks/decode/detect.ts'
import type { Background } from '../background/create-background.ts'
import type { Asked } from '../request/cascade.ts'
import type { RunOptions } from '../types/run-types.ts'
import type { PictureTask, TaskOptions, Tasks } from '../types/task-types.ts'

/**
 * Answers one request of a task.
 *
 * @param prepare turns what was given into the model's inputs; runs within the request's deadline
 */
export type AskModel = (
  model: string,
  options: RunOptions | undefined,
  prepare: (manifest: Manifest, signal: AbortSignal) => Promise<TensorMap>,
) => Promise<Asked>

/** What the tasks need of the client. */
export interface TaskParts {
  readonly ask: AskModel
  readonly background: Background
  /** Rejects once the client is closed. */
  readonly open: () => Promise<void>
}

/** One task with one model. */
export interface TaskContext extends TaskParts {
  /** Name of the model that answers. */
  model(): Promise<string>
  /** @throws {ValidationError} `options-invalid` when the model is of another task */
  check(manifest: Manifest): void
}

function contextOf(parts: TaskParts, task: TaskName, { model }: TaskOptions): TaskContext {
  return {
    ...parts,
    async model() {
      if (model !== undefined) return model
      await parts.open()
      const first = await parts.background.modelFor(task)
      if (first !== undefined) return first
      throw new ValidationError('unknown-model', `The catalogue has no model for ${task}. Name one in "model".`)
    },
    check(manifest) {
      if (manifest.task === task) return
      throw new ValidationError('options-invalid', `The model "${manifest.name}" is for ${manifest.task}, not ${task}.`)
    },
  }
}

/** The tasks of a client, each made when it is asked for. */
export function createTaskApi(parts: TaskParts): <K extends keyof Tasks>(name: K, options?: TaskOptions) => Tasks[K] {
  const makers: { readonly [K in keyof Tasks]: (options: TaskOptions) => Tasks[K] } = {
    'image-classification': (options) =>
      pictureTaskOf(async () =>
        (await import('./picture-tasks.ts')).createClassificationTask(
          contextOf(parts, 'image-classification', options),
        ),
      ),
    'face-detection': (options) => detectionTaskOf(contextOf(parts, 'face-detection', options)),
    'object-detection': (options) => detectionTaskOf(contextOf(parts, 'object-detection', options)),
    'text-classification': (options) => {
      const open = async () =>
        (await import('./text-task.ts')).createTextTask(contextOf(parts, 'text-classification', options))
      return { run: async (text, runOptions) => (await open()).run(text, runOptions) }
    },
    'voice-activity': (options) => voiceTaskOf(contextOf(parts, 'voice-activity', options)),
    tensors: (options) => {
      const { model, ask, background } = contextOf(parts, 'tensors', options)
      return {
        async run(inputs, runOptions) {
          const { manifest: _, ...result } = await ask(await model(), runOptions, async (manifest) =>
            (await import('../request/to-tensors.ts')).toTensors(manifest, inputs, background),
          )
          return result
        },
      }
    },
  }
  return (name, options = {}) => {
    if (!Object.hasOwn(makers, name)) {
      const known = Object.keys(makers).join(', ')
      throw new ValidationError('options-invalid', `There is no task "${String(name)}". The tasks are ${known}.`)
    }
    return makers[name](options)
  }
}

/** Sound is fetched when it is first asked for: most pages show pictures or text. */
function voiceTaskOf(context: TaskContext): Tasks['voice-activity'] {
  const open = async () => (await import('./voice-task.ts')).createVoiceTask(context)
  return {
    run: async (sound, options) => (await open()).run(sound, options),
    async *listen(source, options) {
      yield* (await open()).listen(source, options)
    },
  }
}

/** A task whose code is fetched when it is first asked for something. */
const pictureTaskOf = <A>(open: () => Promise<PictureTask<A>>): PictureTask<A> => ({
  run: async (picture, options) => (await open()).run(picture, options),
  async *watch(source, options) {
    yield* (await open()).watch(source, options)
  },
})

const detectionTaskOf = (context: TaskContext): PictureTask<Detections> =>
  pictureTaskOf(async () => (await import('./picture-tasks.ts')).createDetectionTask(context))
