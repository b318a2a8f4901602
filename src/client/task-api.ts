import type { Manifest, TaskName } from '../contracts/manifest.ts'
import type { TensorMap } from '../contracts/tensor.ts'
import { ModelError } from '../errors/model-error.ts'
import { ValidationError } from '../errors/validation-error.ts'
import type { Asked } from './ask-larger.ts'
import type { Background } from './create-background.ts'
import { createPictureTask } from './picture-task.ts'
import type { TaskOptions, Tasks } from './task-types.ts'
import { createTextTask } from './text-task.ts'
import type { RunOptions } from './types.ts'
import { createVoiceTask } from './voice-task.ts'

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
      createPictureTask(contextOf(parts, 'image-classification', options), async ({ manifest, answer }) => {
        if (answer !== undefined) return answer
        throw new ModelError('manifest-invalid', `The manifest of “${manifest.name}” has no labels.`)
      }),
    'face-detection': (options) => createDetectionTask(contextOf(parts, 'face-detection', options)),
    'object-detection': (options) => createDetectionTask(contextOf(parts, 'object-detection', options)),
    'text-classification': (options) => createTextTask(contextOf(parts, 'text-classification', options)),
    'voice-activity': (options) => createVoiceTask(contextOf(parts, 'voice-activity', options)),
    tensors: (options) => {
      const { model, ask } = contextOf(parts, 'tensors', options)
      return {
        async run(inputs, runOptions) {
          const { manifest: _, ...result } = await ask(await model(), runOptions, async () => inputs)
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

const createDetectionTask = (context: TaskContext) =>
  createPictureTask(context, async ({ manifest, outputs, view }) =>
    context.background.detections(
      manifest.name,
      Object.fromEntries(
        Object.entries(outputs).map(([key, { type, dims, data }]) => [key, { type, dims, data } as TensorMap[string]]),
      ),
      view,
    ),
  )
